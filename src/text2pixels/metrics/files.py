"""Scores of image files: one triple, or three folders with the same names."""

import json
import math
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from text2pixels.errors import InputError
from text2pixels.image import SUFFIXES, images_of, luminance, quantise, read_infrared, read_visible
from text2pixels.metrics.score import CONVENTIONS, Convention, score

if TYPE_CHECKING:
    from rich.table import Table

Scores = dict[str, dict[str, float]]  # name -> metric -> value; NaN where the metric is undefined


def score_files(
    fused: Path, infrared: Path, visible: Path, convention: Convention = "standard", notes: list[str] | None = None
) -> Scores:
    """Score a fused image, or every image of a folder.

    Args:
        fused: an image, or a folder.
        infrared: an image, or a folder with the same names.
        visible: an image, or a folder with the same names.
        convention: see `score`.
        notes: receives a line for each thing about the files that the user should know.

    Raises:
        InputError: an image cannot be read, the sizes differ, or a name is in one folder alone.
    """
    scores = {}
    for name, (fused_file, infrared_file, visible_file) in _matched(fused, infrared, visible).items():
        triple = (
            quantise(luminance(read_visible(fused_file, notes))),
            read_infrared(infrared_file, notes=notes),
            quantise(luminance(read_visible(visible_file, notes))),
        )
        try:
            scores[name] = score(*triple, convention=convention)
        except InputError as error:
            raise InputError(f"{fused_file}: {error}") from error
    return scores


def as_json(scores: Scores) -> str:
    """Return the scores as JSON, an undefined metric as null (JSON has no NaN)."""
    plain = {
        name: {metric: None if math.isnan(value) else value for metric, value in values.items()}
        for name, values in scores.items()
    }
    return json.dumps(plain, indent=2)


def as_table(scores: Scores, convention: Convention) -> "Table":
    """Return the mean of each metric, with its unit and which direction is better."""
    from rich.table import Table

    count = len(scores)
    table = Table(title=f"{count} image{'s' * (count > 1)}, convention: {convention}")
    table.add_column("metric")
    table.add_column("mean" if count > 1 else "value", justify="right")
    table.add_column("unit")
    table.add_column("better")
    for metric in CONVENTIONS[convention].values():
        defined = [values[metric.name] for values in scores.values() if not math.isnan(values[metric.name])]
        note = "" if len(defined) == count else f"undefined on {count - len(defined)} of {count}: {metric.undefined}"
        mean = f"{fmean(defined):.4f}" if defined else "–"
        table.add_row(f"{metric.name}  [dim]{metric.title}[/]", mean, note or metric.unit, metric.direction)
    return table


def _matched(fused: Path, infrared: Path, visible: Path) -> dict[str, tuple[Path, Path, Path]]:
    """Return the three files of every name; a single triple goes by the fused file's name."""
    if not fused.is_dir():
        return {fused.stem: (fused, infrared, visible)}
    files = [_images(folder) for folder in (fused, infrared, visible)]
    for folder, names in zip((infrared, visible), files[1:], strict=True):
        if missing := sorted(files[0].keys() - names.keys()):
            raise InputError(f"{folder} has no image named {missing[0]}, which is in {fused}")
        if missing := sorted(names.keys() - files[0].keys()):
            raise InputError(f"{fused} lacks the fused image of {missing[0]}, which is in {folder}")
    return {name: (files[0][name], files[1][name], files[2][name]) for name in sorted(files[0])}


def _images(folder: Path) -> dict[str, Path]:
    images = images_of(folder)
    if not images:
        raise InputError(f"{folder} holds no image ({', '.join(sorted(SUFFIXES))})")
    return images
