"""The package's front door: it has every name that it lists, and imports nothing that data sets do not need."""

import subprocess
import sys
from importlib import import_module
from pkgutil import iter_modules

import pytest

from text2pixels import datasets


@pytest.mark.parametrize("name", datasets.__all__)
def test_every_name_of_the_front_door_is_there(name):
    assert getattr(datasets, name) is getattr(import_module(f"text2pixels.datasets.{datasets._HOMES[name]}"), name)


def test_another_name_is_none():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = datasets.nothing


def test_it_imports_without_torch_pandas_and_ultralytics():
    modules = [
        "text2pixels.datasets",
        *(f"text2pixels.datasets.{entry.name}" for entry in iter_modules(datasets.__path__)),
    ]
    code = (
        "import sys\n"
        "for name in ('torch', 'pandas', 'ultralytics', 'scipy', 'pydantic'): sys.modules[name] = None\n"
        "from importlib import import_module\n"
        f"import_module('text2pixels.datasets'); assert 'pyarrow' not in sys.modules and 'cv2' not in sys.modules\n"
        f"for name in {modules!r}: import_module(name)\n"
        "import text2pixels.pipeline.ingest\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
