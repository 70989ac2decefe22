"""Phrase vectors for those who use them: training, fusion, the report.

Shapes: B prompts, T phrases of the longest one, D numbers a vector.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from text2pixels.config import Embed
from text2pixels.encoders import cache, stand_in
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.distilled import Distilled
from text2pixels.encoders.vectors import Table, Vectors
from text2pixels.errors import InputError
from text2pixels.prompts.phrases import plainer
from text2pixels.prompts.user_prompts import split, weigh
from text2pixels.tables import read_table

if TYPE_CHECKING:
    from torch import Tensor


_SPELT_ALIKE = 0.8  # of difflib's ratio: a slip of the finger, not another word


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
        if tuple(table.schema.names) != cache.COLUMNS or not table.num_rows:
            raise InputError(
                f"{path} has {table.num_rows} rows of {table.schema.names}, expected {list(cache.COLUMNS)}: "
                f"run dvc repro embed"
            )
        identity = table["encoder"][0].as_py()
        vectors = cache.read(path, identity)
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


def encode_user_prompt(
    prompt: str | Sequence[str], encoder: str, embed: Embed, folder: Path = cache.FOLDER
) -> tuple[list[str], NDArray[np.float32]]:
    """Encode what a user typed: a sentence is one phrase, semicolons separate several.

    Returns:
        The phrases and their vectors (T, D).

    Raises:
        InputError: empty, too long, unknown encoder, or a phrase that the encoder's table lacks: a
            word the user gave is never dropped silently.
    """
    phrases = _phrases(prompt)
    return phrases, _all_vectors(phrases, [encoders.build(encoder, embed)], folder)


def encode_for_network(
    prompt: str | Sequence[str], encoder: str, identity: str, embed: Embed, folder: Path = cache.FOLDER
) -> tuple[list[str], NDArray[np.float32]]:
    """Encode what a user typed for a network trained with that encoder, or with one that stands in for it.

    Returns:
        The phrases and their vectors (T, D).

    Raises:
        InputError: as `encode_user_prompt`; or no encoder here is like the network's.
    """
    phrases = _phrases(prompt)
    return phrases, _all_vectors(phrases, stand_in.candidates(encoder, identity, embed, phrases), folder)


def _phrases(prompt: str | Sequence[str]) -> list[str]:
    phrases = split(prompt if isinstance(prompt, str) else ";".join(prompt), "the prompt")
    if weighted := next((phrase for phrase in phrases if weigh(phrase)[1] != 1), None):
        raise InputError(f"'{weighted}': only a network trained here takes a phrase with a weight")
    return phrases


def _all_vectors(phrases: list[str], candidates: Iterable[encoders.Encoder], folder: Path) -> NDArray[np.float32]:
    """Return the vectors of the first encoder that has one for every phrase.

    Where none has, or could only guess it from its letters, a phrase that names otherwise what the vocabulary has
    is read as the vocabulary has it, and that is said.
    """
    lacking, near = "", list[str]()
    for encoder in candidates:
        # Only a tower is worth a file where the user happens to be.
        slow = isinstance(encoder, encoders.OpenClip)
        read_as = {phrase: plainer(phrase) or phrase for phrase in phrases}
        wanted = list(dict.fromkeys([*phrases, *read_as.values()]))
        vectors = cache.encode(encoder, phrases, folder)[0] if slow else encoder.encode(wanted)
        guessed = set(encoder.approximated(phrases)) if isinstance(encoder, Distilled) else set()
        spoken = [phrase if phrase in vectors and phrase not in guessed else read_as[phrase] for phrase in phrases]
        lacking = next((phrase for phrase, said in zip(phrases, spoken, strict=True) if said not in vectors), "")
        if lacking:
            listed = encoder.phrases if isinstance(encoder, (Distilled, Table)) else []
            near = get_close_matches(lacking, listed, n=3, cutoff=_SPELT_ALIKE)
            continue
        for phrase, said in zip(phrases, spoken, strict=True):
            if said != phrase:
                stand_in.announce_synonym(phrase, said)
        if isinstance(encoder, Distilled):
            for phrase in encoder.approximated(spoken):
                stand_in.announce(phrase)
        return np.stack([vectors[phrase] for phrase in spoken])
    hint = (
        f"spelt most like it: {', '.join(near)}" if near else "it has: a person, a car, a tree, a street, at night, …"
    )
    name = encoder.identity.partition("@")[0].partition("/")[0]
    raise InputError(f"the encoder '{name}' has no vector for '{lacking}'; {hint}; or use the encoder open_clip")
