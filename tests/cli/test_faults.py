"""What people give by mistake, of every kind: one line, exit code 2, and nothing written."""

import os
import re

import cv2
import numpy as np
import pytest
from support import odd_input
from typer.testing import CliRunner

from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.image.png import write_png
from text2pixels.pipeline import profiles

LONG = "x" * 300
NOISE = np.random.default_rng(0)


def write_video(name, rate=10.0, codec="FFV1", frames=3):
    writer = cv2.VideoWriter(name, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*codec), rate, (32, 24))
    for _ in range(frames):
        writer.write(np.repeat(NOISE.integers(0, 256, (24, 32, 1), dtype=np.uint8), 3, axis=2))
    writer.release()


def write_deep_video(name):
    """Gray of 16 bits, as radiometric cameras write it."""
    parameters = [cv2.VIDEOWRITER_PROP_DEPTH, cv2.CV_16U, cv2.VIDEOWRITER_PROP_IS_COLOR, 0]
    writer = cv2.VideoWriter(name, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 10.0, (32, 24), parameters)
    for _ in range(3):
        writer.write(NOISE.integers(0, 65536, (24, 32), dtype=np.uint16))
    writer.release()


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, shape in (("ir", (24, 32)), ("vi", (24, 32, 3))):
        write_png(tmp_path / folder / "a.png", NOISE.integers(0, 256, shape, dtype=np.uint8))
    os.mkfifo("pipe.png")
    os.mkfifo("pipe.mkv")
    os.mkfifo("pipe.csv")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "device.png").symlink_to("/dev/zero")
    (tmp_path / "header.csv").write_text("name,phrases\n")
    (tmp_path / "other.csv").write_text("name,phrases\nelsewhere/a,a car\n")
    write_video("slow.mkv", 9.0)
    write_video("fast.mkv", 30.0)
    write_deep_video("deep.mkv")
    (tmp_path / "list.mkv").write_text("ffconcat version 1.0\nfile slow.mkv\n")
    (tmp_path / "playlist.mp4").write_text("#EXTM3U\n#EXTINF:1,\nslow.mkv\n#EXT-X-ENDLIST\n")
    (tmp_path / "streams.mov").write_text("v=0\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n")
    (tmp_path / "picture.avi").write_bytes((tmp_path / "vi/a.png").read_bytes())
    return tmp_path


def contents(place):
    """Return what is in the folder, but for the lock of its runs."""
    return {
        path: path.read_bytes() if path.is_file() and path.name != "device.png" else None
        for path in place.rglob("*")
        if ".cache" not in path.parts
    }


def refused(place, command):
    """Run a command that must be refused; return what is said."""
    before = contents(place)
    result = CliRunner().invoke(app, command.split())
    if isinstance(result.exception, OSError):  # which `main` prints in one line
        said = str(result.exception)
    else:
        assert isinstance(result.exception, InputError), (result.exception, result.output)
        said = str(result.exception)
    assert "\n" not in said
    assert contents(place) == before
    return said


