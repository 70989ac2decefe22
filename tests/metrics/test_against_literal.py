"""Every metric against its literal transcription, and the identities that its definition implies."""

import math

import numpy as np
import pytest
from support import slow_metrics as slow
from support import slow_similarity

from text2pixels.metrics import METRICS, STRETCHED, score

SIZES = {"VIF": (44, 47), "VIFF": (44, 47), "MS_SSIM": (176, 176), "Qcv": (35, 50), "Qcb": (33, 46)}  # others 23 x 18
TOLERANCE = {"FMI_pixel": 2e-6, "FMI_gradient": 2e-6}  # float32; others 1e-9

STANDARD = {
    "EN": slow.en,
    "SD": slow.sd,
    "SF": slow.sf,
    "AG": slow.ag,
    "MI": slow.mi,
    "NMI": slow.nmi,
    "FMI_pixel": slow.fmi_pixel,
    "FMI_gradient": slow.fmi_gradient,
    "CC": slow.cc,
    "SCD": slow.scd,
    "MSE": slow.mse,
    "PSNR": slow.psnr,
    "VIF": slow_similarity.vif,
    "Qabf": slow.qabf,
    "Nabf": slow.nabf,
    "SSIM": slow_similarity.ssim,
    "MS_SSIM": slow_similarity.ms_ssim,
    "Qcb": slow.qcb,
    "Qcv": slow.qcv,
    "EI": slow.ei,
    "burnt": slow.burnt,
    "CE": slow.ce,
    "Qncie": slow.qncie,
    "Qw": slow_similarity.qw,
    "Qe": slow_similarity.qe,
    "Qy": slow_similarity.qy,
    "VIFF": slow_similarity.viff,
}
DIFFERENT_IN_STRETCHED = {
    "MI": lambda f, a, b: slow.mi(f, a, b) * math.log(2),
    "PSNR": slow.psnr_stretched,
    "Qabf": slow.qabf_stretched,
    "SSIM": slow_similarity.ssim_stretched,
}


def scene(size, seed):
    """Infrared, visible and a fused image with smooth, noisy, flat and saturated parts."""
    rng = np.random.default_rng(seed)
    height, width = size
    y, x = np.mgrid[:height, :width]
    infrared = 90 + 60 * np.sin(x / 5) + 20 * rng.standard_normal(size)
    infrared[: height // 3, : width // 3] = 40
    visible = 120 + 80 * np.cos(y / 4 + x / 9) + 8 * rng.standard_normal(size)
    visible[-height // 4 :, -width // 4 :] = 300
    fused = np.where(x + y < (height + width) / 2, np.maximum(infrared, visible), (infrared + visible) / 2) + (x % 3)
    return [np.clip(np.round(image), 0, 255).astype(np.uint8) for image in (fused, infrared, visible)]


def test_every_metric_has_a_transcription():
    assert STANDARD.keys() == METRICS.keys()


@pytest.mark.parametrize("name", METRICS)
def test_standard(name):
    images = scene(SIZES.get(name, (23, 18)), seed=len(name))
    expected = STANDARD[name](*(image.astype(np.float64) for image in images))
    tolerance = TOLERANCE.get(name, 1e-9)
    assert score(*images, [name])[name] == pytest.approx(expected, rel=tolerance, abs=tolerance)


@pytest.mark.parametrize("name", STRETCHED)
def test_stretched(name):
    images = scene(SIZES.get(name, (23, 18)), seed=7)
    transcription = DIFFERENT_IN_STRETCHED.get(name, STANDARD[name])
    expected = transcription(*(image.astype(np.float64) for image in images))
    assert score(*images, [name], "stretched")[name] == pytest.approx(expected, rel=1e-9)


def test_an_image_fused_with_itself():
    image = scene((176, 165), seed=3)[0]
    found = score(image, image, image)
    expected = {
        "MI": 2 * found["EN"],
        "NMI": 2,
        "FMI_pixel": 1,
        "FMI_gradient": 1,
        "CC": 1,
        "MSE": 0,
        "VIF": 2,
        "Qabf": 0.9994 / (1 + math.exp(-7.5)) * 0.9879 / (1 + math.exp(-4.4)),
        "Nabf": 0,
        "SSIM": 2,
        "MS_SSIM": 2,
        "Qcb": 1,
        "Qcv": 0,
        "CE": 0,
        "burnt": 0,
        "Qw": 1,
        "Qe": 1,
        "Qy": 1,
    }
    assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert math.isnan(found["SCD"])
    assert math.isnan(found["PSNR"])


@pytest.mark.parametrize(("name", "value"), [("EN", 1), ("SD", 127.5), ("SF", 255 * 2**0.5), ("AG", 255 * 3 / 32)])
def test_a_chequerboard_by_hand(name, value):
    board = (np.indices((4, 4)).sum(axis=0) % 2 * 255).astype(np.uint8)
    # Central differences vanish on it; a corner has both one-sided ones, an edge pixel one.
    by_hand = (4 * 255 + 8 * 255 / 2**0.5) / 16 if name == "AG" else value
    assert score(board, board, board, [name])[name] == pytest.approx(by_hand)


def test_burnt_counts_white_that_no_source_has():
    fused = np.array([[255, 250, 249, 255, 255]], np.uint8)
    infrared = np.array([[249, 100, 249, 250, 0]], np.uint8)
    visible = np.array([[249, 100, 249, 0, 255]], np.uint8)
    assert score(fused, infrared, visible, ["burnt"]) == {"burnt": 40}


def test_brightness_and_contrast_by_hand_in_the_index_of_similarity():
    # Flat windows differ in brightness only: 2 * 100 * 50 / (100^2 + 50^2) = .8. Above .75 sources count alike.
    flat = [np.full((9, 9), level, np.uint8) for level in (100, 100, 50)]
    assert score(*flat, ["Qy"])["Qy"] == pytest.approx((1 + 0.8) / 2)
    far = [np.full((9, 9), level, np.uint8) for level in (100, 100, 10)]
    assert score(*far, ["Qy"])["Qy"] == pytest.approx(1)
    # Twice the contrast about the same mean: 2 * 2 / (1 + 4) = .8.
    board = np.indices((8, 8)).sum(axis=0) % 2
    weak, strong = (np.where(board, 100 + step, 100 - step).astype(np.uint8) for step in (10, 20))
    assert score(strong, weak, weak, ["Qw"])["Qw"] == pytest.approx(0.8)


def test_correlation_information_is_that_of_independent_and_of_equal_images():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    flat = np.zeros_like(levels)
    assert score(levels, levels, levels, ["Qncie"])["Qncie"] == pytest.approx(1)  # eigenvalues 3, 0, 0
    assert score(flat, flat, flat, ["Qncie"])["Qncie"] == pytest.approx(1 - math.log(3, 256))  # 1, 1, 1
    # Two equal images and a third that tells nothing of them: eigenvalues 2, 0, 1.
    expected = 1 + 2 / 3 * math.log(2 / 3, 256) + 1 / 3 * math.log(1 / 3, 256)
    assert score(levels, levels, flat, ["Qncie"])["Qncie"] == pytest.approx(expected)
