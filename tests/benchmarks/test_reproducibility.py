"""benchmarks/reproducibility.py on histories that are known."""

import importlib.util
from pathlib import Path

from text2pixels.training.history import Row, write_history

BENCHMARK = Path(__file__).parents[2] / "benchmarks/reproducibility.py"
spec = importlib.util.spec_from_file_location("reproducibility", BENCHMARK)
reproducibility = importlib.util.module_from_spec(spec)
spec.loader.exec_module(reproducibility)


def losses(lower: list[float], upper: list[float]) -> dict[tuple[int, str], float]:
    both = {"lower": lower, "upper": upper}
    return {(epoch + 1, level): value for level, values in both.items() for epoch, value in enumerate(values)}


def test_validation_losses_alone_are_read(tmp_path: Path) -> None:
    rows = [Row(1, "lower", "loss", 9.0), Row(1, "lower", "validation_loss", 2.0), Row(1, "upper", "cosine", 0.1)]
    write_history(tmp_path / "history.parquet", rows)
    assert reproducibility.validation(tmp_path / "history.parquet") == {(1, "lower"): 2.0}


def test_the_best_epoch_counts_both_levels_relative_to_the_first() -> None:
    # By the sum of the losses the third would win; relative to the first epoch the second does.
    assert reproducibility.best(losses([2.0, 1.0, 1.8], [10.0, 9.0, 7.5])) == 2


def test_runs_are_compared_with_the_first() -> None:
    first, second = losses([2.0, 1.0], [4.0, 3.0]), losses([2.0, 1.01], [4.0, 2.97])
    lines = reproducibility.table({"one": first, "other": second})
    assert "+0.000%" in lines[1]
    assert "+1.000%" in lines[2] and "-1.000%" in lines[2]
