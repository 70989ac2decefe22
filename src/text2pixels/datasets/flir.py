"""FLIR ADAS, aligned: about 5,100 pairs of 640x512 whose visible frame was warped onto the thermal one.

Two forms are read: that of Zhang et al. (one folder, told apart by suffix; VOC; the lists
``align_train.txt`` and ``align_validation.txt``, which by custom is the test set) and the COCO form with a
folder per band and part. A tenth of the training part is held back for validation by hash.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from text2pixels.datasets import listing, places
from text2pixels.datasets.adapter import Adapter, Archive, Candidate, Layout, Stray
from text2pixels.datasets.text import read_lines

LISTS = {"align_train.txt": "train", "align_validation.txt": "test"}

_INFRARED, _VISIBLE = "_PreviewData", "_RGB"


def find(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the pairs, with the split that the published lists give them."""
    parts = places.locate(adapter, root)
    base = parts[0].base
    listed: dict[str, str] = {}
    for file_name, split in LISTS.items():
        path = base / file_name
        if path.is_file():
            listed |= dict.fromkeys((line.removesuffix(_INFRARED) for line in read_lines(path)), split)
    for entry in listing.pair_up(adapter, root, parts):
        if isinstance(entry, Candidate) and entry.name in listed:
            yield replace(entry, split=listed[entry.name])
        else:
            yield entry


def _part(part: str) -> Layout:
    return Layout(
        f"images_thermal_{part}/data",
        f"images_rgb_{part}/data",
        labels=f"meta/thermal/flir_{part}.json",
        format="coco",
        split=part,
    )


FLIR = Adapter(
    name="flir",
    title="FLIR ADAS, aligned",
    licence="Teledyne FLIR ADAS terms of use",
    citation="Teledyne FLIR, Free ADAS Thermal Dataset; aligned by Zhang et al., Multispectral Fusion for Object "
    "Detection with Cyclic Fuse-and-Refine Blocks, ICIP 2020",
    home="https://www.flir.com/oem/adas/adas-dataset-form/",
    archives=(Archive("align.zip"),),
    layouts=(
        (
            Layout(
                "JPEGImages",
                "JPEGImages",
                labels="Annotations",
                format="voc",
                infrared_suffix=_INFRARED,
                visible_suffix=_VISIBLE,
                label_suffix=_INFRARED,
            ),
        ),
        (_part("train"), _part("test")),
    ),
    classes={name: name for name in ("person", "bicycle", "car", "dog")},
    split="published",
    find=find,
)
