"""The distilled encoder: approximate CLIP ViT-B/32 text vectors without CLIP.

Distilled from the vectors of 1,613 noun phrases; distilled.md beside this file says from which, how
well it does on phrases held out, and what it cannot know. `benchmarks/distilled_encoder.py` fits it.

Kernel ridge regression: with k(p, q) the similarity of two phrases and a_i one row of numbers for each of
the N phrases,

    v(p) = mean + sum_i k(p, q_i) a_i,    and + ridge * a_i if p is the phrase q_i itself.

The last term gives the N phrases their published vectors, which ridge regression alone would only come near
to; a network trained with the published vectors needs them. Words of the project's vocabulary that no noun
phrase contains ("several", "night") cannot be learnt: each adds a direction of its own, which tells such
words apart and means nothing.

k compares phrases by their n-grams: words, pairs of words, and runs of two to five letters. Plural and
singular count as one word, articles and prepositions as none. "houseboat" is near "a boat" because they share
letters, not because of what they mean.

Shapes: N phrases distilled from, D = 512 numbers a vector.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open

from text2pixels.encoders.vectors import Vectors, of_hash, unit
from text2pixels.files import sha256
from text2pixels.prompts.phrases import VOCABULARY

FILE = Path(__file__).with_suffix(".safetensors")
RIDGE = 0.3  # by cross-validation; anything from 0.1 to 0.5 does as well
RECIPE = 1  # raised whenever the code gives other vectors for the same file
_MARK = 0.35  # length of a vocabulary word's own direction; it is added to vectors of about length 1

_SILENT = {"a", "an", "the", "of", "in", "on", "at", "to", "by", "for", "from", "with", "and", "or", "is", "are"}
_IRREGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child", "buses": "bus", "mice": "mouse"}
_LENGTHS = (2, 3, 4, 5)  # characters of a run; the marks of the word's two ends count
_LETTERS = 2.0  # weight of all runs of a word together; the word itself weighs 1


def words(phrase: str) -> list[str]:
    """Return the words without articles and prepositions, in the singular: "cars on the left" -> car, left."""
    return [_singular(word) for word in re.findall(r"[a-z0-9]+", phrase.lower()) if word not in _SILENT]


def _profile(of: Sequence[str]) -> dict[str, float]:
    """Return the n-grams of some words with their weights; the weights' squares add up to 1."""
    weights: dict[str, float] = defaultdict(float)
    for word in of:
        weights[f"word {word}"] += 1
        bounded = f"<{word}>"
        runs = [bounded[at : at + n] for n in _LENGTHS for at in range(len(bounded) - n + 1)]
        for run in runs:
            weights[f"run {run}"] += _LETTERS / len(runs) ** 0.5
    for first, second in pairwise(of):
        weights[f"pair {first} {second}"] += 1
    length = sum(weight**2 for weight in weights.values()) ** 0.5
    return {gram: weight / length for gram, weight in weights.items()}


class Profiles:
    """The profiles of N phrases, with which other phrases are compared."""

    def __init__(self, phrases: Iterable[str]) -> None:
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)  # n-gram -> (row of a phrase, weight in it)
        self._count = 0
        for phrase in phrases:
            for gram, weight in _profile(words(phrase)).items():
                found[gram].append((self._count, weight))
            self._count += 1
        self._found = {
            gram: (np.array([row for row, _ in rows]), np.array([weight for _, weight in rows], np.float32))
            for gram, rows in found.items()
        }

    def similarity(self, of: Sequence[str]) -> NDArray[np.float32]:
        """Return the cosine (N,) of some words' profile with each phrase's, from 0 to 1."""
        cosines_N = np.zeros(self._count, np.float32)
        for gram, weight in _profile(of).items():
            if gram in self._found:
                rows, weights = self._found[gram]
                cosines_N[rows] += np.float32(weight) * weights
        return cosines_N


def _singular(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


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
        """What was distilled, from which source and how well; all values are text."""
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
        """Return the phrases that were not distilled from and hold a word beyond the project's vocabulary.

        Letters other than a to z are in no phrase distilled from and are not read, so that a word of them counts, too.
        """
        return [
            phrase
            for phrase in phrases
            if not self.has(phrase) and (any(word not in _vocabulary() for word in words(phrase)) or _unread(phrase))
        ]

    def _known(self, phrase: str) -> bool:
        nouns = _read(self._file).nouns
        return any(word in nouns or word in _vocabulary() for word in words(phrase))


def _unread(phrase: str) -> bool:
    """Say whether a phrase holds letters or digits that `words` passes over."""
    return any(letter.isalnum() and not letter.isascii() for letter in phrase)


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
