"""The simulator's options: defaults, several sets with different ones, and one line for a wrong value."""

import pytest

from text2pixels import config
from text2pixels.datasets.catalogue import adapter_of
from text2pixels.datasets.manifest import read_manifest
from text2pixels.datasets.simulated import Simulator, settings_of
from text2pixels.errors import InputError
from text2pixels.pipeline.ingest import ingest

ONE = config.Ingest(workers=1)
TINY = {"train": 1, "val": 0, "test": 1, "width": 64, "height": 64}


def night(**options):
    return config.Source(options={"adapter": "simulator"} | options)


def test_what_the_options_leave_out_is_default():
    source = night(train=3)
    assert settings_of(adapter_of("night", source), source.options) == Simulator(3, 12, 24, 320, 256, 0.0, 0)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"train": -1}, "train"),
        ({"val": 1.5}, "val"),
        ({"test": "24"}, "test"),
        ({"test": True}, "test"),
        ({"train": 0, "val": 0, "test": 0}, "train"),
        ({"width": 0}, "width"),
        ({"width": 10**9}, "width"),
        ({"height": 47}, "height"),
        ({"misalign": 0.21}, "misalign"),
        ({"misalign": -0.01}, "misalign"),
        ({"misalign": float("nan")}, "misalign"),
        ({"misalign": "much"}, "misalign"),
        ({"seed": 0.5}, "seed"),
        ({"seed": -1}, "seed"),
        ({"seed": None}, "seed"),
    ],
)
def test_a_bad_value_is_one_line_that_names_the_option(options, key, tmp_path):
    with pytest.raises(InputError, match=rf"^datasets\.night\.options\.{key}: ") as error:
        ingest("night", night(**options), ONE, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("key", ["widht", "infrared_range", "split", "labels"])
def test_an_option_that_nothing_heeds_is_refused(key, tmp_path):
    with pytest.raises(InputError, match=f"datasets.night.options: unknown option '{key}'"):
        ingest("night", night(**{key: "x"}), ONE, tmp_path / "out")


def test_several_simulated_sets_with_different_options(tmp_path):
    ingest("night", night(**TINY, seed=1), ONE, tmp_path / "night")
    ingest("simulator", config.Source(options=TINY | {"misalign": 0.05}), ONE, tmp_path / "simulator")
    one, other = (read_manifest(tmp_path / name / "manifest.parquet") for name in ("night", "simulator"))
    assert {pair.dataset for pair in one} == {"night"}
    assert {pair.registration.status for pair in one} == {"declared"}
    assert {pair.registration.status for pair in other} == {"doubtful"}
    assert not {pair.visible_sha256 for pair in one} & {pair.visible_sha256 for pair in other}
    assert (tmp_path / "simulator/homographies.json").is_file()
    assert not (tmp_path / "night/homographies.json").exists()
