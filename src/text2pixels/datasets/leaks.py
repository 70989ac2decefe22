"""Leaks: pairs of different splits that show the same scene, by content or by look.

By content: two pairs with an equal SHA-256 of a written image. By look: a 64-bit difference hash (dHash,
N. Krawetz, 2013: the image at 9x8, each bit "brighter than the left neighbour") of both the infrared and
the visible image within `NEAR` bits. Two unrelated images differ in 32 bits on average. Of RoadScene's 24,310
pairs of pairs, three show the same street a second apart, at 5 to 7 bits; the next nearest differ by 14.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from text2pixels.datasets.manifest import read_manifest
from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.image.colour import Image8
from text2pixels.tables import read_rows

NEAR = 10  # bits of 64, in the infrared and in the visible, that still mean the same view

_BLOCK = 64  # rows compared at a time: 64 x 10,000 distances are 10 MB


@dataclass(frozen=True)
class Print:
    """What is compared of a pair."""

    pair_id: str
    split: str
    infrared_sha256: str
    visible_sha256: str
    infrared_dhash: int
    visible_dhash: int


@dataclass(frozen=True)
class Leak:
    """Two pairs of different splits that show the same; ``how`` is "content" or "look"."""

    first: str
    second: str
    how: str
    bits: int  # the larger of the two Hamming distances


def dhash(image: Image8) -> int:
    """Return the 64-bit difference hash of a gray or RGB image."""
    # Some 64 samples a side are plenty for 9x8 means; shrinking before the conversion to gray makes that free.
    step = max(1, min(image.shape[:2]) // 64)
    small = cv2.resize(np.ascontiguousarray(image[::step, ::step]), (9, 8), interpolation=cv2.INTER_AREA)
    gray = small.astype(np.int32) if small.ndim == 2 else small.astype(np.int32) @ np.array([299, 587, 114])
    return int.from_bytes(np.packbits(gray[:, 1:] > gray[:, :-1]).tobytes(), "big")


def across_splits(prints: Sequence[Print]) -> list[Leak]:
    """Return every two pairs of different splits that show the same, nearest first.

    Pass the pairs of several data sets to compare across them.
    """
    infrared, visible = ([getattr(entry, side) for entry in prints] for side in ("infrared_dhash", "visible_dhash"))
    near_by = look_alikes(infrared, visible, [entry.split for entry in prints])
    found = [_leak(prints[i], prints[j], bits) for i, j, bits in near_by]
    known = {(leak.first, leak.second) for leak in found}
    # Pairs that have one image in common and differ in the other: one of them is paired wrongly.
    found += [_leak(one, two, 64) for one, two in _equal_content(prints) if (one.pair_id, two.pair_id) not in known]
    return sorted(found, key=lambda leak: (leak.bits, leak.first, leak.second))


def look_alikes(
    infrared: Sequence[int], visible: Sequence[int], splits: Sequence[str], near: int = NEAR
) -> list[tuple[int, int, int]]:
    """Return (i, j, bits) of every two pairs of different splits whose images both differ in at most ``near`` bits.

    Args:
        infrared: difference hash of each pair.
        visible: difference hash of each pair.
        splits: split of each pair.
        near: bits of 64.
    """
    infrared_N, visible_N = (np.asarray(hashes, np.uint64) for hashes in (infrared, visible))
    splits_N = np.asarray(splits)
    found = []
    for start in range(0, len(splits_N), _BLOCK):
        rows = slice(start, start + _BLOCK)
        apart = splits_N[rows, None] != splits_N
        close = apart & (_hamming(visible_N[rows], visible_N) <= near)
        for i, j in zip(*np.nonzero(close), strict=True):
            bits = max(_bits(infrared_N[start + i], infrared_N[j]), _bits(visible_N[start + i], visible_N[j]))
            if start + i < j and bits <= near:
                found.append((int(start + i), int(j), bits))
    return sorted(found, key=lambda leak: (leak[2], leak[0], leak[1]))


def write_prints(path: Path, names: Sequence[str], infrared: Sequence[int], visible: Sequence[int]) -> None:
    """Write the difference hashes of a data set's pairs beside its manifest."""
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    columns = {
        "name": pa.array(names, pa.string()),
        "infrared_dhash": pa.array(infrared, pa.uint64()),
        "visible_dhash": pa.array(visible, pa.uint64()),
    }
    with whole_file(path) as aside:
        pq.write_table(pa.table(columns).sort_by("name"), aside)


def read_prints(folder: Path) -> list[Print]:
    """Read what is compared of a data set's pairs from its ingested folder.

    Raises:
        InputError: not a folder that ``t2p ingest`` made.
    """
    pairs = read_manifest(folder / "manifest.parquet")
    if not (folder / "prints.parquet").is_file():
        raise InputError(f"no prints.parquet in {folder}: run t2p ingest")
    hashes = {row["name"]: row for row in read_rows(folder / "prints.parquet")}
    return [
        Print(
            pair.pair_id,
            pair.split,
            pair.infrared_sha256,
            pair.visible_sha256,
            hashes[pair.name]["infrared_dhash"],
            hashes[pair.name]["visible_dhash"],
        )
        for pair in pairs
    ]


def _equal_content(prints: Sequence[Print]) -> list[tuple[Print, Print]]:
    """Return pairs of different splits of which one image alone is the same (a fault in pairing)."""
    seen: dict[str, Print] = {}
    equal = []
    for entry in prints:
        for digest in (entry.infrared_sha256, entry.visible_sha256):
            first = seen.setdefault(digest, entry)
            if first.split != entry.split:
                equal.append((first, entry))
    return equal


def _leak(first: Print, second: Print, bits: int) -> Leak:
    same = first.infrared_sha256 == second.infrared_sha256 or first.visible_sha256 == second.visible_sha256
    return Leak(first.pair_id, second.pair_id, "content" if same else "look", bits)


def _hamming(one_M: NDArray[np.uint64], two_N: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Return the number of bits in which each of M hashes differs from each of N others, (M, N)."""
    different = one_M[:, None] ^ two_N[None, :]
    bits = np.zeros(different.shape, np.uint8)
    for shift in range(0, 64, 16):
        bits += _BITS[(different >> np.uint64(shift)) & np.uint64(0xFFFF)]
    return bits


def _bits(one: np.uint64, two: np.uint64) -> int:
    return (int(one) ^ int(two)).bit_count()


_BITS = np.array([value.bit_count() for value in range(1 << 16)], np.uint8)
