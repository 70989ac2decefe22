"""Phrase vectors in files: the cache of what was encoded, and the vectors that training, fusion and report read.

The cache is one Parquet file for each encoder identity, in which a phrase is encoded only once, whoever asks. It
lies outside DVC's outs, which are deleted before a stage runs.

Shapes: B prompts, T phrases of the longest one, D numbers a vector.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from text2pixels.encoders.catalogue import Encoder
from text2pixels.encoders.vectors import Vectors
from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.tables import read_table

if TYPE_CHECKING:
    from torch import Tensor

CACHE = Path(".cache/embeddings")
COLUMNS = ("encoder", "phrase", "vector")
_CHUNK = 4096  # phrases encoded between two writes: an interruption loses no more


def encode_cached(encoder: Encoder, phrases: Sequence[str], folder: Path = CACHE) -> tuple[Vectors, int]:
    """Return the vectors of the phrases that the encoder knows, and how many of them were not in the cache.

    A writer holds a lock while it reads the file, encodes what is missing and puts the merged file in place, so two
    processes neither lose rows nor encode a phrase twice; a reader always sees a whole file.

    Args:
        encoder: what encodes the missing ones.
        phrases: distinct or not.
        folder: of the cache files.
    """
    wanted = list(dict.fromkeys(phrases))
    path = folder / f"{hashlib.sha256(encoder.identity.encode()).hexdigest()[:16]}.parquet"
    known = read_vectors(path, encoder.identity)
    encoded = 0
    missing = [phrase for phrase in wanted if phrase not in known]
    for start in range(0, len(missing), _CHUNK):
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # a killed process releases it, too
            known = read_vectors(path, encoder.identity)  # again: another process may have written since
            new = encoder.encode([phrase for phrase in missing[start : start + _CHUNK] if phrase not in known])
            if new:
                known |= new
                encoded += len(new)
                write_vectors(path, encoder.identity, known)
    return {phrase: known[phrase] for phrase in wanted if phrase in known}, encoded


def read_vectors(path: Path, identity: str) -> Vectors:
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


def write_vectors(path: Path, identity: str, vectors: Vectors) -> None:
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


@dataclass(frozen=True)
class Embeddings:
    """The vectors of one encoder.

    Attributes:
        encoder: its identity, with the fingerprint of model and weights.
        dimension: D.
        vectors: phrase -> (D,) float32, L2-normalised.
    """

    encoder: str
    dimension: int
    vectors: Vectors

    @classmethod
    def read(cls, path: Path) -> "Embeddings":
        """Read what the stage `embed` wrote.

        Raises:
            InputError: the file is missing, empty or has another schema.
        """
        if not path.is_file():
            raise InputError(f"no phrase vectors at {path}: run dvc repro embed")
        table = read_table(path)
        if tuple(table.schema.names) != COLUMNS or not table.num_rows:
            raise InputError(
                f"{path} has {table.num_rows} rows of {table.schema.names}, expected {list(COLUMNS)}: "
                f"run dvc repro embed"
            )
        identity = table["encoder"][0].as_py()
        vectors = read_vectors(path, identity)
        return cls(identity, len(next(iter(vectors.values()))), vectors)

    def known(self, phrases: Sequence[str]) -> list[str]:
        """Return the phrases that have a vector, in order: the labels of `tokens`."""
        return [phrase for phrase in phrases if phrase in self.vectors]

    def tokens(self, phrases: Sequence[str]) -> NDArray[np.float32]:
        """Return the vectors (T, D) of the phrases that have one, in order; T may be 0."""
        rows = [self.vectors[phrase] for phrase in self.known(phrases)]
        return np.stack(rows) if rows else np.zeros((0, self.dimension), dtype=np.float32)

    def batch(self, prompts: Sequence[Sequence[str]]) -> "tuple[Tensor, Tensor]":
        """Return text_BTD float32, padded with zeros, and mask_BT, true where there is a phrase; T may be 0."""
        return pad([self.tokens(phrases) for phrases in prompts], self.dimension)


def pad(tokens: Sequence[NDArray[np.float32]], dimension: int) -> "tuple[Tensor, Tensor]":
    """Stack B arrays (T_b, D) to text_BTD, padded with zeros, and mask_BT, true where there is a phrase."""
    import torch

    longest = max((len(each) for each in tokens), default=0)
    text_BTD = torch.zeros(len(tokens), longest, dimension)
    mask_BT = torch.zeros(len(tokens), longest, dtype=torch.bool)
    for row, each in enumerate(tokens):
        text_BTD[row, : len(each)] = torch.from_numpy(np.ascontiguousarray(each))
        mask_BT[row, : len(each)] = True
    return text_BTD, mask_BT
