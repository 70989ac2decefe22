"""Live cameras, played by a server of motion JPEG on this machine."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from text2pixels.cameras.live import Camera, fuse_live, is_camera, newest_pairs
from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.methods import catalogue

RATE = 50.0  # frames/s of both cameras


class Playing(BaseHTTPRequestHandler):
    """Sends a scene that brightens from frame to frame.

    It is gray on /ir, tinted on /vis, smaller on /small, and on /late black at first, then tinted.
    """

    frames = 60

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            for index in range(self.frames):
                level = 20 + 3 * (index % 60)
                colour = (level, level, level) if self.path == "/ir" else (level // 2, level, level // 3)
                if self.path == "/late" and index < 20:
                    colour = (0, 0, 0)
                size = (40, 48, 3) if self.path == "/small" else (48, 64, 3)
                jpeg = cv2.imencode(".jpg", np.full(size, colour, np.uint8))[1].tobytes()
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")
                time.sleep(1 / RATE)
        except OSError:
            pass  # the reader has left

    def log_message(self, *_):
        """Keep quiet."""


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Playing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


class Slow:
    """A method that takes six frames' time."""

    def __init__(self):
        self._inner = catalogue.load("average")
        self.card = self._inner.card

    def fuse(self, *arguments):
        time.sleep(6 / RATE)
        return self._inner.fuse(*arguments)


@contextmanager
def cameras(address):
    with Camera(f"{address}/ir") as infrared, Camera(f"{address}/vis") as visible:
        yield infrared, visible


def test_the_newest_frames_are_given_and_the_rest_is_dropped(address):
    with cameras(address) as (infrared, visible):
        levels, last = [], None
        for pair in newest_pairs(infrared, visible, seconds=0.8):
            levels.append((float(pair.infrared.mean()), float(pair.visible[..., 1].mean())))
            time.sleep(5 / RATE)
            last = pair
    found = np.array(levels)
    assert (np.diff(found[1:], axis=0) > 3.5).all()  # more than one frame's step: frames were left out
    assert np.abs(found[:, 0] - found[:, 1]).max() < 3 * 8  # and both cameras show about the same moment
    assert min(last.dropped) > 5


def test_a_slow_method_delays_nothing_and_the_video_runs_as_time_did(address, tmp_path):
    report = fuse_live(Slow(), f"{address}/ir", f"{address}/vis", tmp_path / "o.mkv", seconds=0.8)
    assert report.pairs < 0.5 * report.seconds * RATE
    assert report.dropped[1] > report.pairs
    capture = cv2.VideoCapture(str(tmp_path / "o.mkv"))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == report.frames
    assert report.frames / capture.get(cv2.CAP_PROP_FPS) == pytest.approx(report.seconds, abs=0.1)


def test_the_verb_ends_with_the_stream(address, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Playing, "frames", 15)
    words = ["fuse", f"{address}/ir", f"{address}/vis", "-o", "o.mkv", "--method", "average"]
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "pairs fused by Average in" in result.stdout
    assert "frames dropped" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a process at once")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
def test_a_recording_that_is_told_to_stop_is_finished(address, tmp_path, monkeypatch, name):
    monkeypatch.setattr(Playing, "frames", 3000)
    words = ["fuse", f"{address}/ir", f"{address}/vis", "-o", "o.mkv", "--method", "average"]
    command = [sys.executable, "-m", "text2pixels", *words]
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # a test run in the background ignores it
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=tmp_path, preexec_fn=heard, **pipes)
    try:
        until = time.monotonic() + 60
        while not any(tmp_path.glob(".*.part/o.mkv")) and time.monotonic() < until:
            time.sleep(0.05)
        time.sleep(0.5)  # frames follow
        process.send_signal(signal.Signals[name])
        if name != "SIGINT":
            time.sleep(0.002)
            process.send_signal(signal.SIGTERM)  # as `timeout` and service managers do
        said, notes = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0, notes
    # Of two signals at once either may be the first.
    assert ("ended by the user" if name == "SIGINT" else "ended by SIG") in notes
    capture = cv2.VideoCapture(str(tmp_path / "o.mkv"))
    assert f"{capture.get(cv2.CAP_PROP_FRAME_COUNT):.0f} frames written" in said
    assert [path.name for path in tmp_path.iterdir()] == ["o.mkv"]


def test_handlers_of_signals_are_as_they_were(address, tmp_path, monkeypatch):
    monkeypatch.setattr(Playing, "frames", 15)
    own = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        for handler in (signal.getsignal(signal.SIGTERM), signal.SIG_DFL):
            signal.signal(signal.SIGTERM, handler)
            fuse_live(Slow(), f"{address}/ir", f"{address}/vis", tmp_path / "o.mkv", seconds=0.2)
            assert signal.getsignal(signal.SIGTERM) == handler
    finally:
        signal.signal(signal.SIGTERM, own)


def test_a_recording_in_a_thread_needs_no_signals(address, tmp_path, monkeypatch):
    monkeypatch.setattr(Playing, "frames", 15)
    given = (Slow(), f"{address}/ir", f"{address}/vis", tmp_path / "o.mkv")
    thread = threading.Thread(target=fuse_live, args=given, kwargs={"seconds": 0.2})
    thread.start()
    thread.join()
    assert (tmp_path / "o.mkv").is_file()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("{}/none/../ir", "vis.png"), "does not exist"),
        (("{}/ir", "here"), "is a camera and here a folder: give .* two cameras"),
        (("{}/vis", "{}/ir"), "infrared in colours"),
        (("{}/late", "{}/vis"), "late: infrared in colours"),
        (("rtsp://a\udcff/b", "{}/vis"), "UTF-8"),
        (("{}/ir", "{}/small"), "64x48 and .* 48x40 pixels: .*--register"),
        (("{}/ir", "/dev/video99"), "/dev/video99: no camera answers"),
        (("{}/ir", "99"), "99: no camera answers"),
        (("{}/ir", "{}/vis", "--infrared-range", "1", "2"), "live cameras are read with 8 bits"),
        (("here", "here", "--seconds", "3"), "--seconds is for live cameras"),
    ],
)
def test_mistakes(address, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    given = [word.format(address) for word in words]
    result = CliRunner().invoke(app, ["fuse", *given, "-o", "o.mkv", "--method", "average"])
    with pytest.raises(InputError, match=says) as error:
        raise result.exception
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["here"]


@pytest.mark.parametrize(
    ("given", "expected"), [("0", True), ("/dev/video0", True), ("rtsp://a/b", True), ("7.png", False), ("ir", False)]
)
def test_what_a_camera_is(given, expected):
    assert is_camera(given) is expected
