"""Text encoders: phrases to unit vectors. A table of four.

Shapes: N phrases, D numbers a vector, L tokens a text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from text2pixels.config import Embed
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.vectors import Table, Vectors, of_hash, unit
from text2pixels.errors import InputError
from text2pixels.prompts import open_clip_models
from text2pixels.registry import look_up

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
        return {phrase: of_hash(phrase, HASH_DIMENSION) for phrase in phrases}


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
        import torch

        tokenize = open_clip_models.tokenizer(self._weights.model)
        for phrase in phrases:
            _check_length(tokenize, phrase)
        model = open_clip_models.load(self._weights)
        batches = [list(phrases[start : start + _BATCH]) for start in range(0, len(phrases), _BATCH)]
        if len(batches) > 1:  # a prompt that a user typed needs no progress bar
            from text2pixels.progress import track

            steps = track(batches, f"encode {len(phrases)} phrases")
        else:
            steps = iter(batches)
        vectors: Vectors = {}
        for batch in steps:
            with torch.inference_mode():
                encoded_ND = model.encode_text(tokenize(batch))
            vectors |= {phrase: unit(row) for phrase, row in zip(batch, encoded_ND.double().numpy(), strict=True)}
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
    "distilled": Spec("distilled from CLIP ViT-B/32 phrase vectors (approximation)", True, lambda _embed: Distilled()),
}


def build(name: str, embed: Embed) -> Encoder:
    """Return the encoder of that name.

    Raises:
        InputError: the name is unknown, or its weights or table cannot be had.
    """
    return look_up(ENCODERS, name, "encoder").build(embed)


def _check_length(tokenize: object, phrase: str) -> None:
    # open_clip cuts a long text without saying so.
    encode, longest = getattr(tokenize, "encode", None), getattr(tokenize, "context_length", None)
    if encode is None or longest is None:
        return
    tokens = len(encode(phrase)) + 2  # start and end
    if tokens > longest:
        raise InputError(
            f"the phrase '{phrase[:40]}…' has {tokens} tokens, the encoder reads {longest}; "
            "shorten it, or split it into phrases with semicolons"
        )
