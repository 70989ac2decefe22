"""The two levels' losses of a batch: f + g of the fusion network without text, F of the detector on its result.

Shapes: B batch; H, W image.
"""

import copy
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from text2pixels.config import Losses
from text2pixels.detection.detections import Detection
from text2pixels.detection.yolo import Detector
from text2pixels.image.colour import proportion
from text2pixels.network.losses import fusion_loss
from text2pixels.network.network import Fusion, FusionNetwork
from text2pixels.training.pairs import Crops


def colour(fused_B1HW: Tensor, chroma_B3HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return RGB in [0, 1] with the fused luminance and the visible image's colour, (B, 3, H, W).

    `image.colour.restore_colour` with a gradient to the luminance; the factors of the chroma are taken as constants.
    """
    y = fused_B1HW.detach()
    chroma_B3HW = chroma_B3HW * proportion(y * 255, visible_B1HW * 255)
    room = torch.where(chroma_B3HW > 0, (1 - y) / chroma_B3HW, torch.where(chroma_B3HW < 0, -y / chroma_B3HW, 1.0))
    scale = room.amin(dim=1, keepdim=True).clamp(0, 1)
    return fused_B1HW + chroma_B3HW * scale


def of_crops(
    network: FusionNetwork, batch: Crops, text_BTD: Tensor | None = None, mask_BT: Tensor | None = None
) -> Fusion:
    """Fuse crops of training pairs, as parts of images with the usual lead: a crop does not tell its image's."""
    lead_B = network.usual_lead.expand(len(batch.infrared_B1HW))
    fusion: Fusion = network(batch.infrared_B1HW, batch.visible_B1HW, text_BTD, mask_BT, lead_B)
    return fusion


class Objective:
    """Both levels' losses as functions of a batch; what `bilevel.Problem` asks for.

    Attributes:
        network: the fusion network, w.
        detector: w_d, with fixed statistics of batch normalisation, so that an image's loss does
            not depend on its neighbours.
        record: parts of the last batch's losses, means over the batch.
    """

    def __init__(self, network: FusionNetwork, detector: Detector, weights: Losses, bf16: bool) -> None:
        self.network, self.detector, self.weights = network, detector, weights
        self.record: dict[str, float] = {}
        self._bf16 = bf16
        self._previous: FusionNetwork | None = None

    def begin_epoch(self, first: bool) -> None:
        """Keep a frozen copy of the network as the last epoch left it, for z'; the first epoch has none."""
        self.network.train()
        self.detector.train(frozen_statistics=True)
        needed = not first and self.weights.structure > 0
        self._previous = copy.deepcopy(self.network).eval().requires_grad_(False) if needed else None

    def losses(self, batch: Crops, upper: bool) -> tuple[Tensor, Tensor | None]:
        """Return f + g and, where asked for, F."""
        fusion = self._fuse(self.network, batch)
        lower = self._lower(fusion, batch)
        return lower, self._detection(fusion.fused_B1HW, batch) if upper else None

    def _lower(self, fusion: Fusion, batch: Crops) -> Tensor:
        previous = None
        if self._previous is not None:
            with torch.no_grad():
                previous = self._fuse(self._previous, batch).fused_B1HW
        loss = fusion_loss(fusion.fused_B1HW, *batch.sources, previous, self.weights)
        lower = loss.total_B.mean() + self.weights.commitment * fusion.commitment
        self.record = {name: value.mean().item() for name, value in loss.parts.items()}
        self.record |= {"commitment": fusion.commitment.item(), "perplexity": fusion.perplexity.item()}
        return lower

    def frozen_upper(self, batch: Crops) -> Tensor:
        """Return F on fused images that do not change."""
        self.record = {}
        self.network.eval()
        with torch.no_grad():
            fused_B1HW = self._fuse(self.network, batch).fused_B1HW
        self.network.train()
        return self._detection(fused_B1HW, batch)

    @torch.no_grad()
    def evaluate(self, batch: Crops, upper: bool) -> tuple[float, float | None, list[list[Detection]]]:
        """Return f + g without the structure loss, which compares epochs, F, and what the detector finds in each image.

        Nothing moves; without ``upper`` the detector is not asked.
        """
        self.network.eval()
        previous, self._previous = self._previous, None
        fusion = self._fuse(self.network, batch)
        lower = self._lower(fusion, batch).item()
        self._previous = previous
        self.network.train()
        if not upper:
            return lower, None, []
        detection = self._detection(fusion.fused_B1HW, batch).item()
        found = self.detector.predict(colour(fusion.fused_B1HW, batch.chroma_B3HW, batch.visible_B1HW))
        self.detector.train(frozen_statistics=True)
        return lower, detection, found

    def _detection(self, fused_B1HW: Tensor, batch: Crops) -> Tensor:
        with self._precision(fused_B1HW.device):
            return self.detector.loss(colour(fused_B1HW, batch.chroma_B3HW, batch.visible_B1HW), batch.boxes)

    def _fuse(self, network: FusionNetwork, batch: Crops) -> Fusion:
        with self._precision(batch.infrared_B1HW.device):
            return of_crops(network, batch)

    def _precision(self, device: torch.device) -> AbstractContextManager[object]:
        return torch.autocast(device.type, dtype=torch.bfloat16) if self._bf16 else nullcontext()
