"""Against independent implementations on real pairs: golden_metrics.csv, which users do not have.

`benchmarks/calibration.py` holds every value of that file to our metrics; here are three pairs.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.metrics import score

SHARED = Path(__file__).parents[2] / "../shared"
GOLDEN = SHARED / "reference/golden_metrics.csv"
TNO, ROADSCENE = SHARED / "data/TNO", SHARED / "data/RoadScene"

pytestmark = pytest.mark.skipif(not GOLDEN.is_file(), reason="no reference numbers at ../shared")

PAIRS = {
    ("TNO", "05"): (TNO / "ir/05.png", TNO / "vi/05.png"),
    ("TNO", "20"): (TNO / "ir/20.png", TNO / "vi/20.png"),
    ("RoadScene", "FLIR_00211"): (
        ROADSCENE / "cropinfrared/FLIR_00211.jpg",
        ROADSCENE / "crop_LR_visible/FLIR_00211.jpg",
    ),
}
# The file has seven digits; its SSIM was computed in float32. Luminance that falls on half a level
# rounds either way: a few pixels of a RoadScene image.
SAME = {
    "stretched": {"EN": 3e-6, "SD": 2e-5, "SF": 4e-5, "AG": 1e-5, "MI": 1e-5, "SCD": 1e-6, "CC": 1e-6, "PSNR": 1e-5}
    | {"VIF": 1e-6, "Qabf": 2e-6, "SSIM": 6e-5},
    "standard": {"EN": 3e-6, "SD": 2e-5, "SF": 4e-5, "AG": 1e-5, "SCD": 1e-6, "CC": 1e-6, "VIF": 1e-6, "Qabf": 4e-4},
}


def golden(implementation, dataset, name, method):
    with GOLDEN.open() as stream:
        return {
            row["metric"]: float(row["value"])
            for row in csv.DictReader(stream)
            if (row["implementation"], row["dataset"], row["image"], row["method"])
            == (implementation, dataset, name, method)
        }


def fuse(method, infrared, visible):
    if method == "MAX":
        return np.maximum(infrared, visible)
    return ((infrared.astype(int) + visible + 1) // 2).astype(np.uint8)


@pytest.mark.parametrize("convention", SAME)
@pytest.mark.parametrize("method", ["AVG", "MAX"])
@pytest.mark.parametrize(("dataset", "name"), PAIRS)
def test_the_evaluator_behind_published_tables(dataset, name, method, convention):
    infrared_path, visible_path = PAIRS[dataset, name]
    infrared, visible = read_gray(infrared_path), quantise(luminance(read_rgb(visible_path)))
    tolerances = SAME[convention]
    ours = score(fuse(method, infrared, visible), infrared, visible, tolerances, convention)
    theirs = golden("CDDFuse_Evaluator", dataset, name, method)
    for metric, tolerance in tolerances.items():
        assert ours[metric] == pytest.approx(theirs[metric], abs=tolerance), metric
    if convention == "standard":  # in bits, as IVIF_ZOO has it
        in_bits = golden("IVIF_ZOO", dataset, name, method)["MI"]
        assert score(fuse(method, infrared, visible), infrared, visible, ["MI"])["MI"] == pytest.approx(
            in_bits, abs=1e-5
        )


def test_libraries_on_a_pair():
    infrared, visible = (read_gray(path) for path in PAIRS["TNO", "05"])
    ours = score(fuse("AVG", infrared, visible), infrared, visible)
    for implementation, metric, name, tolerance in (
        ("skimage", "SSIM_gauss", "SSIM", 1e-6),
        ("piq", "SSIM", "SSIM", 5e-5),
        ("piq", "VIF", "VIF", 5e-4),
        ("sewar", "VIF", "VIF", 1e-6),
        ("torchmetrics", "MS_SSIM", "MS_SSIM", 4e-2),
    ):
        values = golden(implementation, "TNO", "05", "AVG")
        if metric in values:
            assert ours[name] == pytest.approx(values[metric], abs=tolerance), (implementation, metric)
