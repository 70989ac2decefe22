"""The strategies on a convex problem whose bilevel solution is known."""

import pytest
import torch

from text2pixels.errors import InputError
from text2pixels.registry import look_up
from text2pixels.training.bilevel import STRATEGIES, Level, Problem, lower_step

TARGET = torch.tensor([3.0, 0.0])
# Lower: 1/2 (w1 + w2 - 1)^2, minimised on the line w1 + w2 = 1. Upper: 1/2 |w - (3, 0)|^2.
# On the line the nearest point to (3, 0) is (2, -1): F = 1. Anywhere else on the line F is greater.
SOLUTION = torch.tensor([2.0, -1.0])


def lower_of(w):
    return 0.5 * (w.sum() - 1) ** 2


def upper_of(w):
    return 0.5 * ((w - TARGET) ** 2).sum()


def solve(name, optimizer, epochs=300, weight=0.5, decay=0.2, lower_steps=3):
    w = torch.nn.Parameter(torch.tensor([-1.0, -1.0]))
    empty = Level([], torch.optim.SGD([torch.zeros(1)], lr=0.1))
    problem = Problem(
        losses=lambda batch, upper: (lower_of(w), upper_of(w) if upper else None),
        frozen_upper=lambda batch: upper_of(torch.zeros(2)) + 0 * torch.zeros((), requires_grad=True),
        fusion=Level([w], optimizer([w])),
        detector=empty,
        clip=10.0,
    )
    strategy = STRATEGIES[name]
    steps = epochs * (lower_steps + 1)
    records = []
    for step in range(steps):
        if strategy.is_upper(step, steps, lower_steps):
            if name == "separate":
                continue  # its upper steps do not touch w
            epoch = step // (lower_steps + 1)
            records.append(strategy.upper_step(problem, None, strategy.weight(weight, decay, epoch)))
        else:
            lower_step(problem, None)
    return w.detach(), records


OPTIMIZERS = {
    "gradient descent": lambda parameters: torch.optim.SGD(parameters, lr=0.3),
    "Adam": lambda parameters: torch.optim.Adam(parameters, lr=0.03, betas=(0.9, 0.99)),
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_bilevel_finds_the_solution(optimizer):
    w, _ = solve("bilevel", OPTIMIZERS[optimizer])
    assert (w - SOLUTION).norm() < 0.1
    assert lower_of(w) < 1e-3


def test_joint_gives_up_the_lower_level():
    w, _ = solve("joint", OPTIMIZERS["gradient descent"])
    assert lower_of(w) > 0.005
    bilevel, _ = solve("bilevel", OPTIMIZERS["gradient descent"])
    assert lower_of(w) > 20 * lower_of(bilevel)


def test_separate_ignores_the_upper_level():
    w, _ = solve("separate", OPTIMIZERS["gradient descent"])
    assert lower_of(w) < 1e-6
    assert upper_of(w) > upper_of(SOLUTION) + 1


def test_both_levels_are_recorded():
    _, records = solve("bilevel", OPTIMIZERS["gradient descent"], epochs=3)
    assert set(records[0]) == {"lower", "upper", "lower_gradient", "upper_gradient", "cosine"}
    assert all(-1.0001 <= record["cosine"] <= 1.0001 for record in records)


@pytest.mark.parametrize(("steps", "lower_steps"), [(20, 3), (23, 4), (7, 1)])
def test_every_strategy_takes_as_many_upper_steps(steps, lower_steps):
    counts = {
        name: sum(strategy.is_upper(step, steps, lower_steps) for step in range(steps))
        for name, strategy in STRATEGIES.items()
    }
    assert len(set(counts.values())) == 1, counts


def test_only_the_bilevel_weight_decays_and_its_sum_has_no_bound():
    assert STRATEGIES["joint"].weight(0.5, 0.1, 100) == 0.5
    weights = [STRATEGIES["bilevel"].weight(0.5, 0.1, epoch) for epoch in range(10_000)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < 1e-3
    assert sum(weights[1000:]) > 10


def test_the_gradient_of_a_level_is_clipped():
    w = torch.nn.Parameter(torch.tensor([1e6, 1e6]))
    level = Level([w], torch.optim.SGD([w], lr=1.0))
    problem = Problem(lambda batch, upper: (lower_of(w), None), lambda batch: w.sum(), level, level, clip=1.0)
    record = lower_step(problem, None)
    assert record["lower_gradient"] > 1e6
    assert abs((torch.tensor([1e6, 1e6]) - w.detach()).norm() - 1) < 0.1


def test_an_unknown_strategy_gets_the_nearest_name():
    with pytest.raises(InputError, match="bilevel"):
        look_up(STRATEGIES, "bilvel", "strategy")
