"""A pair of files in, a fused file out."""

import cv2
import numpy as np
import pytest
from support import fakes

from text2pixels.cameras.stills import OUTPUTS, check_suffix, read_pair, write_image
from text2pixels.errors import InputError
from text2pixels.image import Unusable

RGB = fakes.picture(np.random.default_rng(0))
GRAY = RGB[..., 1].copy()


@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_a_pair_is_read_whatever_its_depth(depth, tmp_path):
    scale = 257 if depth is np.uint16 else 1
    cv2.imwrite(str(tmp_path / "ir.png"), GRAY.astype(depth) * depth(scale))
    cv2.imwrite(str(tmp_path / "vi.tif"), RGB[..., ::-1].astype(depth) * depth(scale))
    infrared, visible = read_pair(tmp_path / "ir.png", tmp_path / "vi.tif")
    assert (infrared == GRAY).all()
    assert (visible == RGB).all()


def test_what_the_pixels_do_not_show_is_handed_back(tmp_path):
    fakes.save(tmp_path / "ir.png", GRAY)
    fakes.save(tmp_path / "vi.png", np.dstack([RGB, GRAY]))
    notes = []
    read_pair(tmp_path / "ir.png", tmp_path / "vi.png", notes)
    assert notes == [f"{tmp_path / 'vi.png'}: transparent in part, which counts as black"]


def test_unequal_sizes_name_both_files(tmp_path):
    fakes.save(tmp_path / "ir.png", GRAY)
    fakes.save(tmp_path / "vi.png", RGB[:-1])
    with pytest.raises(InputError, match=r"ir\.png, .*vi\.png: the infrared is 64x48 and the visible 64x47 pixels"):
        read_pair(tmp_path / "ir.png", tmp_path / "vi.png")


def test_a_file_that_cannot_be_read_is_the_users_error(tmp_path):
    fakes.save(tmp_path / "ir.png", RGB)
    with pytest.raises(Unusable, match="infrared in colours"):
        read_pair(tmp_path / "ir.png", tmp_path / "ir.png")


@pytest.mark.parametrize("suffix", [suffix for suffix in OUTPUTS if suffix not in (".jpg", ".jpeg")])
@pytest.mark.parametrize("image", [GRAY, RGB], ids=["gray", "colour"])
def test_an_image_is_written_as_it_is(suffix, image, tmp_path):
    write_image(tmp_path / f"new/f{suffix.upper()}", image)
    read = cv2.imread(str(tmp_path / f"new/f{suffix.upper()}"), cv2.IMREAD_UNCHANGED)
    assert (read == (image if image.ndim == 2 else image[..., ::-1])).all()


@pytest.mark.parametrize("name", ["f", "f.gif", "f.png.bak", ".png"])
def test_what_no_format_has_for_a_suffix_is_refused(name, tmp_path):
    with pytest.raises(InputError, match=r"cannot write .*: an image ends in \.bmp"):
        check_suffix(tmp_path / name)
