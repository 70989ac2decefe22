"""DDcGAN's training: a generator against two discriminators, one for each of the two images.

J. Ma et al., IEEE Trans. Image Processing 29, 2020, section III-B, with the constants of the published graph of the
network for images of one size. The content loss is a sum over pixels, so its balance with the adversarial loss and
the bound at which the generator repeats its step hold for the authors' patches of 84 pixels.

Shapes: B batch; 1 and C channels; H, W patch.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from text2pixels.methods.networks.ddcgan import BatchStatistics, DDcGAN
from text2pixels.training.rivals.recipe import Budget, Patches, Recipe, set_rate

_RATE, _DECAY = 2e-4, 0.9  # the rate, and what is left of it after all steps
_BOUND = 8.0  # of every weight
_REPEATS = 20  # of a player's step within one step of the run
_DISCRIMINATOR_STOPS, _GENERATOR_STOPS = 1.7, 1.4  # losses of a discriminator
_TOTAL_STOPS = 200.0  # loss of the generator
_CONTENT = 0.6
_EPSILON = 1e-8  # in logarithms


class Discriminator(nn.Module):
    """Tells an image of one camera from a fused one."""

    def __init__(self, patch: int) -> None:
        super().__init__()
        widths = ((1, 16), (16, 32), (32, 64))
        self.layers = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride=2, padding=1, padding_mode="reflect") for before, after in widths
        )
        self.norms = nn.ModuleList(BatchStatistics(after) for _, after in widths[1:])
        side = patch
        for _ in widths:
            side = (side + 1) // 2
        self.dense = nn.Linear(widths[-1][1] * side * side, 1)

    def forward(self, image_B1HW: Tensor) -> Tensor:
        """Return how likely each image, in [0, 1], is a camera's: (B, 1) in [0, 1]."""
        features_BCHW = image_B1HW
        for layer, norm in zip(self.layers, (None, *self.norms), strict=True):
            features_BCHW = layer(features_BCHW)
            features_BCHW = F.relu(features_BCHW if norm is None else norm(features_BCHW))
        return torch.tanh(self.dense(features_BCHW.flatten(1))) / 2 + 0.5


def laplacian(image_B1HW: Tensor) -> Tensor:
    """Return the mean of the eight neighbours less the pixel, zero beyond the border."""
    kernel_1133 = torch.full((1, 1, 3, 3), 1 / 8, device=image_B1HW.device)
    kernel_1133[0, 0, 1, 1] = -1
    return F.conv2d(image_B1HW, kernel_1133, padding=1)


def content_loss(fused_B1HW: Tensor, infrared_B1HW: Tensor, visible_B1HW: Tensor) -> Tensor:
    """Return the content loss: the infrared's intensities and the visible's gradients, sums over pixels."""
    infrared = (fused_B1HW - infrared_B1HW).square().sum(dim=(1, 2, 3)).mean()
    visible = (laplacian(fused_B1HW) - laplacian(visible_B1HW)).abs().sum(dim=(1, 2, 3)).mean()
    return infrared / 16 + 1.2 * visible


def adversarial_loss(judged: Iterable[Tensor]) -> Tensor:
    """Return the generator's loss of what the discriminators, each in (B, 1), say of its images."""
    return torch.stack([-torch.log(each_B1 + _EPSILON).mean() for each_B1 in judged]).sum()


def discriminator_loss(real_B1: Tensor, fused_B1: Tensor) -> Tensor:
    """Return a discriminator's loss of what it says of the camera's images and of the fused ones."""
    return -torch.log(real_B1 + _EPSILON).mean() - torch.log(1 - fused_B1 + _EPSILON).mean()


class _Judged(NamedTuple):
    """The generator's loss and its parts, and the lesser of the two discriminators' losses."""

    total: Tensor
    content: Tensor
    adversarial: Tensor
    least: float


