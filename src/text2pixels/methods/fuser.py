"""What a baseline is: a frozen description, and the fuser that it becomes once its weights are loaded.

Legend of shape suffixes: B batch, H height, W width, 1 and 3 that many channels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from text2pixels.device import keep_freed_memory, pick_device
from text2pixels.methods.weights import WeightFile, check

Float = NDArray[np.float32]
Rule = Literal["round", "truncate", "stretch to maximum", "stretch min-max"]


@dataclass(frozen=True)
class Fuser:
    """One row of the table of baselines.

    Exactly one of ``function`` and ``network`` is given. A function takes the infrared and the
    luminance (H, W), float32 in 0..255, and returns the fused image (H, W) on the same scale, not yet
    clipped. A network is built from the folder of its weights and does the same on (1, 1, H, W)
    tensors; a network of RGB images returns (1, 3, H, W).

    Attributes:
        name: What the method is called on the command line, in params.yaml and in paths.
        title: What the method is called in text.
        paper: Authors, title, venue.
        year: Of publication.
        licence: Of the authors' code and weights; "none stated" where their repository has none.
        weights: Whose weights these are.
        files: The authors' files, looked for below the folder of weights.
        parameters: Number of trained parameters.
        colour: Whether the result gets the visible image's chroma.
        luminance: Whether the authors' scripts round the luminance to 8 bits before fusing.
        eight_bits: How the authors' scripts turn the output into 8 bits.
        notes: What else the authors do before and after the network.
    """

    name: str
    title: str
    paper: str
    year: int | None
    licence: str
    weights: Literal["official", "retrained", "none needed"]
    function: Callable[[Float, Float], Float] | None = None
    network: Callable[[Path], nn.Module] | None = None
    files: tuple[WeightFile, ...] = ()
    parameters: int = 0
    colour: bool = True
    luminance: Literal["unrounded", "rounded"] = "unrounded"
    eight_bits: Rule = "round"
    notes: str = ""

    def load(self, folder: Path | None, device: str = "cpu") -> "Method":
        """Return the method, ready to fuse.

        A network on the CPU makes the process flush denormal numbers and keep the memory it frees.

        Args:
            folder: Where the authors' weights are; may be None for a method that needs none.
            device: Where a network runs; "auto" is CUDA where there is one.

        Raises:
            InputError: weights are missing or are not the authors' files, or there is no such device.
        """
        found = pick_device(device)
        if self.function is not None:
            return Method(self, self.function)
        assert self.network is not None, f"{self.name} has neither function nor network"
        check(self.name, self.files, folder)
        assert folder is not None, "checked above"
        if found.type == "cpu":
            # Denormals cost up to 14 times the seconds, for the same output.
            torch.set_flush_denormal(True)
            keep_freed_memory()
        network = self.network(folder).eval().requires_grad_(False).to(found)
        return Method(self, _NetworkFunction(network), network)


@dataclass(frozen=True)
class Method:
    """A baseline that is ready to fuse; ``door.fuse_luminance`` is the way in."""

    fuser: Fuser
    fuse: Callable[[Float, Float], Float]
    network: nn.Module | None = None


class _NetworkFunction:
    """A network as a function of arrays."""

    def __init__(self, network: nn.Module) -> None:
        self._network = network
        self._device = next(network.parameters()).device

    def __call__(self, infrared_HW: Float, visible_HW: Float) -> Float:
        with torch.inference_mode():
            infrared_11HW, visible_11HW = (
                torch.from_numpy(image)[None, None].to(self._device) for image in (infrared_HW, visible_HW)
            )
            fused_1CHW = self._network(infrared_11HW, visible_11HW)
            image: Float = fused_1CHW[0].permute(1, 2, 0).cpu().numpy()
        return image[..., 0] if image.shape[2] == 1 else image
