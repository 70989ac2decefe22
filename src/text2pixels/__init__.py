"""Text-guided fusion of infrared and visible images.

import text2pixels

fuser = text2pixels.load("models/ours")
fused = fuser.fuse(infrared, visible, prompt="a person; at night")
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from text2pixels.methods.trained import Fuser

__all__ = ["__version__", "load"]


def load(
    folder: "str | Path | None" = None, device: str = "auto", engine: 'Literal["onnx", "torch"] | None' = None
) -> "Fuser":
    """Load a trained network, ready to fuse; see `text2pixels.methods.trained.load`.

    Args:
        folder: what the stage `method` or `t2p export` wrote; None: the weights that come with the package.
        device: "auto" is CUDA where there is one, otherwise the CPU.
        engine: "onnx" needs no torch; None: "onnx" where the folder has network.onnx, and "torch" on a GPU.

    Raises:
        InputError: no such checkpoint, a broken one, no such engine, or no such device.
    """
    from text2pixels.methods import trained

    return trained.load(folder, device, engine=engine)


def __getattr__(name: str) -> str:
    if name == "__version__":
        from importlib.metadata import version

        return version("text2pixels")
    raise AttributeError(f"module 'text2pixels' has no attribute '{name}'")
