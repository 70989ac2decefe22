"""The trained network run by torch: on a GPU, or from a folder as training writes it.

Shapes: B batch; H, W image; T phrases, S = T + 1 with the null token last; D dimension of a phrase vector; h, w tokens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from text2pixels.device import keep_freed_memory, pick_device, return_memory_of_other_sizes
from text2pixels.methods.engines import tiles
from text2pixels.methods.engines.engine import Float, Output
from text2pixels.network import checkpoint
from text2pixels.network.description import STRIDE

GPU_BATCH = 16  # pairs of one size in one pass; on a CPU a batch gains nothing


class TorchEngine:
    """See `engine.Engine`.

    Attributes:
        network: in evaluation mode, on the device.
    """

    name = "torch"

    def __init__(self, folder: Path, device: str) -> None:
        where = pick_device(device)
        if where.type == "cpu":
            torch.set_flush_denormal(True)
            keep_freed_memory()
        network = checkpoint.read(folder).network.requires_grad_(False)
        # Convolutions in the channels-last layout need no reordering between layers.
        self.network = network.to(where).to(memory_format=torch.channels_last)
        self.device = str(where)
        self.most = GPU_BATCH if where.type == "cuda" else 1

    def run(
        self, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None, lead_B: Float | None = None
    ) -> Output:
        """Run the network; see `engine.Engine.run`."""
        return_memory_of_other_sizes(*infrared_B1HW.shape[2:])
        if tiles.is_large(infrared_B1HW):
            return tiles.run(self, infrared_B1HW, visible_B1HW, text_TD, lead_B)
        whole = None if lead_B is None else tiles.Whole(lead_B, None)
        return self.fuse(infrared_B1HW, visible_B1HW, text_TD, whole)

    def tokens(self, infrared_11HW: Float, visible_11HW: Float) -> Float | None:
        """Return the tokens of a tile; see `tiles.Tiled`."""
        if self.network.self_attention is None:
            return None
        with torch.inference_mode(), _memory_errors():
            looked = self.network.look(self._tensor(infrared_11HW), self._tensor(visible_11HW))
            tokens_hwE: Float = self.network.self_attention.norm(looked.tokens_BhwE)[0].cpu().numpy()
        return tokens_hwE

    def fuse(
        self, infrared_B1HW: Float, visible_B1HW: Float, text_TD: Float | None, whole: tiles.Whole | None
    ) -> Output:
        """Run the network on images, or on a tile of one; see `tiles.Tiled`."""
        text_BTD = None
        if text_TD is not None:
            text_BTD = self._tensor(text_TD).expand(len(infrared_B1HW), -1, -1)
        landmarks_BME = None
        with torch.inference_mode(), _memory_errors():
            looked = self.network.look(self._tensor(infrared_B1HW), self._tensor(visible_B1HW))
            if whole is not None:
                looked = looked._replace(lead_B=self._tensor(whole.lead_B))
                landmarks_BME = None if whole.landmarks_1ME is None else self._tensor(whole.landmarks_1ME)
            fusion = self.network.fuse(looked, infrared_B1HW.shape[2:], landmarks_BME, text_BTD)
        attention = fusion.attention
        return Output(fusion.fused_B1HW.cpu().numpy(), None if attention is None else attention.float().cpu().numpy())

    def enlarge(self, maps_Shw: Float) -> Float:
        """Return maps of tokens as maps of pixels, (S, 8 h, 8 w), bilinear."""
        maps_1Shw = torch.from_numpy(maps_Shw)[None]
        enlarged = F.interpolate(maps_1Shw, scale_factor=float(STRIDE), mode="bilinear", align_corners=False)
        pixels_SHW: Float = enlarged[0].numpy()
        return pixels_SHW

    def _tensor(self, array: Float) -> Tensor:
        return torch.from_numpy(array).to(self.device)


@contextmanager
def _memory_errors() -> Iterator[None]:
    """Turn a failed allocation, on whatever device, into a MemoryError."""
    try:
        yield
    except RuntimeError as error:
        # On the CPU torch raises a plain RuntimeError.
        signs = ("out of memory", "not enough memory", "can't allocate memory")
        if not any(sign in str(error).lower() for sign in signs):
            raise
        raise MemoryError(str(error)) from error
