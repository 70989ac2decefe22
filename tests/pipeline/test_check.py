"""The stage `check`: what is wrong in params.yaml ends there, before any other stage runs or loses its output."""

import json

import pytest

from text2pixels import layout
from text2pixels.errors import InputError
from text2pixels.pipeline import check

GOOD = {
    "profile": "mine",
    "seed": 0,
    "datasets": {"yard": {"path": "yard", "options": {"adapter": "folder"}}},
    "encoders": ["hash"],
    "methods": {"average": {}, "ours": {}, "other-seed": {"train": {"seed": 1}}},
    "train": {"encoder": "hash"},
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(tmp_path, change):
    (tmp_path / "params.yaml").write_text(json.dumps(GOOD | change))
    check.run()


def test_the_output_is_the_same_whatever_changed(tmp_path):
    run(tmp_path, {})
    before = layout.checked().read_bytes()
    run(tmp_path, {"seed": 7})
    assert layout.checked().read_bytes() == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"methods": {"avrage": {}}}, "unknown method 'avrage'; did you mean average"),
        ({"methods": {"average": {"train": {"epochs": 2}}}}, "not trained here"),
        ({"methods": {"../docs": {"train": {"seed": 1}}}}, "is no name"),
        ({"encoders": ["hahs"]}, "unknown encoder 'hahs'; did you mean hash"),
        ({"train": {"encoder": "distilled"}}, r"train\.encoder: 'distilled' is not among encoders: hash"),
        (
            {"train": {"encoder": "hash", "datasets": ["field"]}},
            r"train\.datasets: 'field' is not among datasets: yard",
        ),
        ({"datasets": {"yard": {"path": "yard"}}}, "unknown data set 'yard'"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(tmp_path, change, says):
    with pytest.raises(InputError, match=says) as error:
        run(tmp_path, change)
    assert "\n" not in str(error.value)
    assert not layout.checked().exists()
