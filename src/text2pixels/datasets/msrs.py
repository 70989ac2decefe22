"""MSRS: 1,444 aligned road scenes of 640x480, by day ("…D") and by night ("…N").

Published as ``train`` and ``test``; labels (YOLO, drawn later) come with some copies, as do flat folders.
A tenth of the training part is held back for validation by hash.
"""

from text2pixels.datasets.adapter import Adapter, Archive, Layout

_CLASSES = ("person", "bicycle", "car")


def _time_of_day(name: str) -> str:
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
    classes={name: name for name in _CLASSES},
    yolo_names=_CLASSES,
    split="published",
    time_of_day=_time_of_day,
    options=("folders",),
)
