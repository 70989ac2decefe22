"""benchmarks/reproducibility.py on histories that are known."""

import importlib.util
from pathlib import Path

import pytest

from text2pixels import layout
from text2pixels.config import Network
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.training.history import Row, write_history

BENCHMARK = Path(__file__).parents[2] / "benchmarks/reproducibility.py"
spec = importlib.util.spec_from_file_location("reproducibility", BENCHMARK)
reproducibility = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reproducibility)


def run(best: int, lower: list[float], upper: list[float]):
    both = {"lower": lower, "upper": upper}
    losses = {(epoch + 1, level): value for level, values in both.items() for epoch, value in enumerate(values)}
    return reproducibility.Run(best, losses)


def test_a_run_is_read_from_its_model(tmp_path: Path) -> None:
    network = FusionNetwork(Network(channels=8, heads=2, codes=16, text_dim=12))
    words = {"encoder": "hash", "encoder_identity": "hash", "prompts": "fine"}
    checkpoint.save(tmp_path, network, words | {"epoch": 1})
    rows = [Row(1, "lower", "loss", 9.0), Row(1, "lower", "validation_loss", 2.0), Row(1, "upper", "cosine", 0.1)]
    write_history(tmp_path / "history.parquet", rows)
    assert reproducibility.read(tmp_path) == (1, {(1, "lower"): 2.0})


def test_runs_are_compared_with_the_first_each_at_its_best_epoch() -> None:
    lines = reproducibility.table({"one": run(2, [2.0, 1.0], [4.0, 3.0]), "other": run(1, [1.01, 3.0], [2.97, 3.0])})
    assert "+0.000%" in lines[1]
    assert "+1.000%" in lines[2]
    assert "-1.000%" in lines[2]
    assert "+200.000%" in lines[2]  # after the last epoch


def test_training_runs_the_stage_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("data", layout.detector()):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "params.yaml").touch()
    monkeypatch.chdir(tmp_path)
    seen = []

    def run(command: list[str], cwd: Path, **_: object) -> None:
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            exec(command[2])

    monkeypatch.setattr(
        "text2pixels.pipeline.method.run", lambda name: seen.append((name, sorted(map(str, Path().iterdir()))))
    )
    monkeypatch.setattr(reproducibility.subprocess, "run", run)
    monkeypatch.setattr(reproducibility, "read", lambda model: model.name)
    assert reproducibility.train("ours", {}) == "ours"
    assert seen == [("ours", ["data", "models", "params.yaml"])]
