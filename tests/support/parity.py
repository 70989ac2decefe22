"""Random weights in the file formats of authors, and what the authors' own code makes of them."""

import functools
import runpy
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pytest

PARITY = Path(__file__).parents[2] / "../shared/reference/parity"


@functools.cache
def made_weights(method: str) -> Path:
    """The folder with the authors' files of that name, of seed 0; the test is skipped where they cannot be made."""
    if not PARITY.is_dir():
        pytest.skip("no outputs of the authors' code: ../shared/reference/parity is missing")
    folder = tempfile.TemporaryDirectory(prefix="parity-")
    _KEPT.append(folder)  # until the process ends
    runpy.run_path(str(PARITY / "make_checkpoint.py"))["make"](method, Path(folder.name))
    return Path(folder.name)


_KEPT: list[tempfile.TemporaryDirectory] = []


def psnr(found: np.ndarray, expected: np.ndarray) -> float:
    """Of 8-bit images, in dB."""
    assert found.shape == expected.shape, f"{found.shape} is not {expected.shape}"
    error = np.square(found.astype(float) - expected).mean()
    return 10 * np.log10(255**2 / max(error, 1e-10))


def read_rgb(path: Path) -> np.ndarray:
    """The picture as the fixtures have it: gray (H, W) or RGB."""
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    return image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])
