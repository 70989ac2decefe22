import sys

import pytest

from text2pixels.errors import InputError
from text2pixels.extras import require


def test_what_is_installed_is_returned():
    assert require("json", "benchmark").dumps([1]) == "[1]"


@pytest.mark.parametrize("module", ["nowhere_to_be_found", "nowhere_to_be_found.inside"])
def test_what_is_missing_is_named_with_the_command_that_brings_it(module):
    with pytest.raises(
        InputError, match=r'^nowhere_to_be_found is not installed .*pip install "text2pixels\[train\]"$'
    ):
        require(module, "train")


def test_a_blocked_module_counts_as_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"text2pixels\[benchmark\]"):
        require("torch", "benchmark")


def test_a_module_that_lacks_another_keeps_its_traceback(tmp_path, monkeypatch):
    (tmp_path / "broken_inside.py").write_text("import nowhere_to_be_found\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"):
        require("broken_inside", "train")
