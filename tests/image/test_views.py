"""A view moves an image and its boxes alike; the common field is the largest rectangle of valid pixels."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from text2pixels.image.boxes import Box
from text2pixels.image.views import Rectangle, View, central_view, common_field, place, random_view, see
from text2pixels.registration.frames import corners, warp

BOX = Box("Car", 30, 20, 30, 20)


def picture(channels=()):
    image = np.zeros((60, 90, *channels), np.uint8)
    image[20:40, 30:60] = 255
    return image


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_image_and_its_boxes_move_alike(seed, channels):
    crop = 64 if seed % 2 else 32
    view = random_view(90, 60, crop, np.random.default_rng(seed))
    seen = see(picture(channels), view)
    assert seen.shape == (crop, crop, *channels)
    box = place(BOX, view)
    if box is not None:
        bright = (seen if seen.ndim == 2 else seen[..., 0]) > 127
        columns, rows = bright.any(0).nonzero()[0], bright.any(1).nonzero()[0]
        assert abs(box.x - columns.min()) <= 1
        assert abs(box.y - rows.min()) <= 1
        assert abs(box.x + box.w - 1 - columns.max()) <= 1
        assert abs(box.y + box.h - 1 - rows.max()) <= 1


def test_an_unscaled_view_has_the_pixels_of_the_image():
    image = np.random.default_rng(0).integers(0, 256, (60, 90), dtype=np.uint8)
    assert np.array_equal(see(image, View(5, 7, 32, 32)), image[7:39, 5:37])
    assert np.array_equal(see(image, View(5, 7, 32, 32, mirrored=True)), image[7:39, 5:37][:, ::-1])


def test_a_box_out_of_view_is_none():
    assert place(BOX, View(0, 0, 20, 20)) is None


@pytest.mark.parametrize("size", [(90, 60), (33, 500), (20, 40)])
def test_the_central_view_is_in_whole_strides(size):
    view = central_view(*size, 32)
    assert view.width % 32 == 0
    assert view.height % 32 == 0
    assert min(view.width, view.height) >= 32
    assert view.left >= 0
    assert view.left + view.width / view.scale <= size[0] + 1e-6


@pytest.mark.parametrize(("side", "crop"), [(22, 49), (23, 61), (56, 114), (332, 1020)])
def test_a_small_image_fills_the_view_whatever_the_quotient_rounds_to(side, crop):
    view = random_view(side, side, crop, np.random.default_rng(0))
    assert 0 <= view.left < 1e-9 or view.scale > crop / side
    assert see(np.zeros((side, side), np.uint8), view).shape == (crop, crop)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-12, 12), min_size=8, max_size=8))
def test_the_common_field_is_valid_and_cannot_grow(moves):
    source = corners(50, 70)
    matrix = cv2.getPerspectiveTransform(
        source.astype(np.float32), (source + np.array(moves).reshape(4, 2)).astype(np.float32)
    )
    _, valid = warp(np.ones((50, 70), np.uint8), matrix, (50, 70))
    field = common_field(valid)
    assert field is not None
    x, y, right, bottom = field.x, field.y, field.x + field.width, field.y + field.height
    assert valid[y:bottom, x:right].all()
    for grown in (
        (y - 1, bottom, x, right),
        (y, bottom + 1, x, right),
        (y, bottom, x - 1, right),
        (y, bottom, x, right + 1),
    ):
        inside = grown[0] >= 0 and grown[1] <= 50 and grown[2] >= 0 and grown[3] <= 70
        assert not inside or not valid[grown[0] : grown[1], grown[2] : grown[3]].all()


def test_the_common_field_of_a_full_frame_is_the_frame():
    assert common_field(np.ones((4, 6), bool)) == Rectangle(0, 0, 6, 4)
    assert common_field(np.zeros((4, 6), bool)) is None
