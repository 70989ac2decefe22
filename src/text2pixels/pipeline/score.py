"""Stage `score`: reports/scores/<dataset>-<method>.parquet, one row per image of the test split, convention and metric.

Metrics see what was saved: the 8-bit fused luminance, the 8-bit infrared image and the BT.601
luminance of the visible image, rounded to 8 bits as the fused one was. Under the convention
`stretched` they see the fused image as stretched before it was rounded, and are those of published tables.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.parquet as pq

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import Pair, in_split, read_pairs_to_fuse
from text2pixels.errors import InputError
from text2pixels.executors import AHEAD, map_ordered, open_executor
from text2pixels.files import whole_file
from text2pixels.image.colour import Image8, luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.metrics.score import CONVENTIONS, HEADLINE, METRICS, Convention, score
from text2pixels.progress import track

SECTIONS: tuple[str, ...] = ("score", "fuse")

# ``value`` is null where the metric is undefined on that image, and ``reason`` says why.
SCHEMA = pa.schema(
    [
        pa.field("pair_id", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("method", pa.string(), nullable=False),
        pa.field("convention", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("reason", pa.string()),
    ]
)

# The fused images that each convention looks at, and its metrics.
WHAT: dict[Convention, tuple[Callable[[str, str], Path], tuple[str, ...]]] = {
    "standard": (layout.fused, tuple(METRICS)),
    "stretched": (layout.fused_stretched, HEADLINE),
}


def run(dataset: str, method: str) -> None:
    """Score every fused image of the test split.

    Raises:
        InputError: a fused image is missing, belongs to no pair or has the wrong size.
    """
    params = params_file.load(SECTIONS)
    manifest = layout.processed(dataset) / "manifest.parquet"
    expected = read_pairs_to_fuse(manifest, params.fuse.pairs)
    pairs = in_split(expected, "test")
    if not pairs:
        raise InputError(f"{manifest} has no pair in the split 'test' to score")
    fused, stretched = layout.fused(dataset, method), layout.fused_stretched(dataset, method)
    _check(dataset, fused, {stretched.name} | {f"{pair.name}.png" for pair in expected})
    _check(dataset, stretched, {f"{pair.name}.png" for pair in pairs})
    settings = params.score
    score_pair = partial(_score_pair, method=method)
    threads = cv2.getNumThreads()
    try:
        with open_executor(settings.workers, settings.dask) as executor:
            scored = map_ordered(executor, score_pair, pairs, AHEAD * max(settings.workers, 1))
            rows = [row for _, found in track(scored, f"score {dataset} by {method}", len(pairs)) for row in found]
    finally:
        cv2.setNumThreads(threads)
    with whole_file(layout.scores(dataset, method)) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), aside)


def _check(dataset: str, fused: Path, expected: set[str]) -> None:
    """Make sure that a folder of fused images holds exactly what it should."""
    if not fused.is_dir():
        raise InputError(f"no fused images at {fused}: run dvc repro fuse")
    found = {path.name for path in fused.iterdir()}
    if missing := sorted(expected - found):
        raise InputError(f"{fused} lacks {_first(missing)}: fuse the data set again (dvc repro fuse)")
    if extra := sorted(found - expected):
        raise InputError(f"{fused} holds {_first(extra)}, which belongs to no pair of {dataset}: remove it")


def _score_pair(pair: Pair, method: str) -> list[dict[str, object]]:
    """Return the rows of one pair."""
    # Stages run side by side: OpenCV's threads would wait for cores that another stage uses, and slow both.
    cv2.setNumThreads(1)
    source = layout.processed(pair.dataset)
    infrared = read_gray(source / pair.infrared)
    visible = quantise(luminance(read_rgb(source / pair.visible)))
    rows: list[dict[str, object]] = []
    for convention, (folder, names) in WHAT.items():
        path = folder(pair.dataset, method) / f"{pair.name}.png"
        image = read_gray(path)
        if image.shape != infrared.shape:
            raise InputError(f"{path} is {_size(image)} pixels, its pair {_size(infrared)}: fuse the data set again")
        for metric, value in score(image, infrared, visible, names, convention).items():
            undefined = math.isnan(value)
            rows.append(
                {
                    "pair_id": pair.pair_id,
                    "dataset": pair.dataset,
                    "method": method,
                    "convention": convention,
                    "metric": metric,
                    "value": None if undefined else value,
                    "reason": CONVENTIONS[convention][metric].why_undefined(image.shape) if undefined else None,
                }
            )
    return rows


def _first(names: list[str]) -> str:
    return names[0] + (f" (and {len(names) - 1} more)" if len(names) > 1 else "")


def _size(image: Image8) -> str:
    return f"{image.shape[1]}x{image.shape[0]}"
