"""Which entry of a COCO file speaks of which image, where several have one file name."""

import json
from pathlib import Path

import pytest

from text2pixels.datasets.coco import Coco


def coco(tmp_path, *files):
    images = [{"id": number, "file_name": file} for number, file in enumerate(files)]
    data = {"images": images, "annotations": [], "categories": []}
    (tmp_path / "labels.json").write_text(json.dumps(data))
    return Coco(tmp_path / "labels.json")


@pytest.mark.parametrize(
    ("files", "image", "single", "expected"),
    [
        (["a.png"], "vi/a.png", True, "a.png"),
        (["a.png"], "vi/b.png", True, None),
        # Folders tell images of one name apart, whatever else they are called.
        (["seq1/a.png", "seq2/a.png"], "vi/seq2/a.png", False, "seq2/a.png"),
        (["train/a.png", "test/a.png"], "test/vi/a.png", False, "test/a.png"),
        (["x/images/Train/a.png", "x/images/test/a.png"], "train/vi/a.png", False, "x/images/Train/a.png"),
        (["data\\seq1\\a.png", "data\\seq2\\a.png"], "vi/seq1/a.png", False, "data\\seq1\\a.png"),
        (["a.png", "night/a.png"], "vi/a.png", False, "a.png"),
        (["a.png", "night/a.png"], "night/vi/a.png", False, "night/a.png"),
        # Folders of another machine do not matter where one entry and one image alone have the name.
        (["/elsewhere/a.png"], "vi/a.png", True, "/elsewhere/a.png"),
        (["C:\\set\\a.png"], "vi/a.png", True, "C:\\set\\a.png"),
        # None is taken where none fits, or where two fit equally well.
        (["train/a.png"], "test/vi/a.png", False, None),
        (["one/a.png", "two/a.png"], "vi/a.png", True, None),
    ],
)
def test_the_entry_of_an_image(files, image, single, expected, tmp_path):
    entry = coco(tmp_path, *files).find(Path(image), single)
    assert (None if entry is None else entry.file) == expected


def test_what_no_image_asked_for_is_named(tmp_path):
    annotations = coco(tmp_path, "a.png", "deep/b.png")
    entry = annotations.find(Path("vi/a.png"), True)
    assert entry is not None
    entry.used = True
    assert [(stray.name, stray.kind, stray.reason) for stray in annotations.strays({})] == [("b", "labels", "unpaired")]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        *((64, 64), ("64", 64), (64.0, 64), (64.5, None), (float("nan"), None), (None, None), (0, None), (-1, None)),
        *(("wide", None), ([64], None), (True, None)),
    ],
)
def test_a_size_that_is_none_is_not_known(said, expected, tmp_path):
    data = {"images": [{"id": 1, "file_name": "a.png", "width": said}], "annotations": [], "categories": []}
    (tmp_path / "labels.json").write_text(json.dumps(data))
    entry = Coco(tmp_path / "labels.json").find(Path("vi/a.png"), True)
    assert entry is not None
    assert entry.labels().width == expected
