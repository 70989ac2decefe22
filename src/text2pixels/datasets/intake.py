"""One pair is taken in: decode, check, write. Runs in a worker; the same call always gives the same files.

The verdict on a finished pair is kept beside the images (``rows/NAME.json``), under a key of the source files'
sizes and times, so that an interrupted run that is started again finds it and does not repeat the work.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from text2pixels.datasets import leaks
from text2pixels.datasets.adapter import Candidate, LabelFile, Labels
from text2pixels.datasets.labels import Unlabelled, check_boxes, read_labels
from text2pixels.errors import Unusable
from text2pixels.files import whole_file
from text2pixels.image.boxes import Box, Rectangle, common_field, crop_boxes
from text2pixels.image.colour import Image8
from text2pixels.image.png import encode_png
from text2pixels.image.reader import read_infrared_field, read_visible

Fault = tuple[str, str, str]  # kind, reason, detail


@dataclass(frozen=True)
class Rules:
    """What holds for every pair of a run. ``folder`` receives infrared/, visible/ and rows/."""

    folder: str
    aligned: bool
    minimum_side: int  # pixels
    classes: Mapping[str, str]
    span: tuple[float, float] | None = None  # see image.depth


@dataclass(frozen=True)
class Taken:
    """An image pair that was written: visible size, digests of the written files, perceptual hashes."""

    width: int
    height: int
    infrared_sha256: str
    visible_sha256: str
    infrared_dhash: int
    visible_dhash: int
    labelled: bool
    boxes: tuple[Box, ...]


@dataclass(frozen=True)
class Verdict:
    """What became of one candidate: ``taken``, or None and the faults say why; and how many boxes its labels had."""

    name: str
    taken: Taken | None
    faults: tuple[Fault, ...] = ()
    boxes_found: int = 0
    label_files: int = 0
    notes: tuple[str, ...] = ()  # what the files held that the images lack: further pages, transparency, gray levels


def take_in(candidate: Candidate, rules: Rules) -> Verdict:
    """Take one pair in, or say why not; for a pair that an earlier run has taken in, return its verdict."""
    if candidate.problem is not None:
        return Verdict(candidate.name, None, (("pair", *candidate.problem),), *_counts(candidate.labels))
    assert candidate.infrared is not None
    assert candidate.visible is not None
    row = Path(rules.folder) / "rows" / f"{candidate.name}.json"
    key = _key(candidate)
    known = recall(row, key, rules)
    if known is not None:
        return known
    notes: list[str] = []
    try:
        infrared, opaque = read_infrared_field(Path(candidate.infrared), rules.span, notes)
        visible = read_visible(Path(candidate.visible), notes)
        check_images(infrared, visible, rules)
        field = None if opaque is None else _field(candidate, opaque, rules, notes)
    except Unusable as fault:
        verdict = Verdict(candidate.name, None, (("pair", fault.reason, fault.detail),), *_counts(candidate.labels))
    else:
        verdict = replace(store(candidate.name, infrared, visible, candidate.labels, rules, field), notes=tuple(notes))
    remember(row, key, verdict)
    return verdict


def _field(candidate: Candidate, opaque: NDArray[np.bool_], rules: Rules, notes: list[str]) -> Rectangle | None:
    """Return the part of the frame that a warped infrared image covers; None where the pair is not to be cropped.

    Pixels outside of that part are black, which later stages would take for cold.

    Raises:
        Unusable: the infrared covers too little.
    """
    field = common_field(opaque) if rules.aligned else None  # the stage register crops the others
    whole = field is not None and opaque[field.y : field.y + field.height, field.x : field.x + field.width].all()
    if field is None or not whole:
        notes.append(f"{candidate.infrared}: transparent in part, which counts as black")
        return None
    if min(field.width, field.height) < rules.minimum_side:
        detail = f"infrared opaque in {field.width}x{field.height}, at least {rules.minimum_side} pixels a side"
        raise Unusable("too_small", detail)
    height, width = opaque.shape
    notes.append(
        f"{candidate.infrared}: transparent beyond the field of the infrared camera, so the pair is cropped from "
        f"{width}x{height} to {field.width}x{field.height}"
    )
    return field


def check_images(infrared: Image8, visible: Image8, rules: Rules) -> None:
    """Refuse what no later stage can use.

    Raises:
        Unusable: unequal sizes of an aligned source, a side too small, or one value throughout.
    """
    sizes = {
        side: f"{image.shape[1]}x{image.shape[0]}" for side, image in (("infrared", infrared), ("visible", visible))
    }
    if rules.aligned and infrared.shape[:2] != visible.shape[:2]:
        raise Unusable("unequal_size", f"infrared {sizes['infrared']}, visible {sizes['visible']}")
    for side, image in (("infrared", infrared), ("visible", visible)):
        if min(image.shape[:2]) < rules.minimum_side:
            raise Unusable("too_small", f"{side} {sizes[side]}, at least {rules.minimum_side} pixels a side")
        if image.min() == image.max():
            raise Unusable("blank", f"{side} is {image.flat[0]} throughout")


def store(
    name: str,
    infrared: Image8,
    visible: Image8,
    labels: LabelFile | Labels | None,
    rules: Rules,
    field: Rectangle | None = None,
) -> Verdict:
    """Write the two images, cropped to a field if there is one, and return the pair with its checked boxes."""
    height, width = visible.shape[:2]
    faults: list[Fault] = []
    good: list[Box] = []
    boxes_found, label_files = _counts(labels)
    try:
        read = read_labels(labels) if isinstance(labels, LabelFile) else labels
        if read is not None:
            boxes_found = len(read.boxes) + len(read.faults)
            if read.width and read.height and (read.width, read.height) != (width, height):
                faults.append(
                    ("labels", "label_size", f"for {read.width}x{read.height}, the image is {width}x{height}")
                )
                read = None
    except Unlabelled as fault:
        faults.append(("labels", "label_unreadable", str(fault)))
        read = None
    if read is not None:
        good, wrong = check_boxes(read, width, height, rules.classes)
        faults += [("box", reason, detail) for reason, detail in wrong]
    if field is not None:
        window = np.s_[field.y : field.y + field.height, field.x : field.x + field.width]
        infrared, visible, width, height = infrared[window], visible[window], field.width, field.height
        inside, outside = crop_boxes(good, field)
        good = list(inside)
        faults += [
            ("box", "box_outside", f"{box.category} at {box.x:.0f}, {box.y:.0f}: beyond the infrared's field")
            for box in outside
        ]
    digests = {side: _write(rules, side, name, image) for side, image in (("infrared", infrared), ("visible", visible))}
    taken = Taken(
        width,
        height,
        digests["infrared"],
        digests["visible"],
        leaks.dhash(infrared),
        leaks.dhash(visible),
        read is not None,
        tuple(good),
    )
    return Verdict(name, taken, tuple(faults), boxes_found, label_files)


def _write(rules: Rules, side: str, name: str, image: Image8) -> str:
    """Write one image, whole or not at all, and return the SHA-256 of the file."""
    data = encode_png(image)
    with whole_file(Path(rules.folder) / side / f"{name}.png") as aside:
        aside.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _counts(labels: LabelFile | Labels | None) -> tuple[int, int]:
    """Return how many boxes are known before a label file is read, and how many label files or entries there are."""
    drawn = len(labels.boxes) + len(labels.faults) if isinstance(labels, Labels) else 0
    return drawn, int(labels is not None)


def _key(candidate: Candidate) -> list[Any]:
    """Return what the verdict depends on: the source files' sizes and times, and boxes read beforehand."""
    paths = [candidate.infrared, candidate.visible]
    if isinstance(candidate.labels, LabelFile):
        paths.append(candidate.labels.path)
    stamps = []
    for path in paths:
        try:
            stat = Path(str(path)).stat()
            stamps.append([str(path), stat.st_size, stat.st_mtime_ns])
        except OSError:
            stamps.append([str(path), -1, -1])  # gone since it was listed, which reading it will report
    drawn = hashlib.sha256(repr(candidate.labels).encode()).hexdigest()
    return [*stamps, drawn]


def remember(row: Path, key: list[Any], verdict: Verdict) -> None:
    """Keep a verdict for a later run; ``key`` is what it depends on besides the run's parameters."""
    with whole_file(row) as aside:
        aside.write_text(json.dumps({"key": key, "verdict": asdict(verdict)}))


def recall(row: Path, key: list[Any], rules: Rules) -> Verdict | None:
    """Return the verdict of an earlier run on the same files, if there is one and its images are still there."""
    try:
        said = json.loads(row.read_bytes())
    except (FileNotFoundError, ValueError):  # no verdict, or a file that a power failure cut short
        return None
    if said["key"] != key:
        return None
    verdict = said["verdict"]
    taken = verdict["taken"]
    if taken is not None:
        images_there = (Path(rules.folder) / side / f"{row.stem}.png" for side in ("infrared", "visible"))
        if not all(path.is_file() for path in images_there):
            return None  # a duplicate, whose images were removed again
        taken = Taken(**taken | {"boxes": tuple(Box(**box) for box in taken["boxes"])})
    faults = tuple(tuple(fault) for fault in verdict["faults"])
    return Verdict(**verdict | {"taken": taken, "faults": faults, "notes": tuple(verdict["notes"])})
