"""Training: repeatable, resumable, the same on two processes, and stopped by what is not finite."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support import tiny_run

from text2pixels.config import Losses, Network, Train
from text2pixels.detection.yolo import Detector
from text2pixels.errors import InputError
from text2pixels.network.network import FusionNetwork
from text2pixels.training.bilevel import STRATEGIES, Level, Problem
from text2pixels.training.loop import Data, Schedule, train
from text2pixels.training.parallel import World

SCRIPT = Path(tiny_run.__file__)


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    """A run that nothing interrupts."""
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("reference")
    before = Path.cwd()
    os.chdir(folder)
    yield tiny_run.run(folder, folder / "cache")
    os.chdir(before)


def same(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


def test_both_networks_learn_and_the_record_says_so(reference):
    fusion, _, outcome = reference
    torch.manual_seed(0)
    untrained = FusionNetwork(tiny_run.NETWORK)
    assert not same(fusion.state_dict(), untrained.state_dict())
    seen = {(row.level, row.name) for row in outcome.history}
    assert {
        ("lower", "loss"),
        ("lower", "gradient_norm"),
        ("lower", "validation_loss"),
        ("lower", "perplexity"),
    } <= seen
    upper = ("loss", "gradient_norm", "cosine", "validation_loss", "validation_AP50")
    assert {("upper", name) for name in upper} <= seen
    assert ("lower", "structure") in {(row.level, row.name) for row in outcome.history if row.epoch > 1}
    assert ("lower", "structure") not in {(row.level, row.name) for row in outcome.history if row.epoch == 1}
    assert {row.epoch for row in outcome.history} == {1, 2, 3}
    losses = {row.epoch: row.value for row in outcome.history if (row.level, row.name) == ("lower", "validation_loss")}
    assert outcome.best.epoch == min(losses, key=losses.__getitem__)
    assert all(math.isfinite(row.value) for row in outcome.history)
    assert untrained.usual_lead == 0
    assert fusion.usual_lead != 0


@pytest.mark.slow
def test_killed_at_any_moment_a_run_ends_with_the_same_bits(reference, tmp_path):
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, SCRIPT, tmp_path], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / "cache/state.pt").is_file()
    fusion, detector, outcome = tiny_run.run(tmp_path, tmp_path / "cache")
    assert same(fusion.state_dict(), reference[0].state_dict())
    assert same(detector.network.state_dict(), reference[1].network.state_dict())
    assert outcome.history == reference[2].history
    assert same(outcome.best.network, reference[2].best.network)


@pytest.mark.slow
def test_two_processes_train_the_same_model(tmp_path):
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run([*command, SCRIPT, tmp_path], env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    for name in ("whole", "bare"):
        fusion, detector = (torch.load(tmp_path / f"{name}0/weights.pt")[part] for part in (0, 1))
        other_fusion, other_detector = (torch.load(tmp_path / f"{name}1/weights.pt")[part] for part in (0, 1))
        assert same(fusion, other_fusion)
        assert same(detector, other_detector)
    # Against one process at the same global batch. Without the codebook, whose standardisation sees
    # each process's own tokens, the two differ by the order of sums alone, 1e-7 of a gradient; Adam
    # turns that into whole steps where a gradient is near zero.
    single, _, _ = tiny_run.run(tmp_path, tmp_path / "cache", tiny_run.BARE)
    torch.manual_seed(0)
    start = dict(FusionNetwork(tiny_run.BARE).named_parameters())
    moved = sum((fusion[name] - value).abs().sum() for name, value in start.items())
    apart = sum((fusion[name] - value).abs().sum() for name, value in single.named_parameters())
    assert apart < 0.01 * moved


@pytest.mark.parametrize("strategy", ["separate", "joint"])
def test_other_strategies_run(tmp_path, monkeypatch, strategy):
    monkeypatch.chdir(tmp_path)
    _, _, outcome = tiny_run.run(tmp_path, tmp_path / "cache", strategy=strategy)
    assert {"lower", "upper"} <= {row.level for row in outcome.history}


@pytest.mark.parametrize("epochs", [1, 4, 8])
def test_separate_keeps_a_detector_that_has_learned_on_the_pictures_of_the_network_that_is_kept(
    tmp_path, monkeypatch, epochs
):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    FusionNetwork(tiny_run.NETWORK)
    start = Detector(["Car"]).network.state_dict()
    fusion, detector, outcome = tiny_run.run(tmp_path, tmp_path / "cache", strategy="separate", epochs=epochs)
    weights = [name for name, value in start.items() if value.is_floating_point()]
    assert any(not torch.equal(outcome.best.detector[name], start[name]) for name in weights)
    for kept, last in ((outcome.best.detector, detector.network), (outcome.best.network, fusion)):
        assert all(torch.equal(value, kept[name]) for name, value in last.state_dict().items())


def test_without_boxes_only_separate_trains(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    real = tiny_run.make_pairs
    monkeypatch.setattr(tiny_run, "make_pairs", lambda folder: real(folder, labelled=0))
    with pytest.raises(InputError, match="separate"):
        tiny_run.run(tmp_path, tmp_path / "cache")
    _, _, outcome = tiny_run.run(tmp_path, tmp_path / "cache", strategy="separate", epochs=1)
    assert not {row.name for row in outcome.history if row.level == "upper"} - {"weight"}


def test_switched_off_parts_train(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    bare = Network(
        channels=8, heads=2, codes=8, text_dim=8, self_attention=False, cross_attention=False, codebook=False
    )
    losses = Losses(structure=0, content=0, commitment=0)
    tiny_run.run(tmp_path, tmp_path / "cache", network=bare, losses=losses, epochs=2)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_last_state(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"became (nan|inf) in epoch \d+.*lower train.learning_rate"):
        tiny_run.run(tmp_path, tmp_path / "cache", learning_rate=1e30)
    with pytest.raises(InputError, match=r"kept in"):
        tiny_run.run(tmp_path, tmp_path / "late", learning_rate=1e-3, decay=1e30)
    assert (tmp_path / "late/state.pt").is_file()


def test_the_state_of_another_run_is_refused(reference, tmp_path, monkeypatch):
    from text2pixels.training import state

    state.save(tmp_path, "other", {}, [], epoch=1)
    with pytest.raises(InputError, match="other parameters, code or data"):
        state.load(tmp_path, "f", {})
    (tmp_path / "state.pt").write_bytes(b"garbage")
    with pytest.raises(InputError, match="damaged"):
        state.load(tmp_path, "f", {})


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"crop": 40}, "multiple of 32"), ({"batch": 3}, "divide by 2"), ({"epochs": 0}, "without epochs")],
)
def test_settings_that_cannot_be_are_one_clear_line(tmp_path, changes, message):
    data = Data(tiny_run.make_pairs(tmp_path), [])
    settings = Train(**tiny_run.SETTINGS | changes)
    with pytest.raises(InputError, match=message):
        train(
            *(torch.nn.Linear(1, 1), None, data, Losses(), settings),
            seed=0,
            device=torch.device("cpu"),
            world=World(0, 2),
            cache=tmp_path,
            fingerprint="f",
        )


def test_no_pairs_is_one_clear_line(tmp_path):
    with pytest.raises(InputError, match="no training pairs"):
        train(
            *(torch.nn.Linear(1, 1), None, Data([], []), Losses(), Train()),
            seed=0,
            device=torch.device("cpu"),
            world=World(),
            cache=tmp_path,
            fingerprint="f",
        )


@pytest.mark.parametrize("strategy", ["separate", "joint", "bilevel"])
def test_an_epoch_of_lower_steps_sees_every_pair(tmp_path, strategy):
    data = Data(tiny_run.make_pairs(tmp_path, count=7, labelled=3), [])
    schedule = Schedule.of(data, Train(**tiny_run.SETTINGS | {"strategy": strategy, "epochs": 4}), seed=0)
    lower = [step for step, upper in enumerate(schedule.uppers) if not upper]
    assert {index for step in lower[:4] for index in schedule.indices(step)} == set(range(7))
    for step, upper in enumerate(schedule.uppers):
        assert len(schedule.indices(step)) == 2
        assert max(schedule.indices(step)) < (3 if upper else 7)


def test_the_detection_gradient_reaches_the_fusion_network(tmp_path, monkeypatch):
    from text2pixels.image.views import central_view
    from text2pixels.training.objective import Objective
    from text2pixels.training.pairs import batches

    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    network, detector = FusionNetwork(tiny_run.BARE), Detector(["Car"])
    items = tiny_run.make_pairs(tmp_path, count=2)
    (batch,) = batches([[(item, central_view(56, 44, 32)) for item in items]])
    objective = Objective(network, detector, Losses(), bf16=False)
    objective.begin_epoch(first=True)
    detector.train()  # with the statistics of an untrained detector its layers would be all but blind
    text = {id(parameter) for parameter in network.text_parameters()}  # which learn afterwards
    parameters = [parameter for parameter in network.parameters() if id(parameter) not in text]
    start = [parameter.detach().clone() for parameter in parameters]
    gradients = torch.autograd.grad(objective.losses(batch, True)[1], parameters, allow_unused=True)
    reached = [gradient is not None and bool(gradient.abs().sum() > 0) for gradient in gradients]
    assert sum(reached) > 0.9 * len(reached)
    # An upper step that gives the detection loss all the weight moves the network along that gradient.
    fusion, own = (Level(level, torch.optim.SGD(level, lr=0.1)) for level in (parameters, detector.parameters()))
    problem = Problem(objective.losses, objective.frozen_upper, fusion, own, clip=math.inf)
    STRATEGIES["bilevel"].upper_step(problem, batch, 1.0)
    for parameter, before, gradient in zip(parameters, start, gradients, strict=True):
        expected = before if gradient is None else before - 0.1 * gradient
        torch.testing.assert_close(parameter.detach(), expected, atol=1e-6, rtol=1e-4)
    # Frozen results pass nothing on.
    frozen = objective.frozen_upper(batch)
    assert all(g is None for g in torch.autograd.grad(frozen, parameters, allow_unused=True))
