"""Formulas as MathML, which browsers typeset themselves: no script, no font and no picture in the page."""

from latex2mathml.converter import convert


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
