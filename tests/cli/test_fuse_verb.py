"""`t2p fuse` for people: a pair, folders, videos; and what it says to mistakes."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from text2pixels.cameras.video_output import CODECS
from text2pixels.cli import app
from text2pixels.config import Embed, Network
from text2pixels.encoders.catalogue import build
from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.methods import built_in, catalogue
from text2pixels.methods import trained as inference
from text2pixels.methods.catalogue import entry_of
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def images(height=24, width=33, seed=0):
    noise = np.random.default_rng(seed)
    coarse = noise.integers(0, 256, (6, 8, 4), dtype=np.uint8)
    scene = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(scene[..., 3]), np.ascontiguousarray(scene[..., :3])


def write_pair(folder, name="a", size=(24, 33), seed=0):
    infrared, visible = images(*size, seed)
    write_png(folder / f"ir/{name}.png", infrared)
    write_png(folder / f"vi/{name}.png", visible)
    return infrared, visible


def run(*arguments):
    """Return exit code, standard output and standard error of `t2p fuse`."""
    result = CliRunner().invoke(app, ["fuse", *map(str, arguments)])
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def train(folder, **switches):
    metadata = {"encoder": "hash", "encoder_identity": build("hash", Embed()).identity, "prompts": "fine"}
    checkpoint.save(folder, FusionNetwork(Network(channels=4, heads=2, codes=8, **switches)), metadata)


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_pair_keeps_the_visible_colour(tmp_path):
    infrared, visible = write_pair(tmp_path)
    assert run("ir/a.png", "vi/a.png", "-o", "out/f.png", "--method", "average")[0] == 0
    fused = read_rgb(tmp_path / "out/f.png").astype(float)
    expected = (infrared.astype(float) + luminance(visible) * 255) / 2
    assert np.abs(luminance(fused.astype(np.uint8)) * 255 - expected).max() < 1.6
    # Cb and Cr are scaled where the gamut is too small, never turned.
    chroma = fused - fused.mean(axis=2, keepdims=True)
    original = visible - visible.mean(axis=2, keepdims=True)
    assert (chroma * original).sum() > 0.9 * np.sqrt((chroma**2).sum() * (original**2).sum())


def test_gray_writes_the_luminance_and_the_suffix_the_format(tmp_path):
    infrared, _ = write_pair(tmp_path)
    run("ir/a.png", "vi/a.png", "-o", "f.tif", "--method", "infrared")
    run("ir/a.png", "vi/a.png", "-o", "g.bmp", "--method", "max", "--gray")
    np.testing.assert_array_equal(cv2.imread("f.tif", cv2.IMREAD_UNCHANGED), infrared)
    assert cv2.imread("g.bmp", cv2.IMREAD_UNCHANGED).ndim == 2


def test_an_existing_folder_takes_the_name_of_the_visible_image(tmp_path):
    write_pair(tmp_path)
    (tmp_path / "out").mkdir()
    run("ir/a.png", "vi/a.png", "-o", "out", "--method", "max")
    assert files(tmp_path / "out") == ["a.png"]


def test_folders_fuse_what_they_can_and_report_the_rest(tmp_path):
    for seed, name in enumerate("abc"):
        write_pair(tmp_path, name, seed=seed)
    write_png(tmp_path / "vi/alone.png", images()[1])
    code, out, err = run("ir", "vi", "-o", "out", "--method", "laplacian")
    assert code == 0
    assert "3 fused by Laplacian pyramid, 0 not, 1 files unpaired" in out
    assert "unpaired: vi/alone.png" in err
    write_png(tmp_path / "vi/b.png", images(10, 10)[1])
    (tmp_path / "ir/c.png").write_bytes(b"\x89PNG broken")
    code, out, err = run("ir", "vi", "-o", "other", "--method", "laplacian")
    assert code == 1
    assert files(tmp_path / "other") == ["a.png"]
    assert "not fused: ir/b.png, vi/b.png: the infrared is 33x24 and the visible 10x10" in err
    assert "not fused: ir/c.png: cut short, or no image" in err
    (tmp_path / "ir/a.png").write_bytes(b"")
    with pytest.raises(InputError, match="none of the 3 pairs could be fused"):
        run("ir", "vi", "-o", "none", "--method", "laplacian")


def write_video(path, frames, size=(32, 24), rate=10):
    backend = cv2.CAP_OPENCV_MJPEG if path.suffix == ".avi" else cv2.CAP_FFMPEG
    writer = cv2.VideoWriter(str(path), backend, cv2.VideoWriter.fourcc(*CODECS[path.suffix][-1]), rate, size)
    for index in range(frames):
        writer.write(np.full((size[1], size[0], 3), 40 + 10 * index, dtype=np.uint8))
    writer.release()


def read_video(path):
    capture, frames = cv2.VideoCapture(str(path)), []
    while (found := capture.read())[0]:
        frames.append(found[1])
    return np.stack(frames), capture.get(cv2.CAP_PROP_FPS)


# Tolerance: what the codec itself does to gray levels, on the way in and out.
@pytest.mark.parametrize(
    ("suffix", "size", "tolerance"), [(".avi", (33, 25), 1), (".mkv", (32, 24), 0.5), (".mp4", (32, 24), 8)]
)
def test_videos_are_fused_frame_by_frame(tmp_path, suffix, size, tolerance):
    write_video(tmp_path / f"ir{suffix}", 6, size)
    write_video(tmp_path / f"vi{suffix}", 8, size)
    code, out, err = run(f"ir{suffix}", f"vi{suffix}", "-o", f"out{suffix}", "--method", "average")
    assert code == 0
    assert "6 frames fused by Average" in out
    assert f"vi{suffix} is longer: its last 2 frames have no partner" in err
    frames, rate = read_video(tmp_path / f"out{suffix}")
    assert frames.shape == (6, size[1], size[0], 3)
    assert rate == 10
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), 40 + 10 * np.arange(6), atol=tolerance)
    assert not list(tmp_path.glob(".*"))


def test_videos_that_cannot_be_fused(tmp_path):
    write_video(tmp_path / "ir.avi", 3, (33, 25))
    write_video(tmp_path / "vi.avi", 3, (33, 25))
    write_video(tmp_path / "small.avi", 3, (16, 16))
    (tmp_path / "broken.avi").write_bytes(b"RIFF")
    for visible, output, message in (
        ("vi.avi", "o.mp4", "would lose its odd row or column; use .avi"),
        ("vi.avi", "o.png", "videos are written as .avi or .mkv or .mov or .mp4 or .webm"),
        ("small.avi", "o.avi", "33x25 and small.avi 16x16"),
        ("broken.avi", "o.avi", "broken.avi is not a video"),
    ):
        with pytest.raises(InputError, match=message):
            run("ir.avi", visible, "-o", output, "--method", "average")
    assert files(tmp_path) == ["broken.avi", "ir.avi", "small.avi", "vi.avi"]


def test_a_trained_network_reads_the_prompt_and_shows_its_attention(tmp_path):
    write_pair(tmp_path)
    train(tmp_path / "models/ours")
    ours = ("--model", "models/ours")
    code, out, _ = run(
        "ir/a.png", "vi/a.png", "-o", "f.png", "--prompt", "a person; a car", "--attention", "att", *ours
    )
    assert code == 0
    assert "fused by text2pixels" in out
    assert files(tmp_path / "att") == ["00-a-person.png", "01-a-car.png", "02-no-phrase.png"]
    assert read_rgb(tmp_path / "att/00-a-person.png").shape == (24, 33, 3)
    run("ir", "vi", "-o", "out", "--model", "models/ours")
    (tmp_path / "p.csv").write_text("name,phrases\na,a person; a car\n")
    run("ir", "vi", "-o", "told", "--prompts", "p.csv", *ours)
    np.testing.assert_array_equal(read_rgb(tmp_path / "told/a.png"), read_rgb(tmp_path / "f.png"))


@pytest.mark.parametrize("prompt", ["a person, a car", "a person | a car", "a person/a car", "a person\u3001a car"])
def test_what_separates_no_phrases_is_noticed(tmp_path, prompt):
    write_pair(tmp_path)
    train(tmp_path / "model")
    noticed = f"'{prompt}' is one phrase: several are separated by semicolons"
    code, _, said = run("ir/a.png", "vi/a.png", "-o", "f.png", "--prompt", prompt, "--model", "model")
    assert code == 0
    assert noticed in said
    (tmp_path / "p.csv").write_text(f'name,phrases\na,"{prompt}"\n', encoding="utf-8")
    assert noticed in run("ir", "vi", "-o", "o", "--prompts", "p.csv", "--model", "model")[2]


def test_mistakes_are_answered_in_one_line_and_write_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(inference, "SHIPPED", tmp_path / "none")
    write_pair(tmp_path)
    write_png(tmp_path / "vi/big.png", images(30, 40)[1])
    write_png(tmp_path / "colour.png", images()[1])
    train(tmp_path / "blind", cross_attention=False)
    before = files(tmp_path)
    pair = ("ir/a.png", "vi/a.png")
    for arguments, message in (
        ((*pair, "-o", "f.png"), "trained weights"),
        ((*pair, "-o", "f.png", "--method", "avrage"), "did you mean average"),
        ((*pair, "-o", "f.png", "--method", "max", "--model", "m"), "either --model"),
        ((*pair, "-o", "f.gif", "--method", "max"), "an image ends in"),
        ((*pair, "-o", "ir/a.png", "--method", "max"), "would overwrite the input"),
        ((*pair, "-o", "f.png", "--method", "max", "--prompt", "a car"), "reads no text"),
        ((*pair, "-o", "f.png", "--method", "sdnet"), "weights missing"),
        ((*pair, "-o", "f.png", "--model", "nowhere"), "no trained network at nowhere"),
        ((*pair, "-o", "f.png", "--model", "blind", "--prompt", "a car"), "reads no text"),
        ((*pair, "-o", "f.png", "--model", "blind", "--attention", "att"), "needs a network trained here and a prompt"),
        ((*pair, "-o", "f.png", "--model", "blind", "--prompts", "p.csv"), "for two folders"),
        ((*pair, "-o", "f.png", "--method", "max", "--device", "warp"), "device 'warp'"),
        (("ir/a.png", "vi/big.png", "-o", "f.png", "--method", "max"), "33x24 and the visible 40x30"),
        (("colour.png", "vi/a.png", "-o", "f.png", "--method", "max"), "infrared in colours"),
        (("ir/none.png", "vi/a.png", "-o", "f.png", "--method", "max"), "does not exist"),
        (("ir", "vi/a.png", "-o", "out", "--method", "max"), "ir is a folder and vi/a.png an image"),
        (("ir", "vi", "-o", "colour.png", "--method", "max"), "is a file"),
    ):
        with pytest.raises(InputError, match=message) as error:
            run(*arguments)
        assert "\n" not in str(error.value)
        assert files(tmp_path) == before, arguments


def test_visible_alone_comes_back_as_it_was(tmp_path):
    _, visible = write_pair(tmp_path)
    run("ir/a.png", "vi/a.png", "-o", "f.png", "--method", "visible")
    found = read_rgb(tmp_path / "f.png").astype(int)
    assert np.abs(found - visible).max() <= 2  # the luminance was rounded
    np.testing.assert_array_equal(quantise(luminance(found.astype(np.uint8))), quantise(luminance(visible)))


def test_reading_the_written_pair_again(tmp_path):
    infrared, _ = write_pair(tmp_path)
    np.testing.assert_array_equal(read_gray(tmp_path / "ir/a.png"), infrared)


def test_8_bit_infrared_among_deeper_is_read_as_it_is_and_that_is_said(tmp_path):
    for name in "abc":
        infrared, _ = write_pair(tmp_path, name, seed=ord(name))
        if name != "b":
            cv2.imwrite(str(tmp_path / f"ir/{name}.png"), infrared.astype(np.uint16) * 7 + 7000)
    code, _, err = run("ir", "vi", "-o", "out", "--method", "average", "--gray")
    assert code == 0
    assert "ir/b.png: has 8 bits and is read as it is" in err
    run("ir/b.png", "vi/b.png", "-o", "alone.png", "--method", "average", "--gray")
    np.testing.assert_array_equal(read_gray(tmp_path / "out/b.png"), read_gray(tmp_path / "alone.png"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--weights", "nowhere"), "no folder at nowhere"),
        (("--weights", "vi"), "a network that you trained is --model FOLDER"),
        (("--weights", "vi", "--method", "max"), "'max' needs none"),
        (("--engine", "torch", "--method", "max"), "'max' runs in one way only"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(tmp_path, arguments, said):
    write_pair(tmp_path)
    with pytest.raises(InputError, match=said):
        run("ir/a.png", "vi/a.png", "-o", "f.png", *arguments)
    assert not (tmp_path / "f.png").exists()


def test_an_output_without_a_name_is_refused(tmp_path):
    write_pair(tmp_path)
    with pytest.raises(InputError, match="--output is empty"):
        run("ir/a.png", "vi/a.png", "-o", "", "--method", "max")
    assert files(tmp_path) == ["ir/a.png", "vi/a.png"]


def test_images_that_something_else_made_are_replaced_only_when_asked(tmp_path):
    write_pair(tmp_path)
    write_png(tmp_path / "out/a.png", np.zeros((4, 4), np.uint8))
    with pytest.raises(InputError, match=r"out/a\.png was not made by t2p fuse"):
        run("ir", "vi", "-o", "out", "--method", "max")
    assert read_gray(tmp_path / "out/a.png").shape == (4, 4)
    assert run("ir", "vi", "-o", "out", "--method", "max", "--again")[0] == 0
    assert "1 were there already" in run("ir", "vi", "-o", "out", "--method", "max")[1]
    whole = (tmp_path / "out/a.png").read_bytes()
    (tmp_path / "out/a.png").write_bytes(whole[:-20])
    assert "1 fused" in run("ir", "vi", "-o", "out", "--method", "max")[1]
    assert (tmp_path / "out/a.png").read_bytes() == whole


def test_images_of_a_method_of_ones_own_are_made_anew_as_its_code_may_have_changed(tmp_path, monkeypatch):
    write_pair(tmp_path)
    brighter = replace(built_in.BUILT_IN[0], place=f"{__name__}:darker", kind="filter")
    card = replace(entry_of("max").card, name="mine")
    known = catalogue.methods() | {"mine": replace(brighter, card=card)}
    monkeypatch.setattr(catalogue, "methods", lambda: known)
    for level in (10, 20):
        monkeypatch.setattr(f"{__name__}.LEVEL", level)
        assert "1 fused" in run("ir", "vi", "-o", "out", "--method", "mine", "--gray")[1]
        assert (read_gray(tmp_path / "out/a.png") == level).all()


LEVEL = 0


def darker(infrared, visible):
    return np.full_like(infrared, LEVEL)


def test_a_file_may_be_named_by_its_address_and_is_not_overwritten(tmp_path):
    write_pair(tmp_path)
    addresses = [f"file://{tmp_path}/{folder}/a.png" for folder in ("ir", "vi")]
    assert run(*addresses, "-o", "f.png", "--method", "max")[0] == 0
    with pytest.raises(InputError, match="would overwrite the input"):
        run(*addresses, "-o", "vi/a.png", "--method", "max")
    with pytest.raises(InputError, match="given twice"):
        run("rtsp://here/1", "rtsp://here/1", "-o", "f.mkv")


def test_a_format_that_cannot_hold_the_image_is_one_line(tmp_path):
    write_png(tmp_path / "ir.png", np.zeros((20, 70000), np.uint8))
    write_png(tmp_path / "vi.png", np.zeros((20, 70000, 3), np.uint8))
    with pytest.raises(InputError, match=r"\.jpg takes no image of 70000x20 pixels"):
        run("ir.png", "vi.png", "-o", "f.jpg", "--method", "max")
