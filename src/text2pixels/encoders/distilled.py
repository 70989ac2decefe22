"""The distilled encoder: approximate CLIP ViT-B/32 text vectors without CLIP.

Distilled from the vectors of 1,613 noun phrases; distilled.md beside this file says from which, how
well it does on phrases held out, and what it cannot know. `benchmarks/distilled_encoder.py` fits it.

Kernel ridge regression: with k(p, q) the similarity of two phrases by their n-grams and a_i one row of
numbers for each of the N phrases,

    v(p) = mean + sum_i k(p, q_i) a_i,    and + ridge * a_i if p is the phrase q_i itself,

which is where ridge regression leaves its data and where a network trained with the published vectors
needs them. Words of the project's vocabulary that no noun phrase contains ("several", "night") have
nothing to learn from: each adds a direction of its own, which tells them apart and means nothing.

Shapes: N phrases distilled from, D = 512 numbers a vector.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from text2pixels.encoders.ngrams import Profiles, words
from text2pixels.encoders.vectors import Vectors, of_hash, unit
from text2pixels.files import sha256
from text2pixels.prompts.phrases import VOCABULARY

FILE = Path(__file__).with_suffix(".safetensors")
RIDGE = 0.3  # by cross-validation; anything from 0.1 to 0.5 does as well
RECIPE = 1  # raised whenever the code gives other vectors for the same file
_MARK = 0.35  # length of a vocabulary word's own direction; the vectors it is added to are about 1 long


class _Model(NamedTuple):
    """What the file holds, and what is derived from it once."""

    rows: dict[str, int]  # phrase -> i
    mean_D: NDArray[np.float32]
    weights_ND: NDArray[np.float32]  # a_i
    profiles: Profiles
    nouns: frozenset[str]  # every word of the phrases
    metadata: dict[str, str]


class Distilled:
    """The encoder; the file is read at the first phrase it encodes."""

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self.identity = f"distilled/{RECIPE}@{sha256(file)[:16]}"

    @property
    def metadata(self) -> dict[str, str]:
        """What was distilled, from where and how well: all text."""
        return _read(self._file).metadata

    @property
    def phrases(self) -> list[str]:
        """The phrases distilled from."""
        return list(_read(self._file).rows)

    def encode(self, phrases: Sequence[str]) -> Vectors:
        """Return the vectors of the phrases in which any word is known."""
        return {phrase: self.vector(phrase) for phrase in phrases if self._known(phrase)}

    def vector(self, phrase: str) -> NDArray[np.float32]:
        """Return the vector (D,) of any phrase, from its letters alone where no word is known."""
        model = _read(self._file)
        heard = words(phrase)
        marks = [word for word in heard if word in _vocabulary() and word not in model.nouns]
        similarity_N = model.profiles.similarity([word for word in heard if word not in marks])
        if (row := _row(model, phrase)) is not None:
            similarity_N[row] += RIDGE
        vector_D = model.mean_D + similarity_N @ model.weights_ND
        for word in marks:
            vector_D = vector_D + _MARK * of_hash(word, len(vector_D))
        return unit(vector_D)

    def has(self, phrase: str) -> bool:
        """Say whether the phrase, whatever its article, is one of those distilled from."""
        return _row(_read(self._file), phrase) is not None

    def approximated(self, phrases: Sequence[str]) -> list[str]:
        """Return the phrases with a word that is neither theirs nor of the project's vocabulary."""
        return [
            phrase
            for phrase in phrases
            if not self.has(phrase) and any(word not in _vocabulary() for word in words(phrase))
        ]

    def _known(self, phrase: str) -> bool:
        nouns = _read(self._file).nouns
        return any(word in nouns or word in _vocabulary() for word in words(phrase))


def _row(model: _Model, phrase: str) -> int | None:
    """Return the row of a phrase; the published phrases all begin with "a"."""
    first, _, rest = phrase.partition(" ")
    return model.rows.get(f"a {rest}" if rest and first in ("a", "an", "the") else f"a {phrase}")


@cache
def _read(file: Path) -> _Model:
    with safe_open(file, framework="numpy") as stored:
        metadata = dict(stored.metadata())
        steps_D, mean_D = stored.get_tensor("steps"), stored.get_tensor("mean")
        weights_ND = stored.get_tensor("weights").astype(np.float32) * steps_D
    phrases = metadata.pop("phrases").split("\n")
    nouns = frozenset(word for phrase in phrases for word in words(phrase))
    return _Model({p: i for i, p in enumerate(phrases)}, mean_D, weights_ND, Profiles(phrases), nouns, metadata)


@cache
def _vocabulary() -> frozenset[str]:
    return frozenset(word for phrase in VOCABULARY for word in words(phrase))
