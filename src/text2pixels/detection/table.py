"""The Parquet file of a method's detections: its test images, what is there, and what was found.

One row of kind "image" for each test image, so that an image without objects and without
detections still counts; rows of kind "truth" and "detection" with boxes in pixels of the image.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from text2pixels.data.manifest import Box
from text2pixels.detection.yolo import Detection
from text2pixels.errors import InputError
from text2pixels.files import whole_file

SCHEMA = pa.schema(
    [
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


def write_detections(path: Path, results: Iterable[tuple[str, Sequence[Box], Sequence[Detection]]]) -> None:
    """Write (pair_id, true boxes, detections) of every test image; none at all gives an empty table."""
    rows: list[dict[str, object]] = []
    for pair_id, boxes, detections in results:
        rows.append({"pair_id": pair_id, "kind": "image"})
        rows += [{"pair_id": pair_id, "kind": "truth", **vars(box)} for box in boxes]
        rows += [{"pair_id": pair_id, "kind": "detection", **vars(item)} for item in detections]
    with whole_file(path) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), aside)


def read_detections(path: Path) -> pa.Table:
    """Read the table.

    Raises:
        InputError: missing, or of another schema.
    """
    if not path.is_file():
        raise InputError(f"no detections at {path}: write them with: t2p detect")
    table = pq.read_table(path)
    if table.schema.names != SCHEMA.names:
        raise InputError(f"{path} has columns {table.schema.names}, expected {SCHEMA.names}: run t2p detect again")
    return table
