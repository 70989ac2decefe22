"""benchmarks/robustness.py on pairs made here: a maximum shows a border's visible image, an average half of it."""

import argparse
import importlib.util
from pathlib import Path

import numpy as np
import pytest

from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.errors import InputError
from text2pixels.image.png import write_png

BENCHMARK = Path(__file__).parents[2] / "benchmarks/robustness.py"
spec = importlib.util.spec_from_file_location("robustness", BENCHMARK)
robustness = importlib.util.module_from_spec(spec)
spec.loader.exec_module(robustness)


@pytest.fixture
def options(tmp_path):
    rng = np.random.default_rng(0)
    pairs = []
    for name in ("a", "b"):
        write_png(tmp_path / f"{name}-ir.png", rng.integers(0, 100, (64, 80), dtype=np.uint8))
        write_png(tmp_path / f"{name}-vis.png", rng.integers(100, 200, (64, 80, 3), dtype=np.uint8))
        pairs.append(Pair(f"d/{name}", "d", name, "val", f"{name}-ir.png", f"{name}-vis.png", 80, 64, "0", "0"))
    write_manifest(tmp_path / "manifest.parquet", pairs)
    return argparse.Namespace(methods=["max", "average"], models=[], dataset_folder=tmp_path, split="val")


def test_the_border_is_the_visible_image_or_half_of_it(options):
    rows = robustness.measure(options)
    off = rows[rows.change == "border"].groupby("method").off.mean()
    assert off["max"] == 0
    assert 60 < off["average"] < 85  # half of a visible image of 100 to 200 levels
    assert set(rows.change) == set(robustness.CHANGES)
    whole = rows[rows.change == robustness.AS_THEY_ARE].set_index(["method", "pair"])
    noisy = rows[rows.change == "noise of 8 levels"].set_index(["method", "pair"])
    assert (noisy.SSIM < whole.SSIM).all()
    lines = robustness.report(rows, 100)
    assert len(lines) == 2 * len(robustness.CHANGES)
    assert sum("off by" in line for line in lines) == 2


def test_a_split_without_pairs_is_one_line(options):
    options.split = "test"
    with pytest.raises(InputError, match="no pair is in the split 'test'"):
        robustness.measure(options)
