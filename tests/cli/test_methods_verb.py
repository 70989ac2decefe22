"""`t2p methods` and `t2p cost` for people."""

import json

import pytest
from typer.testing import CliRunner

from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.methods.built_in import NOT_RUNNABLE
from text2pixels.methods.catalogue import methods


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "220")


def run(*arguments):
    result = CliRunner().invoke(app, [*map(str, arguments)])
    if isinstance(result.exception, Exception):
        raise result.exception
    return result.stdout


def test_lists_every_method_and_what_is_missing(tmp_path):
    listing = run("methods")
    for name, entry in methods().items():
        assert name in listing
        for file in entry.card.files:
            assert (file.sha256 or "sha256 not known") in listing  # how to know the right file
            assert file.git_blob in listing
        for key, value in entry.card.options.items():
            assert f"{key}={value}" in listing
    for absent in NOT_RUNNABLE:
        assert absent.title in listing
    assert "official: missing" in listing


def test_tells_another_file_from_a_missing_one(tmp_path):
    (tmp_path / "weights/tardal").mkdir(parents=True)
    (tmp_path / "weights/tardal/tardal.pt").write_bytes(b"something else")
    listing = run("methods", "--weights", "weights")
    assert "official: mismatch" in listing
    assert "weights mismatch: tardal" in listing


def test_cost_is_printed_and_nothing_written(tmp_path):
    cost = json.loads(run("cost", "wavelet", "--width", 40, "--height", 24, "--repeats", 1))
    assert (cost["method"], cost["width"], cost["height"]) == ("wavelet", 40, 24)
    assert cost["seconds"] > 0
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments", [(), ("average", "max"), ("average", "--method", "max"), ("max", "--repeats", "0")]
)
def test_the_cost_of_nothing_or_of_two_is_a_mistake(arguments):
    result = CliRunner().invoke(app, ["cost", *map(str, arguments)])
    assert result.exit_code == 2
    assert "Usage: t2p cost" in result.stderr


def test_an_unknown_method_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean average"):
        run("cost", "avrage")