@pytest.mark.parametrize(
    "command",
    [
        "fuse pipe.png vi/a.png -o o.png --method max",
        "fuse ir/a.png device.png -o o.png --method max",
        "fuse folder.png vi/a.png -o o.png --method max",
        "fuse pipe.mkv fast.mkv -o o.mkv --method max",
        "fuse list.mkv fast.mkv -o o.mkv --method max",
        "fuse slow.mkv playlist.mp4 -o o.mkv --method max",
        "fuse streams.mov fast.mkv -o o.mkv --method max",
        "fuse picture.avi fast.mkv -o o.mkv --method max",
        "fuse ir vi -o o --prompts pipe.csv",
        "fuse ir vi -o o --prompts ir",
        f"fuse {LONG}.png vi/a.png -o o.png --method max",
        f"fuse ir/a.png vi/a.png -o {LONG}.png --method max",
        f"fuse ir vi -o {LONG} --method max",
        f"fuse slow.mkv fast.mkv -o {LONG}.mkv --method max",
        "fuse ir/a.png vi/a.png -o ir/a.png/o.png --method max",
        "fuse ir/a.png vi/a.png -o /proc/o.png --method max",
        "fuse ir vi -o /proc/o --method max",
        "fuse slow.mkv fast.mkv -o ir/a.png/o.mkv --method max",
        "fuse ir/a.png vi/a.png -o o.png --model pipe.png",
        "fuse ir/a.png vi/a.png -o o.png --attention header.csv --prompt person",
        f"fuse ir/a.png vi/a.png -o o.png --model {LONG}",
        "register pipe.png vi/a.png",
        f"register ir/a.png {LONG}.png",
        "score pipe.png ir/a.png vi/a.png",
        "score ir ir/a.png vi/a.png",
        "prompt ir/a.png folder.png",
        "embed a --encoder table --table ir",
        "export o --model ir",
    ],
)
def test_what_is_no_file_or_cannot_be_written(place, command):
    odd_input.hold("Commands", command, "refused", refused(place, command))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("slow.mkv deep.mkv -o o.mkv", r"deep.mkv: its pixel format \(Y 1 0 16\) has more than 8 bits"),
        ("fast.mkv fast.mkv -o o.mkv", "are one file"),
        ("ir/a.png ir/a.png -o o.png", "are one file"),
        ("ir ir -o o", "are one folder"),
        ("fast.mkv vi/a.png -o o.mkv", "a video and vi/a.png an image"),
        ("ir fast.mkv -o o.mkv", "ir is a folder and fast.mkv a video"),
        ("ir/a.png vi -o o.png", "an image and vi a folder"),
    ],
)
def test_two_things_that_do_not_go_together(place, command, says):
    said = refused(place, f"fuse {command} --method max")
    assert re.search(says, said)
    odd_input.hold("Commands", f"fuse {command} --method max", "refused", said)


@pytest.mark.parametrize("prompts", ["header.csv", "other.csv"])
def test_prompts_that_speak_of_no_pair(place, prompts):
    assert "has phrases for none of the 1 pairs" in refused(place, f"fuse ir vi -o o --prompts {prompts}")


@pytest.mark.parametrize("row", ["a,a car", "a,a car,coarse", "a,a car,fine", "vi/a,a car"])
def test_prompts_are_counted(place, row):
    header = "name,phrases" + ",kind" * (row.count(",") == 2)
    (place / "p.csv").write_text(f"{header}\n{row}\n")
    result = CliRunner().invoke(app, ["fuse", "ir", "vi", "-o", "o", "--prompts", "p.csv"])
    assert result.exit_code == 0, result.exception
    assert "1 of 1 pairs have phrases in p.csv" in result.stderr


@pytest.mark.parametrize("content", [b"stages: {}\ntrain: 3\n", "train: 红外\n".encode("gbk")])
def test_somebody_elses_params_yaml(place, content):
    (place / "profiles").mkdir()
    (place / "params.yaml").write_bytes(content)
    assert CliRunner().invoke(app, ["fuse", "ir/a.png", "vi/a.png", "-o", "o.png", "--method", "max"]).exit_code == 0
    for command in ("stage check", "publish", "params"):
        assert refused(place, command).startswith("params.yaml")


@pytest.mark.parametrize(
    "command", ["fuse {} vi/a.png -o o.png --method max", "prompt {} vi/a.png", "score ir/a.png {} vi/a.png --json"]
)
def test_what_the_pixels_do_not_show_is_said_on_standard_error(place, command):
    pages = [NOISE.integers(0, 256, (24, 32), dtype=np.uint8) for _ in range(3)]
    cv2.imwritemulti("pages.tif", pages)
    result = CliRunner().invoke(app, command.format("pages.tif").split())
    assert result.exit_code == 0, result.exception
    assert "pages.tif: page 1 of 3 is read" in result.stderr
    assert "page 1" not in result.stdout


def test_a_failed_registration_writes_nothing_and_says_so(place):
    write_png(place / "flat.png", np.full((48, 64), 9, np.uint8))
    write_png(place / "scene.png", NOISE.integers(0, 256, (48, 64, 3), dtype=np.uint8))
    before = contents(place)
    result = CliRunner().invoke(
        app, ["register", "flat.png", "scene.png", "--warped", "w.png", "--matrix", "m.json", "--overlay", "o.png"]
    )
    assert result.exit_code == 1
    assert "status    failed" in result.stdout
    assert contents(place) == before


def test_outside_git_the_way_out_is_named(place):
    (place / ".dvc").mkdir()
    assert "git init" in profiles.without_git()
    (place / ".dvc/config").write_text("[core]\n    no_scm = true\n")
    assert profiles.without_git() is None
