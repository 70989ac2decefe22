"""Text encoders: phrases to unit vectors. A table of three.

Shapes: N phrases, D numbers a vector, L tokens a text.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from numpy.typing import NDArray

from text2pixels.config import Embed
from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.tables import look_up
from text2pixels.text import open_clip_models

Vectors = dict[str, NDArray[np.float32]]  # phrase -> (D,), L2-normalised

HASH_DIMENSION = 512  # that of CLIP ViT-B/32, so that the same network takes either
_BATCH = 64  # phrases: a few seconds of a CPU


class Encoder(Protocol):
    """What encodes phrases.

    ``identity`` names the encoder, its model and its weights: equal identities give equal vectors.
    """

    @property
    def identity(self) -> str:
        """Return the fingerprint."""
        ...

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Return the vectors of the phrases that the encoder knows."""
        ...


class Hash:
    """Deterministic unit vectors from a hash of the phrase: without meaning, for simulation and tests."""

    identity = f"hash/shake256/{HASH_DIMENSION}"

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Return a vector for every phrase."""
        return {phrase: self._vector(phrase) for phrase in phrases}

    def _vector(self, phrase: str) -> NDArray[np.float32]:
        # Bits straight from the hash: no random number generator whose stream a release may change.
        numbers = np.frombuffer(hashlib.shake_256(phrase.encode()).digest(4 * HASH_DIMENSION), dtype="<u4")
        return _unit(numbers.astype(np.float64) / 2**31 - 1)


class Table:
    """Vectors read from a Parquet file with columns `phrase` and `vector` (or `embedding`), of any float type."""

    def __init__(self, path: Path) -> None:
        try:
            table = pq.read_table(path)
        except (OSError, pa.ArrowInvalid) as error:
            raise InputError(f"cannot read the vectors {path} (embed.table in params.yaml): {error}") from error
        column = next((name for name in ("vector", "embedding") if name in table.column_names), None)
        if "phrase" not in table.column_names or column is None:
            raise InputError(f"{path} has columns {table.column_names}, expected phrase and vector")
        vectors_ND = _matrix(table[column].combine_chunks())
        if vectors_ND is None or not np.isfinite(vectors_ND).all():
            raise InputError(f"{path}: column '{column}' should hold lists of finite numbers, all of one length")
        if not np.linalg.norm(vectors_ND, axis=1).all():
            raise InputError(f"{path}: column '{column}' holds a vector of length zero, which has no direction")
        self._vectors = {
            phrase: _unit(vector) for phrase, vector in zip(table["phrase"].to_pylist(), vectors_ND, strict=True)
        }
        self.identity = f"table@{sha256(path)[:16]}"

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Return the vectors of the phrases that are in the table."""
        return {phrase: self._vectors[phrase] for phrase in phrases if phrase in self._vectors}


class OpenClip:
    """The text tower of an open_clip model (Radford et al., ICML 2021); loaded at the first phrase it encodes."""

    def __init__(self, model: str, pretrained: str) -> None:
        self._weights = open_clip_models.find(model, pretrained)
        self.identity = self._weights.identity

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Return a vector for every phrase.

        Raises:
            InputError: a phrase has more tokens than the model reads.
        """
        if not phrases:
            return {}
        tokenize = open_clip_models.tokenizer(self._weights.model)
        for phrase in phrases:
            _check_length(tokenize, phrase)
        model = open_clip_models.load(self._weights)
        batches = [list(phrases[start : start + _BATCH]) for start in range(0, len(phrases), _BATCH)]
        if len(batches) > 1:  # a user's prompt needs no bar
            from text2pixels.progress import track

            steps = track(batches, f"encode {len(phrases)} phrases")
        else:
            steps = iter(batches)
        vectors: Vectors = {}
        for batch in steps:
            with torch.inference_mode():
                encoded_ND = model.encode_text(tokenize(batch))
            vectors |= {phrase: _unit(row) for phrase, row in zip(batch, encoded_ND.double().numpy(), strict=True)}
        return vectors


@dataclass(frozen=True)
class Spec:
    """An entry of the table.

    ``meaning``: whether nearness of vectors says anything about the phrases.
    """

    title: str
    meaning: bool
    build: Callable[[Embed], Encoder]


def _table(embed: Embed) -> Encoder:
    if not embed.table:
        raise InputError("the encoder 'table' needs a Parquet file of vectors: set embed.table in params.yaml")
    return Table(Path(embed.table))


def _open_clip(embed: Embed) -> Encoder:
    return OpenClip(embed.open_clip_model, embed.open_clip_pretrained)


ENCODERS: dict[str, Spec] = {
    "hash": Spec("hash of the phrase (no meaning)", False, lambda _embed: Hash()),
    "table": Spec("table of published vectors", True, _table),
    "open_clip": Spec("CLIP text tower", True, _open_clip),
}


def build(name: str, embed: Embed) -> Encoder:
    """Return the encoder of that name.

    Raises:
        InputError: the name is unknown, or its weights or table cannot be had.
    """
    return look_up(ENCODERS, name, "encoder").build(embed)


def _matrix(column: pa.Array) -> NDArray[np.float64] | None:
    """Return (N, D) numbers of an Arrow column of N lists, None where it is not that."""
    if not hasattr(column.type, "value_type") or column.null_count:
        return None
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    numbers = column.flatten()
    if len(lengths) != 1 or not lengths[0] or numbers.null_count or not pa.types.is_floating(numbers.type):
        return None
    matrix: NDArray[np.float64] = numbers.to_numpy(zero_copy_only=False).astype(np.float64).reshape(-1, lengths[0])
    return matrix


def _unit(vector: NDArray[np.floating]) -> NDArray[np.float32]:
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


def _check_length(tokenize: object, phrase: str) -> None:
    # open_clip cuts a long text without a word.
    encode, longest = getattr(tokenize, "encode", None), getattr(tokenize, "context_length", None)
    if encode is None or longest is None:
        return
    tokens = len(encode(phrase)) + 2  # start and end
    if tokens > longest:
        raise InputError(
            f"the phrase '{phrase[:40]}…' has {tokens} tokens, the encoder reads {longest}; "
            "shorten it, or split it into phrases with semicolons"
        )
