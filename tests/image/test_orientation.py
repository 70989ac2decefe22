"""What a camera says of which way is up is honoured, in every format; where it cannot be read, that is said."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image
from support import fakes

from text2pixels.image import Unusable, read_infrared, read_visible

RGB = fakes.picture(np.random.default_rng(0))
GRAY = RGB[..., 1].copy()


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
    from text2pixels.image.decode import pixels_of

    data = io.BytesIO()
    Image.fromarray(RGB).save(data, "PNG", exif=exif(turn(8)))
    assert (pixels_of(Image.open(data), "visible", []) == turned(RGB, 8)).all()
