"""Videos: paired in time, counts of 16 bits whole, upright, and what is not taken over is said."""

import re
import struct
import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

import text2pixels
from text2pixels.cameras import video_output
from text2pixels.cameras.video_input import Video, has_sound
from text2pixels.cameras.video_output import CODECS, VideoOutput
from text2pixels.cli import app
from text2pixels.errors import InputError

HEIGHT, WIDTH = 48, 64


def write(path, frames, rate=10.0, codec="FFV1"):
    """Write frames, gray (H, W) of 8 or 16 bits or BGR (H, W, 3)."""
    deep = frames[0].dtype == np.uint16
    parameters = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0] if deep else []
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), rate, size, parameters)
    for frame in frames:
        writer.write(frame if deep or frame.ndim == 3 else cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()


def read(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while (found := capture.read())[0]:
        frames.append(found[1])
    return np.stack(frames)


def run(*words):
    result = CliRunner().invoke(app, ["fuse", *map(str, words), "--method", "infrared"])
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def moving(count, rate, speed=16.0):
    """A bar that moves by ``speed`` pixels a second over a dark frame, gray."""
    frames = []
    for index in range(count):
        frame = np.full((HEIGHT, WIDTH), 20, np.uint8)
        x = round(speed * index / rate)
        frame[:, x : x + 6] = 220
        frames.append(frame)
    return frames


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def place_of_bar(frames):
    return (frames[..., 0].mean(axis=1) > 120).argmax(axis=1)


@pytest.mark.parametrize(("slow", "fast"), [(9.0, 30.0), (30.0, 9.0), (10.0, 25.0), (25.0, 24.0)])
def test_frames_of_two_rates_are_paired_in_time(place, slow, fast):
    write("ir.mkv", moving(round(2 * slow), slow), slow)
    write("vi.mkv", moving(round(2 * fast), fast), fast)
    result = run("ir.mkv", "vi.mkv", "-o", "out.mkv")
    assert f"ir.mkv runs at {slow:g} frames/s and vi.mkv at {fast:g}: frames are paired by their time" in result.stderr
    fused = read("out.mkv")
    assert abs(len(fused) - 2 * fast) <= 1
    expected = 16.0 * np.arange(len(fused)) / fast
    # Half a frame of the slower camera, and half a pixel.
    assert np.abs(place_of_bar(fused) - expected)[: -round(fast / slow) or None].max() <= 16 * 0.5 / min(slow, fast) + 1


def test_counts_of_16_bits_keep_the_scene_over_one_range_for_all_frames(place):
    counts = [np.full((HEIGHT, WIDTH), 29_000, np.uint16) for _ in range(12)]
    for index, frame in enumerate(counts):
        frame[:20, :30] += 600  # a warm thing in all frames
        if index > 5:
            frame[30:, 40:] += 1_500  # a hot one that comes in
    write("ir.mkv", counts)
    write("vi.mkv", moving(12, 10.0))
    result = run("ir.mkv", "vi.mkv", "-o", "out.mkv")
    assert "infrared 29000 to 30500 shown as black to white" in result.stdout
    fused = read("out.mkv")[..., 0].astype(int)
    assert np.abs(fused[:, 10, 10] - 102).max() <= 1  # 600 of 1500: does not flicker when the hot thing comes in
    assert fused[0, 40, 50] == 0
    assert fused[11, 40, 50] == 255
    chosen = run("ir.mkv", "vi.mkv", "-o", "chosen.mkv", "--infrared-range", 28_000, 30_000)
    assert "infrared 28000 to 30000 shown" in chosen.stdout
    assert np.abs(read("chosen.mkv")[:, 10, 10, 0].astype(int) - 204).max() <= 1


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("gray.mkv", "deep.mkv"), "deep.mkv: its pixel format .* infrared is read whole as FFV1"),
        (("gray.mkv", "colour.mkv", "--infrared-range", 1, 2), "gray.mkv has 8 bits"),
        (("deep.mkv", "colour.mkv", "--infrared-range", 2, 1), "first value should be less"),
        (("colour.mkv", "gray.mkv"), "colour.mkv: infrared in colours .* gray.mkv is gray, so the two may be swapped"),
        (("colour.mkv", "other.mkv"), "infrared in colours .*: export it in gray$"),
        (("gray.mkv", "gray.mkv"), "are one file"),
        (("gray.mkv", "small.mkv"), "64x48 and small.mkv 32x24 pixels: .* --register .* --matrix FILE"),
    ],
)
def test_what_would_come_out_wrong_is_refused(place, words, says):
    bars = moving(3, 10.0)
    tint = [np.dstack([frame, 255 - frame, frame // 2]) for frame in bars]
    write("gray.mkv", bars)
    write("deep.mkv", [frame.astype(np.uint16) * 100 for frame in bars])
    write("colour.mkv", tint)
    write("other.mkv", tint)
    write("small.mkv", [frame[:24, :32] for frame in bars])
    before = {*place.iterdir()}
    with pytest.raises(InputError, match=says):
        run(*words, "-o", "out.mkv")
    assert {*place.iterdir()} == before


def test_lamps_that_light_up_do_not_change_the_brightness_of_all_else_at_once(place):
    numbers = np.random.default_rng(0)
    infrared, scene = np.kron(numbers.integers(40, 200, (2, 6, 8)), np.ones((16, 16))).astype(np.uint8)
    scene = scene // 4
    lit = scene.copy()
    lit[:32, :32] = 250
    write(place / "ir.avi", [infrared] * 6)
    write(place / "vis.avi", [scene] * 3 + [lit] * 3)
    CliRunner().invoke(app, ["fuse", "ir.avi", "vis.avi", "-o", "out.avi"], catch_exceptions=False)
    far = read(place / "out.avi")[:, 64:, 64:].astype(float)
    steps = np.abs(np.diff(far, axis=0)).mean(axis=(1, 2, 3))
    assert steps.max() < 1
    assert np.abs(far[5] - far[2]).mean() > 0.2

    fuser = text2pixels.load()
    alone = [fuser.fuse(infrared, each)[64:, 64:].astype(float) for each in (scene, lit)]
    assert np.abs(alone[1] - alone[0]).mean() > 3


@pytest.mark.parametrize("suffix", sorted(CODECS))
def test_every_kind_of_video_is_written_and_read_back(place, suffix):
    write("ir.mkv", moving(5, 10.0))
    write("vi.mkv", moving(5, 10.0))
    result = run("ir.mkv", "vi.mkv", "-o", f"out{suffix}")
    assert re.search(r"\(the video runs at 10\), (H\.264|MPEG-4|VP8|FFV1|Motion JPEG)", result.stdout)
    again = run(f"out{suffix}", "vi.mkv", "-o", "again.mkv")
    assert "5 frames fused" in again.stdout
    assert "ends after" not in again.stderr
    assert np.abs(place_of_bar(read("again.mkv")) - place_of_bar(read("ir.mkv"))).max() <= 1


def noise(count):
    return list(np.random.default_rng(0).integers(0, 256, (count, HEIGHT, WIDTH), dtype=np.uint8))


def cut(path, share=0.5):
    data = path.read_bytes()
    path.write_bytes(data[: round(share * len(data))])


@pytest.mark.parametrize("suffix", [".mkv", ".avi"])
@pytest.mark.parametrize("which", ["ir", "vi", "ir vi"])
def test_a_video_that_ends_before_its_header_says_is_fused_so_far_with_a_note(place, capfd, suffix, which):
    names = [f"{side}{suffix}" for side in ("ir", "vi")]
    for name in names:
        write(name, noise(40), codec=CODECS[suffix][0])
    for side in which.split():
        cut(place / f"{side}{suffix}")
    result = run(*names, "-o", "out.mkv")
    frames = len(read("out.mkv"))
    assert 15 <= frames <= 21
    for side, name in zip(("ir", "vi"), names, strict=True):
        said = re.search(rf"^{name} ends after (\d+) of 40 frames: it is cut short", result.stderr, re.MULTILINE)
        assert bool(said) == (side in which.split())
        assert said is None or abs(int(said[1]) - frames) <= 1
    assert "is longer" not in result.stderr  # where the other one is too short
    assert ("have no partner" in result.stderr) == (which != "ir vi")
    assert capfd.readouterr() == ("", "")  # FFmpeg's own lines


@pytest.mark.parametrize(
    ("count", "given", "last", "expected"),
    [
        (60, 29, 2.8, True),
        (60, 58, 5.7, False),  # a frame or two
        (1000, 985, 98.4, False),  # 2 %
        (1000, 970, 96.9, True),
        (60, 30, 5.9, False),  # half the frames over the whole time: their rate was estimated
        (0, 9, 0.8, False),  # a stream has no number
    ],
)
def test_when_a_video_counts_as_cut(place, count, given, last, expected):
    assert Video(place, 10.0, count, (48, 64), False, None, given, last).is_cut is expected


@pytest.mark.parametrize("rate", [0.1, 0.5, 7.492507, 8.7, 25.0, 30000 / 1001, 239.76])
@pytest.mark.parametrize("suffix", [".avi", ".mkv"])
def test_the_rate_is_kept(place, suffix, rate):
    path = place / f"out{suffix}"
    with VideoOutput(path, (HEIGHT, WIDTH), rate) as writer:
        for frame in moving(5, 10.0):
            writer.write(frame)
    capture = cv2.VideoCapture(str(path))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, rel=2e-4)
    for _ in range(5):
        assert capture.read()[0]
    assert capture.get(cv2.CAP_PROP_POS_MSEC) == pytest.approx(4000 / rate, abs=2)


def test_an_avi_keeps_an_odd_size_and_its_grays(place):
    frames = [frame[:47, :63] for frame in moving(3, 8.7)]
    with VideoOutput(place / "out.avi", (47, 63), 8.7) as writer:
        for frame in frames:
            writer.write(frame)
    assert np.abs(read("out.avi")[..., 0].astype(int) - np.stack(frames)).mean() < 3


@pytest.mark.parametrize("first", [0, 128])
def test_a_palette_is_found_behind_a_gray_first_frame(place, first):
    plain = np.full((HEIGHT, WIDTH, 3), first, np.uint8)
    tint = [np.dstack([frame, 255 - frame, frame // 2]) for frame in moving(30, 10.0)]
    write("ir.mkv", [plain, *tint])
    write("vi.mkv", tint)
    with pytest.raises(InputError, match=r"ir\.mkv: infrared in colours"):
        run("ir.mkv", "vi.mkv", "-o", "out.mkv")
    assert not (place / "out.mkv").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems take no such names")
@pytest.mark.parametrize("words", [("ir\udcff.mkv", "vi.mkv", "o.mkv"), ("ir.mkv", "vi.mkv", "o\udcff.mkv")])
def test_a_name_that_is_not_utf8_is_refused(place, words):
    for name in words[:2]:
        write("some.mkv", moving(3, 10.0))
        (place / "some.mkv").rename(name)
    infrared, visible, output = words
    with pytest.raises(InputError, match="UTF-8"):
        run(infrared, visible, "-o", output)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows takes no colon in a name")
def test_a_colon_in_a_name_is_no_protocol(place):
    for name in ("12:30:05.mkv", "12:30:06.mkv"):
        write("some.mkv", moving(3, 10.0))
        (place / "some.mkv").rename(name)
    run("12:30:05.mkv", "12:30:06.mkv", "-o", "12:30:07.mkv")
    assert (place / "12:30:07.mkv").is_file()


def test_a_folder_in_the_output_s_place_is_refused_before_anything_is_fused(place, monkeypatch):
    write("ir.mkv", moving(3, 10.0))
    write("vi.mkv", moving(3, 10.0))
    (place / "out.mkv").mkdir()
    monkeypatch.setattr("text2pixels.cameras.video.fuse_view", None)
    with pytest.raises(InputError, match=r"^out\.mkv is a folder: name the video to write"):
        run("ir.mkv", "vi.mkv", "-o", "out.mkv")
    assert {path.name for path in place.iterdir()} == {"ir.mkv", "vi.mkv", "out.mkv"}


def test_that_a_video_was_cut_short_is_not_said_by_ffmpeg_too(place, capfd):
    write("whole.mkv", [np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)] * 20)
    (place / "cut.mkv").write_bytes((place / "whole.mkv").read_bytes()[:-9000])
    assert 0 < video_output._frames_in(place / "cut.mkv") < 20
    assert capfd.readouterr() == ("", "")


def test_a_video_turned_by_its_metadata_is_upright(place):
    frames = [np.pad(frame[:40], ((0, 0), (0, 16))) for frame in moving(4, 10.0)]  # 80x40
    write("lying.mp4", frames, codec="mp4v")
    data = bytearray((place / "lying.mp4").read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40  # ISO/IEC 14496-12: version 0, matrix after 40 bytes
    data[matrix : matrix + 36] = struct.pack(">9i", 0, 65536, 0, -65536, 0, 0, 40 << 16, 0, 1 << 30)
    (place / "turned.mp4").write_bytes(data)
    upright = [np.ascontiguousarray(np.rot90(frame, -1)) for frame in frames]
    write("upright.mkv", upright)
    run("turned.mp4", "upright.mkv", "-o", "out.mkv")
    fused = read("out.mkv")[..., 0].astype(int)
    assert np.abs(fused - np.stack(upright)).mean() < 6  # what MPEG-4 does to grays


def avi_with_sound():
    """An AVI's list of streams, one of pictures and one of sound."""
    streams = b"".join(
        b"LIST" + struct.pack("<I", 20) + b"strl" + b"strh" + struct.pack("<I", 4) + kind for kind in (b"vids", b"auds")
    )
    return b"RIFF" + struct.pack("<I", len(streams) + 4) + b"AVI " + streams


def box(kind, *content):
    inside = b"".join(content)
    return struct.pack(">I", len(inside) + 8) + kind + inside


def element(identity, content):
    return identity + bytes([0x10 | len(content) >> 24, *len(content).to_bytes(3, "big")]) + content


def mp4(*kinds):
    tracks = [
        box(b"trak", box(b"tkhd", b"0" * 20), box(b"mdia", box(b"hdlr", b"\0" * 8, kind, b"\0" * 12))) for kind in kinds
    ]
    return box(b"ftyp", b"isom") + box(b"mdat", b"soun" * 9) + box(b"moov", box(b"mvhd", b"0" * 20), *tracks)


def matroska(*types):
    entries = [element(b"\xae", element(b"\xd7", b"\x01") + element(b"\x83", bytes([kind]))) for kind in types]
    tracks = element(b"\x16\x54\xae\x6b", b"".join(entries))
    return element(b"\x1a\x45\xdf\xa3", b"\x42\x86\x81\x01") + element(b"\x18\x53\x80\x67", tracks)


@pytest.mark.parametrize(
    ("content", "sound"),
    [
        (avi_with_sound(), True),
        (avi_with_sound().replace(b"auds", b"txts"), False),
        (mp4(b"vide", b"soun"), True),
        (mp4(b"vide"), False),
        (matroska(1, 2), True),
        (matroska(1, 17), False),
        (b"", None),
        (b"\0\0\0\0moov", False),
        (b"\x1a\x45\xdf\xa3\x00", False),
        (b"G" * 400, None),
    ],
)
def test_sound_is_found(place, content, sound):
    (place / "video").write_bytes(content)
    assert has_sound(place / "video") is sound


def test_sound_is_said_to_be_left_out(place, monkeypatch):
    monkeypatch.setattr("text2pixels.cameras.video.has_sound", lambda path: path.name == "vi.mkv")
    write("ir.mkv", moving(3, 10.0))
    write("vi.mkv", moving(3, 10.0))
    assert "vi.mkv: its sound is not taken over" in run("ir.mkv", "vi.mkv", "-o", "o.mkv").stderr


def test_a_stream_of_a_camcorder_is_a_video(place):
    write("ir.ts", moving(3, 10.0), codec="mp4v")
    write("vi.mkv", moving(3, 10.0))
    result = run("ir.ts", "vi.mkv", "-o", "out.mkv")
    assert "3 frames fused" in result.stdout
    assert "ir.ts: sound, if it has any, is not taken over" in result.stderr
