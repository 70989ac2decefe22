"""Palettes, sRGB in [0, 1], and their conversion to linear reflectance."""

from collections.abc import Sequence

from numpy.random import Generator

from text2pixels_simulator.canvas import Colour

Palette = Sequence[Colour]

# The first six also serve as trousers.
CLOTHES: Palette = (
    (0.10, 0.11, 0.16), (0.16, 0.22, 0.36), (0.20, 0.20, 0.22), (0.33, 0.30, 0.27), (0.24, 0.28, 0.34),
    (0.45, 0.40, 0.33), (0.62, 0.12, 0.13), (0.83, 0.80, 0.76), (0.16, 0.35, 0.24), (0.75, 0.55, 0.20),
    (0.30, 0.38, 0.62), (0.55, 0.35, 0.45), (0.88, 0.42, 0.15), (0.40, 0.55, 0.60),
)  # fmt: skip
SKIN: Palette = ((0.93, 0.76, 0.66), (0.82, 0.62, 0.50), (0.60, 0.42, 0.32), (0.42, 0.29, 0.22))
HAIR: Palette = ((0.10, 0.08, 0.07), (0.22, 0.15, 0.10), (0.45, 0.33, 0.20), (0.50, 0.50, 0.50), (0.05, 0.05, 0.06))
PAINT: Palette = (
    (0.90, 0.90, 0.90), (0.72, 0.74, 0.76), (0.35, 0.36, 0.38), (0.09, 0.09, 0.10), (0.60, 0.09, 0.08),
    (0.12, 0.22, 0.45), (0.55, 0.52, 0.45), (0.13, 0.28, 0.22), (0.80, 0.62, 0.18), (0.25, 0.42, 0.58),
)  # fmt: skip
LIVERY: Palette = ((0.75, 0.14, 0.12), (0.92, 0.75, 0.15), (0.15, 0.45, 0.30), (0.88, 0.88, 0.88), (0.15, 0.40, 0.68))
CARGO: Palette = ((0.88, 0.88, 0.85), (0.25, 0.38, 0.55), (0.62, 0.35, 0.20), (0.35, 0.45, 0.33), (0.78, 0.30, 0.15))
FACADE: Palette = (
    (0.62, 0.52, 0.44), (0.55, 0.34, 0.28), (0.74, 0.70, 0.62), (0.50, 0.52, 0.54), (0.66, 0.60, 0.50),
    (0.78, 0.74, 0.70), (0.44, 0.38, 0.36), (0.70, 0.56, 0.40), (0.58, 0.60, 0.56),
)  # fmt: skip
LEAVES: Palette = ((0.25, 0.36, 0.14), (0.30, 0.42, 0.18), (0.20, 0.31, 0.13), (0.38, 0.42, 0.16), (0.34, 0.30, 0.12))
SIGN: Palette = ((0.80, 0.10, 0.10), (0.10, 0.30, 0.70), (0.90, 0.75, 0.10), (0.10, 0.50, 0.30), (0.85, 0.85, 0.85))


def srgb(r: float, g: float, b: float) -> Colour:
    """Return linear RGB of an sRGB colour (gamma 2.2)."""
    return (r**2.2, g**2.2, b**2.2)


def pick(rng: Generator, palette: Palette) -> Colour:
    """Draw one colour of a palette, as linear RGB."""
    return srgb(*palette[int(rng.integers(len(palette)))])


def shaded(colour: Colour, factor: float) -> Colour:
    """Return a colour under more or less light."""
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)
