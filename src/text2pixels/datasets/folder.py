r"""Pairs of one's own: two folders, or one folder with two suffixes; labels as COCO, VOC or YOLO.

Options of the source (all but the folder's path can be left out)::

    datasets:
      yard:
        path: recordings/yard
        aligned: false
        options:
          adapter: folder
          infrared: thermal              # folder below path; default: ir/vi, infrared/visible, thermal/rgb, …
          visible: rgb                   # the same folder as infrared where suffixes tell them apart
          infrared_suffix: _ir
          visible_suffix: _rgb
          labels: labels.json            # a COCO file, or a folder of VOC or YOLO files
          format: coco
          classes: [person, car]         # the order is YOLO's numbering; default: whatever the labels say
          scene: '^(\w+)_\d+$'           # the first group names the scene, which never parts between splits
          infrared_range: [7000, 9000]   # of 16-bit counts, see data/decode.py
          split: test                    # every pair; default: hash of the scene
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from text2pixels.datasets import listing
from text2pixels.datasets.adapter import Adapter, Candidate, LabelFormat, Layout, Stray
from text2pixels.errors import InputError

CLASSES_FILE = "classes.txt"  # beside YOLO labels: one name a line

_USUAL = (
    ("ir", "vi"),
    ("infrared", "visible"),
    ("thermal", "visible"),
    ("thermal", "rgb"),
    ("ir", "rgb"),
    ("ir", "vis"),
)


def find(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the pairs as the options describe them.

    Raises:
        InputError: an option is wrong, or the folders are not there.
    """
    text = {key: _text(adapter, options, key) for key in adapter.options if key != "classes"}
    infrared, visible = text["infrared"], text["visible"]
    if (infrared is None) != (visible is None):
        raise InputError(f"datasets.{adapter.name}.options: infrared and visible go together; one is missing")
    suffixes = text["infrared_suffix"] or "", text["visible_suffix"] or ""
    if infrared is None and any(suffixes):
        infrared = visible = "."
    if infrared == visible and infrared is not None and (suffixes[0] == suffixes[1] or "" in suffixes):
        raise InputError(
            f"datasets.{adapter.name}.options: one folder for both needs two different suffixes, "
            "infrared_suffix and visible_suffix"
        )
    form = _format(adapter, text)
    pairs = ((infrared, visible),) if infrared is not None and visible is not None else _USUAL
    layouts = tuple(
        (Layout(one, two, text["labels"], form, infrared_suffix=suffixes[0], visible_suffix=suffixes[1]),)
        for one, two in pairs
    )
    named = replace(adapter, layouts=layouts, scene=_scene(adapter, text["scene"]), title="a folder of pairs")
    base, parts = listing.locate(named, root)
    classes = _classes(adapter, options, base, text["labels"], form)
    yield from listing.pair_up(replace(named, yolo_names=classes), base, parts)


def classes_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the categories that the options allow; empty where they do not say: all are."""
    said = options.get("classes")
    return {str(name): str(name) for name in said} if isinstance(said, list) else {}


def _text(adapter: Adapter, options: Mapping[str, Any], key: str) -> str | None:
    value = options.get(key)
    if value is not None and not isinstance(value, str):
        raise InputError(f"datasets.{adapter.name}.options.{key}: expected a text, found {value!r}")
    return value


def _format(adapter: Adapter, text: Mapping[str, str | None]) -> LabelFormat | None:
    if text["labels"] is None:
        return None
    known: tuple[LabelFormat, ...] = get_args(LabelFormat)
    for name in known:
        if text["format"] == name:
            return name
    raise InputError(f"datasets.{adapter.name}.options.format: '{text['format']}'; known: {', '.join(known)}")


def _classes(
    adapter: Adapter, options: Mapping[str, Any], base: Path, labels: str | None, form: LabelFormat | None
) -> tuple[str, ...]:
    if "classes" in options:
        if not isinstance(options["classes"], list):
            raise InputError(f"datasets.{adapter.name}.options.classes: expected a list, found {options['classes']!r}")
        return tuple(str(name) for name in options["classes"])
    if form != "yolo" or labels is None:
        return ()
    for path in (base / labels / CLASSES_FILE, base / CLASSES_FILE):
        if path.is_file():
            return tuple(line.strip() for line in path.read_text().splitlines() if line.strip())
    raise InputError(
        f"datasets.{adapter.name}.options.classes: YOLO labels hold numbers; list their names, or put {CLASSES_FILE} "
        f"beside them"
    )


def _scene(adapter: Adapter, pattern: str | None) -> Callable[[str], str | None]:
    if pattern is None:
        return adapter.scene
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise InputError(f"datasets.{adapter.name}.options.scene: {pattern!r}: {error}") from error
    if compiled.groups < 1:
        raise InputError(f"datasets.{adapter.name}.options.scene: {pattern!r} has no group to name the scene")

    def scene(name: str) -> str | None:
        match = compiled.search(name)
        return match.group(1) if match else None

    return scene


FOLDER = Adapter(
    name="folder",
    title="a folder of your own",
    licence="yours",
    citation="none",
    home="your cameras",
    layouts=tuple((Layout(infrared, visible),) for infrared, visible in _USUAL),
    find=find,
    options=(
        "infrared",
        "visible",
        "infrared_suffix",
        "visible_suffix",
        "labels",
        "format",
        "classes",
        "scene",
    ),
)
