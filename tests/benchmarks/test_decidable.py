"""benchmarks/decidable.py on pictures whose quarters are known to show something or nothing."""

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

BENCHMARK = Path(__file__).parents[2] / "benchmarks/decidable.py"
spec = importlib.util.spec_from_file_location("decidable", BENCHMARK)
decidable = importlib.util.module_from_spec(spec)
spec.loader.exec_module(decidable)

TRUTH = np.array([[1.0, 0.01, 6.0], [-0.01, 1.0, -4.0], [0, 0, 1.0]])


def pair() -> tuple[np.ndarray, np.ndarray]:
    """Blobs, and the same in another contrast where TRUTH puts them."""
    rng = np.random.default_rng(0)
    blobs = cv2.GaussianBlur(rng.standard_normal((256, 320)).astype(np.float32), (0, 0), 5)
    infrared = cv2.normalize(blobs, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    visible = cv2.warpPerspective(255 - infrared, TRUTH, (320, 256), borderMode=cv2.BORDER_REFLECT)
    return infrared, visible


def test_all_quarters_of_a_clear_pair_are_found_where_the_truth_is_right():
    infrared, visible = pair()
    assert decidable.found_quarters(infrared, visible, TRUTH) == 4
    assert decidable.found_quarters(infrared, visible, np.eye(3)) < 4


@pytest.mark.parametrize("lost", [1, 2])
def test_a_quarter_of_noise_is_lost(lost):
    infrared, visible = pair()
    noise = np.random.default_rng(1).integers(90, 110, visible.shape, dtype=np.uint8)
    upper = np.s_[:136, : 160 * lost + 8]  # a little beyond the quarter, as both measures smooth
    visible[upper] = noise[upper]
    assert decidable.found_quarters(infrared, visible, TRUTH) == 4 - lost


def test_flat_pictures_show_nothing():
    flat = np.full((256, 320), 90, np.uint8)
    assert decidable.found_quarters(flat, flat, np.eye(3)) == 0
