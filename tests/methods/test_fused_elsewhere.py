"""`methods: {mine: {folder: PATH}}`: images that were fused elsewhere go through the benchmark."""

import json
import shutil

import numpy as np
import pytest
import yaml
from support import fakes

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import read_pairs_to_fuse
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, write_png
from text2pixels.pipeline import cost, fuse, ingest, method, profiles, register, score


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with an ingested set of four test pairs, and their results by somebody, in colour."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name in "abcd":
        fakes.save(tmp_path / f"raw/ir/{name}.png", fakes.picture(rng, 1))
        fakes.save(tmp_path / f"raw/vi/{name}.png", fakes.picture(rng))
        fakes.save(tmp_path / f"results/mine/{name}.jpg", fakes.picture(rng, 1))
    write_params()
    ingest.run("yard")
    register.run("yard")
    return tmp_path


def write_params(**changes):
    content = {
        "profile": "x",
        "seed": 0,
        "datasets": {"yard": {"path": "raw", "options": {"adapter": "folder", "split": "test"}}},
        "encoders": ["hash"],
        "methods": {"mine": {"folder": "mine"}},
        "fuse": {"results": "results"},
        "ingest": {"workers": 1},
        "cost": {"width": 32, "height": 32, "repeats": 1},
    } | changes
    params_file.PARAMS_FILE.write_text(profiles.render(params_file.parse(content)))


def test_the_images_are_scored_as_they_are(place):
    method.run("mine")
    fuse.run("yard", "mine")
    fused = sorted(path.stem for path in layout.fused("yard", "mine").glob("*.png"))
    assert fused == [*"abcd"]
    from text2pixels.image import luminance, quantise, read_visible

    expected = quantise(luminance(read_visible(place / "results/mine/b.jpg")))
    np.testing.assert_array_equal(read_gray(layout.fused("yard", "mine") / "b.png"), expected)
    stretched = read_gray(layout.fused_stretched("yard", "mine") / "b.png")
    assert (stretched.min(), stretched.max()) == (0, 255)
    score.run("yard", "mine")
    assert layout.scores("yard", "mine").is_file()


def test_a_data_set_that_is_left_from_other_parameters_asks_for_no_images(place):
    shutil.copytree(layout.processed("yard"), layout.processed("left"))
    method.run("mine")
    fuse.run("yard", "mine")


def test_it_costs_nothing_that_is_known(place):
    method.run("mine")
    cost.run("mine")
    assert json.loads(layout.cost("mine").read_text())["seconds"] is None


def test_several_data_sets_have_a_folder_each(place):
    (place / "results/mine").rename(place / "results/yard")
    (place / "results/mine").mkdir()
    (place / "results/yard").rename(place / "results/mine/yard")
    method.run("mine")
    assert len(list((layout.model("mine") / "yard").iterdir())) == len(read_pairs_to_fuse(_manifest()))


def _manifest():
    return layout.processed("yard") / "manifest.parquet"


def _lacking(place):
    (place / "results/mine/c.jpg").unlink()


def _resized(place):
    write_png(place / "results/mine/c.png", np.zeros((9, 9), np.uint8))
    (place / "results/mine/c.jpg").unlink()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_lacking, r"lacks 1 of the 4 pairs of yard .*: c"),
        (_resized, "c of yard is 9x9 pixels"),
        (None, "no folder at"),
    ],
)
def test_what_is_missing_or_of_another_size_is_named(place, change, said):
    if change is None:
        (place / "results/mine").rename(place / "results/other")
    else:
        change(place)

    def run():
        method.run("mine")
        fuse.run("yard", "mine")

    with pytest.raises(InputError, match=said):
        run()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fuse": {}}, "set fuse.results"),
        ({"methods": {"mine": {"folder": "../raw"}}}, "not below fuse.results"),
        ({"methods": {"laplacian": {"folder": "mine"}}}, "is a method of the catalogue"),
        ({"methods": {"mine": {"folder": "mine", "train": {"seed": 1}}}}, "nothing else"),
        ({"methods": {"mine": {"folder": 3}}}, "have a folder"),
    ],
)
def test_what_is_said_of_it_must_be_a_folder_below_the_results(place, changes, said):
    content = yaml.safe_load(params_file.PARAMS_FILE.read_text()) | changes
    params_file.PARAMS_FILE.write_text(yaml.safe_dump(content))
    with pytest.raises(InputError, match=said):
        method.run(next(iter(content["methods"])))
