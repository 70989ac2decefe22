"""Where there is no infrared, the visible image comes back as it was, whatever fuses, and no edge shows."""

import numpy as np
import pytest
from PIL import Image
from support import two_cameras

from text2pixels.cameras.stills import Reading
from text2pixels.cameras.view import Field, View, fuse_view
from text2pixels.errors import InputError, Unusable
from text2pixels.image.colour import luminance, quantise
from text2pixels.methods import catalogue

SCENE = two_cameras.scene(3)
VISIBLE = np.dstack([SCENE, np.roll(SCENE, 5, axis=1), SCENE // 2 + 60])
INFRARED = 255 - SCENE
TILTED = np.zeros(SCENE.shape, bool)
for _row in range(50, 190):
    TILTED[_row, 60 + _row // 5 : 240 + _row // 5] = True


@pytest.mark.parametrize("method", ["max", "average", "laplacian", "wavelet", "gff", "infrared"])
@pytest.mark.parametrize("gray", [False, True])
def test_outside_of_the_field_the_visible_stays_as_it_is(method, gray):
    hidden = np.where(TILTED, INFRARED, 0).astype(np.uint8)
    loaded = catalogue.load(method)
    fused = fuse_view(loaded, View(hidden, VISIBLE, Field(TILTED)), gray=gray)
    expected = VISIBLE if fused.ndim == 3 else quantise(luminance(VISIBLE))
    np.testing.assert_array_equal(fused[~TILTED], expected[~TILTED])
    assert not (fused[TILTED] == expected[TILTED]).all()


@pytest.mark.parametrize("method", ["max", "average", "laplacian", "gff"])
def test_what_lies_outside_of_the_field_changes_nothing_inside(method):
    loaded = catalogue.load(method)
    one, other = (
        fuse_view(loaded, View(np.where(TILTED, INFRARED, value).astype(np.uint8), VISIBLE, Field(TILTED)))
        for value in (0, 255)
    )
    np.testing.assert_array_equal(one, other)


def test_the_seam_is_soft():
    white, black = np.full(SCENE.shape, 255, np.uint8), np.zeros((*SCENE.shape, 3), np.uint8)
    fused = fuse_view(catalogue.load("max"), View(white, black, Field(TILTED)), gray=True).astype(int)
    steps = np.maximum(np.abs(np.diff(fused, axis=0)).max(), np.abs(np.diff(fused, axis=1)).max())
    assert fused.max() == 255
    assert steps < 60  # a hard edge is one of 255


def test_a_field_too_small_to_fuse_is_refused():
    with pytest.raises(InputError, match="covers 20x240 pixels of the visible frame"):
        Field(np.broadcast_to(np.arange(320) < 20, SCENE.shape))


def test_opacity_of_a_file_is_the_field(tmp_path):
    opacity = Image.fromarray(TILTED.astype(np.uint8) * np.uint8(255))
    Image.merge("LA", (Image.fromarray(INFRARED), opacity)).save(tmp_path / "ir.png")
    Image.fromarray(VISIBLE).save(tmp_path / "vis.png")
    view = Reading().view(tmp_path / "ir.png", tmp_path / "vis.png", [])
    np.testing.assert_array_equal(view.field.seen_HW, TILTED)
    np.testing.assert_array_equal(view.infrared_HW[TILTED], INFRARED[TILTED])


def test_an_image_without_an_opaque_pixel_holds_no_infrared(tmp_path):
    Image.merge("LA", (Image.fromarray(INFRARED), Image.new("L", (320, 240)))).save(tmp_path / "ir.png")
    Image.fromarray(VISIBLE).save(tmp_path / "vis.png")
    with pytest.raises(Unusable, match="transparent throughout"):
        Reading().view(tmp_path / "ir.png", tmp_path / "vis.png", [])
