"""What a detector finds in folders of fused images, measured against labels.

One detector looks at all folders and is trained on none of them, so what it finds more in one than in another is due
to the images.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import rich.table
from rich.markup import escape

from text2pixels.analysis.average_precision import ALL, METRICS, precisions, resample
from text2pixels.analysis.comparison import Shared, few
from text2pixels.analysis.detection import Difference, Found
from text2pixels.analysis.leaderboard import SOURCES, Table, detection_table
from text2pixels.datasets.adapter import LabelFile, LabelFormat, Labels
from text2pixels.datasets.coco import Coco
from text2pixels.datasets.labels import CLASSES_FILE, TYPES, Unlabelled, check_boxes, read_classes, read_labels
from text2pixels.detection.detections import EvaluatedImage, as_table
from text2pixels.errors import InputError
from text2pixels.image import read_visible
from text2pixels.image.boxes import Box
from text2pixels.image.decode import SUFFIXES

if TYPE_CHECKING:
    from text2pixels.detection.finetune import Predictor


@dataclass(frozen=True)
class Labelled:
    """The pairs that have labels, each with its boxes in pixels of the visible image, and what was left out."""

    boxes: dict[str, tuple[Box, ...]]
    notes: list[str]

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that occur, in order."""
        return tuple(sorted({box.category for each in self.boxes.values() for box in each}))


@dataclass(frozen=True)
class Detected:
    """Average precision of each folder and of the two sources.

    Attributes:
        tables: by metric of `METRICS`: a column for each category and one for their mean, the best first.
        differences: of each to ``reference``, paired by images.
        reference: the method with the best average rank.
        found: the average precisions and resamples behind the tables and differences.
        detector: its name.
        left_out: categories with labels that the detector does not know.
        rare: categories with too few boxes to count in the mean.
    """

    tables: dict[str, Table]
    differences: list[Difference]
    reference: str
    found: Found
    detector: str
    left_out: tuple[str, ...]
    rare: tuple[str, ...]

    @property
    def rows(self) -> pd.DataFrame:
        """A row per method, category and metric; of the mean also the difference to the reference, with interval."""
        return pd.DataFrame(self.found.rows(self.reference, list(self.found.precisions)))

    @property
    def verdict(self) -> str:
        """Which methods differ from the reference, in a sentence without its full stop."""
        said = {"better": [], "worse": [], "not told apart": []}  # type: dict[str, list[str]]
        for each in self.differences:
            if each.metric == "AP50":
                said[each.verdict].append(f"{each.method} {each.value:+.3f} [{each.low:+.3f}, {each.high:+.3f}]")
        words = {"better": "better than it", "worse": "worse than it", "not told apart": "not told apart from it"}
        parts = [f"{words[verdict]}: {', '.join(methods)}" for verdict, methods in said.items() if methods]
        whole = next(row for row in self.found.precisions[self.reference] if row.category == ALL)
        head = f"AP50 by {self.detector} on {whole.images} images with {whole.boxes} boxes: {self.reference}"
        few = f" (mean without {', '.join(self.rare)}, which have too few boxes)" if self.rare else ""
        return "; ".join([f"{head} {whole.value:.3f}{few}", *parts])


def read_boxes(labels: Path, shared: Shared) -> Labelled:
    """Return the boxes of the shared pairs.

    Args:
        labels: a COCO file, or a folder of VOC (.xml) or YOLO (.txt, with classes.txt) files named like the pairs.
        shared: the pairs.

    Raises:
        InputError: no labels there, of no known kind, or of none of the pairs.
    """
    drawn = _coco(labels, shared) if labels.is_file() else _files(labels, shared)
    kept: dict[str, tuple[Box, ...]] = {}
    faults: list[str] = []
    for name, said in drawn:
        try:
            read = read_labels(said) if isinstance(said, LabelFile) else said
        except Unlabelled as error:
            faults.append(str(error))
            continue
        height, width = read_visible(shared.files[name]["visible"]).shape[:2]
        if read.width and read.height and (read.width, read.height) != (width, height):
            faults.append(f"{name}: labels for {read.width}x{read.height}, the image is {width}x{height}")
            continue
        good, wrong = check_boxes(read, width, height, {})
        kept[name] = tuple(good)
        faults += [f"{name}: {detail} ({reason})" for reason, detail in wrong]
    if not any(kept.values()):
        why = (
            f"; {faults[0]}" if faults else f": labels have the names of the pairs, such as {next(iter(shared.files))}"
        )
        raise InputError(f"{labels} has a box for none of the {len(shared.files)} pairs{why}")
    notes = [f"labels left out: {fault}" for fault in faults[:3]]
    if len(faults) > 3:
        notes.append(f"labels left out: {len(faults) - 3} more")
    if missing := [name for name in shared.files if name not in kept]:
        notes.append(f"{len(missing)} of {len(shared.files)} pairs have no labels in {labels}: {few(missing)}")
    return Labelled(kept, notes)


def _coco(path: Path, shared: Shared) -> Iterator[tuple[str, Labels]]:
    coco = Coco(path)
    for name, files in shared.files.items():
        here = [Path(files[side].parent.name, files[side].name) for side in ("visible", "infrared")]
        others = [
            Path(here[0].parent, name + suffix) for suffix in SUFFIXES
        ]  # the image may have another suffix than when it was labelled
        entry = next((entry for file in (*here, *others) if (entry := coco.find(file, single=True))), None)
        if entry is not None:
            yield name, entry.labels()


