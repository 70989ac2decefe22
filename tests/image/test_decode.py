"""Whatever the bytes: pixels, upright, or one line that says why not; and soon."""

import io
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from support import fakes

from text2pixels.image import SUFFIXES, Unusable, read_infrared, read_visible
from text2pixels.image.decode import MAXIMUM_PIXELS, decode, pixels_of

RGB = fakes.picture(np.random.default_rng(0))
GRAY = RGB[..., 1].copy()
COUNTS = 29000 + 10 * GRAY.astype(np.uint16)


def by_pillow(kind: str, image: np.ndarray = RGB, mode: str | None = None, **options: object) -> bytes:
    data = io.BytesIO()
    picture = Image.fromarray(image)
    (picture.convert(mode) if mode else picture).save(data, kind, **options)
    return data.getvalue()


def by_opencv(suffix: str, image: np.ndarray) -> bytes:
    return cv2.imencode(suffix, image)[1].tobytes()


FILES = {
    "bmp": by_pillow("BMP"),
    "gif": by_pillow("GIF"),
    "gif, two frames": by_pillow("GIF", save_all=True, append_images=[Image.fromarray(RGB[::-1])]),
    "jp2": by_pillow("JPEG2000", irreversible=False),
    "jp2 of 16 bits": by_opencv(".jp2", COUNTS),
    "jpeg": by_pillow("JPEG"),
    "jpeg, progressive, EXIF": by_pillow("JPEG", progressive=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"),
    "jpeg, CMYK": by_pillow("JPEG", mode="CMYK"),
    "pgm": by_pillow("PPM", GRAY),
    "pgm of 16 bits": by_opencv(".pgm", COUNTS),
    "pgm of 12 bits": b"P5\n64 48\n4095\n" + (COUNTS // 16).astype(">u2").tobytes(),
    "ppm in words": b"P3\n4 4\n255\n" + b"1 22 255\n" * 16,
    "png": by_pillow("PNG"),
    "png, palette": by_pillow("PNG", mode="P"),
    "png, transparent": by_pillow("PNG", mode="RGBA"),
    "png of 16 bits": by_opencv(".png", COUNTS),
    "png, colour of 16 bits": by_opencv(".png", RGB.astype(np.uint16) * 257),
    "tiff": by_pillow("TIFF"),
    "tiff, packed": by_pillow("TIFF", compression="tiff_lzw"),
    "tiff, deflated": by_pillow("TIFF", GRAY, compression="tiff_adobe_deflate"),
    "tiff of 16 bits": by_opencv(".tiff", COUNTS),
    "tiff, signed": by_opencv(".tiff", (COUNTS.astype(int) - 30000).astype(np.int16)),
    "tiff, floating point": by_opencv(".tiff", COUNTS.astype(np.float32)),
    "tiff, colour of 16 bits": by_opencv(".tiff", RGB.astype(np.uint16) * 257),
    "tiff, pages": by_pillow("TIFF", GRAY, save_all=True, append_images=[Image.fromarray(GRAY[::-1])]),
    "webp": by_pillow("WEBP"),
    "webp, lossless": by_pillow("WEBP", mode="RGBA", lossless=True),
}


def pixels_or_unusable(path: Path) -> None:
    for read in (read_visible, read_infrared):
        notes: list[str] = []
        try:
            image = read(path, notes=notes)
        except Unusable as error:
            refusal = error
            assert "\n" not in str(refusal)
            assert str(refusal).startswith(f"{path}: ")
            assert refusal.reason in ("unreadable", "too_large", "unsupported_depth", "false_colour", "blank")
        else:
            assert image.dtype == np.uint8
            assert image.ndim == (3 if read is read_visible else 2)
            assert image.size
        assert all(note.startswith(f"{path}: ") and "\n" not in note for note in notes)


@pytest.mark.parametrize("name", FILES)
def test_a_whole_file_is_read(name, tmp_path):
    (tmp_path / "a").write_bytes(FILES[name])
    # Values below 0 and beyond 255 with no known white can only be infrared; colour can only be visible.
    read = read_infrared if name in ("tiff, signed", "tiff, floating point") else read_visible
    assert min(read(tmp_path / "a").shape[:2]) >= 4


@pytest.mark.parametrize("data", FILES.values(), ids=FILES)
def test_flipped_bits_and_cut_ends_give_pixels_or_one_line(data, tmp_path, capfd):
    rng = np.random.default_rng(0)
    path = tmp_path / "a"
    for turn in range(60):
        broken = bytearray(data)
        if turn % 3 == 0:
            broken = broken[: int(rng.integers(1, len(data)))]
        else:  # most of what decides is at either end
            reach = len(data) if turn % 3 == 1 else min(len(data), 200)
            for _ in range(int(rng.integers(1, 4))):
                at = int(rng.integers(reach)) * (1 if rng.random() < 0.7 else -1)
                broken[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        pixels_or_unusable(path)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["png", "jpeg", "tiff, packed", "bmp", "gif", "webp", "pgm", "jp2"])
def test_half_a_file_is_an_error_not_half_an_image(name, tmp_path):
    (tmp_path / "a").write_bytes(FILES[name][: len(FILES[name]) // 2])
    with pytest.raises(Unusable) as refused:
        read_visible(tmp_path / "a")
    assert refused.value.reason == "unreadable"


def test_a_file_of_another_suffix_is_what_its_content_says(tmp_path):
    (tmp_path / "a.tif").write_bytes(FILES["png"])
    assert (read_visible(tmp_path / "a.tif") == RGB).all()


def test_an_image_in_memory_that_is_cut_short_is_an_error_too():
    image = Image.open(io.BytesIO(FILES["jpeg"][:-200]))
    with pytest.raises(Unusable, match=r"^infrared: damaged"):
        pixels_of(image, "infrared", [])


def test_an_image_in_memory_of_more_than_sixteen_bits_is_not_cut():
    assert (pixels_of(Image.fromarray(COUNTS.astype(np.int32)), "infrared", []) == COUNTS).all()
    with pytest.raises(Unusable, match="more than 16 bits a value"):
        pixels_of(Image.fromarray(COUNTS.astype(np.int32) * 3), "infrared", [])


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, bits: int, colour: int, data: bytes) -> bytes:
    """A PNG; of colour types, 0 is gray and 4 gray with transparency."""
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


def test_gray_of_sixteen_bits_with_transparency_keeps_its_depth(tmp_path):
    opaque = np.dstack([COUNTS, np.full_like(COUNTS, 65535)]).astype(">u2")
    (tmp_path / "a.png").write_bytes(png(64, 48, 16, 4, b"".join(b"\0" + row.tobytes() for row in opaque)))
    assert (read_infrared(tmp_path / "a.png", (29000, 31550)) == GRAY).all()


@pytest.mark.parametrize(
    "data", [png(32_000, 32_000, 8, 0, bytes(9)), png(8_001, 10_000, 8, 0, bytes(9)), b"P5\n9000 9000\n255\n123"]
)
def test_too_many_pixels_are_refused_by_the_header(data, tmp_path):
    (tmp_path / "a.png").write_bytes(data)
    with pytest.raises(Unusable, match=f"at most {MAXIMUM_PIXELS:,} are read") as refused:
        read_visible(tmp_path / "a.png")
    assert refused.value.reason == "too_large"


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    for path, said in (
        (tmp_path / "pipe.png", "a pipe or a device"),
        (tmp_path / "folder.png", "a folder"),
        (Path(os.devnull), "a pipe or a device"),
        (tmp_path / "gone.png", "No such file"),
        (tmp_path / "pipe.png/a.png", "Not a directory"),
    ):
        with pytest.raises(Unusable, match=said) as refused:
            read_infrared(path)
        assert refused.value.reason == "unreadable"


def test_a_depth_that_is_not_read_is_named(tmp_path):
    (tmp_path / "a.tif").write_bytes(by_opencv(".tiff", COUNTS.astype(np.int32)))
    with pytest.raises(Unusable, match="32 bits a value, signed: export 8 or 16 bits") as refused:
        read_infrared(tmp_path / "a.tif")
    assert refused.value.reason == "unsupported_depth"


def test_an_error_names_the_path_and_its_detail_the_file(tmp_path):
    (tmp_path / "a.png").write_bytes(b"<html>404</html>")
    with pytest.raises(Unusable) as refused:
        read_visible(tmp_path / "a.png")
    assert str(refused.value).startswith(f"{tmp_path / 'a.png'}: cut short, or no image")
    assert refused.value.detail.startswith("a.png: cut short, or no image")


def test_an_error_survives_the_way_back_from_a_worker():
    import pickle

    error = pickle.loads(pickle.dumps(Unusable("unreadable", "damaged", Path("ir/a.png"))))
    assert (str(error), error.reason, error.detail) == ("ir/a.png: damaged", "unreadable", "a.png: damaged")


def test_every_suffix_is_read(tmp_path):
    for suffix in SUFFIXES:
        Image.fromarray(GRAY).save(tmp_path / f"a{suffix}")
        assert read_infrared(tmp_path / f"a{suffix}").shape == GRAY.shape


def turned(image: np.ndarray, orientation: int) -> np.ndarray:
    """The eight orientations of the EXIF standard, by Pillow."""
    if orientation == 1:
        return image
    turn = Image.Transpose
    by = (turn.FLIP_LEFT_RIGHT, turn.ROTATE_180, turn.FLIP_TOP_BOTTOM, turn.TRANSPOSE)
    by += (turn.ROTATE_270, turn.TRANSVERSE, turn.ROTATE_90)
    return np.asarray(Image.fromarray(image).transpose(by[orientation - 2]))


def exif(*entries: bytes, values: bytes = b"") -> bytes:
    """A block of 12-byte entries, little endian; its values begin at 14 + 12 * entries."""
    return b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4) + values


def turn(orientation: int) -> bytes:
    return struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif", "webp", "jpg"])
def test_every_orientation_is_honoured(orientation, ending, tmp_path):
    path = tmp_path / f"a.{ending}"
    tags = Image.Exif()
    tags[0x0112] = orientation
    fakes.save(path, RGB, exif=tags, **({"lossless": True} if ending == "webp" else {}))
    stored = RGB if ending != "jpg" else cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[..., ::-1]
    assert (read_visible(path) == turned(stored, orientation)).all()
    fakes.save(path, np.repeat(GRAY[..., None], 3, axis=2), exif=tags, lossless=True)
    assert read_infrared(path).shape == turned(GRAY, orientation).shape


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", ["png", "tif"])
@pytest.mark.parametrize("image", [RGB, GRAY], ids=["colour", "gray"])
def test_every_orientation_is_honoured_at_sixteen_bits(orientation, ending, image, tmp_path):
    wide = image.astype(np.uint16) * 257
    data = bytearray(cv2.imencode(f".{ending}", wide[..., ::-1] if image is RGB else wide)[1].tobytes())
    if ending == "png":
        block = exif(turn(orientation))[6:]
        crc = struct.pack(">I", zlib.crc32(b"eXIf" + block))
        data[33:33] = struct.pack(">I", len(block)) + b"eXIf" + block + crc
    else:
        (start,) = struct.unpack_from("<I", data, 4)
        (count,) = struct.unpack_from("<H", data, start)
        entries = [bytes(data[start + 2 + 12 * k : start + 14 + 12 * k]) for k in range(count)] + [turn(orientation)]
        data += bytes(len(data) % 2)
        struct.pack_into("<I", data, 4, len(data))
        data += struct.pack("<H", len(entries)) + b"".join(sorted(entries, key=lambda e: e[1::-1])) + bytes(4)
    (tmp_path / "a").write_bytes(data)
    read = (read_visible if image is RGB else read_infrared)(tmp_path / "a")
    assert (read == turned(image, orientation)).all()


def test_a_resolution_in_words_does_not_hide_the_orientation(tmp_path):
    words = b"seventy two\0"
    block = exif(turn(6), struct.pack("<HHII", 0x011A, 2, len(words), 14 + 24), values=words)
    fakes.save(tmp_path / "a.png", RGB, exif=block)
    assert (read_visible(tmp_path / "a.png") == turned(RGB, 6)).all()


BROKEN = {
    "garbage": b"Exif\0\0garbage garbage",
    "cut short": exif(turn(6))[:-8],
    "offset beyond the end": b"Exif\0\0II*\0\xff\xff\xff\x7f" + exif(turn(6))[14:],
}


@pytest.mark.parametrize("block", BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("ending", ["jpg", "png", "webp"])
def test_a_broken_block_is_an_error_as_which_way_is_up_is_not_known(block, ending, tmp_path):
    fakes.save(tmp_path / f"a.{ending}", RGB, exif=block)
    with pytest.raises(Unusable, match="EXIF block is broken") as refused:
        read_visible(tmp_path / f"a.{ending}")
    assert refused.value.reason == "unreadable"
    assert "\n" not in str(refused.value)


def test_a_block_that_is_broken_behind_the_orientation_is_honoured(tmp_path):
    block = bytearray(exif(turn(6)))
    struct.pack_into("<H", block, 14, 9)  # nine entries announced
    fakes.save(tmp_path / "a.png", RGB, exif=bytes(block))
    assert (read_visible(tmp_path / "a.png") == turned(RGB, 6)).all()


@pytest.mark.parametrize(("orientation", "said"), [(0, 0), (9, 1), (777, 1)])
def test_an_orientation_that_does_not_exist_is_upright_and_said(orientation, said, tmp_path):
    fakes.save(tmp_path / "a.png", RGB, exif=exif(turn(orientation)))
    notes = []
    assert (read_visible(tmp_path / "a.png", notes) == RGB).all()
    assert len(notes) == said


def test_an_image_in_memory_is_turned_too():
    data = io.BytesIO()
    Image.fromarray(RGB).save(data, "PNG", exif=exif(turn(8)))
    assert (pixels_of(Image.open(data), "visible", []) == turned(RGB, 8)).all()


def test_images_are_read_without_the_training_packages():
    blocked = ["torch", "pandas", "pyarrow", "ultralytics"]
    block = f"import sys\nfor name in {blocked}: sys.modules[name] = None\n"
    code = block + "import text2pixels.image.views, text2pixels.image.png"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("maximum", [1023, 4095, 16383, 65535])
def test_counts_of_a_pgm_are_those_of_the_file_and_its_white_is_white_for_a_visible_image(maximum, tmp_path):
    values = np.arange(1000, 1020, dtype=np.uint16).reshape(4, 5)
    (tmp_path / "a.pgm").write_bytes(b"P5\n5 4\n%d\n" % maximum + values.astype(">u2").tobytes())
    np.testing.assert_array_equal(decode(tmp_path / "a.pgm", [], counts=True), values)
    np.testing.assert_allclose(decode(tmp_path / "a.pgm", []), values * (65535 / maximum), atol=0.5)
