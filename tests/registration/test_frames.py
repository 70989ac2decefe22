import numpy as np
import pytest

from text2pixels.registration.frames import corners, inverse, is_sane, scaling, transform, warp
from text2pixels.registration.overlay import overlay


def smooth(height: int = 60, width: int = 80) -> np.ndarray:
    y, x = np.indices((height, width))
    return (128 + 60 * np.sin(x / 9) + 50 * np.cos(y / 7)).astype(np.uint8)


def test_the_identity_changes_nothing():
    image = smooth()
    warped, valid = warp(image, np.eye(3), image.shape)
    np.testing.assert_array_equal(warped, image)
    assert valid.all()


def test_a_shift_moves_the_picture_and_leaves_zero_outside():
    image = smooth()
    warped, valid = warp(image, np.array([[1, 0, 10], [0, 1, 5], [0, 0, 1.0]]), (60, 80))
    np.testing.assert_array_equal(warped[5:, 10:], image[:-5, :-10])
    assert not valid[:5].any()
    assert not valid[:, :10].any()
    assert valid[5:, 10:].all()
    assert (warped[~valid] == 0).all()


def test_there_and_back_is_the_picture():
    image = smooth()
    matrix = np.array([[1.3, 0.05, -3], [-0.04, 1.25, 4], [1e-4, 5e-5, 1]])
    there, _ = warp(image, matrix, (90, 120))
    back, valid = warp(there, inverse(matrix), image.shape)
    inner = np.s_[8:-8, 8:-8]
    assert valid[inner].mean() > 0.9
    assert np.abs(back[inner][valid[inner]].astype(int) - image[inner][valid[inner]]).mean() < 2


def test_corners_are_pixel_centres():
    np.testing.assert_array_equal(corners(3, 5), [[0, 0], [4, 0], [4, 2], [0, 2]])


def test_resizing_keeps_the_field():
    points = corners(40, 80)
    outer = points + np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    expected = corners(20, 20) + np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    np.testing.assert_allclose(transform(outer, scaling((40, 80), (20, 20))), expected)


@pytest.mark.parametrize(
    ("matrix", "sane"),
    [
        (np.eye(3), True),
        (np.diag([-1.0, 1, 1]), False),
        (np.array([[1, 0, 0], [0, 1, 0], [-0.1, 0, 1.0]]), False),
        (np.full((3, 3), np.nan), False),
    ],
)
def test_a_mirrored_or_folded_frame_is_not_sane(matrix, sane):
    assert is_sane(matrix, 40, 60) == sane


def test_the_overlay_shows_before_and_after():
    picture = overlay(smooth(), smooth(90, 120), scaling((60, 80), (90, 120)), "good")
    assert picture.dtype == np.uint8
    assert picture.ndim == 3
    assert picture.shape[1] == 2 * 900 + 6
