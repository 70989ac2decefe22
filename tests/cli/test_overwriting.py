"""No command replaces what it was given, and none leaves less than it says."""

import json
import resource
import signal

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.image.png import write_png

NOISE = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for folder, shape in (("ir", (24, 32)), ("vi", (24, 32, 3))):
        write_png(tmp_path / folder / "a.png", NOISE.integers(0, 256, shape, dtype=np.uint8))
    write_png(tmp_path / "both" / "i.png", NOISE.integers(0, 256, (24, 32), dtype=np.uint8))
    write_png(tmp_path / "both" / "v.png", NOISE.integers(0, 256, (24, 32, 3), dtype=np.uint8))
    (tmp_path / "link.png").symlink_to(tmp_path / "vi" / "a.png")
    (tmp_path / "hard.png").hardlink_to(tmp_path / "ir" / "a.png")
    identity = {"infrared_to_visible": np.eye(3).tolist(), "infrared_size": [32, 24], "visible_size": [32, 24]}
    (tmp_path / "rig").mkdir()
    (tmp_path / "rig" / "a.png").write_text(json.dumps(identity))
    for name in ("compared/mine/a.png", "compared/other/a.png", "in/infrared/a.png", "in/visible/a.png"):
        write_png(tmp_path / name, NOISE.integers(0, 256, (24, 32), dtype=np.uint8))
    (tmp_path / "compared" / "leaderboard.csv").write_text("of an earlier run")
    for folder, name in (("older", "leaderboard.csv"), ("in", "manifest.parquet")):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name).write_text("of an earlier run")
        (tmp_path / folder / "thesis.txt").write_text("of mine")
    return tmp_path


def contents(place):
    return {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    "command",
    [
        "fuse ir/a.png vi/a.png -o vi",
        "fuse ir/a.png vi/a.png -o ir",
        "fuse ir/a.png vi/a.png -o ir/a.png",
        "fuse ir/a.png vi/a.png -o link.png",
        "fuse ir/a.png vi/a.png -o hard.png",
        "fuse both/i.png both/v.png -o both",
        "fuse ir vi -o rig --matrix rig/a.png",
        "fuse ir/a.png vi/a.png -o rig --matrix rig/a.png",
        "fuse ir vi -o ir",
        "fuse ir vi -o vi",
        "fuse ir vi -o both/../vi",
        "register ir/a.png vi/a.png --warped ir/a.png",
        "register ir/a.png vi/a.png --overlay vi/a.png",
        "register ir/a.png vi/a.png --matrix link.png",
        "register ir/a.png vi/a.png --overlay new.png --warped new.png",
        "register ir/a.png vi/a.png --warped ir",
        "register ir vi --rig vi/a.png",
        "register ir vi --rig new.json --overlay ir/a.png",
        "compare mine=compared/mine other=compared/other --infrared ir --visible vi -o compared",
        "compare mine=compared/mine other=compared/other --infrared ir --visible vi -o compared/mine",
        "compare mine=compared/mine other=compared/other --infrared ir --visible vi -o older",
        "compare mine=compared/mine other=compared/other --infrared ir --visible vi -o link.png",
        "ingest vi -o vi",
        "ingest vi -o .",
        "ingest vi -o in",
        "ingest both -o link.png",
    ],
)
def test_an_input_is_never_replaced(place, command):
    before = contents(place)
    method = ["--method", "average"] if command.startswith("fuse") else []
    result = CliRunner().invoke(app, [*command.split(), *method])
    assert isinstance(result.exception, InputError), result.output
    assert contents(place) == before


def test_a_video_whose_frames_did_not_reach_the_disk_replaces_nothing(place):
    for name in ("ir", "vi"):
        writer = cv2.VideoWriter(f"{name}.avi", cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
        for _ in range(30):
            writer.write(np.repeat(NOISE.integers(0, 256, (48, 64, 1), dtype=np.uint8), 3, axis=2))
        writer.release()
    command = ["fuse", "ir.avi", "vi.avi", "--method", "average", "-o", "out.mkv"]
    assert CliRunner().invoke(app, command).exit_code == 0
    good = (place / "out.mkv").read_bytes()
    # A limit on the size of a file is what a full disk is to the writer.
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(good) // 2, limits[1]))
    try:
        result = CliRunner().invoke(app, command)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert isinstance(result.exception, InputError), result.output
    assert "of 30 frames could be read back" in str(result.exception)
    assert (place / "out.mkv").read_bytes() == good
    assert not list(place.glob(".*.part"))
