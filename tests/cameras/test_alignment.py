"""Cameras of two sizes: one transform for all pairs, found or given, for images, folders and videos."""

import json

import cv2
import numpy as np
import pytest
from support import two_cameras
from typer.testing import CliRunner

from text2pixels.cameras.alignment import Aligner
from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.image.png import write_png
from text2pixels.registration.files import Rig, read
from text2pixels.registration.frames import corner_error, inverse

SMALL = (160, 200)  # height, width of the infrared camera
TRUTH = np.array([[1.2, 0.02, 30.0], [-0.02, 1.2, 22.0], [0, 0, 1.0]])


def pair(seed):
    visible = two_cameras.scene(seed)
    return two_cameras.other_camera(visible, inverse(TRUTH), SMALL, seed), np.repeat(visible[..., None], 3, axis=2)


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Three pairs in folders, and as videos, of cameras that are fixed to one another."""
    monkeypatch.chdir(tmp_path)
    pairs = [pair(seed) for seed in (1, 2, 3)]
    for name, (infrared, visible) in zip("abc", pairs, strict=True):
        write_png(tmp_path / f"ir/{name}.png", infrared)
        write_png(tmp_path / f"vi/{name}.png", visible)
    for file, index in (("ir.mkv", 0), ("vi.mkv", 1)):
        size = pairs[0][index].shape[1::-1]
        writer = cv2.VideoWriter(file, cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"FFV1"), 10, size)
        for each in pairs:
            image = each[index]
            writer.write(image if image.ndim == 3 else cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
        writer.release()
    return tmp_path


def run(command):
    result = CliRunner().invoke(app, command.split())
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def test_a_rig_is_found_written_drawn_and_applied(place):
    result = run("register ir vi --rig rig.json --overlay o.png")
    assert "pairs     3 of 3 confirm it by themselves" in result.stdout
    assert "written   o.png, rig.json" in result.stdout
    rig = read(place / "rig.json")
    assert (rig.infrared_size, rig.visible_size, rig.status) == (SMALL, (240, 320), "good")
    assert corner_error(rig.matrix, TRUTH, 240, 320) < 2
    assert json.loads((place / "rig.json").read_text())["pairs"] == 3
    assert cv2.imread("o.png").shape[0] > 2000  # three pairs
    for inputs, output in (("ir/a.png vi/a.png", "f.png"), ("ir vi", "out"), ("ir.mkv vi.mkv", "f.mkv")):
        run(f"fuse {inputs} -o {output} --matrix rig.json --method average")
    fused = cv2.imread("f.png")
    np.testing.assert_array_equal(fused, cv2.imread("out/a.png"))
    np.testing.assert_array_equal(fused[:10], cv2.imread("vi/a.png")[:10])  # above what the infrared camera sees
    assert (cv2.VideoCapture("f.mkv").read()[1] == fused).all()


@pytest.mark.parametrize(
    ("inputs", "output"), [("ir/a.png vi/a.png", "f.png"), ("ir vi", "out"), ("ir.mkv vi.mkv", "f.mkv")]
)
def test_registering_on_the_way_gives_what_the_rig_gives(place, inputs, output):
    result = run(f"fuse {inputs} -o {output} --register --method average")
    if output != "f.png":
        assert "one transform for all, from 3 pairs: good" in result.stderr
    with pytest.raises(InputError, match=r"they must have one size and be aligned.*--register.*--matrix FILE"):
        run(f"fuse {inputs} -o other{output} --method average")


def test_pairs_of_other_sizes_are_registered_one_by_one(place):
    write_png(place / "vi/b.png", pair(2)[1][:-8])
    result = run("fuse ir vi -o out --register --method average")
    assert "no one transform holds for all" in result.stderr
    assert "3 fused by" in result.stdout
    says = (
        r"vi/a\.png is 320x240 and vi/b\.png is 320x232: .* no one transform for all of these; .* t2p fuse --register"
    )
    with pytest.raises(InputError, match=says):
        run("register ir vi --rig rig.json")


def test_a_warped_image_carries_its_field(place):
    run("register ir/a.png vi/a.png --warped w.png --matrix m.json")
    opacity = cv2.imread("w.png", cv2.IMREAD_UNCHANGED)[..., 3]
    assert {*np.unique(opacity)} == {0, 255}
    run("fuse w.png vi/a.png -o one.png --method laplacian")
    run("fuse ir/a.png vi/a.png -o other.png --method laplacian --matrix m.json")
    one, other, visible = (cv2.imread(name).astype(int) for name in ("one.png", "other.png", "vi/a.png"))
    assert (one == other).all()
    assert (one[opacity == 0] == visible[opacity == 0]).all()


def test_images_of_another_size_than_the_transforms_are_refused():
    aligner = Aligner(Rig(TRUTH, SMALL, (240, 320)))
    with pytest.raises(InputError, match="the infrared is 200x100 pixels, the transform was found with 200x160"):
        aligner.view(np.zeros((100, 200), np.uint8), np.zeros((240, 320, 3), np.uint8))


SIZES = '"infrared_size": [9, 9], "visible_size": [9, 9]'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[]", "expected JSON"),
        ("{", "expected JSON"),
        (f'{{"infrared_to_visible": [[1, 0], [0, 1]], {SIZES}}}', "expected JSON"),
        ('{"infrared_to_visible": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}', "expected JSON"),
        (f'{{"infrared_to_visible": [[-1, 0, 0], [0, 1, 0], [0, 0, 1]], {SIZES}}}', "inside out"),
        (f'{{"infrared_to_visible": [[NaN, 0, 0], [0, 1, 0], [0, 0, 1]], {SIZES}}}', "inside out"),
    ],
)
def test_a_file_that_holds_no_transform(tmp_path, content, says):
    (tmp_path / "m.json").write_text(content)
    with pytest.raises(InputError, match=says):
        read(tmp_path / "m.json")


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("fuse ir vi -o o --register --matrix m.json", "give either --register"),
        ("fuse ir vi -o o --matrix none.json", "none.json is no file of a transform"),
        ("register ir vi --matrix m.json", "are for one pair"),
        ("register ir/a.png vi/a.png --rig m.json", "is for two folders"),
    ],
)
def test_options_that_do_not_go_together(place, command, says):
    with pytest.raises(InputError, match=says):
        run(command)
