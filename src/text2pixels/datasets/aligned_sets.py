"""The data sets that come with aligned pairs: RoadScene, LLVIP, MSRS, M3FD and FLIR ADAS; a declaration of each."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from text2pixels.datasets import listing, places
from text2pixels.datasets.adapter import Adapter, Archive, Candidate, Layout, Stray
from text2pixels.text_files import read_lines

# RoadScene: 221 aligned road scenes cut from FLIR ADAS videos; gray infrared, colour visible.
#
# The split file puts into ``test`` the 50 names that several papers test on (list ``test50``) and every
# labelled pair of the FLIR test part, so that neither is trained on. The other labelled pairs keep their FLIR
# part; unlabelled ones go by hash; pairs that look alike stay together.

# FLIR's boxes, mapped to the crops: of 202 pairs, or of the 108 that an earlier file has.
_ROADSCENE_LABELS = ("annotations_202.json", "annotations.json")

ROADSCENE = Adapter(
    name="roadscene",
    title="RoadScene",
    licence="research use; the frames are FLIR's (FLIR ADAS terms)",
    citation="Xu et al., FusionDN: A Unified Densely Connected Network for Image Fusion, AAAI 2020",
    home="https://github.com/hanna-xu/RoadScene",
    archives=(Archive("RoadScene-master.zip"),),
    layouts=((Layout("cropinfrared", "crop_LR_visible", labels=_ROADSCENE_LABELS, format="coco"),),),
    classes={"person": "person", "bicycle": "bicycle", "car": "car"},
    split="hash",
    split_file="roadscene",
)


# LLVIP: 15,488 aligned pairs of 1280x1024 from fixed cameras at dusk and at night, people labelled.
#
# The first two digits of a name are the camera's place. Published as ``train`` and ``test``; whole places of
# the training part, about a tenth, are held back for validation by hash.


def _place(name: str) -> str | None:
    return name[:2]


LLVIP = Adapter(
    name="llvip",
    title="LLVIP",
    licence="non-commercial research and education (the authors' terms of use)",
    citation="Jia et al., LLVIP: A Visible-infrared Paired Dataset for Low-light Vision, ICCV Workshops 2021",
    home="https://github.com/bupt-ai-cz/LLVIP",
    archives=(Archive("LLVIP.zip"),),
    layouts=(
        (
            Layout("infrared/train", "visible/train", labels="Annotations", format="voc", split="train"),
            Layout("infrared/test", "visible/test", labels="Annotations", format="voc", split="test"),
        ),
    ),
    classes={"person": "person"},
    split="published",
    scene=_place,
)


# MSRS: 1,444 aligned road scenes of 640x480, by day ("…D") and by night ("…N").
#
# Published as ``train`` and ``test``; labels (YOLO, drawn later) come with some copies, as do flat folders.
# A tenth of the training part is held back for validation by hash.

_MSRS_CLASSES = ("person", "bicycle", "car")


def _day_or_night(name: str) -> str:
    return {"D": "day", "N": "night"}.get(name[-1:], "unknown")


MSRS = Adapter(
    name="msrs",
    title="MSRS",
    licence="none stated; research use",
    citation="Tang et al., PIAFusion: A progressive infrared and visible image fusion network based on "
    "illumination aware, Information Fusion, 2022",
    home="https://github.com/Linfeng-Tang/MSRS",
    archives=(Archive("MSRS-main.zip"),),
    layouts=(
        (
            Layout("train/ir", "train/vi", labels="train/labels", format="yolo", split="train"),
            Layout("test/ir", "test/vi", labels="test/labels", format="yolo", split="test"),
        ),
        (Layout("ir", "vi", labels="labels", format="yolo"),),
    ),
    classes={name: name for name in _MSRS_CLASSES},
    yolo_names=_MSRS_CLASSES,
    split="published",
    time_of_day=_day_or_night,
    options=("folders",),
)


# M3FD: 4,200 labelled pairs for detection and 300 unlabelled ones for fusion, two archives, two data sets.
#
# Their file names overlap ("00471" is in both, with different pictures), so they stay apart: ``m3fd`` and
# ``m3fd_fusion``. The authors published no split of the 4,200. Neighbouring numbers are neighbouring video
# frames, so a random split tests on what it trained on; splits/README.md says how ours was cut.

_M3FD_LICENCE = "research use; ask the authors for anything else"
_M3FD_CITATION = (
    "Liu et al., Target-aware Dual Adversarial Learning and a Multi-scenario Multi-Modality Benchmark to Fuse "
    "Infrared and Visible for Object Detection, CVPR 2022"
)
_M3FD_HOME = "https://github.com/dlut-dimt/TarDAL"

M3FD = Adapter(
    name="m3fd",
    title="M3FD (detection)",
    licence=_M3FD_LICENCE,
    citation=_M3FD_CITATION,
    home=_M3FD_HOME,
    archives=(Archive("M3FD_Detection.zip"),),
    layouts=(
        (Layout("M3FD_Detection/Ir", "M3FD_Detection/Vi", labels="M3FD_Detection/Annotation", format="voc"),),
        (Layout("Ir", "Vi", labels="Annotation", format="voc"),),
    ),
    classes={name: name for name in ("People", "Car", "Bus", "Motorcycle", "Lamp", "Truck")},
    split_file="m3fd",
    options=("folders",),
)

M3FD_FUSION = Adapter(
    name="m3fd_fusion",
    title="M3FD (fusion)",
    licence=_M3FD_LICENCE,
    citation=_M3FD_CITATION,
    home=_M3FD_HOME,
    archives=(Archive("M3FD_Fusion.zip"),),
    layouts=((Layout("M3FD_Fusion/Ir", "M3FD_Fusion/Vi"),), (Layout("Ir", "Vi"),)),
    split="test",
)


# FLIR ADAS, aligned: about 5,100 pairs of 640x512 whose visible frame was warped onto the thermal one.
#
# Two forms are read: that of Zhang et al. (one folder, told apart by suffix; VOC; the lists
# ``align_train.txt`` and ``align_validation.txt``, which by custom is the test set) and the COCO form with a
# folder per band and part. A tenth of the training part is held back for validation by hash.

_FLIR_LISTS = {"align_train.txt": "train", "align_validation.txt": "test"}

_FLIR_INFRARED, _FLIR_VISIBLE = "_PreviewData", "_RGB"


def _find_flir(adapter: Adapter, root: Path, options: Mapping[str, Any]) -> Iterator[Candidate | Stray]:
    """Yield the pairs, with the split that the published lists give them."""
    parts = places.locate(adapter, root)
    base = parts[0].base
    listed: dict[str, str] = {}
    for file_name, split in _FLIR_LISTS.items():
        path = base / file_name
        if path.is_file():
            listed |= dict.fromkeys((line.removesuffix(_FLIR_INFRARED) for line in read_lines(path)), split)
    for entry in listing.pair_up(adapter, root, parts):
        if isinstance(entry, Candidate) and entry.name in listed:
            yield replace(entry, split=listed[entry.name])
        else:
            yield entry


def _flir_part(part: str) -> Layout:
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
                infrared_suffix=_FLIR_INFRARED,
                visible_suffix=_FLIR_VISIBLE,
                label_suffix=_FLIR_INFRARED,
            ),
        ),
        (_flir_part("train"), _flir_part("test")),
    ),
    classes={name: name for name in ("person", "bicycle", "car", "dog")},
    split="published",
    find=_find_flir,
)
