"""Formulas as SVG, typeset by matplotlib's mathtext: no script and no font in the page."""

import html
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextToPath
from numpy.typing import ArrayLike, NDArray

LETTERS = {Path.MOVETO: "M", Path.LINETO: "L", Path.CURVE3: "Q", Path.CURVE4: "C", Path.CLOSEPOLY: "Z"}
EM = TextToPath.FONT_SCALE  # units of the drawing an em; whole numbers are then a sixth of a pixel


def typeset(formulas: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return one SVG that holds the shapes of all glyphs, for the page's head, and an SVG for each formula.

    A formula takes the size and the ink of the text around it; its LaTeX is the alternative text.

    Args:
        formulas: name -> LaTeX.

    Raises:
        ValueError: a formula is not LaTeX that mathtext knows.
    """
    font, drawer = FontProperties(size=EM, math_fontfamily="cm"), TextToPath()
    shapes: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {}
    drawings = {}
    for name, latex in formulas.items():
        known = latex.replace(r"\frac", r"\dfrac").replace(r"\tfrac", r"\frac")  # mathtext draws \frac small
        width, height, depth = drawer.get_text_width_height_descent(f"${known}$", font, ismath=True)
        glyphs, new, bars = drawer.get_glyphs_mathtext(font, f"${known}$", shapes, return_new_glyphs_only=True)
        shapes |= new
        numbers = {glyph: index for index, glyph in enumerate(shapes)}
        parts = [
            f'<use href="#g{numbers[glyph]}" transform="translate({x:.0f} {-y:.0f}) scale({scale:.2f})"/>'
            for glyph, x, y, scale in glyphs
        ]
        parts += [f'<path d="{_path(*bar)}"/>' for bar in bars]
        view = f"-2 {-(height - depth) - 4:.0f} {width + 4:.0f} {height + 8:.0f}"
        drawings[name] = (
            f'<svg class="formula" role="img" aria-label="{html.escape(latex)}" viewBox="{view}" '
            f'style="width: {(width + 4) / EM:.2f}em">{"".join(parts)}</svg>'
        )
    defined = "".join(f'<path id="g{index}" d="{_path(*shape)}"/>' for index, shape in enumerate(shapes.values()))
    return f'<svg class="glyphs" aria-hidden="true"><defs>{defined}</defs></svg>', drawings


def _path(vertices: ArrayLike, codes: ArrayLike) -> str:
    """Write a path; SVG's y points down."""
    steps = []
    for points, code in Path(vertices, codes).iter_segments(simplify=False):
        steps.append(LETTERS[code] + ("" if code == Path.CLOSEPOLY else _numbers(points)))
    return "".join(steps)


def _numbers(points: Iterable[float]) -> str:
    return " ".join(str(-round(value) if index % 2 else round(value)) for index, value in enumerate(points))
