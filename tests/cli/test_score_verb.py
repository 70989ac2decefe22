"""`t2p score` for people: a pair, folders, JSON."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from text2pixels import cli
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, write_png
from text2pixels.metrics import METRICS, STRETCHED, score


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for folder in ("fused", "infrared", "visible"):
        for name in "ab":
            write_png(tmp_path / folder / f"{name}.png", rng.integers(0, 256, (20, 24), dtype=np.uint8))
    return tmp_path


def t2p_score(*arguments):
    app = typer.Typer()
    app.command()(cli.score)
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


def test_a_pair_as_json(folders):
    paths = [folders / name / "a.png" for name in ("fused", "infrared", "visible")]
    found = json.loads(t2p_score(*paths, "--json"))
    assert list(found) == ["a"]
    assert list(found["a"]) == list(METRICS)
    assert found["a"]["VIF"] is None  # the image is too small, and JSON has no NaN
    assert found["a"]["SSIM"] == score(*(read_gray(path) for path in paths))["SSIM"]


def test_folders_as_a_table_of_means(folders):
    output = t2p_score(folders / "fused", folders / "infrared", folders / "visible")
    assert "2 images, convention: standard" in output
    assert all(name in output for name in METRICS)


def test_the_stretched_convention_is_labelled(folders):
    arguments = [folders / "fused", folders / "infrared", folders / "visible", "--stretched"]
    assert "convention: stretched" in t2p_score(*arguments)
    assert set(json.loads(t2p_score(*arguments, "--json"))["b"]) == set(STRETCHED)


def test_one_directory_lacks_an_image(folders):
    (folders / "visible/b.png").unlink()
    with pytest.raises(InputError, match="has no image named b"):
        t2p_score(folders / "fused", folders / "infrared", folders / "visible")


def test_an_image_was_not_fused(folders):
    (folders / "fused/b.png").unlink()
    with pytest.raises(InputError, match="lacks the fused image of b"):
        t2p_score(folders / "fused", folders / "infrared", folders / "visible")


def test_sizes_that_differ_name_the_file(folders):
    write_png(folders / "fused/a.png", np.zeros((5, 5), np.uint8))
    with pytest.raises(InputError, match=r"fused/a\.png: infrared is 24x20 and the fused image 5x5"):
        t2p_score(folders / "fused", folders / "infrared", folders / "visible")


def test_nothing_to_score():
    assert "Missing argument" in t2p_score()
