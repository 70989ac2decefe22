"""A view moves an image and its boxes alike."""

import numpy as np
import pytest

from text2pixels.image.boxes import Box
from text2pixels.image.views import View, central_view, place, random_view, see

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
