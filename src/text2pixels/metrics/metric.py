"""What a metric is, and the three images that it looks at."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float64]  # (H, W)
Name = Literal["fused", "infrared", "visible"]
SOURCES: tuple[Name, Name] = ("infrared", "visible")

Result = TypeVar("Result")


class Triple:
    """Fused, infrared and visible luminance of one pair, (H, W) each, 8-bit values 0..255 as float64.

    Metrics share intermediate results (histograms, gradients, moments) through `once`. The type is float64 because
    E[x^2] - E[x]^2 of 8-bit values loses four digits, and what is left of float32's is too few to calibrate with.
    """

    def __init__(
        self, fused_HW: NDArray[np.generic], infrared_HW: NDArray[np.generic], visible_HW: NDArray[np.generic]
    ) -> None:
        assert fused_HW.shape == infrared_HW.shape == visible_HW.shape, "images of one size"
        assert fused_HW.ndim == 2, "(H, W)"
        self.fused: Image = fused_HW.astype(np.float64)
        self.infrared: Image = infrared_HW.astype(np.float64)
        self.visible: Image = visible_HW.astype(np.float64)
        self._results: dict[tuple[object, ...], object] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.fused.shape[0], self.fused.shape[1]

    def image(self, name: Name) -> Image:
        """Return one of the three, (H, W)."""
        return cast(Image, getattr(self, name))

    def once(self, function: Callable[..., Result], *names: Name) -> Result:
        """Return ``function(*images)``; computed at the first call, remembered for the next."""
        key = (function, *names)
        if key not in self._results:
            self._results[key] = function(*(self.image(name) for name in names))
        return cast(Result, self._results[key])


@dataclass(frozen=True)
class Metric:
    """One row of the table of metrics.

    Attributes:
        name: Column name, as the field writes it.
        title: Name in words.
        direction: Whether a higher or a lower value counts as better.
        low: Lowest possible value.
        high: Highest possible value.
        unit: Unit of the value; "1" where it has none.
        formula: LaTeX; F fused, A infrared, B visible, 8-bit luminance in 0..255.
        reference: The paper it comes from.
        function: A triple of images to its value; NaN where undefined.
        no_reference: True where only the fused image is looked at.
        minimum_side: Pixels; the metric is undefined on smaller images.
        undefined: In words, when it is undefined although the image is large enough.
        notes: Choices that the formula leaves open, and how other code differs.
    """

    name: str
    title: str
    direction: Literal["higher", "lower"]
    low: float
    high: float
    unit: str
    formula: str
    reference: str
    function: Callable[[Triple], float]
    no_reference: bool = False
    minimum_side: int = 1
    undefined: str = ""
    notes: str = ""

    def __call__(self, triple: Triple) -> float:
        """Return the metric of the fused image, NaN where it is undefined."""
        if min(triple.size) < self.minimum_side:
            return float("nan")
        # An undefined metric is 0/0. Where only single pixels are 0/0, the metric replaces them after the division.
        with np.errstate(divide="ignore", invalid="ignore"):
            return float(self.function(triple))

    def why_undefined(self, size: tuple[int, int]) -> str:
        """Say why the metric came out as NaN on an image of that size (height, width)."""
        if min(size) < self.minimum_side:
            return f"image smaller than {self.minimum_side} x {self.minimum_side} pixels"
        return self.undefined
