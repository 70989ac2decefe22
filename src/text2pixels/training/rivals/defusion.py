"""DeFusion's training: to take two damaged copies of one picture apart, and to put the whole one together.

P. Liang et al., "Fusion from Decomposition", ECCV 2022, section 3.2, with the constants of the authors' code
(github.com/erfect2020/DecompositionForFusion: self_mixpretrain_dataset.py, mix_fp_loss.py, selftrain.py). Two
masks hide parts of a picture, and noise fills the holes. What both copies still show is common; what one shows
alone is its own; the fused picture is the whole one.

Legend of shape suffixes: B batch, 2 masks, 3 RGB channels, H, W patch.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.errors import InputError
from text2pixels.methods.networks.defusion import DeFusion, Parts
from text2pixels.training.rivals.recipe import Budget, Patches, Recipe, either_picture, set_rate

_COARSE, _FINE = 13, (26, 27)  # cells a side of the grids that masks are made of
_RATE = 1e-3
_EPOCH = 12_500  # steps: 50,000 pictures in batches of 4
_EPOCHS = 51  # their loop counts from 0 to 50
_HALVED = (10, 20, 30, 40)  # epochs after which the rate is halved
# Steps of their schedule at which the weights of the losses change.
_OUTSIDE, _OUTSIDE_FULL, _OUTSIDE_LESS = 3_000, 7_000, 40_000
_FUSION, _FUSION_FROM, _FUSION_RISE = 17_000, 10_000, 14_000
_DEAD = 0.05  # share of pixels above 0 of which a dead channel has less: padding lights some at the border
_DIMMEST = 0.1  # of the factors of brightness, contrast and saturation; the greatest is 1


class _DeFusion:
    def __init__(self, budget: Budget, device: torch.device) -> None:
        self._seed = int(torch.randint(2**31, ()))
        self._network = DeFusion()
        start(self._network)
        self._network.to(device)
        self._optimiser = torch.optim.Adam(self._network.parameters(), lr=_RATE)
        self._steps = budget.steps
        self._length = RECIPE.budget.steps / budget.steps  # of one step, in steps of the authors

    def step(self, patches: Patches, number: int) -> dict[str, float]:
        theirs = number * self._length
        set_rate(self._optimiser, _RATE * 0.5 ** sum(theirs >= epoch * _EPOCH for epoch in _HALVED))
        generator = torch.Generator().manual_seed(self._seed + number)
        clean_B3HW = dimmed(either_picture(patches, generator), generator)
        count, side = len(clean_B3HW), clean_B3HW.shape[-1]
        masks_B2HW = torch.stack([draw_masks(side, generator) for _ in range(count)]).to(clean_B3HW.device)
        first_B3HW, second_B3HW = (damaged(clean_B3HW, masks_B2HW[:, index, None], generator) for index in (0, 1))
        parts = self._network.decompose(first_B3HW, second_B3HW)
        if number + 1 == self._steps:
            check_alive(parts.fused)
        found = losses(parts, clean_B3HW, masks_B2HW, theirs)
        self._optimiser.zero_grad()
        total = torch.stack(list(found.values())).sum()
        total.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        return {"loss": float(total.detach())} | {name: float(value.detach()) for name, value in found.items()}

    def parts(self) -> Mapping[str, nn.Module | torch.optim.Optimizer]:
        return {"network": self._network, "optimiser": self._optimiser}

    def weights(self) -> dict[str, Tensor]:
        return self._network.state_dict()


def start(network: DeFusion) -> None:
    """Draw weights with which no output channel begins dead, and pictures begin as bright as pictures are.

    The authors draw a layer's weights by the number of its outputs alone. Without any normalisation, layers that
    narrow then make pictures a hundred times too bright, and an output channel whose weights sum to less than 0
    is black everywhere and gets no gradient. Half a million of their steps may mend that; on a few thousand, whole
    channels stay dead. So weights are drawn by the larger number, of inputs or outputs, and the layers that make
    pictures begin as weighted means of their inputs, none of which is below 0.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            height, width = layer.kernel_size
            larger = max(layer.in_channels // layer.groups, layer.out_channels)
            nn.init.normal_(layer.weight, std=(2 / (height * width * larger)) ** 0.5)
    with torch.no_grad():
        for to_image in (network.decoder_upper_projection_layer, network.fusion_rule):
            weight = to_image.get_submodule("0").get_parameter("weight").abs_()
            weight /= weight.sum((1, 2, 3), keepdim=True)


def check_alive(fused_B3HW: Tensor) -> None:
    """Refuse a network that no longer makes pictures.

    Raises:
        InputError: an output channel is black nearly everywhere, in every picture of a batch.
    """
    lit = (fused_B3HW > 0).float().mean((0, 2, 3)).tolist()
    if dead := [colour for colour, share in zip(("red", "green", "blue"), lit, strict=True) if share < _DEAD]:
        raise InputError(
            f"retrain defusion: training has collapsed: the fused picture is black in {' and '.join(dead)}; "
            "another seed (seed of params.yaml) or more steps may do better"
        )


def losses(parts: Parts, clean_B3HW: Tensor, masks_B2HW: Tensor, step: float) -> dict[str, Tensor]:
    """Return the four losses, each a mean over pixels and channels and a sum over the batch.

    Args:
        parts: What the network made of the two damaged copies; of `Parts`, the infrared is the first copy's own.
        clean_B3HW: The picture without damage, 0..1.
        masks_B2HW: 1 where a copy shows it, 0 where not.
        step: Of the authors' 637,500: they change weights as training goes on.
    """
    both_B1HW = masks_B2HW.prod(1, keepdim=True)
    first_B1HW, second_B1HW = (masks_B2HW - both_B1HW).chunk(2, dim=1)
    outside = outside_weight(step)
    shown = {"common": (parts.common, both_B1HW), "first": (parts.infrared, first_B1HW)}
    shown["second"] = (parts.visible, second_B1HW)
    found = {
        name: _sum_of_means(picture_B3HW * (outside + (1 - outside) * mask_B1HW) - clean_B3HW * mask_B1HW)
        for name, (picture_B3HW, mask_B1HW) in shown.items()
    }
    if weight := fusion_weight(step):
        found["fusion"] = weight * _sum_of_means(parts.fused - clean_B3HW)
    return found


def outside_weight(step: float) -> float:
    """Return how much a part's picture counts where it should be black, at a step of the authors' schedule."""
    if step < _OUTSIDE:
        return 0.0
    weight = 0.15 * (min(step, _OUTSIDE_FULL) / _OUTSIDE_FULL) ** 2
    return weight * 0.1 if step > _OUTSIDE_LESS else weight


def fusion_weight(step: float) -> float:
    """Return how much the fused picture counts, at a step of the authors' schedule."""
    return 0.0 if step < _FUSION else (min(step - _FUSION_FROM, _FUSION_RISE) / _FUSION_RISE) ** 2


def _sum_of_means(difference_B3HW: Tensor) -> Tensor:
    return difference_B3HW.abs().mean((1, 2, 3)).sum()


def draw_masks(side: int, generator: torch.Generator) -> Tensor:
    """Draw two masks, (2, H, W), of which at each pixel at least one is 1."""
    share = 0.1 + float(torch.rand((), generator=generator)) / 1.12
    sizes = [_COARSE, *(_FINE[int(torch.randint(len(_FINE), (), generator=generator))] for _ in range(2))]

    def grid(cells: int) -> Tensor:
        shown = torch.rand((1, 1, cells, cells), generator=generator) < share
        return F.interpolate(shown.float(), size=(side, side), mode="nearest")[0, 0]

    first_HW, second_HW = (grid(sizes[0]) * grid(sizes[1]) for _ in range(2))
    # What neither shows goes to one of them, by a third grid.
    neither_HW = (1 - first_HW) * (1 - second_HW)
    chosen_HW = grid(sizes[int(torch.randint(3, (), generator=generator))])
    masks_2HW = torch.stack([first_HW + chosen_HW * neither_HW, second_HW + (1 - chosen_HW) * neither_HW])
    return masks_2HW.flip(0) if float(torch.rand((), generator=generator)) < 0.5 else masks_2HW


def damaged(clean_B3HW: Tensor, mask_B1HW: Tensor, generator: torch.Generator) -> Tensor:
    """Return the picture with noise where the mask is 0: the absolute value of normal noise, at most 1."""
    noise_B3HW = torch.randn(clean_B3HW.shape, generator=generator).abs().clamp(max=1).to(clean_B3HW.device)
    return clean_B3HW * mask_B1HW + noise_B3HW * (1 - mask_B1HW)


def dimmed(pictures_B3HW: Tensor, generator: torch.Generator) -> Tensor:
    """Return pictures of less brightness, contrast and saturation, each by its own factors, in random order."""
    from torchvision.transforms import functional as photo  # takes a second to import

    changes: list[Any] = [photo.adjust_brightness, photo.adjust_contrast, photo.adjust_saturation]
    results = []
    for picture_3HW in pictures_B3HW:
        for index in torch.randperm(len(changes), generator=generator).tolist():
            factor = _DIMMEST + (1 - _DIMMEST) * float(torch.rand((), generator=generator))
            picture_3HW = changes[index](picture_3HW, factor)
        results.append(picture_3HW)
    return torch.stack(results)


RECIPE = Recipe(
    budget=Budget(steps=_EPOCH * _EPOCHS, batch=4, patch=256),
    start=_DeFusion,
    pairs="50,000 photographs of COCO",
    left_out="weights begin smaller than theirs, with which output channels die on a short schedule; pictures are the "
    "infrared and visible images of the training pairs, scaled by 0.5 to 1.6, where the authors cut random shapes of "
    "photographs; as the class that their training builds is not that of their file, the latter is trained",
    scales=(0.5, 1.6),
)
