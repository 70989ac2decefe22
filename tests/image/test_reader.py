"""Decoding: every depth and every form of gray arrives as documented."""

import cv2
import numpy as np
import pytest
from PIL import Image
from support import fakes

from text2pixels.image.reader import Unusable, read_infrared, read_visible, to_8_bits

RNG = np.random.default_rng(0)
GRAY = fakes.picture(RNG, 1)
RGB = fakes.picture(RNG)


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "pgm"])
def test_lossless_gray_comes_back_as_it_was(ending, tmp_path):
    fakes.save(tmp_path / f"a.{ending}", GRAY)
    assert (read_infrared(tmp_path / f"a.{ending}") == GRAY).all()
    assert (read_visible(tmp_path / f"a.{ending}") == GRAY[..., None]).all()


def test_infrared_stored_in_three_channels_is_one(tmp_path):
    fakes.save(tmp_path / "a.png", np.repeat(GRAY[..., None], 3, axis=2))
    assert (read_infrared(tmp_path / "a.png") == GRAY).all()
    fakes.save(tmp_path / "a.jpg", np.repeat(GRAY[..., None], 3, axis=2), quality=70)
    assert np.abs(read_infrared(tmp_path / "a.jpg").astype(int) - GRAY).mean() < 4


@pytest.mark.parametrize("mode", ["RGBA", "P", "CMYK", "LA", "1"])
def test_odd_modes_of_visible_become_rgb(mode, tmp_path):
    ending = "tif" if mode == "CMYK" else "png"
    Image.fromarray(RGB).convert(mode).save(tmp_path / f"a.{ending}")
    read = read_visible(tmp_path / f"a.{ending}")
    assert read.shape == RGB.shape and read.dtype == np.uint8
    expected = np.asarray(Image.open(tmp_path / f"a.{ending}").convert("RGB"))
    assert np.abs(read.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = orientation
    fakes.save(tmp_path / "a.png", GRAY, exif=exif)
    # The eight orientations of the EXIF standard as array operations.
    upright = {
        1: GRAY,
        2: GRAY[:, ::-1],
        3: GRAY[::-1, ::-1],
        4: GRAY[::-1],
        5: GRAY.T,
        6: np.rot90(GRAY, -1),
        7: GRAY[::-1, ::-1].T,
        8: np.rot90(GRAY),
    }[orientation]
    assert (read_infrared(tmp_path / "a.png") == upright).all()


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_sixteen_bits_are_stretched_between_percentiles_whatever_the_offset(ending, tmp_path):
    counts = 7000 + 4 * GRAY.astype(np.uint16)
    counts[0, :3] = 0, 65535, 65535  # dead pixels
    cv2.imwrite(str(tmp_path / f"a.{ending}"), counts)
    read = read_infrared(tmp_path / f"a.{ending}")
    low, high = np.percentile(counts, (0.1, 99.9))
    expected = np.clip((counts - low) / (high - low) * 255, 0, 255)
    assert np.abs(read - expected).max() <= 0.51


def test_a_fixed_range_keeps_gray_levels_comparable_between_frames():
    cold, warm = np.full((4, 4), 7000, np.uint16), np.full((4, 4), 8000, np.uint16)
    assert to_8_bits(cold, (7000, 9000)).max() == 0
    assert (to_8_bits(warm, (7000, 9000)) == 128).all()
    assert (to_8_bits(np.full((4, 4), 9999, np.uint16), (7000, 9000)) == 255).all()


@pytest.mark.parametrize("factor", [1, 257])
def test_eight_bits_in_a_wide_container_are_unpacked_exactly(factor):
    assert (to_8_bits(GRAY.astype(np.uint16) * factor) == GRAY).all()


def test_visible_of_sixteen_bits_is_scaled_not_stretched(tmp_path):
    dim = RGB.astype(np.uint16) * 257 // 3
    cv2.imwrite(str(tmp_path / "a.png"), dim[..., ::-1])
    assert np.abs(read_visible(tmp_path / "a.png") - dim / 257).max() <= 0.51


def test_infrared_of_sixteen_bits_in_three_channels(tmp_path):
    counts = 300 + 200 * GRAY.astype(np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), np.repeat(counts[..., None], 3, axis=2))
    assert (read_infrared(tmp_path / "a.png") == to_8_bits(counts)).all()


def test_a_colour_palette_is_refused(tmp_path):
    coloured = cv2.applyColorMap(GRAY, cv2.COLORMAP_INFERNO)
    cv2.imwrite(str(tmp_path / "a.png"), coloured)
    with pytest.raises(Unusable) as refused:
        read_infrared(tmp_path / "a.png")
    assert refused.value.reason == "false_colour"


def test_a_missing_file_is_unreadable(tmp_path):
    with pytest.raises(Unusable) as refused:
        read_visible(tmp_path / "gone.png")
    assert refused.value.reason == "unreadable"
