r"""Pairs of one's own: two folders, or one folder with two suffixes; labels as COCO, VOC or YOLO.

The two folders may lie below others (``train/ir``, ``night/vi``), several times, and have folders below them
(``ir/seq1/001.png`` belongs to ``vi/seq1/001.png``). Folders called train, val or test say what their pairs are
for.

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
          labels: labels.json            # a COCO file, or a folder of VOC or YOLO files, beside thermal/ or at path
          format: coco
          classes: [person, car]         # the order is YOLO's numbering; default: whatever the labels say
          scene: '^(\w+)_\d+$'           # the first group names the scene, which never parts between splits
          infrared_range: [7000, 9000]   # of 16-bit counts, see image/depth.py
          split: test                    # every pair; default: its folder's, or hash of the scene
"""

import re
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from text2pixels.datasets import listing, places
from text2pixels.datasets.adapter import Adapter, Candidate, LabelFormat, Layout, Stray
from text2pixels.datasets.labels import CLASSES_FILE, read_classes
from text2pixels.datasets.places import Part
from text2pixels.errors import InputError
from text2pixels.image.decode import SUFFIXES
from text2pixels.progress import console

_USUAL = (
    ("ir", "vi"),
    ("infrared", "visible"),
    ("thermal", "visible"),
    ("thermal", "rgb"),
    ("ir", "rgb"),
    ("ir", "vis"),
)

SECONDS_OF_SCENES = 10.0  # for all names of a set; an honest pattern takes microseconds for each
_LEAST = 0.001  # seconds; 0 would switch the timer off
_SHOWN = 80  # characters of a pattern or a name in a message
_LONGEST = 4096  # characters of an option, as of a path


