"""The three images that a metric looks at, and what metrics share.

Legend of shape suffixes: B batch, 1 channel, H height, W width.
"""

from collections.abc import Callable
from typing import Literal, TypeVar, cast

import torch
from torch import Tensor

Name = Literal["fused", "infrared", "visible"]
SOURCES: tuple[Name, Name] = ("infrared", "visible")

Result = TypeVar("Result")


class Triple:
    """A batch of fused, infrared and visible luminance, (B, 1, H, W), 8-bit values 0..255 as float64.

    Metrics share intermediate results (histograms, gradients, moments) through `once`. float64
    because E[x^2] - E[x]^2 of 8-bit values loses four digits: what is left of float32 is too little
    to be calibrated against anything.
    """

    def __init__(self, fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> None:
        assert fused_B1HW.shape == infrared_B1HW.shape == visible_B1HW.shape, "images of one size"
        assert fused_B1HW.ndim == 4, "(B, 1, H, W)"
        assert fused_B1HW.shape[1] == 1, "luminance has one channel"
        self.fused = fused_B1HW.to(torch.float64)
        self.infrared = infrared_B1HW.to(torch.float64)
        self.visible = visible_B1HW.to(torch.float64)
        self._results: dict[tuple[object, ...], object] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.fused.shape[2], self.fused.shape[3]

    def image(self, name: Name) -> Tensor:
        """Return one of the three, (B, 1, H, W)."""
        return cast(Tensor, getattr(self, name))

    def zeros(self) -> Tensor:
        """Return a zero for every image of the batch, (B,)."""
        return self.fused.new_zeros(len(self.fused))

    def once(self, function: Callable[..., Result], *names: Name) -> Result:
        """Return ``function(*images)``; computed at the first call, remembered for the next."""
        key = (function, *names)
        if key not in self._results:
            self._results[key] = function(*(self.image(name) for name in names))
        return cast(Result, self._results[key])
