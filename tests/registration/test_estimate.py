import json
from pathlib import Path

import numpy as np
import pytest
from support.two_cameras import TRUTH, other_camera, scene

from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.registration.estimate import Estimate, estimate, estimate_rig
from text2pixels.registration.frames import corner_error, transform

RAW = Path(__file__).parents[2] / "../shared/data/RoadScene_unregistered"


@pytest.fixture(scope="module")
def found() -> Estimate:
    infrared = scene(0)
    return estimate(infrared, other_camera(infrared, TRUTH, (300, 380), 1))


def test_a_known_homography_is_recovered_across_contrast(found):
    assert found.status == "good"
    assert corner_error(found.matrix, TRUTH, 300, 380) < 0.005 * np.hypot(300, 380)
    assert found.residual_px < 0.01 * np.hypot(300, 380)


def test_the_matrix_takes_infrared_pixels_to_visible_pixels(found):
    points = np.array([[60.0, 40.0], [250.0, 60.0], [150.0, 200.0]])
    np.testing.assert_allclose(transform(points, found.matrix), transform(points, TRUTH), atol=2)
    assert found.matrix.dtype == np.float64
    assert found.matrix[2, 2] == 1


def test_an_estimate_is_deterministic(found):
    infrared = scene(0)
    again = estimate(infrared, other_camera(infrared, TRUTH, (300, 380), 1))
    np.testing.assert_array_equal(again.matrix, found.matrix)


def test_unrelated_pictures_are_not_called_good():
    assert estimate(scene(1), scene(2)).status == "failed"


def test_a_flat_picture_fails():
    assert estimate(scene(1), np.full((200, 260), 90, np.uint8)).status == "failed"


def test_a_rig_uses_what_its_pairs_have_in_common():
    images = [scene(seed) for seed in (3, 4)]
    found = estimate_rig([(image, other_camera(image, TRUTH, (300, 380), 9)) for image in images])
    assert (found.status, found.method) == ("good", "rig")
    assert corner_error(found.matrix, TRUTH, 300, 380) < 0.005 * np.hypot(300, 380)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "at least one"),
        ([(np.zeros((40, 40), np.uint16), np.zeros((40, 40), np.uint8))], "8-bit gray"),
        ([(np.zeros((40, 8), np.uint8), np.zeros((40, 40), np.uint8))], "at least 32"),
        ([(np.zeros((40, side), np.uint8), np.zeros((40, 40), np.uint8)) for side in (40, 50)], "different sizes"),
    ],
)
def test_what_cannot_be_registered_is_said(pairs, message):
    with pytest.raises(InputError, match=message):
        estimate_rig(pairs)


@pytest.mark.slow
@pytest.mark.skipif(not RAW.is_dir(), reason="the raw RoadScene pairs are not on this machine")
@pytest.mark.parametrize("name", ["FLIR_04354", "FLIR_06775", "FLIR_06997"])
def test_real_raw_pairs_are_within_one_per_cent(name):
    truth = json.loads((RAW / "homographies.json").read_text())[name]
    visible = quantise(luminance(read_rgb(RAW / "visible" / f"{name}.jpg")))
    found = estimate(read_gray(RAW / "infrared" / f"{name}.png"), visible)
    height, width = visible.shape
    error = corner_error(found.matrix, np.array(truth["infrared_to_visible"]), height, width)
    assert error < 0.01 * np.hypot(height, width)
    assert found.status == "good"