def find(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the pairs as the options describe them.

    Raises:
        InputError: an option is wrong, or the folders are not there.
    """
    text = {key: _text(adapter, options, key) for key in adapter.options if key != "classes"}
    infrared, visible = text["infrared"], text["visible"]
    if (infrared is None) != (visible is None):
        raise InputError(f"datasets.{adapter.name}.options: infrared and visible go together; one is missing")
    for key in ("infrared", "visible"):
        folder = Path(text[key] or "")
        if folder.is_absolute() or ".." in folder.parts:
            raise InputError(f"datasets.{adapter.name}.options.{key}: {text[key]!r} is no folder below the set's path")
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
        (Layout(one, two, text["labels"], form, suffixes[0], suffixes[1], nested=True),) for one, two in pairs
    )
    scenes = None if text["scene"] is None else _Scenes(adapter, text["scene"])
    named = replace(adapter, layouts=layouts, scene=scenes or adapter.scene, title="a folder of pairs")
    parts = places.locate(named, root, several=True)
    if text["labels"] is not None:
        _check_labels(adapter, text["labels"], root, parts)
    classes = _classes(adapter, options, root, parts)
    for entry in listing.pair_up(replace(named, yolo_names=classes), root, parts):
        if scenes is not None and isinstance(entry, Candidate):
            scenes.check()  # `pair_up` has asked for all scenes before it yields the first pair
        yield entry


def classes_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the categories that the options allow; empty where they allow all."""
    said = options.get("classes")
    return {str(name): str(name) for name in said} if isinstance(said, list) else {}


def _text(adapter: Adapter, options: Mapping[str, Any], key: str) -> str | None:
    value = options.get(key)
    if value is not None and not (isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST):
        raise InputError(f"datasets.{adapter.name}.options.{key}: expected a line of text, found {value!r:.80}")
    return value


def _format(adapter: Adapter, text: Mapping[str, str | None]) -> LabelFormat | None:
    if text["labels"] is None:
        return None
    known: tuple[LabelFormat, ...] = get_args(LabelFormat)
    for name in known:
        if text["format"] == name:
            return name
    raise InputError(f"datasets.{adapter.name}.options.format: {text['format']!r:.80}; known: {', '.join(known)}")


def _check_labels(adapter: Adapter, labels: str, root: Path, parts: Sequence[Part]) -> None:
    """Refuse labels that are missing or of the wrong kind, with which every pair would come in unlabelled.

    Raises:
        InputError: the labels are missing, or a file where the format needs a folder, or the reverse.
    """
    where = f"datasets.{adapter.name}.options.labels"
    found = [place for part in parts if (place := places.label_place(part, root)) is not None]
    if not found:
        there = {path.relative_to(root).as_posix() for path in (*root.glob("*"), *root.glob("*/*"))}
        there = {path for path in there if not path.lower().endswith(SUFFIXES) and "/." not in f"/{path}"}
        deeper = [path for path in there if Path(path).name == Path(labels).name]
        near = deeper or get_close_matches(labels, there, n=1)
        hint = f"did you mean {near[0]}?" if near else f"found {', '.join(sorted(there)[:8])}"
        raise InputError(f"{where}: nothing at '{labels}' below {root}; {hint}")
    form = parts[0].layout.format
    for place in found:
        if form == "coco" and not place.is_file():
            raise InputError(f"{where}: {place} is no file; the format coco is one JSON file")
        if form != "coco" and not place.is_dir():
            raise InputError(f"{where}: {place} is no folder; the format {form} is a folder with a file per image")


def _classes(adapter: Adapter, options: Mapping[str, Any], root: Path, parts: Sequence[Part]) -> tuple[str, ...]:
    """Return the names that YOLO's numbers stand for; none for other formats, whose labels hold names.

    Raises:
        InputError: the option is no list, or nothing names the numbers.
    """
    if "classes" in options:
        if not isinstance(options["classes"], list):
            raise InputError(
                f"datasets.{adapter.name}.options.classes: expected a list, found {options['classes']!r:.80}"
            )
        return tuple(str(name) for name in options["classes"])
    if parts[0].layout.format != "yolo":
        return ()
    labels = [place for part in parts if (place := places.label_place(part, root)) is not None]
    for folder in (*labels, *(part.base for part in parts), root):
        if (folder / CLASSES_FILE).is_file():
            return read_classes(folder / CLASSES_FILE)
    raise InputError(
        f"datasets.{adapter.name}.options.classes: YOLO labels hold numbers; list their names, or put {CLASSES_FILE} "
        f"beside them"
    )


class _Scenes:
    """The scene of a pair, named by the first group of the user's pattern where that matches the pair's name."""

    def __init__(self, adapter: Adapter, pattern: str) -> None:
        self._where = f"datasets.{adapter.name}.options.scene"
        self._pattern = pattern[:_SHOWN]
        try:
            self._compiled = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            raise InputError(f"{self._where}: {self._pattern!r}: {error}") from error
        if self._compiled.groups < 1:
            raise InputError(f"{self._where}: {self._pattern!r} has no group to name the scene")
        self._left = SECONDS_OF_SCENES
        self._asked, self._unnamed = 0, list[str]()
        self._checked = False

    def __call__(self, name: str) -> str | None:
        start = time.perf_counter()
        try:
            with _at_most(self._left):
                match = self._compiled.search(name)
        except TimeoutError as error:
            raise InputError(
                f"{self._where}: {self._pattern!r} takes longer than {SECONDS_OF_SCENES:g} s, at last for "
                f"'{name[:_SHOWN]}': write it without a repetition within a repetition, as in (a+)+"
            ) from error
        self._left = max(self._left - time.perf_counter() + start, _LEAST)
        scene = match.group(1) if match else None
        self._asked += 1
        if not scene:
            self._unnamed.append(name)
        return scene

    def check(self) -> None:
        """Say, once, which names got no scene: their frames are parted as if nothing had been said of scenes.

        Raises:
            InputError: none did.
        """
        if self._checked or not self._unnamed:
            return
        self._checked = True
        example = repr(self._unnamed[0][:_SHOWN])  # of a name that need not be UTF-8
        if len(self._unnamed) == self._asked:
            raise InputError(f"{self._where}: {self._pattern!r} finds no scene in any pair's name, such as {example}")
        console.print(
            f"{self._where}: {self._pattern!r} finds none in {len(self._unnamed)} of {self._asked} names, such as "
            f"{example}: "
            "each of these pairs is a scene of its own",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in the block after some seconds.

    Only a signal can interrupt the search for a pattern, and only the main thread on a POSIX system receives one;
    elsewhere the block runs on.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


FOLDER = Adapter(
    name="folder",
    title="a folder of your own",
    licence="yours",
    citation="none",
    home="your cameras",
    layouts=tuple((Layout(infrared, visible, nested=True),) for infrared, visible in _USUAL),
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
