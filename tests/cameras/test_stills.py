"""A pair of files in, a fused file out."""

import cv2
import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2
from support import fakes
from typer.testing import CliRunner

from text2pixels.cameras.stills import OUTPUTS, Reading, check_suffix, read_pair, write_image
from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.image import Unusable
from text2pixels.image.radiometry import in_counts

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


def radiometric(path, celsius_HW, *, scale=0.01, offset=0, unit="K"):
    """Write a GeoTIFF of 16 bits that says, as GDAL does, which temperature a value is."""
    shift = 273.15 if unit == "K" else 0
    counts = np.round((celsius_HW + shift - offset) / scale).astype(np.uint16)
    items = "".join(
        f'<Item name="{role.upper()}" sample="0" role="{role}">{value}</Item>'
        for role, value in (("scale", scale), ("offset", offset), ("unittype", unit))
    )
    tags = ImageFileDirectory_v2()
    tags[42112] = f"<GDALMetadata>{items}</GDALMetadata>"
    tags.tagtype[42112] = 2
    Image.fromarray(counts).save(path, tiffinfo=tags)


@pytest.mark.parametrize(("scale", "offset", "unit"), [(0.01, 0, "K"), (0.04, 0, "K"), (0.1, -40, "degC")])
@pytest.mark.parametrize("given", [("10C", "40C"), ("283.15K", "313.15 K"), ("10°C", "40°C")])
def test_a_range_in_degrees_is_found_where_the_file_says_what_its_values_are(
    scale, offset, unit, given, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    celsius = np.linspace(0, 50, 48 * 64).reshape(48, 64)
    radiometric(tmp_path / "ir.tif", celsius, scale=scale, offset=offset, unit=unit)
    fakes.save(tmp_path / "vi.png", RGB)
    command = ["fuse", "ir.tif", "vi.png", "-o", "f.png", "--method", "infrared", "--gray", "--infrared-range", *given]
    answer = CliRunner().invoke(app, command, catch_exceptions=False)
    assert answer.exit_code == 0
    expected = np.clip((celsius - 10) / 30, 0, 1) * 255
    assert np.abs(cv2.imread("f.png", cv2.IMREAD_GRAYSCALE) - expected).max() <= 1.5  # 0.1 degrees are 0.85 levels


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("10C", "40C"), "plain.tif does not say what its values mean"),
        (("10C", "313K"), "give both values in one unit"),
        (("40C", "10C"), "first value should be less"),
        (("10F", "40F"), "expected two values as the file has them"),
    ],
)
def test_a_range_that_means_nothing_is_refused(given, said, tmp_path):
    Image.fromarray(GRAY.astype(np.uint16) * 100 + 7).save(tmp_path / "plain.tif")
    fakes.save(tmp_path / "vi.png", RGB)
    files = [str(tmp_path / name) for name in ("plain.tif", "vi.png", "f.png")]
    command = ["fuse", *files[:2], "-o", files[2], "--method", "infrared", "--infrared-range", *given]
    with pytest.raises(InputError, match=said):
        CliRunner().invoke(app, command, catch_exceptions=False)


def test_files_whose_values_mean_different_things_are_refused_together(tmp_path):
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path, scale in zip(paths, (0.01, 0.04), strict=True):
        radiometric(path, np.full((48, 64), 20.0), scale=scale)
    with pytest.raises(InputError, match="values of different scale"):
        in_counts((10, 40), "C", paths)


@pytest.mark.parametrize(("black", "is_said"), [(np.s_[:, :], True), (np.s_[:20], False), (np.s_[:, :0], False)])
def test_a_black_frame_around_the_infrared_is_said(black, is_said, tmp_path):
    infrared = np.full((48, 64), 90, np.uint8)
    infrared[black] = 0
    infrared[22:30, 20:40] = 200
    fakes.save(tmp_path / "ir.png", infrared)
    fakes.save(tmp_path / "vi.png", RGB)
    Reading().view(tmp_path / "ir.png", tmp_path / "vi.png", notes := [])
    assert [("black along opposite edges" in note) for note in notes] == [True] * is_said
