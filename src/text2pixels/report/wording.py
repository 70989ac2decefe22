"""Numbers, sentences and formulas as the report writes them, and the templates that use them."""

import math
from collections.abc import Mapping
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from latex2mathml.converter import convert
from markupsafe import Markup

_ORIGINS = {
    "boxes": "the labelled boxes",
    "declared": "the time of day in the data set",
    "statistics": "statistics of the two images",
    "captioner": "a captioner",
    "tags": "CLIP's tags",
    "csv": "your CSV",
}


def figure(value: float, digits: int = 3) -> str:
    """Format a number: as many decimals as make ``digits`` significant ones, at least two."""
    if not math.isfinite(value):
        return "–"
    whole = 0 if value == 0 else math.floor(math.log10(abs(value))) + 1
    return f"{value:.{max(2 if abs(value) < 100 else 1, min(digits, digits - whole))}f}"


def change(mean: float, low: float, high: float, verdict: str = "") -> str:
    """Format a difference and its interval, such as `▲ +0.12 [0.05, 0.20]`.

    Args:
        mean: of the difference.
        low: lower end of its interval.
        high: upper end.
        verdict: "better" or "worse", which puts a mark before it, or "". A difference that rounds to 0 gets no mark.
    """
    shown = figure(mean)
    if float(shown.replace("–", "nan")) == 0:
        verdict, shown = "", shown.removeprefix("-")
    mark = {"better": "▲ ", "worse": "▼ ", "": ""}[verdict]
    sign = "+" if mean > 0 and float(shown) != 0 else ""
    return f"{mark}{sign}{shown} [{figure(low)}, {figure(high)}]"


def milliseconds(seconds: float | None) -> str:
    """Format seconds as milliseconds; a dash where nothing was timed."""
    return "–" if seconds is None else figure(1000 * seconds)


def sentence(words: str) -> str:
    """Begin with a capital, as headings and sentences do."""
    return words[:1].upper() + words[1:]


def origin(names: str) -> str:
    """Say what wrote a prompt's phrases, of the names that `prompts.table` joins with "+"."""
    return ", ".join(_ORIGINS.get(name, name) for name in names.split("+"))


def mathml(latex: str) -> str:
    """Return a formula as a `<math>` element on a line of its own.

    Args:
        latex: without dollar signs, such as the formula of a metric.

    Raises:
        ValueError: the formula has a command that the converter does not know.
    """
    element = convert(latex, display="block")
    if "\\" in element:  # the converter copies a command that it does not know into the page
        raise ValueError(f"not LaTeX that latex2mathml converts: {latex}")
    return element


def named(asides: Mapping[str, str], method: str) -> Markup:
    """Return a method's name with the aside of its card, if it has one, as HTML."""
    aside = asides.get(method)
    return Markup("{} <small>({})</small>").format(method, aside) if aside else Markup("{}").format(method)


def templates(asides: Mapping[str, str] | None = None) -> Environment:
    """Return the pages' templates; text that came from data is escaped in them.

    Args:
        asides: What stands behind a method's name, such as how much of the authors' schedule was run.
    """
    environment = Environment(
        loader=PackageLoader("text2pixels.report"),
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "change": change,
        "milliseconds": milliseconds,
        "mathml": mathml,
        "sentence": sentence,
        "origin": origin,
    }
    environment.filters["named"] = partial(named, asides or {})
    return environment
