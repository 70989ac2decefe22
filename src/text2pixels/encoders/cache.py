"""The cache of phrase vectors: a phrase is encoded once ever per encoder, whoever asks.

One Parquet file per encoder identity, outside DVC's outs (those are deleted before a stage runs).
A writer holds a lock while it reads the file, encodes what is missing and puts the merged file in
place, so two processes neither lose rows nor encode a phrase twice; a reader always sees a whole file.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from filelock import FileLock

from text2pixels.encoders.catalogue import Encoder
from text2pixels.encoders.vectors import Vectors
from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.tables import read_table

FOLDER = Path(".cache/embeddings")
_CHUNK = 4096  # phrases encoded between two writes: what an interruption loses at most
COLUMNS = ("encoder", "phrase", "vector")


def encode(encoder: Encoder, phrases: Sequence[str], folder: Path = FOLDER) -> tuple[Vectors, int]:
    """Return the vectors of the phrases that the encoder knows, and how many were not in the cache.

    Args:
        encoder: what encodes the missing ones.
        phrases: distinct or not.
        folder: of the cache files.
    """
    wanted = list(dict.fromkeys(phrases))
    path = folder / f"{hashlib.sha256(encoder.identity.encode()).hexdigest()[:16]}.parquet"
    known = read(path, encoder.identity)
    encoded = 0
    missing = [phrase for phrase in wanted if phrase not in known]
    for start in range(0, len(missing), _CHUNK):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # released by a kill, too
            known = read(path, encoder.identity)  # another process may have been here
            new = encoder.encode([phrase for phrase in missing[start : start + _CHUNK] if phrase not in known])
            if new:
                known |= new
                encoded += len(new)
                write(path, encoder.identity, known)
    return {phrase: known[phrase] for phrase in wanted if phrase in known}, encoded


def read(path: Path, identity: str) -> Vectors:
    """Return the vectors of one encoder in a file; none if there is no file."""
    if not path.is_file():
        return {}
    pc = require("pyarrow.compute", "train")
    table = read_table(path)
    rows = table.filter(pc.equal(table["encoder"], identity))
    if not rows.num_rows:
        return {}
    values = rows["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
    vectors_ND = values.reshape(rows.num_rows, -1).astype(np.float32, copy=True)
    return dict(zip(rows["phrase"].to_pylist(), vectors_ND, strict=True))


def write(path: Path, identity: str, vectors: Vectors) -> None:
    """Write the vectors sorted by phrase, so that the same vectors give the same bytes."""
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    phrases = sorted(vectors)
    types = (pa.string(), pa.string(), pa.list_(pa.float32()))
    columns = ([identity] * len(phrases), phrases, [vectors[phrase] for phrase in phrases])
    table = pa.Table.from_arrays(
        [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)],
        schema=pa.schema([pa.field(name, kind, nullable=False) for name, kind in zip(COLUMNS, types, strict=True)]),
    )
    with whole_file(path) as aside:
        pq.write_table(table, aside)
