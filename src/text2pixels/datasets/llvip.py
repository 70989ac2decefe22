"""LLVIP: 15,488 aligned pairs of 1280x1024 from fixed cameras at dusk and at night, people labelled.

The first two digits of a name are the camera's place. Published as ``train`` and ``test``; whole places of
the training part, about a tenth, are held back for validation by hash.
"""

from text2pixels.datasets.adapter import Adapter, Archive, Layout


def _scene(name: str) -> str | None:
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
    scene=_scene,
)
