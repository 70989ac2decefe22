"""Phrases compared by their letters: words, pairs of words, and runs of two to five letters.

Plural and singular count as one word, articles and prepositions as none. "houseboat" is near "a boat"
because they share letters: that is all this knows of meaning.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

_SILENT = {"a", "an", "the", "of", "in", "on", "at", "to", "by", "for", "from", "with", "and", "or", "is", "are"}
_IRREGULAR = {"people": "person", "men": "man", "women": "woman", "children": "child", "buses": "bus", "mice": "mouse"}
_LENGTHS = (2, 3, 4, 5)  # letters of a run, the word's two ends counted
_LETTERS = 2.0  # weight of all runs of a word together, against 1 of the word itself


def words(phrase: str) -> list[str]:
    """Return the words that carry meaning, each in the singular: "cars on the left" -> car, left."""
    return [_singular(word) for word in re.findall(r"[a-z0-9]+", phrase.lower()) if word not in _SILENT]


def profile(of: Sequence[str]) -> dict[str, float]:
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
    """The profiles of N phrases, with which others are compared."""

    def __init__(self, phrases: Iterable[str]) -> None:
        found: dict[str, list[tuple[int, float]]] = defaultdict(list)  # n-gram -> who has it, and how much
        self._count = 0
        for phrase in phrases:
            for gram, weight in profile(words(phrase)).items():
                found[gram].append((self._count, weight))
            self._count += 1
        self._found = {
            gram: (np.array([row for row, _ in rows]), np.array([weight for _, weight in rows], np.float32))
            for gram, rows in found.items()
        }

    def similarity(self, of: Sequence[str]) -> NDArray[np.float32]:
        """Return the cosine (N,) of some words' profile with each phrase's, from 0 to 1."""
        cosines_N = np.zeros(self._count, np.float32)
        for gram, weight in profile(of).items():
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
