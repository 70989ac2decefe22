"""Phrase vectors: what every encoder gives."""

import hashlib

import numpy as np
from numpy.typing import NDArray

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
