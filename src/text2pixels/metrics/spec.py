"""What a metric is: a frozen description and the function that computes it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from text2pixels.metrics.triple import Triple


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
        function: A batch of image triples to its values (B,), float64; NaN where undefined.
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
    function: Callable[[Triple], Tensor]
    no_reference: bool = False
    minimum_side: int = 1
    undefined: str = ""
    notes: str = ""

    def __call__(self, triple: Triple) -> Tensor:
        """Return the metric of every image of the batch, (B,) float64, NaN where it is undefined."""
        if min(triple.size) < self.minimum_side:
            return triple.fused.new_full((len(triple.fused),), float("nan"))
        return self.function(triple)

    def why_undefined(self, size: tuple[int, int]) -> str:
        """Say why the metric came out as NaN on an image of that size (height, width)."""
        if min(size) < self.minimum_side:
            return f"image smaller than {self.minimum_side} x {self.minimum_side} pixels"
        return self.undefined
