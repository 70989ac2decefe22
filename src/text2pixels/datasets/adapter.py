"""How a data set is declared: as data, so that one reader serves them all.

An `Adapter` says who published the set, under which terms and where, how it lies on disk, and which
classes its boxes have. Most sets need nothing else; the few whose layout no table can express bring a
function `find` of their own.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from text2pixels.image.boxes import Box

LabelFormat = Literal["coco", "voc", "yolo"]
Problem = tuple[str, str]  # a reason of quarantine.REASONS, and the detail


@dataclass(frozen=True)
class Layout:
    """Where one part of a set lies, relative to its root; folder names match in any case.

    With suffixes, the pair's name is the file's stem without them ("FLIR_00002" + "_RGB"), and both
    images may lie in one folder. A ``nested`` part may also have folders below its own: those of the same
    path on both sides belong together, and one called train, val or test says what its pairs are for.
    """

    infrared: str
    visible: str
    # a folder of VOC or YOLO files, or one COCO file; of several names the first that exists
    labels: str | tuple[str, ...] | None = None
    format: LabelFormat | None = None
    infrared_suffix: str = ""
    visible_suffix: str = ""
    label_suffix: str = ""
    split: str | None = None  # that the publisher made of this part
    nested: bool = False


@dataclass(frozen=True)
class Archive:
    """A file that the publisher offers; ``checksum`` is "md5:…" or "sha256:…", None where nobody has stated one."""

    name: str
    checksum: str | None = None


@dataclass(frozen=True)
class Labels:
    """What was drawn on one image: boxes with the publisher's category names, in pixels.

    ``width`` and ``height`` are those of the image the boxes were drawn on, None where the file does
    not say; ``normalised`` boxes are in shares of the image instead. ``faults`` are entries that give no
    box: regions of many objects, entries without four numbers or of an unknown class.
    """

    boxes: tuple[Box, ...]
    width: int | None = None
    height: int | None = None
    normalised: bool = False
    faults: tuple[Problem, ...] = ()


@dataclass(frozen=True)
class LabelFile:
    """A label file that is read together with its images. YOLO files index ``names``."""

    path: str
    format: LabelFormat
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Candidate:
    """A pair as the file names promise it; either image may be missing."""

    name: str
    infrared: str | None
    visible: str | None
    labels: LabelFile | Labels | None = None
    split: str | None = None  # as published: train, val or test
    scene: str | None = None  # frames of one scene never part; None: a scene of its own
    time_of_day: str = "unknown"
    problem: Problem | None = None  # known from the file names alone


@dataclass(frozen=True)
class Stray:
    """A thing that belongs to no pair: ``kind`` "file", "labels" or "box", and the reason."""

    name: str
    kind: str
    reason: str
    detail: str
    boxes: int = 0  # in stray labels


Find = Callable[["Adapter", Path, Mapping[str, Any]], Iterator[Candidate | Stray]]


@dataclass(frozen=True)
class Adapter:
    """A data set, declared.

    Attributes:
        layouts: alternatives, each a tuple of parts that together make up the set. The first alternative
            of which any part is found is taken.
        classes: the publisher's category names and what they are called in the manifest.
        split: what decides the split of a pair for which there is no list in ``splits/``:
            "test" (the whole set is for testing), "published" (the layout says) or "hash".
    """

    name: str
    title: str
    licence: str
    citation: str
    home: str
    archives: tuple[Archive, ...] = ()
    layouts: tuple[tuple[Layout, ...], ...] = ()
    classes: Mapping[str, str] = field(default_factory=dict)
    yolo_names: tuple[str, ...] = ()  # what a YOLO file's class numbers stand for
    split: Literal["test", "published", "hash"] = "hash"
    split_file: str | None = None  # the list in splits/ that comes before ``split``
    scene: Callable[[str], str | None] = lambda name: None
    time_of_day: Callable[[str], str] = lambda name: "unknown"
    find: Find | None = None
    options: tuple[str, ...] = ()  # keys of datasets.<dataset>.options that this set understands
    embedded: bool = False  # drawn by the simulator, not read
