"""Optional dependencies: what an installation without extras lacks is asked for here, in one line."""

import importlib
from types import ModuleType
from typing import Any, Literal

from text2pixels.errors import InputError

Extra = Literal["benchmark", "clip", "dask", "gpu", "pipeline", "train"]


def require(module: str, extra: Extra) -> Any:  # noqa: ANN401  (each module has a type of its own)
    """Import a module that comes with an extra of this package, and return it.

    Call it at the door (a verb, the start of a method), before any work is done; the modules behind that
    door import theirs as usual.

    Args:
        module: full name, like "torch" or "pyarrow.parquet".
        extra: which of the package's extras brings it.

    Raises:
        InputError: it is not installed.
        ImportError: it is installed but broken; the traceback says how.
    """
    try:
        found: ModuleType = importlib.import_module(module)
    except ModuleNotFoundError as error:
        top = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != top:
            raise  # a defect of the module itself or of what it imports
        raise InputError(f"{top} is not installed and is needed here: {install(extra)}") from error
    return found


def install(extra: Extra) -> str:
    """Return the command that brings an extra."""
    return f'pip install "text2pixels[{extra}]"'
