"""What a killed run needs to end as if nothing had happened: one file per run, outside DVC.

The file's folder is named by the run's fingerprint, so a run with another parameter, other code or
other data never meets it.
"""

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from text2pixels.errors import InputError
from text2pixels.files import whole_file

FILE = "state.pt"


def save(folder: Path, run: str, state: dict[str, Any]) -> None:
    """Write the state; at any moment the file there is a whole one.

    Raises:
        InputError: the disk is full, or the folder cannot be written to.
    """
    content = io.BytesIO()  # torch calls a disk that is full a failed writer of streams
    torch.save({"fingerprint": run, "state": state}, content)
    with whole_file(folder / FILE) as aside:
        aside.write_bytes(content.getbuffer())


def load(folder: Path, run: str) -> dict[str, Any] | None:
    """Return the state of a run, on the CPU, or None where it has not yet saved one.

    Raises:
        InputError: the file belongs to another run, or is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, state = content["fingerprint"], content["state"]
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: remove {folder} to train from the start") from error
    if found != run:
        raise InputError(
            f"{path} is of a run with other parameters, code or data (fingerprint {found}, expected {run}): "
            f"remove {folder} to train from the start"
        )
    return dict(state)
