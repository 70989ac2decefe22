"""Figures as SVG text: drawn once by matplotlib, no script in the page, readable on light and dark."""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from text2pixels.analysis.leaderboard import Row
from text2pixels.analysis.statistics import Ranking

# Mid-gray ink is legible on light and dark; in a figure within a page the page's own ink takes its place.
# The palette is Okabe and Ito's, made for colour-blind readers.
INK = "#78818b"
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442")
STYLE: Any = {  # Any: the stubs spell out three hundred keys, and "str" is none of them
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 10,
    "font.sans-serif": ["DejaVu Sans", "sans-serif"],
    "font.size": 9.5,
    "svg.fonttype": "none",
    "svg.hashsalt": "text2pixels",  # the same figure gives the same bytes
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True)
class Curve:
    """One quantity of a training run over its epochs; ``svg`` stands alone as a file."""

    level: str
    name: str
    svg: str
    first: float
    last: float
    epochs: int


def curves(history: pd.DataFrame) -> list[Curve]:
    """Draw a training history (columns epoch, level, name, value): one figure a level and quantity, losses first.

    The epochs of the level "retraining" are sections of a run, of which there are fifty at most, those of "text" steps.
    """
    drawn = []
    for (level, name), line in history.groupby(["level", "name"]):
        with mpl.rc_context(STYLE):
            figure = Figure(figsize=(3.4, 1.9), layout="constrained")
            axis = figure.subplots()
            axis.plot(line["epoch"], line["value"], color=PALETTE[level == "upper"], marker=".", linewidth=1.3)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axis.set_xlabel({"retraining": "section of the run", "text": "step"}.get(str(level), "epoch"))
            values = line["value"]
            drawn.append(Curve(str(level), str(name), _svg(figure), values.iloc[0], values.iloc[-1], len(values)))
    return sorted(drawn, key=lambda curve: (not curve.name.endswith("loss"), curve.name))


def cost_points(rows: Sequence[Row], costs: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Return seconds a pair and average rank of the methods that have both."""
    found = {row.method: (costs[row.method]["seconds"], row.rank) for row in rows if row.rank is not None}
    return {method: (seconds, rank) for method, (seconds, rank) in found.items() if seconds is not None}


def cost_and_quality(
    points: Mapping[str, tuple[float, float]], cost: str, quality: str, *, lower_is_better: bool = True
) -> str:
    """Draw methods as points: seconds on a logarithmic axis, average rank or another quality (best on top)."""
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 4.0), dpi=72, layout="constrained")  # SVG's pixel is a point
        axis = figure.subplots()
        for index, (seconds, rank) in enumerate(points.values()):
            axis.scatter(seconds, rank, color=PALETTE[index % len(PALETTE)], s=30)
        axis.set_xscale("log")
        axis.margins(0.12)
        axis.xaxis.set_major_formatter(EngFormatter(unit="s"))
        if lower_is_better:
            axis.invert_yaxis()
        axis.set_xlabel(cost)
        axis.set_ylabel(quality)
        figure.draw_without_rendering()  # settles the axes, from which the places of the names follow
        _name_points(axis, points)
        return _svg(figure, INK)


def bars(means: Mapping[str, Mapping[str, Mapping[str, float]]]) -> str:
    """Draw a bar for each method in a panel for each row and column: row -> column -> method -> value; NaN is a gap."""
    columns = list(next(iter(means.values())))
    methods = list(next(iter(next(iter(means.values())).values())))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(10, 1.9 * len(means) + 0.5), dpi=72, layout="constrained")
        panels = figure.subplots(len(means), len(columns), squeeze=False)
        for (title, row), line in zip(means.items(), panels, strict=True):
            for (name, values), axis in zip(row.items(), line, strict=True):
                for place, method in enumerate(methods):
                    value = values[method]
                    if math.isfinite(value):
                        axis.bar(place, value, color=[*PALETTE, INK][place % (len(PALETTE) + 1)])
                    else:
                        axis.annotate("–", (place, 0), ha="center", va="bottom")
                axis.set_title(f"{title}, {name}")
                axis.set_xlim(-0.6, len(methods) - 0.4)
                axis.set_xticks(range(len(methods)), methods, rotation=60, ha="right", rotation_mode="anchor")
                axis.yaxis.set_major_locator(MaxNLocator(4))
        return _svg(figure, INK)


def _name_points(axis: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write each name at the side of its point where it covers the fewest other names and points."""
    centres = axis.transData.transform(list(points.values()))
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in centres]
    for name, (x, y), place in zip(points, centres, points.values(), strict=True):
        width = 7.5 * len(name)  # pixels; a little more than the font needs
        sides = [(dx, dy) for dy in (0, 9, -9, 18, -18) for dx in (7, -7 - width)]
        boxes = [Bbox.from_bounds(x + dx, y + dy - 6, width, 12) for dx, dy in sides]
        covered = [sum(box.overlaps(other) for other in taken) for box in boxes]
        best = covered.index(min(covered))
        taken.append(boxes[best])
        dx, dy = sides[best]
        axis.annotate(
            name,
            place,
            xytext=(7 if dx > 0 else -7, dy),
            textcoords="offset pixels",
            ha="left" if dx > 0 else "right",
            va="center",
        )


def critical_difference(ranking: Ranking) -> str:
    """Draw average ranks on a line; bars join methods that Nemenyi's test does not tell apart (Demsar, 2006)."""
    names = list(ranking.ranks)
    half = -(-len(names) // 2)
    top = 0.7 + 0.45 * len(ranking.groups)
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(7.2, 0.5 + 0.26 * (top + half)), layout="constrained")
        axis = figure.subplots()
        ends = (1, max(2, len(names)))  # a line with a length, where one method stands alone
        for place, name in enumerate(names):
            best = place < half
            row = -top - (place if best else len(names) - 1 - place)
            rank, end = ranking.ranks[name], ends[not best]
            axis.plot([rank, rank, end], [0, row, row], color=INK, linewidth=0.8)
            axis.annotate(
                f"{name}  {rank:.2f}" if best else f"{rank:.2f}  {name}",
                (end, row),
                xytext=(-5 if best else 5, 0),
                textcoords="offset points",
                ha="right" if best else "left",
                va="center",
            )
        for level, group in enumerate(ranking.groups):
            reach = [ranking.ranks[group[0]] - 0.04, ranking.ranks[group[-1]] + 0.04]
            axis.plot(reach, [-0.5 - 0.45 * level] * 2, color=PALETTE[3], linewidth=3.5, solid_capstyle="butt")
        axis.set_xlim(*ends)
        axis.set_ylim(-top - half + 0.5, 0)
        axis.xaxis.tick_top()
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.spines[["left", "bottom"]].set_visible(False)
        axis.spines["top"].set_visible(True)
        axis.set_yticks([])
        return _svg(figure, INK)


def _svg(figure: Figure, ink: str | None = None) -> str:
    """Return a figure as SVG; the colour ``ink`` is replaced by that of the page's text."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    return text.replace(ink, "currentColor") if ink else text
