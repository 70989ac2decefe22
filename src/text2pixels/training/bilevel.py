"""Two levels of optimisation, equation (7): the strategy that solves it, and two ablations that do not.

    min_{w_d} F(w, w_d)   subject to   w in argmin_w f(w) + g(w)

with w the fusion network, w_d the detector, F the detection loss. It is a simple bilevel problem:
among the minimisers of f + g, the one with the least F. Every strategy takes the same number of
lower steps (on f + g) and of upper steps; they differ in what an upper step does, and when.

`bilevel` is bi-level descent aggregation: an upper step moves the fusion network along

    (1 - a) grad(f + g) + a grad F

with a weight a that falls to zero while the sum of all weights grows without bound, which is what
convergence to the bilevel solution needs (Sabach and Shtern, "A first order method for solving
convex bilevel optimization problems", 2017; Liu, Mu, Yuan, Zeng and Zhang, "A generic first-order
algorithmic framework for bi-level programming beyond lower-level singleton", 2020). Each level's
gradient is clipped to the same norm first, so that neither drowns the other; it is not scaled to
the other's norm, because at a minimiser of f + g that would silence F, which has to choose among
the minimisers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from text2pixels.training.parallel import average

Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Level:
    """The parameters of one level and what steps them."""

    parameters: Sequence[nn.Parameter]
    optimizer: Optimizer

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Step along given gradients."""
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


@dataclass(frozen=True)
class Problem(Generic[Batch]):
    """A bilevel problem.

    Attributes:
        losses: batch -> (f + g, F) with their graphs; F is None where the second argument is False.
        frozen_upper: batch -> F as a function of the detector alone.
        fusion: w.
        detector: w_d.
        clip: greatest norm of a gradient.
    """

    losses: Callable[[Batch, bool], tuple[Tensor, Tensor | None]]
    frozen_upper: Callable[[Batch], Tensor]
    fusion: Level
    detector: Level
    clip: float


Record = dict[str, float]  # what a step saw: losses, gradient norms, cosine


def lower_step(problem: Problem[Batch], batch: Batch) -> Record:
    """Step the fusion network on f + g."""
    lower, _ = problem.losses(batch, False)
    gradients = _gradients(lower, problem.fusion.parameters)
    norm = _norm(gradients)
    problem.fusion.step(_clipped(gradients, norm, problem.clip))
    return {"lower": lower.item(), "lower_gradient": norm.item()}


def _aggregate(problem: Problem[Batch], batch: Batch, weight: float) -> Record:
    """Bi-level descent aggregation; the detector steps on the fused images of before the step."""

    def combine(lower: list[Tensor], upper: list[Tensor], norms: tuple[Tensor, Tensor]) -> list[Tensor]:
        clipped = (_clipped(side, norm, problem.clip) for side, norm in zip((lower, upper), norms, strict=True))
        return [(1 - weight) * a + weight * b for a, b in zip(*clipped, strict=True)]

    return _both(problem, batch, combine)


def _sum(problem: Problem[Batch], batch: Batch, weight: float) -> Record:
    """One weighted sum f + g + weight F."""

    def combine(lower: list[Tensor], upper: list[Tensor], norms: tuple[Tensor, Tensor]) -> list[Tensor]:
        total = [a + weight * b for a, b in zip(lower, upper, strict=True)]
        return _clipped(total, _norm(total), problem.clip)

    return _both(problem, batch, combine)


def _detector_alone(problem: Problem[Batch], batch: Batch, weight: float) -> Record:
    """Step the detector on fused images that no longer change."""
    upper = problem.frozen_upper(batch)
    gradients = _gradients(upper, problem.detector.parameters)
    norm = _norm(gradients)
    problem.detector.step(_clipped(gradients, norm, problem.clip))
    return {"upper": upper.item(), "detector_gradient": norm.item()}


def _both(
    problem: Problem[Batch],
    batch: Batch,
    combine: Callable[[list[Tensor], list[Tensor], tuple[Tensor, Tensor]], list[Tensor]],
) -> Record:
    lower, upper = problem.losses(batch, True)
    assert upper is not None
    fusion, detector = list(problem.fusion.parameters), list(problem.detector.parameters)
    below = _gradients(lower, fusion, retain_graph=True)
    above = _gradients(upper, fusion + detector)
    above, own = above[: len(fusion)], above[len(fusion) :]
    norms = _norm(below), _norm(above)
    record = {
        "lower": lower.item(),
        "upper": upper.item(),
        "lower_gradient": norms[0].item(),
        "upper_gradient": norms[1].item(),
        "cosine": (_dot(below, above) / (norms[0] * norms[1]).clamp(min=1e-12)).item(),
    }
    problem.fusion.step(combine(below, above, norms))
    if detector:
        norm = _norm(own)
        problem.detector.step(_clipped(own, norm, problem.clip))
        record["detector_gradient"] = norm.item()
    return record


def _interleaved(step: int, steps: int, lower_steps: int) -> bool:
    return step % (lower_steps + 1) == lower_steps


def _afterwards(step: int, steps: int, lower_steps: int) -> bool:
    """As many upper steps as `_interleaved` has, all at the end."""
    return step >= steps - steps // (lower_steps + 1)


@dataclass(frozen=True)
class Strategy:
    """How the two levels take turns.

    Attributes:
        description: for the report.
        is_upper: (step, all steps, lower steps between upper ones) -> whether this step is an upper one.
        upper_step: what it does, given the weight of F.
        decays: whether that weight falls from epoch to epoch.
        fusion_first: whether all lower steps go before all upper ones, which then see the fusion network that is kept.
    """

    description: str
    is_upper: Callable[[int, int, int], bool]
    upper_step: Callable[[Problem[Batch], Batch, float], Record]
    decays: bool = False
    fusion_first: bool = False

    def weight(self, first: float, decay: float, epoch: int) -> float:
        """Return the weight of F in an epoch: harmonic decay, whose sum has no bound."""
        return first / (1 + decay * epoch) if self.decays else first


STRATEGIES: dict[str, Strategy] = {
    "separate": Strategy(
        "fusion first, then the detector on its frozen results", _afterwards, _detector_alone, fusion_first=True
    ),
    "joint": Strategy("one weighted sum of both losses", _interleaved, _sum),
    "bilevel": Strategy("bi-level descent aggregation", _interleaved, _aggregate, decays=True),
}


def _gradients(loss: Tensor, parameters: Sequence[nn.Parameter], retain_graph: bool = False) -> list[Tensor]:
    """Return the gradient averaged over processes; zeros for a parameter that the loss does not see."""
    found = torch.autograd.grad(loss, parameters, retain_graph=retain_graph, allow_unused=True)
    own = [torch.zeros_like(p) if g is None else g for g, p in zip(found, parameters, strict=True)]
    return average(own)


def _dot(first: Sequence[Tensor], second: Sequence[Tensor]) -> Tensor:
    return torch.stack([(a * b).sum() for a, b in zip(first, second, strict=True)]).sum()


def _norm(gradients: Sequence[Tensor]) -> Tensor:
    return torch.stack([gradient.square().sum() for gradient in gradients]).sum().sqrt()


def _clipped(gradients: Sequence[Tensor], norm: Tensor, limit: float) -> list[Tensor]:
    factor = (limit / norm.clamp(min=1e-12)).clamp(max=1)
    return [gradient * factor for gradient in gradients]
