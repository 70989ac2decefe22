"""Text-guided fusion of infrared and visible images.

import text2pixels

fuser = text2pixels.load("models/ours")
fused = fuser.fuse(infrared, visible, prompt="a person; at night")
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from text2pixels.methods.trained import Fuser

__all__ = ["__version__", "load"]


def load(folder: "str | Path | None" = None, device: str = "auto") -> "Fuser":
    """Load a trained network, ready to fuse; see `fusion.inference.load`.

    Args:
        folder: what `t2p train` wrote; None: the weights that come with the package.
        device: "auto" is CUDA where there is one, otherwise the CPU.

    Raises:
        InputError: no such checkpoint, a broken one, or no such device.
    """
    from text2pixels.methods import trained as inference

    return inference.load(folder, device)


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("text2pixels")
    raise AttributeError(f"module 'text2pixels' has no attribute '{name}'")
