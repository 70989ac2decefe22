"""What a killed run needs to end as if nothing had happened: one file per run, outside DVC.

The file's folder is named by the run's fingerprint, so a run with another parameter, other code or
other data never meets it.
"""

import io
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn

from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.training.history import Row

FILE = "state.pt"

Parts = Mapping[str, nn.Module | torch.optim.Optimizer]  # what a run changes, by name


class Saved(NamedTuple):
    """How far a run had come: its history, and what else its loop has kept by name."""

    history: list[Row]
    progress: dict[str, Any]


def save(folder: Path, run: str, parts: Parts, history: Sequence[Row], **progress: object) -> None:
    """Write the state of a run; at any moment the file there is a whole one.

    Raises:
        InputError: the disk is full, or the folder cannot be written to.
    """
    states = {name: part.state_dict() for name, part in parts.items()}
    rows = [tuple(row) for row in history]
    content = io.BytesIO()  # torch calls a disk that is full a failed writer of streams
    torch.save({"fingerprint": run, "parts": states, "history": rows, "progress": progress}, content)
    with whole_file(folder / FILE) as aside:
        aside.write_bytes(content.getbuffer())


def load(folder: Path, run: str, parts: Parts) -> Saved | None:
    """Give the parts of a run the state that was saved, and return the rest of it; None where there is none yet.

    Raises:
        InputError: the file belongs to another run, or is damaged.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
        found, states, rows, progress = (content[key] for key in ("fingerprint", "parts", "history", "progress"))
    except (pickle.UnpicklingError, EOFError, RuntimeError, KeyError, TypeError) as error:
        raise InputError(f"{path} is damaged: remove {folder} to train from the start") from error
    if found != run:
        raise InputError(
            f"{path} is of a run with other parameters, code or data (fingerprint {found}, expected {run}): "
            f"remove {folder} to train from the start"
        )
    for name, part in parts.items():
        part.load_state_dict(states[name])
    return Saved([Row(*row) for row in rows], progress)
