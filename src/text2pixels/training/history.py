"""The record of a training run: one row per epoch and quantity, ready for curves."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from text2pixels.files import whole_file

SCHEMA = pa.schema(
    [
        pa.field("epoch", pa.int32(), nullable=False),  # from 1; of the level "text", steps
        pa.field("level", pa.string(), nullable=False),  # "lower" (fusion), "upper" (detection), "text"
        pa.field("name", pa.string(), nullable=False),  # "loss", "validation_loss", "gradient_norm", "cosine", ...
        pa.field("value", pa.float64(), nullable=False),
    ]
)


class Row(NamedTuple):
    """A quantity's mean over an epoch."""

    epoch: int
    level: str
    name: str
    value: float


def write_history(path: Path, rows: Iterable[Row]) -> None:
    """Write the rows as Parquet."""
    with whole_file(path) as aside:
        pq.write_table(pa.Table.from_pylist([row._asdict() for row in rows], schema=SCHEMA), aside)
