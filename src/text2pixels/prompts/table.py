"""Prompts of a data set: a table with one row for each pair and kind.

Kinds: `coarse` says scene, time and weather; `fine` adds the objects with counts, sizes and places,
and the conditions of both images. `origin` says what wrote the phrases: any of "boxes",
"declared" (time of day as the data set states it), "statistics", "captioner", "tags", joined with
"+"; or "csv", the user's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from text2pixels.errors import InputError
from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.image.boxes import Box
from text2pixels.image.colour import luminance
from text2pixels.prompts import conditions, phrases
from text2pixels.tables import MOST_OBJECTS, read_table

if TYPE_CHECKING:
    from text2pixels.datasets.manifest import Pair

COLUMNS = ("pair_id", "kind", "phrases", "origin")


@dataclass(frozen=True)
class Prompt:
    """The phrases of a pair; see the module's docstring."""

    pair_id: str
    kind: str
    phrases: tuple[str, ...]
    origin: str


@dataclass(frozen=True)
class Subject:
    """The part of a pair's row in the manifest that a prompt is written from."""

    pair_id: str
    width: int  # pixels
    height: int  # pixels
    time_of_day: str = "unknown"
    boxes: tuple[Box, ...] = ()


def describe(
    pair: "Pair | Subject",
    visible: NDArray[np.uint8],
    infrared: NDArray[np.uint8],
    tags: Mapping[str, str] | None = None,
    caption: str = "",
) -> list[Prompt]:
    """Write the coarse and the fine prompt of a pair.

    Args:
        pair: its row of the manifest, or a `Subject` where there is no manifest.
        visible: RGB (H, W, 3), 8 bits.
        infrared: gray (H, W), 8 bits, aligned to the visible image.
        tags: phrases for "scene", "time" and "weather" from a tagger; its time and weather are used only where
            neither the data set nor the statistics tell them.
        caption: a captioner's sentence, added to the fine prompt as one phrase.
    """
    measured = conditions.measure(visible, infrared)
    declared = pair.time_of_day != "unknown"
    time = pair.time_of_day if declared else conditions.time_of_day(measured)
    groups = {
        "scene": _scene(pair, measured, time),
        "time": conditions.of_time(time),
        "weather": conditions.of_weather(measured, time),
    }
    for group, phrase in (tags or {}).items():
        groups[group] = [phrase, *groups["scene"]] if group == "scene" else groups[group] or [phrase]

    coarse = phrases.unique(phrase for group in groups.values() for phrase in group)
    fine = phrases.unique(
        [
            *coarse,
            *phrases.of_objects(pair.boxes, pair.width, pair.height),
            *conditions.of_objects(pair.boxes, luminance(visible), infrared),
            *conditions.of_visible(measured, time),
            *conditions.of_infrared(measured),
            *[caption] * bool(caption),
        ]
    )
    origin = "+".join(
        ["boxes"] * bool(pair.boxes) + ["declared"] * declared + ["statistics"] + ["tags"] * (tags is not None)
    )
    return [
        Prompt(pair.pair_id, "coarse", tuple(coarse), origin),
        Prompt(pair.pair_id, "fine", tuple(fine), origin + "+captioner" * bool(caption)),
    ]


def _scene(pair: "Pair | Subject", measured: conditions.Statistics, time: str) -> list[str]:
    """Return the scene: what the objects imply, and by day, when its colour shows, vegetation."""
    nouns = {name for name, _ in phrases.by_noun(pair.boxes)}
    scene = ["a street"] if nouns & phrases.STREET else ["outdoors"]
    if time != "night" and measured.green_above >= 0.1:
        scene.append("a tree")
    elif time != "night" and measured.green >= 0.1:
        scene.append("green vegetation")
    return scene


def write_prompts(path: Path, prompts: Sequence[Prompt]) -> None:
    """Write the prompts sorted by pair and kind, so that the same prompts give the same bytes."""
    rows = [asdict(prompt) for prompt in sorted(prompts, key=lambda prompt: (prompt.pair_id, prompt.kind))]
    pa, pq = require("pyarrow", "train"), require("pyarrow.parquet", "train")
    types = {name: pa.list_(pa.string()) if name == "phrases" else pa.string() for name in COLUMNS}
    schema = pa.schema([pa.field(name, kind, nullable=False) for name, kind in types.items()])
    with whole_file(path) as aside:
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), aside)


def read_prompts(path: Path, kind: str) -> dict[str, list[str]]:
    """Return the phrases of one kind by pair_id.

    Raises:
        InputError: the file is missing or has another schema.
    """
    table = _read(path)
    return {
        row["pair_id"]: row["phrases"]
        for row in table.select(["pair_id", "kind", "phrases"]).to_pylist()
        if row["kind"] == kind
    }


def read_all_prompts(tables: Iterable[Path], kind: str) -> dict[str, list[str]]:
    """Return the phrases of every pair of several data sets, by pair_id, from their tables.

    Raises:
        InputError: a table is missing or damaged.
    """
    phrases: dict[str, list[str]] = {}
    for path in tables:
        phrases |= read_prompts(path, kind)
    return phrases


def distinct_phrases(paths: Iterable[Path]) -> list[str]:
    """Return every phrase of the prompt files once, sorted.

    Raises:
        InputError: a file is missing or has another schema.
    """
    found: set[str] = set()
    for path in paths:
        # In Arrow, which is quick also with a hundred thousand rows.
        found |= set(_read(path)["phrases"].combine_chunks().flatten().unique().to_pylist())
    return sorted(found)


def _read(path: Path) -> Any:  # noqa: ANN401  (the library is untyped)
    if not path.is_file():
        raise InputError(f"no prompts at {path}: run dvc repro prompt")
    table = read_table(path, MOST_OBJECTS)
    if tuple(table.schema.names) != COLUMNS:
        raise InputError(f"{path} has columns {table.schema.names}, expected {list(COLUMNS)}: run dvc repro prompt")
    return table
