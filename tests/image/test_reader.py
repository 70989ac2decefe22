"""The two forms that every file comes in: infrared as 8-bit gray, visible as 8-bit RGB; and what is said of it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support import fakes

from text2pixels.image import Unusable, read_infrared, read_visible
from text2pixels.image.depth import infrared_to_8_bits
from text2pixels.image.png import read_gray, read_rgb

RGB = fakes.picture(np.random.default_rng(0))
GRAY = RGB[..., 1].copy()
COUNTS = 29000 + 10 * GRAY.astype(np.uint16)
HALF = np.where(np.arange(48 * 64).reshape(48, 64) % 64 < 32, 0, 255).astype(np.uint8)  # the left half transparent
ROADSCENE = Path(__file__).parents[3] / "shared/data/RoadScene"


@pytest.mark.parametrize("ending", ["png", "bmp", "tif", "pgm", "jp2", "gif"])
def test_lossless_gray_comes_back_as_it_was(ending, tmp_path):
    fakes.save(tmp_path / f"a.{ending}", GRAY)
    assert (read_infrared(tmp_path / f"a.{ending}") == GRAY).all()
    assert (read_visible(tmp_path / f"a.{ending}") == GRAY[..., None]).all()


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_eight_bits_are_the_pixels_that_the_pipeline_reads(ending, tmp_path):
    fakes.save(tmp_path / f"ir.{ending}", GRAY)
    fakes.save(tmp_path / f"vi.{ending}", RGB)
    assert (read_infrared(tmp_path / f"ir.{ending}") == read_gray(tmp_path / f"ir.{ending}")).all()
    assert (read_visible(tmp_path / f"vi.{ending}") == read_rgb(tmp_path / f"vi.{ending}")).all()


@pytest.mark.skipif(not ROADSCENE.is_dir(), reason="no RoadScene beside the repository")
def test_published_jpegs_are_the_same_pixels_by_either_decoder():
    for side, read, strict in (("cropinfrared", read_infrared, read_gray), ("crop_LR_visible", read_visible, read_rgb)):
        for path in sorted((ROADSCENE / side).iterdir())[:5]:
            assert (read(path) == strict(path)).all()


def test_an_image_can_be_written_to(tmp_path):
    fakes.save(tmp_path / "a.png", GRAY)
    assert read_infrared(tmp_path / "a.png").flags.writeable
    assert read_visible(tmp_path / "a.png").flags.writeable


def test_infrared_stored_in_three_channels_is_one(tmp_path):
    fakes.save(tmp_path / "a.png", np.repeat(GRAY[..., None], 3, axis=2))
    assert (read_infrared(tmp_path / "a.png") == GRAY).all()
    fakes.save(tmp_path / "a.jpg", np.repeat(GRAY[..., None], 3, axis=2), quality=70)
    assert np.abs(read_infrared(tmp_path / "a.jpg").astype(int) - GRAY).mean() < 4


@pytest.mark.parametrize(
    ("mode", "ending"), [("RGBA", "png"), ("P", "png"), ("CMYK", "tif"), ("CMYK", "jpg"), ("LA", "png"), ("1", "png")]
)
def test_odd_modes_of_visible_become_rgb(mode, ending, tmp_path):
    Image.fromarray(RGB).convert(mode).save(tmp_path / f"a.{ending}")
    read = read_visible(tmp_path / f"a.{ending}")
    assert read.shape == RGB.shape
    assert read.dtype == np.uint8
    expected = np.asarray(Image.open(tmp_path / f"a.{ending}").convert("RGB"))
    assert np.abs(read.astype(int) - expected).max() <= 1


@pytest.mark.parametrize(
    ("mode", "ending"), [("RGBA", "png"), ("P", "png"), ("LA", "png"), ("LA", "tif"), ("CMYK", "tif")]
)
def test_odd_modes_of_infrared_become_gray(mode, ending, tmp_path):
    picture = Image.fromarray(np.repeat(GRAY[..., None], 3, axis=2) if mode == "CMYK" else GRAY)
    picture.convert(mode).save(tmp_path / f"a.{ending}")
    assert (read_infrared(tmp_path / f"a.{ending}") == GRAY).all()


@pytest.mark.parametrize("ending", ["png", "tif", "jp2", "pgm"])
def test_sixteen_bit_infrared_is_read_by_its_counts(ending, tmp_path):
    if ending == "jp2":
        fakes.save(tmp_path / "a.jp2", COUNTS, irreversible=False)  # OpenCV's encoder is lossy
    else:
        cv2.imwrite(str(tmp_path / f"a.{ending}"), COUNTS)
    notes = []
    assert (read_infrared(tmp_path / f"a.{ending}", notes=notes) == infrared_to_8_bits(COUNTS)).all()
    assert (read_infrared(tmp_path / f"a.{ending}", (29000, 31550)) == GRAY).all()
    assert not notes


@pytest.mark.parametrize("counts", [(COUNTS.astype(int) - 30000).astype(np.int16), COUNTS.astype(np.float32) / 100])
def test_signed_and_floating_point_tiff_is_read_by_its_values(counts, tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), counts)
    assert (read_infrared(tmp_path / "a.tif") == infrared_to_8_bits(counts)).all()


def test_infrared_of_sixteen_bits_in_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.repeat(COUNTS[..., None], 3, axis=2))
    assert (read_infrared(tmp_path / "a.png") == infrared_to_8_bits(COUNTS)).all()


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_visible_of_sixteen_bits_is_scaled_not_stretched(ending, tmp_path):
    dim = RGB.astype(np.uint16) * 257 // 3
    cv2.imwrite(str(tmp_path / f"a.{ending}"), dim[..., ::-1])
    assert np.abs(read_visible(tmp_path / f"a.{ending}") - dim / 257).max() <= 0.51


@pytest.mark.parametrize("palette", [cv2.COLORMAP_INFERNO, cv2.COLORMAP_JET, cv2.COLORMAP_HOT])
def test_a_colour_palette_is_refused(palette, tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), cv2.applyColorMap(GRAY, palette))
    with pytest.raises(Unusable, match=r"infrared in colours .* export it in gray") as refused:
        read_infrared(tmp_path / "a.png")
    assert refused.value.reason == "false_colour"


def test_infrared_without_a_finite_value_is_blank(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), np.full((20, 20), np.nan, np.float32))
    with pytest.raises(Unusable) as refused:
        read_infrared(tmp_path / "a.tif")
    assert refused.value.reason == "blank"


def test_visible_on_a_scale_that_nobody_knows_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / "a.tif"), COUNTS.astype(np.float32))
    with pytest.raises(Unusable, match="what is white is not known: export 8 or 16 bits") as refused:
        read_visible(tmp_path / "a.tif")
    assert refused.value.reason == "unsupported_depth"


def test_gray_levels_that_are_lost_are_said(tmp_path):
    notes = []
    cv2.imwrite(str(tmp_path / "ir.png"), COUNTS)
    read_infrared(tmp_path / "ir.png", (0, 65535), notes)
    cv2.imwrite(str(tmp_path / "vi.png"), RGB.astype(np.uint16) * 4)
    read_visible(tmp_path / "vi.png", notes)
    assert [note.split(": only ")[0] for note in notes] == [str(tmp_path / "ir.png"), str(tmp_path / "vi.png")]


@pytest.mark.parametrize("ending", ["tif", "gif", "webp"])
def test_of_several_pages_the_first_is_read_and_that_is_said(ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    fakes.save(
        path, GRAY, save_all=True, append_images=[Image.fromarray(GRAY[::-1]), Image.fromarray(GRAY)], lossless=True
    )
    notes = []
    assert (read_infrared(path, notes=notes) == GRAY).all()
    assert notes == [f"{path}: page 1 of 3 is read"]


@pytest.mark.parametrize("ending", ["png", "tif", "webp"])
def test_what_is_transparent_is_black_and_that_is_said(ending, tmp_path):
    fakes.save(tmp_path / f"a.{ending}", np.dstack([RGB, HALF]), lossless=True, exact=True)
    notes = []
    read = read_visible(tmp_path / f"a.{ending}", notes)
    assert (read[:, :32] == 0).all()
    assert (read[:, 32:] == RGB[:, 32:]).all()
    assert notes == [f"{tmp_path / f'a.{ending}'}: transparent in part, which counts as black"]


@pytest.mark.parametrize("ending", ["png", "tif"])
def test_transparency_at_sixteen_bits(ending, tmp_path):
    wide = np.dstack([RGB[..., ::-1], HALF]).astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f"a.{ending}"), wide)
    read = read_visible(tmp_path / f"a.{ending}")
    assert (read == np.where(HALF[..., None] > 0, RGB, 0)).all()


def test_transparency_by_degrees_and_in_palettes(tmp_path):
    fakes.save(tmp_path / "a.png", np.dstack([RGB, np.full_like(GRAY, 51)]))
    assert np.abs(read_visible(tmp_path / "a.png") - RGB / 5).max() <= 0.51
    key = int(GRAY[7, 9])
    fakes.save(tmp_path / "b.png", GRAY, transparency=key)
    assert (read_infrared(tmp_path / "b.png") == np.where(np.equal(GRAY, key), 0, GRAY)).all()


@pytest.mark.parametrize("mode", ["RGBA", "LA", "RGB"])
def test_nothing_is_said_of_an_ordinary_image(mode, tmp_path):
    Image.fromarray(GRAY).convert(mode).save(tmp_path / "a.png")
    notes = []
    assert (read_infrared(tmp_path / "a.png", notes=notes) == GRAY).all()
    assert (read_visible(tmp_path / "a.png", notes) == GRAY[..., None]).all()
    assert not notes
