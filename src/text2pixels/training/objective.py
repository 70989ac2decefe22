"""The two levels' losses of a batch: f + g of the fusion network, F of the detector on its result.

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
from text2pixels.network.losses import fusion_loss, grounding_loss, guidance_loss
from text2pixels.network.network import Fusion, FusionNetwork
from text2pixels.training.guidance import emphasised, mask_of
from text2pixels.training.pairs import Crops


def colour(fused_B1HW: Tensor, chroma_B3HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return RGB in [0, 1] with the fused luminance and the visible image's colour, (B, 3, H, W).

    `image.colour.restore_colour` with a gradient to the luminance; the factors of the chroma are taken as constants.
    """
    y = fused_B1HW.detach()
    levels = (y * 255).cpu().numpy(), (visible_B1HW * 255).cpu().numpy()
    chroma_B3HW = chroma_B3HW * torch.from_numpy(proportion(*levels)).to(y)
    room = torch.where(chroma_B3HW > 0, (1 - y) / chroma_B3HW, torch.where(chroma_B3HW < 0, -y / chroma_B3HW, 1.0))
    scale = room.amin(dim=1, keepdim=True).clamp(0, 1)
    return fused_B1HW + chroma_B3HW * scale


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
        """Return f + g and, where asked for, F.

        Without text the result is judged as a fused image; under the prompt, by how it differs from that:
        the named objects should be emphasised, and all else stay as it was.
        """
        fusion = self._fuse(self.network, batch)
        previous_B1HW = None
        if self._previous is not None:
            with torch.no_grad():
                previous_B1HW = self._fuse(self._previous, batch).silent_B1HW
        sources = (batch.infrared_B1HW, batch.visible_B1HW)
        loss = fusion_loss(fusion.silent_B1HW, *sources, previous_B1HW, self.weights, fusion.raw_B1HW)
        lower = loss.total_B.mean() + self.weights.commitment * fusion.commitment
        parts = {**loss.parts, "commitment": fusion.commitment.detach(), "perplexity": fusion.perplexity}
        if self._points(fusion, batch):
            grounding = self._grounding(fusion, batch)
            lower = lower + self.weights.grounding * grounding
            parts["grounding"] = grounding.detach()
        self.record = {name: value.mean().item() for name, value in parts.items()}
        return lower, self._detection(fusion.fused_B1HW, batch) if upper else None

    def of_the_prompt(self, batch: Crops) -> dict[str, tuple[float, Tensor]]:
        """Return the losses of what the prompt does, name -> (weight, mean over the batch); of no prompt, none.

        What a phrase does to the picture is learned under an attention that knows where the phrase belongs: under
        attention as it is, which at first points anywhere, to do nothing would be the best.
        """
        if not batch.mask_BT.any():
            return {}
        with self._precision(batch.infrared_B1HW.device):
            fusion = self.network(
                batch.infrared_B1HW, batch.visible_B1HW, batch.text_BTD, batch.mask_BT, where_BTHW=batch.where_BTHW
            )
        if not self._points(fusion, batch):
            return {}
        losses = {"grounding": (self.weights.grounding, self._grounding(fusion, batch))}
        if self.weights.guidance > 0:
            target_B1HW, weight_B1HW = emphasised(fusion.silent_B1HW.detach(), batch.named)
            guidance = guidance_loss(fusion.fused_B1HW, target_B1HW, weight_B1HW).mean()
            losses["guidance"] = (self.weights.guidance, guidance)
        return losses

    def _points(self, fusion: Fusion, batch: Crops) -> bool:
        return fusion.attention is not None and self.weights.grounding > 0 and bool(batch.mask_BT.any())

    def _grounding(self, fusion: Fusion, batch: Crops) -> Tensor:
        size = batch.infrared_B1HW.shape[2:]
        boxes_B1HW = torch.stack([mask_of(boxes, *size) for boxes in batch.boxes])[:, None].to(batch.infrared_B1HW)
        assert fusion.attention is not None
        return grounding_loss(fusion.attention, batch.objects_BT, batch.where_BTHW, boxes_B1HW).mean()

    def frozen_upper(self, batch: Crops) -> Tensor:
        """Return F on fused images that do not change."""
        self.record = {}
        self.network.eval()
        with torch.no_grad():
            fused_B1HW = self._fuse(self.network, batch).fused_B1HW
        self.network.train()
        return self._detection(fused_B1HW, batch)

    @torch.no_grad()
    def evaluate(self, batch: Crops, upper: bool) -> tuple[float, float | None]:
        """Return f + g without the structure loss, which compares epochs, and F; nothing moves."""
        self.network.eval()
        previous, self._previous = self._previous, None
        lower, detection = self.losses(batch, upper)
        self._previous = previous
        self.network.train()
        return lower.item(), None if detection is None else detection.item()

    @torch.no_grad()
    def found(self, batch: Crops) -> list[list[Detection]]:
        """Return what the detector finds in each fused image of a batch; nothing moves."""
        self.network.eval()
        fused_B1HW = self._fuse(self.network, batch).fused_B1HW
        detections = self.detector.predict(colour(fused_B1HW, batch.chroma_B3HW, batch.visible_B1HW))
        self.network.train()
        self.detector.train(frozen_statistics=True)
        return detections

    def _detection(self, fused_B1HW: Tensor, batch: Crops) -> Tensor:
        with self._precision(fused_B1HW.device):
            return self.detector.loss(colour(fused_B1HW, batch.chroma_B3HW, batch.visible_B1HW), batch.boxes)

    def _fuse(self, network: FusionNetwork, batch: Crops) -> Fusion:
        with self._precision(batch.infrared_B1HW.device):
            fusion: Fusion = network(batch.infrared_B1HW, batch.visible_B1HW, batch.text_BTD, batch.mask_BT)
        return fusion

    def _precision(self, device: torch.device) -> AbstractContextManager[object]:
        return torch.autocast(device.type, dtype=torch.bfloat16) if self._bf16 else nullcontext()