class Training:
    """The three networks and their optimisers; the generator has one for each of its two losses."""

    def __init__(self, budget: Budget, device: torch.device) -> None:
        self._steps, self._device = budget.steps, device
        self.generator = _start(DDcGAN(), 0.05).to(device)
        self.of_visible = _start(Discriminator(budget.patch), 0.1).to(device)
        self.of_infrared = _start(Discriminator(budget.patch), 0.1).to(device)
        self._adversarial, self._full = (_rmsprop(self.generator) for _ in range(2))
        self._sgd = {
            name: torch.optim.SGD(self._judge(name).parameters(), lr=_RATE) for name in ("visible", "infrared")
        }

    def parts(self) -> Mapping[str, nn.Module | torch.optim.Optimizer]:
        """Return networks and optimisers; see `recipe.Rival`."""
        own = {name: self._judge(name) for name in self._sgd}
        sgd = {f"sgd of {name}": optimiser for name, optimiser in self._sgd.items()}
        both = {"adversarial": self._adversarial, "full": self._full}
        return {"generator": self.generator, **own, **sgd, **both}

    def weights(self) -> dict[str, Tensor]:
        """Return the generator's state."""
        return self.generator.state_dict()

    def step(self, patches: Patches, number: int) -> dict[str, float]:
        """Train both discriminators in even steps, the generator in odd ones, repeating as the authors do."""
        real = {"visible": patches.luminance_B1HW, "infrared": patches.infrared_B1HW}
        if number % 2 == 0:
            with torch.no_grad():
                fused_B1HW = self._fuse(patches)
            return {f"{name}_discriminator": self._teach(name, real[name], fused_B1HW) for name in real}
        return self._learn(patches, real)

    def _teach(self, name: str, real_B1HW: Tensor, fused_B1HW: Tensor) -> float:
        """Let a discriminator step until it tells the images apart well enough."""
        judge, optimiser = self._judge(name), self._sgd[name]
        for count in range(_REPEATS + 1):
            loss = discriminator_loss(judge(real_B1HW), judge(fused_B1HW))
            if count == _REPEATS or (count and not loss.item() > _DISCRIMINATOR_STOPS):
                break
            self._move(optimiser, loss)
        return loss.item()

    def _learn(self, patches: Patches, real: Mapping[str, Tensor]) -> dict[str, float]:
        """Let the generator step: in full, then until it fools both well enough, then until its loss is small."""
        self._move(self._full, self._judge_fused(patches, real).total)
        moves, found = 1, self._judge_fused(patches, real)
        while found.least < _GENERATOR_STOPS and moves < _REPEATS:
            self._move(self._adversarial, found.adversarial)
            moves, found = moves + 1, self._judge_fused(patches, real)
        while found.total.item() > _TOTAL_STOPS and moves < _REPEATS:
            self._move(self._full, found.total)
            moves, found = moves + 1, self._judge_fused(patches, real)
        losses = {"generator": found.total, "content": found.content, "adversarial": found.adversarial}
        return {name: loss.item() for name, loss in losses.items()} | {"generator_moves": float(moves)}

    def _judge_fused(self, patches: Patches, real: Mapping[str, Tensor]) -> _Judged:
        """Fuse, and return what the losses are."""
        fused_B1HW = self._fuse(patches)
        judged = {name: self._judge(name)(fused_B1HW) for name in real}
        with torch.no_grad():
            losses = [discriminator_loss(self._judge(name)(image), judged[name]).item() for name, image in real.items()]
        content = content_loss(fused_B1HW, real["infrared"], real["visible"])
        adversarial = adversarial_loss(judged.values())
        return _Judged(adversarial + _CONTENT * content, content, adversarial, min(losses))

    def _move(self, optimiser: torch.optim.Optimizer, loss: Tensor) -> None:
        set_rate(optimiser, _RATE * _DECAY ** (self._updates() / self._steps))
        parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
            parameter.grad = gradient
        optimiser.step()
        with torch.no_grad():
            for parameter in parameters:
                parameter.clamp_(-_BOUND, _BOUND)

    def _updates(self) -> float:
        """Return how often the generator was moved, which alone counts in the decay of all rates."""
        first = next(self.generator.parameters())
        return sum(float(optimiser.state[first]["step"]) for optimiser in (self._adversarial, self._full))

    def _fuse(self, patches: Patches) -> Tensor:
        fused_B1HW: Tensor = self.generator(patches.infrared_B1HW * 255, patches.luminance_B1HW * 255) / 255
        return fused_B1HW

    def _judge(self, name: str) -> nn.Module:
        return self.of_visible if name == "visible" else self.of_infrared


def _start(network: nn.Module, deviation: float) -> nn.Module:
    """Draw kernels from a normal distribution cut at two deviations, the last layer's as Glorot does; no biases."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.trunc_normal_(layer.weight, std=deviation, a=-2 * deviation, b=2 * deviation)
        elif isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
        if isinstance(layer, nn.Conv2d | nn.Linear) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return network


def _rmsprop(network: nn.Module) -> torch.optim.RMSprop:
    """Return the optimiser with TensorFlow's start: a mean square of 1, which makes the first steps small."""
    optimiser = torch.optim.RMSprop(network.parameters(), lr=_RATE, alpha=0.9, eps=1e-10)
    for parameter in network.parameters():
        optimiser.state[parameter] = {"step": torch.tensor(0.0), "square_avg": torch.ones_like(parameter)}
    return optimiser


RECIPE = Recipe(
    Budget(steps=881, batch=26, patch=84),  # one epoch of 22,906 patches
    Training,
    pairs="22,906 patches of TNO",
)
