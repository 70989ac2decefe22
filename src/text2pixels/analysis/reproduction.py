"""Whether a method, with the weights at hand, gives what its paper prints.

Its images of a published list of pairs are made and measured here under the convention `stretched`, and the means
are compared with the printed rows to the printed digit.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np

from text2pixels.analysis.published import PublishedRow, published_rows
from text2pixels.datasets import listing
from text2pixels.datasets.adapter import Candidate
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.partition import named
from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods.convention import fuse_luminance
from text2pixels.methods.method import Method
from text2pixels.metrics.score import score

# Lists of pairs with printed rows that others can make: the folder in which each set lies, and its size.
LISTS = {"tno": ("TNO", 25), "roadscene-test50": ("RoadScene", 50)}

Pairs = list[tuple[Path, Path]]  # infrared, visible
_TOLERANCE = 1e-9  # a mean in float that sits on the edge of a printed digit


@dataclass(frozen=True)
class Figure:
    """One mean.

    Attributes:
        list: Of pairs.
        metric: Which.
        printed: By the paper.
        ours: Mean over the pairs.
    """

    list: str
    metric: str
    printed: Decimal
    ours: float

    @property
    def matches(self) -> bool:
        """Say whether ours, rounded, is what is printed."""
        return abs(self.ours - float(self.printed)) <= float(self._digit) / 2 + _TOLERANCE

    @property
    def digits(self) -> float:
        """Return how far ours is from what is printed, in units of the last printed digit."""
        return abs(self.ours - float(self.printed)) / float(self._digit)

    @property
    def _digit(self) -> Decimal:
        return Decimal(1).scaleb(int(self.printed.as_tuple().exponent))


def rows_of(method: str) -> dict[str, PublishedRow]:
    """Return what is printed of a method over exactly the pairs of a list, by list.

    Raises:
        InputError: nothing is.
    """
    found = {
        name: row
        for name, (_, count) in LISTS.items()
        for row in published_rows(name)
        if row.method == method and row.images == count
    }
    if not found:
        able = sorted({row.method for name in LISTS for row in published_rows(name) if row.images == LISTS[name][1]})
        raise InputError(f"no table with rows of '{method}' over these pairs is known; known: {', '.join(able)}")
    return found


def pairs_of(name: str, data: Path) -> Pairs:
    """Return the pairs of a list, in the order of their names.

    Args:
        name: Of `LISTS`.
        data: The folder that holds the sets, each in a folder of its own.

    Raises:
        InputError: pairs are missing, or there are others.
    """
    folder, count = LISTS[name]
    dataset, _, part = name.partition("-")
    adapter = DATASETS[dataset]
    root = data / folder
    if not root.is_dir():
        raise InputError(f"{root} is missing: get {adapter.title} from {adapter.home} and put it there")
    found = (adapter.find or listing.find)(adapter, root, {})
    candidates = [entry for entry in found if isinstance(entry, Candidate) and entry.infrared and entry.visible]
    wanted = named(dataset, part) if part else {candidate.name for candidate in candidates}
    pairs = {
        candidate.name: (Path(candidate.infrared or ""), Path(candidate.visible or ""))
        for candidate in candidates
        if candidate.name in wanted
    }
    if len(pairs) != count:
        raise InputError(
            f"{root}: the printed rows are over {count} pairs, found {len(pairs)} of them: give the folder with "
            "exactly those that the papers test on"
        )
    return [pairs[key] for key in sorted(pairs)]


def reproduce(method: Method, row: PublishedRow, name: str, pairs: Iterable[tuple[Path, Path]]) -> list[Figure]:
    """Fuse and measure the pairs of a list, and return each mean beside what is printed.

    Args:
        method: Ready to fuse.
        row: Printed of it.
        name: Of the list.
        pairs: Of the list.

    Raises:
        InputError: an image cannot be read, or the two of a pair differ in size.
    """
    metrics = tuple(row.values)
    values = []
    for infrared_path, visible_path in pairs:
        infrared_HW, visible_HW3 = read_gray(infrared_path), read_rgb(visible_path)
        fused_HW = fuse_luminance(method, infrared_HW, visible_HW3, convention="stretched")
        found = score(fused_HW, infrared_HW, quantise(luminance(visible_HW3)), metrics, "stretched")
        values.append([found[metric] for metric in metrics])
    means = np.mean(values, axis=0)
    return [Figure(name, metric, row.values[metric], float(mean)) for metric, mean in zip(metrics, means, strict=True)]


def verdict(method: str, figures: list[Figure]) -> str:
    """Return in a line whether the figures are the paper's, or how far they are from it."""
    hits = sum(figure.matches for figure in figures)
    if hits == len(figures):
        return f"{method} matches the paper: all {hits} figures to the printed digit"
    worst = max(figures, key=lambda figure: figure.digits)
    return (
        f"{method} does not match the paper: {hits} of {len(figures)} figures to the printed digit; the farthest is "
        f"{worst.metric} on {worst.list}, {worst.ours:.3f} where {worst.printed} is printed"
    )
