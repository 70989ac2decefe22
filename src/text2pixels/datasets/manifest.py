"""The manifest: a table with one row for each pair.

``infrared`` and ``visible`` are paths relative to the folder that holds the manifest, so that the
folder can be moved as a whole.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.image.boxes import Box
from text2pixels.tables import MOST_OBJECTS, read_table

SPLITS = ("train", "val", "test")
TIMES_OF_DAY = ("day", "night", "unknown")

Item = TypeVar("Item")

_ROWS = 512  # written at a time


@cache
def schema() -> Any:  # noqa: ANN401  (the library is untyped)
    """Return the Arrow schema; a function, so that code that writes no table needs no pyarrow."""
    pa = require("pyarrow", "train")
    return pa.schema(
        [
            pa.field("pair_id", pa.string(), nullable=False),
            pa.field("dataset", pa.string(), nullable=False),
            pa.field("name", pa.string(), nullable=False),
            pa.field("split", pa.string(), nullable=False),
            pa.field("infrared", pa.string(), nullable=False),
            pa.field("visible", pa.string(), nullable=False),
            pa.field("width", pa.int32(), nullable=False),
            pa.field("height", pa.int32(), nullable=False),
            pa.field("infrared_sha256", pa.string(), nullable=False),
            pa.field("visible_sha256", pa.string(), nullable=False),
            pa.field("time_of_day", pa.string(), nullable=False),
            pa.field("labelled", pa.bool_(), nullable=False),
            pa.field(
                "boxes",
                pa.list_(
                    pa.struct(
                        [
                            ("category", pa.string()),
                            ("x", pa.float32()),
                            ("y", pa.float32()),
                            ("w", pa.float32()),
                            ("h", pa.float32()),
                        ]
                    )
                ),
                nullable=False,
            ),
            pa.field(
                "registration",
                pa.struct([("method", pa.string()), ("status", pa.string()), ("residual_px", pa.float32())]),
                nullable=False,
            ),
        ]
    )


@dataclass(frozen=True)
class Registration:
    """How the infrared came onto the visible frame.

    ``status`` is "declared" (the publisher says so), "good", "doubtful" or "failed";
    ``residual_px`` is the estimated error in pixels, None where nothing was measured.
    """

    method: str = "identity"
    status: str = "declared"
    residual_px: float | None = None


@dataclass(frozen=True)
class Pair:
    """One infrared/visible pair; see the module's docstring and `schema`.

    ``labelled`` tells an image in which somebody looked for objects and found none from one in
    which nobody looked: only labelled pairs take part in detection.
    """

    pair_id: str
    dataset: str
    name: str
    split: str
    infrared: str
    visible: str
    width: int
    height: int
    infrared_sha256: str
    visible_sha256: str
    time_of_day: str = "unknown"
    labelled: bool = False
    boxes: tuple[Box, ...] = ()
    registration: Registration = field(default_factory=Registration)


def write_manifest(path: Path, pairs: Sequence[Pair]) -> None:
    """Write the pairs, sorted by name, so that the same pairs give the same bytes."""
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    rows = [asdict(pair) for pair in sorted(pairs, key=lambda pair: pair.name)]
    with whole_file(path) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema()), aside)


def stream_manifest(path: Path, pairs: Iterable[Pair]) -> None:
    """Write pairs as they come, sorted by name already, in flat memory."""
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    with whole_file(path) as aside, pq.ParquetWriter(aside, schema()) as writer:
        previous = ""
        for batch in batched(pairs, _ROWS):
            for pair in batch:
                assert previous < pair.name, f"'{pair.name}' after '{previous}'"
                previous = pair.name
            writer.write_table(pa.Table.from_pylist([asdict(pair) for pair in batch], schema=schema()))


def batched(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Cut an iterable into lists of ``size``; the last may be shorter."""
    stream = iter(items)
    while batch := list(islice(stream, size)):
        yield batch


def read_manifest(path: Path) -> list[Pair]:
    """Read a manifest.

    Raises:
        InputError: the file is missing or has another schema.
    """
    if not path.is_file():
        raise InputError(f"no manifest at {path}: run the stage that writes it (dvc repro register)")
    table = read_table(path, MOST_OBJECTS)
    if table.schema.names != schema().names:
        raise InputError(f"{path} has columns {table.schema.names}, expected {schema().names}: run t2p ingest again")
    return [_pair(row) for row in table.to_pylist()]


def read_pairs_to_fuse(path: Path, which: str = "labelled") -> list[Pair]:
    """Return the pairs that methods fuse, in order.

    Args:
        path: of the manifest.
        which: params.fuse.pairs: "labelled", the test split and all labelled ones for detection; or "test".

    Raises:
        InputError: as `read_manifest`; or there is no such pair.
    """
    pairs = [pair for pair in read_manifest(path) if is_fused(pair, which)]
    if not pairs:
        labelled = " and no labelled pair" if which == "labelled" else ""
        raise InputError(f"{path} has no pair in the split 'test'{labelled}: nothing to fuse")
    return pairs


def is_fused(pair: Pair, which: str) -> bool:
    """Say whether methods fuse a pair; ``which`` as for `read_pairs_to_fuse`."""
    return pair.split == "test" or (which == "labelled" and pair.labelled)


def in_split(pairs: Iterable[Pair], split: str) -> list[Pair]:
    """Return the pairs of one split, in order."""
    return [pair for pair in pairs if pair.split == split]


def _pair(row: dict[str, Any]) -> Pair:
    boxes = tuple(Box(**box) for box in row.pop("boxes"))
    return Pair(**row | {"boxes": boxes, "registration": Registration(**row["registration"])})
