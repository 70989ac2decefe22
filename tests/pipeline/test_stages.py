"""Stages by their names in dvc.yaml."""

import pytest

from text2pixels.errors import InputError
from text2pixels.pipeline import STAGES, run_stage


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("fuze", {}, "unknown stage 'fuze'; did you mean fuse"),
        ("train", {}, "unknown stage 'train'"),
        ("fuse", {}, "fuse takes dataset and method: t2p stage fuse --dataset NAME --method NAME"),
        ("fuse", {"dataset": "tno", "method": None}, "fuse takes dataset and method"),
        ("fuse", {"dataset": "tno", "method": "max", "encoder": "hash"}, "fuse takes dataset and method"),
        ("cost", {"dataset": "tno"}, "cost takes method: t2p stage cost --method NAME"),
        ("report", {"method": "max"}, "report takes no options: t2p stage report"),
    ],
)
def test_a_stage_or_option_that_is_none_is_one_line(name, options, says):
    with pytest.raises(InputError, match=says) as error:
        run_stage(name, options)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_refuses_an_option_that_it_does_not_have(name):
    with pytest.raises(InputError, match=f"the stage {name} takes"):
        run_stage(name, {"colour": "blue"})


def test_options_that_are_not_given_are_left_out(monkeypatch):
    seen = []
    monkeypatch.setattr("text2pixels.pipeline.fuse.run", lambda dataset, method: seen.append((dataset, method)))
    run_stage("fuse", {"dataset": "tno", "method": "max", "encoder": None})
    assert seen == [("tno", "max")]
