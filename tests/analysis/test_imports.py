"""Analysis makes tables from rows on disk, so it imports without torch."""

import pkgutil
import subprocess
import sys

import pytest

import text2pixels.analysis

WITHOUT_TORCH = """
import importlib, sys

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "ultralytics"):
            raise ImportError(f"{name} is blocked")

sys.meta_path.insert(0, Blocked())
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


@pytest.mark.parametrize("package", ["text2pixels.analysis", "text2pixels.detection.detections"])
def test_it_imports_without_torch(package):
    names = [package]
    if package == "text2pixels.analysis":
        names += [f"{package}.{module.name}" for module in pkgutil.iter_modules(text2pixels.analysis.__path__)]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *names], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
