"""Detections, and the Parquet file of those of a method on a data set.

The file has a row of kind "image" for each tested image, so that an image without objects and without
detections still counts, and rows of kind "truth" (the labelled boxes) and "detection" (the boxes found),
in pixels of the image. Every row belongs to a protocol; an image may be tested under several, and
under one by several seeds.
Needs no torch: whoever evaluates detections needs no detector.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.image.boxes import Box
from text2pixels.tables import read_table

K_FOLD, ZERO_SHOT, OWN = "k-fold", "zero-shot", "own"
EARLY, LATE = "early", "late"  # detection on both images, without fusion: one detector, or two whose boxes are merged
PROTOCOLS = {
    K_FOLD: "a detector for each fold and seed, fine-tuned on the method's images of the other folds",
    ZERO_SHOT: "a detector of COCO as it is, its classes mapped to the data set's categories",
    OWN: "the detector that was trained together with the fusion network, as it is",
}

SCHEMA = pa.schema(
    [
        pa.field("protocol", pa.string(), nullable=False),  # of `PROTOCOLS`
        ("fold", pa.int32()),  # that tested the image; null but in k-fold
        ("seed", pa.int64()),  # of the training; null but in k-fold
        pa.field("pair_id", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),  # "image", "truth" or "detection"
        ("category", pa.string()),
        ("score", pa.float32()),
        ("x", pa.float32()),
        ("y", pa.float32()),
        ("w", pa.float32()),
        ("h", pa.float32()),
    ]
)


@dataclass(frozen=True)
class Detection:
    """A box found in an image, in its pixels, with the detector's score in [0, 1]."""

    category: str
    score: float
    x: float
    y: float
    w: float
    h: float


@dataclass(frozen=True)
class EvaluatedImage:
    """An image that a detector was tested on under a protocol: the labelled boxes, and those that it found."""

    pair_id: str
    truths: Sequence[Box]
    detections: Sequence[Detection]
    protocol: str = K_FOLD
    fold: int | None = None
    seed: int | None = None


def as_table(results: Iterable[EvaluatedImage]) -> pa.Table:
    """Return the tested images with their boxes, as a table of `SCHEMA`; none give an empty one."""
    rows: list[dict[str, object]] = []
    for image in results:
        assert image.protocol in PROTOCOLS, image.protocol
        shared: dict[str, object] = {"protocol": image.protocol, "fold": image.fold}
        shared |= {"seed": image.seed, "pair_id": image.pair_id}
        rows.append(shared | {"kind": "image"})
        rows += [shared | {"kind": "truth", **vars(box)} for box in image.truths]
        rows += [shared | {"kind": "detection", **vars(item)} for item in image.detections]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def write_detections(path: Path, results: Iterable[EvaluatedImage]) -> None:
    """Write the tested images with their boxes, as `as_table` has them."""
    table = as_table(results)
    with whole_file(path) as aside:
        pq.write_table(table, aside)


def read_detections(path: Path) -> pa.Table:
    """Read the table.

    Raises:
        InputError: missing, or of another schema.
    """
    if not path.is_file():
        raise InputError(f"no detections at {path}: write them with: t2p detect")
    table = read_table(path)
    if table.schema.names != SCHEMA.names:
        raise InputError(f"{path} has columns {table.schema.names}, expected {SCHEMA.names}: run t2p detect again")
    return table


def select(table: pa.Table, protocol: str, pair_ids: Collection[str] | None = None) -> pa.Table:
    """Return the rows of one protocol, and of the given pairs alone."""
    chosen = pc.equal(table["protocol"], protocol)
    if pair_ids is not None:
        chosen = pc.and_(chosen, pc.is_in(table["pair_id"], pa.array(list(pair_ids), pa.string())))
    return table.filter(chosen)
