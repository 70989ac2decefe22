"""Phrase vectors, which every encoder returns, and the encoder `table`, which reads vectors computed elsewhere."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import sha256
from text2pixels.tables import read_table

MOST_PHRASES = 1_000_000  # read of a table
MOST_NUMBERS = 50_000_000  # read of a table: 65,000 vectors of 768

Vectors = dict[str, NDArray[np.float32]]  # phrase -> (D,), L2-normalised


def unit(vector: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the vector at length 1."""
    scaled: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return scaled


def of_hash(text: str, dimension: int) -> NDArray[np.float32]:
    """Return a unit vector that is a function of the text and has no other meaning."""
    # Bits straight from the hash: no random number generator whose stream a release may change.
    numbers = np.frombuffer(hashlib.shake_256(text.encode()).digest(4 * dimension), dtype="<u4")
    return unit(numbers.astype(np.float64) / 2**31 - 1)


class Table:
    """Vectors read from a Parquet file with columns `phrase` and `vector` (or `embedding`), of any float type."""

    def __init__(self, path: Path) -> None:
        try:
            table = read_table(path, MOST_NUMBERS)
        except InputError as error:
            raise InputError(f"the vectors of embed.table in params.yaml: {error}") from error
        column = next((name for name in ("vector", "embedding") if name in table.column_names), None)
        if "phrase" not in table.column_names or column is None:
            raise InputError(f"{path} has columns {table.column_names}, expected phrase and vector")
        if table.num_rows > MOST_PHRASES:
            raise InputError(f"{path} has {table.num_rows:,} phrases; at most {MOST_PHRASES:,} are read")
        vectors_ND = _matrix(table[column].combine_chunks())
        if vectors_ND is None or not np.isfinite(vectors_ND).all():
            raise InputError(f"{path}: column '{column}' should hold lists of finite numbers, all of one length")
        if not np.linalg.norm(vectors_ND, axis=1).all():
            raise InputError(f"{path}: column '{column}' holds a vector of length zero, which has no direction")
        self.phrases = table["phrase"].to_pylist()
        if odd := [phrase for phrase in self.phrases if not isinstance(phrase, str)]:
            raise InputError(f"{path}: column 'phrase' holds {odd[0]!r:.80}, expected text in every row")
        self._vectors = {phrase: unit(vector) for phrase, vector in zip(self.phrases, vectors_ND, strict=True)}
        self.identity = f"table@{sha256(path)[:16]}"

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Return the vectors of the phrases that are in the table."""
        return {phrase: self._vectors[phrase] for phrase in phrases if phrase in self._vectors}


def _matrix(column: Any) -> NDArray[np.float64] | None:  # noqa: ANN401  (the library is untyped)
    """Return (N, D) numbers of an Arrow column of N lists, None where it is not that."""
    pa, pc = require("pyarrow", "train"), require("pyarrow.compute", "train")
    if not hasattr(column.type, "value_type") or column.null_count:
        return None
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    numbers = column.flatten()
    if len(lengths) != 1 or not lengths[0] or numbers.null_count or not pa.types.is_floating(numbers.type):
        return None
    matrix: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False).astype(np.float64).reshape(-1, lengths[0])
    return matrix
