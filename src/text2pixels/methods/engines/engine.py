"""What an engine is: something that runs the trained network. `network_engine.start` chooses one.

Shapes: B batch; H, W image; T phrases, S = T + 1 with the null token last; D dimension of a phrase vector; h, w tokens.
"""

import math
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from text2pixels.network.description import NOISE

Float = NDArray[np.float32]
Name = Literal["onnx", "torch"]


def lead(infrared_HW: Float, visible_HW: Float) -> float:
    """Return how much more contrast the infrared image has, as `network.lead` does of a batch."""
    first, second = (float(image.std(dtype=np.float64)) + NOISE for image in (infrared_HW, visible_HW))
    return 2 * math.log(first / second)


class Output(NamedTuple):
    """What the network gives back.

    Attributes:
        fused_B1HW: fused luminance in [0, 1].
        attention_BShw: see `Fusion`; None without cross-attention.
    """

    fused_B1HW: Float
    attention_BShw: Float | None


class Engine(Protocol):
    """Runs one network on one device.

    Attributes:
        name: "onnx" or "torch".
        device: where it runs: "cpu", "cuda:0".
        most: pairs of one size that are worth one pass.
    """

    @property
    def name(self) -> str:
        """Return the name."""
        ...

    @property
    def device(self) -> str:
        """Return where it runs."""
        ...

    @property
    def most(self) -> int:
        """Return how many pairs of one size are worth one pass."""
        ...

    def run(
        self, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None, lead_B: Float | None = None
    ) -> Output:
        """Run the network on pairs of one size.

        Args:
            infrared_B1HW: in [0, 1].
            visible_B1HW: luminance in [0, 1].
            text_TD: phrase vectors, T > 0, for all pairs; None: no text.
            lead_B: of the videos that the pairs are frames of; None: that of each pair. See `lead`.

        Raises:
            MemoryError: there is too little.
        """
        ...

    def enlarge(self, maps_Shw: Float) -> Float:
        """Return maps of tokens as maps of pixels, (S, 8 h, 8 w)."""
        ...
