"""Tensors on disk: a safetensors file beside a JSON file that describes it and holds its digest.

Neither can run code when it is read. The JSON file holds the SHA-256 of every file beside it that belongs to
it, so files of different models, a file cut short and a half-copied folder are noticed before they are used.
"""

import json
import platform
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from text2pixels.errors import InputError
from text2pixels.files import check_size, sha256, whole_file

if TYPE_CHECKING:
    from torch import Tensor

_LARGEST = 10_000_000  # bytes of a JSON file
DIGESTS = "sha256"  # in the JSON file: file name -> digest


@dataclass(frozen=True)
class Layout:
    """How the files of one kind of model are called.

    Attributes:
        noun: What it is called in messages.
        weights: Name of the safetensors file.
        description: Name of the JSON file.
        writer: What writes one, for messages: "dvc repro pretrain".
        version: Of the format; raised whenever older files can no longer be read.
    """

    noun: str
    weights: str
    description: str
    writer: str
    version: int


def write(
    folder: Path,
    layout: Layout,
    tensors: Mapping[str, "Tensor"],
    content: Mapping[str, Any],
    beside: Mapping[str, bytes] | None = None,
) -> None:
    """Write tensors and their description; other files in the folder stay, and a failure leaves the old ones.

    Args:
        folder: Made if it is not there.
        layout: Names of the two files.
        tensors: On any device.
        content: What JSON can hold; ``format``, ``sha256`` and ``versions`` are added.
        beside: Further files that belong to the model: name -> bytes.
    """
    from safetensors.torch import save

    stored = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    files = {layout.weights: save(stored)} | dict(beside or {})
    with ExitStack() as stack:
        description = stack.enter_context(whole_file(folder / layout.description))  # replaced last
        asides = {name: stack.enter_context(whole_file(folder / name)) for name in files}
        for name, aside in asides.items():
            aside.write_bytes(files[name])
        head = {"format": layout.version, DIGESTS: {name: sha256(aside) for name, aside in asides.items()}}
        versions = {name: version(name) for name in ("text2pixels", "torch")} | {"python": platform.python_version()}
        text = json.dumps(head | dict(content) | {"versions": versions}, indent=2)
        description.write_text(text + "\n", encoding="utf-8")


def describe(folder: Path, layout: Layout) -> dict[str, Any]:
    """Return what the JSON file says; of the files it describes, none is read.

    Raises:
        InputError: the folder or the file is missing, damaged, or of another version.
    """
    path = folder / layout.description
    if folder.is_file():
        raise InputError(
            f"{folder} is a file; expected a folder with {layout.weights} and {layout.description}, as "
            f"{layout.writer} writes it (pickled checkpoints are not read: they can run code)"
        )
    if not path.is_file():
        raise InputError(
            f"no {layout.noun} at {folder}: {layout.description} is missing; write one with: {layout.writer}"
        )
    check_size(path, _LARGEST)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{path} is not JSON ({error}); copy it again, or write it again with: {layout.writer}"
        ) from error
    if not isinstance(content, dict) or content.get("format") != layout.version:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise InputError(
            f"{path}: expected format {layout.version}, found {found!r}: written by another version of text2pixels; "
            f"write it again with: {layout.writer}"
        )
    digests = content.get(DIGESTS)
    if not isinstance(digests, dict) or not isinstance(digests.get(layout.weights), str):
        raise InputError(f"{path}: {DIGESTS}: expected the digest of {layout.weights}")
    return content


def check(folder: Path, layout: Layout, content: Mapping[str, Any], names: Iterable[str]) -> None:
    """Make sure that files are those that the description was written with.

    Raises:
        InputError: one is missing, cut short or of another model.
    """
    for name in names:
        path = folder / name
        if not path.is_file():
            raise InputError(f"no {layout.noun} at {folder}: {name} is missing; write one with: {layout.writer}")
        if sha256(path) != content[DIGESTS].get(name):
            raise InputError(
                f"{path} is not the file that {layout.description} describes: cut short, or of another {layout.noun}; "
                "copy the whole folder again"
            )


def read_tensors(folder: Path, layout: Layout, content: Mapping[str, Any]) -> dict[str, "Tensor"]:
    """Return the tensors, on the CPU, by name.

    Args:
        folder: Of the model.
        layout: Names of the two files.
        content: What `describe` returned.

    Raises:
        InputError: the file is missing, damaged, or not the one described.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check(folder, layout, content, [layout.weights])
    try:
        return dict(load_file(folder / layout.weights))
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"{folder / layout.weights} is no whole safetensors file ({error}); write it again with: {layout.writer}"
        ) from error