def _files(folder: Path, shared: Shared) -> Iterator[tuple[str, LabelFile]]:
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist: --labels takes a COCO file, or a folder of VOC or YOLO files")
    for form, ending in TYPES.items():
        found = {path.stem: path for path in sorted(folder.iterdir()) if path.suffix.lower() == ending}
        found.pop(Path(CLASSES_FILE).stem, None)
        if found:
            kind: LabelFormat = "voc" if form == "voc" else "yolo"
            classes = _classes(folder) if kind == "yolo" else ()
            for name in shared.files:
                if name in found:
                    yield name, LabelFile(str(found[name]), kind, classes)
            return
    raise InputError(f"{folder} holds no labels: expected {' or '.join(TYPES.values())} files, or give a COCO file")


def _classes(folder: Path) -> tuple[str, ...]:
    for place in (folder, folder.parent):
        if (place / CLASSES_FILE).is_file():
            return read_classes(place / CLASSES_FILE)
    raise InputError(f"{folder}: YOLO labels hold numbers: put {CLASSES_FILE}, a name a line, beside them")


class Search:
    """A detector and the images that it is to look at; this part alone needs torch."""

    def __init__(self, path: Path, labelled: Labelled, shared: Shared, device: str = "auto") -> None:
        """Read the detector.

        Args:
            path: YOLOv5 weights of COCO's classes (yolov5n.pt), or a folder with detector.safetensors.
            labelled: what is to be found.
            shared: the images.
            device: "auto", "cpu", "cuda:1".

        Raises:
            InputError: no detector there, or it knows none of the categories.
        """
        from text2pixels.detection.weights import coco_classes, read
        from text2pixels.detection.zero_shot import read_coco, scale_of
        from text2pixels.device import pick_device

        wanted = labelled.categories
        self._detector: Predictor
        if path.is_dir():
            own = read(path)
            self._detector, self.known = own, tuple(name for name in wanted if name in own.categories)
        else:
            classes = coco_classes(wanted)
            self.known = tuple(classes)
            if classes:
                self._detector = read_coco(path, scale_of(path), classes)
        if not self.known:
            raise InputError(f"{path} finds none of the labelled categories ({', '.join(wanted)})")
        self.name, self.left_out = path.stem, tuple(name for name in wanted if name not in self.known)
        self._labelled, self._shared, self._device = labelled, shared, pick_device(device)
        self.methods = tuple(next(iter(shared.files.values())))
        self.images = len(self.methods) * len(labelled.boxes)

    def run(self) -> Iterator[tuple[str, EvaluatedImage]]:
        """Yield method by method what was found in each image; `images` of them.

        Raises:
            InputError: an image that cannot be read.
        """
        from text2pixels.detection.examples import Example
        from text2pixels.detection.finetune import detect
        from text2pixels.detection.zero_shot import IMAGE_SIZE

        for method in self.methods:
            examples = [
                Example(
                    name,
                    partial(read_visible, self._shared.files[name][method]),
                    tuple(box for box in drawn if box.category in self.known),
                )
                for name, drawn in self._labelled.boxes.items()
            ]
            found = detect(self._detector, examples, image_size=IMAGE_SIZE, device=self._device)
            for example, (name, detections) in zip(examples, found, strict=True):
                yield method, EvaluatedImage(name, example.boxes, detections)


def judge(
    tested: Mapping[str, Sequence[EvaluatedImage]], search: Search, order: Sequence[str], resamples: int = 2000
) -> Detected:
    """Return the average precisions of what a search found.

    Args:
        tested: method -> what `Search.run` yields of it.
        search: that it comes from.
        order: the methods, that with the best average rank first.
        resamples: of the intervals.
    """
    drawn = {method: resample(as_table(images), resamples) for method, images in tested.items()}
    resampled = {method: each for method, each in drawn.items() if each is not None}
    found = Found({method: precisions(each) for method, each in resampled.items()}, resampled)
    return Detected(
        {metric: detection_table(found.precisions, order, metric) for metric in METRICS},
        found.differences(order[0], order),
        order[0],
        found,
        search.name,
        search.left_out,
        resampled[order[0]].rare,
    )


def as_terminal_tables(found: Detected) -> rich.table.Table:
    """Return AP50 by category and the mean of both metrics, best first, with the intervals of the means."""
    wide = found.tables["AP50"]
    means = {row.method: row.cells[-1] for row in found.tables["AP50:95"].rows}
    lines = rich.table.Table(title=f"detection by {escape(found.detector)}", box=None, padding=(0, 1, 0, 0))
    lines.add_column("method")
    for name in wide.columns:
        lines.add_column(r"AP50 \[95 %]" if name == ALL else escape(name), justify="right")
    lines.add_column("AP50:95", justify="right")
    for row in wide.rows:
        whole = row.cells[-1]
        cells = [f"{cell.value:.3f}" for cell in row.cells[:-1]]
        cells.append(f"{whole.value:.3f} [{whole.low:.3f}, {whole.high:.3f}]")
        method = f"{row.method} (source)" if row.method in SOURCES else row.method
        lines.add_row(escape(method), *map(escape, cells), f"{means[row.method].value:.3f}")
    return lines
