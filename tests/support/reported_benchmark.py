"""Fixtures of the tests of report and analysis: the tiny benchmark, reported once."""

from shutil import copytree

import pytest

from support.tiny_benchmark import write_benchmark
from text2pixels.pipeline import report


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of the tiny benchmark, reported, and its pairs."""
    folder = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pairs = write_benchmark()
        report.run()
    return folder, pairs


@pytest.fixture
def benchmark(made, monkeypatch):
    """The pairs; the working directory is the benchmark's."""
    monkeypatch.chdir(made[0])
    return made[1]


@pytest.fixture
def own_benchmark(made, tmp_path, monkeypatch):
    """The pairs of a copy that the test may break."""
    copytree(made[0], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return made[1]
