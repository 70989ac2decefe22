"""Labels and boxes that a set cannot use: set aside with a reason, and their pair comes in."""

import pytest
from support import spoilt_set
from support.spoilt_set import (
    ALL,
    BOX,
    ENTRY,
    UNLISTED,
    Case,
    W,
    annotation,
    box_twice,
    boxes,
    category,
    category_twice,
    crowd,
    entry,
    make,
    not_a_dictionary,
    text,
)

from text2pixels import config
from text2pixels.datasets.manifest import read_manifest
from text2pixels.pipeline.ingest import ingest

CASES = {
    # label files
    "labels of another size": Case(boxes(("cat", [1, 1, 9, 9]), width=640), ((*ENTRY, "label_size"),), ("a", "b", "c")),
    "labels of a missing image": Case(
        lambda raw: ((raw / "ir/b.png").unlink(), (raw / "vi/b.png").unlink()), ((*ENTRY, "unpaired"),)
    ),
    "VOC cut short": Case(
        text("voc/b.xml", "<annotation><object>"), ((*ENTRY, "label_unreadable"),), ("a", "b", "c"), 2, "voc"
    ),
    "VOC with entities": Case(
        text("voc/b.xml", '<!DOCTYPE x [<!ENTITY y "z">]><annotation/>'),
        ((*ENTRY, "label_unreadable"),),
        ("a", "b", "c"),
        2,
        "voc",
    ),
    "YOLO with words": Case(
        text("yolo/b.txt", "0 a b c d"), ((*ENTRY, "label_unreadable"),), ("a", "b", "c"), 2, "yolo"
    ),
    "YOLO of 6 MB": Case(
        text("yolo/b.txt", "0 .5 .5 .1 .1\n" * 430_000), ((*ENTRY, "label_unreadable"),), ("a", "b", "c"), 2, "yolo"
    ),
    "YOLO in binary": Case(
        lambda raw: (raw / "yolo/b.txt").write_bytes(b"\xff\xfe\x00"),
        ((*ENTRY, "label_unreadable"),),
        ("a", "b", "c"),
        2,
        "yolo",
    ),
    "YOLO number without a name": Case(
        text("yolo/b.txt", "5 .5 .5 .1 .1"), (("b", "box", "class_unknown"),), ("a", "b", "c"), 2, "yolo"
    ),
    "VOC of infinite size": Case(
        text("voc/b.xml", "<annotation><size><width>inf</width><height>9</height></size></annotation>"),
        ((*ENTRY, "label_unreadable"),),
        ALL,
        2,
        "voc",
    ),
    "VOC in an encoding that is none": Case(
        text("voc/b.xml", '<?xml version="1.0" encoding="klingon"?><annotation/>'),
        ((*ENTRY, "label_unreadable"),),
        ALL,
        2,
        "voc",
    ),
    "VOC in an encoding of names": Case(
        text("voc/b.xml", f'<?xml version="1.0" encoding="Punycode"?>{"a" * 2_000_000}-{"b" * 2_000_000}'),
        ((*ENTRY, "label_unreadable"),),
        ALL,
        2,
        "voc",
    ),
    "VOC among YOLO": Case(text("yolo/d.xml", "<annotation/>"), (("d", "file", "not_a_label"),), ALL, 3, "yolo"),
    "COCO image without file name": Case(
        entry(file_name=None), (("labels", "labels", "label_unreadable"), *UNLISTED), ALL
    ),
    "COCO image called by a dot": Case(
        entry(file_name="."), (("labels", "labels", "label_unreadable"), *UNLISTED), ALL
    ),
    "COCO image listed twice": Case(entry(file_name="a.png"), (("a", "labels", "ambiguous"), *UNLISTED), ALL),
    "COCO id twice": Case(entry(id=0), ((*ENTRY, "ambiguous"), *UNLISTED), ALL),
    "COCO image of half a character": Case(entry(file_name="\ud800.png"), (("\\ud800", "labels", "unpaired"),), ALL),
    # boxes
    "COCO without box": Case(annotation(bbox=None), ((*BOX, "box_malformed"),), ALL),
    "COCO of five numbers": Case(annotation(bbox=[1, 2, 3, 4, 5]), ((*BOX, "box_malformed"),), ALL),
    "COCO of texts": Case(annotation(bbox=["1", "2", "3", "4"]), ((*BOX, "box_malformed"),), ALL),
    "COCO of a number beyond numbers": Case(annotation(bbox=[1, 2, 3, 10**400]), ((*BOX, "box_malformed"),), ALL),
    "COCO of an unlisted image": Case(annotation(image_id=99), UNLISTED, ALL),
    "COCO id as text": Case(annotation(image_id="1"), UNLISTED, ALL),
    "COCO id as list": Case(annotation(image_id=[1]), UNLISTED, ALL),
    "COCO annotation without image": Case(annotation(image_id=None), UNLISTED, ALL),
    "COCO annotation that is none": Case(not_a_dictionary, UNLISTED, ALL),
    "COCO category as text": Case(annotation(category_id="1"), ((*BOX, "class_unknown"),), ALL),
    "COCO category as list": Case(annotation(category_id=[1]), ((*BOX, "class_unknown"),), ALL),
    "COCO category with two names": Case(category_twice, ((*BOX, "class_unknown"),), ALL),
    "COCO annotation with two boxes": Case(box_twice, ((*BOX, "box_malformed"),), ALL),
    "COCO category of half a character": Case(category("\udc80"), ((*BOX, "class_unknown"),), ALL),
    "YOLO number below zero": Case(text("yolo/b.txt", "-1 .5 .5 .1 .1"), ((*BOX, "class_unknown"),), ALL, 2, "yolo"),
    "YOLO with one odd class": Case(
        text("yolo/b.txt", "0 .5 .5 .1 .1\n7 .5 .5 .2 .2"), ((*BOX, "class_unknown"),), ALL, 3, "yolo"
    ),
    "box outside": Case(boxes(("cat", [W, 4, 9, 9])), (("b", "box", "box_outside"),), ("a", "b", "c")),
    "box half outside": Case(boxes(("cat", [W - 5, 4, 10, 9])), (("b", "box", "box_outside"),), ("a", "b", "c")),
    "box without area": Case(boxes(("cat", [4, 4, 0, 9])), (("b", "box", "box_empty"),), ("a", "b", "c")),
    "box that is not finite": Case(
        boxes(("cat", [4, 4, float("nan"), 9])), (("b", "box", "box_empty"),), ("a", "b", "c")
    ),
    "box twice": Case(
        boxes(("cat", [4, 4, 9, 9]), ("cat", [4, 4, 9, 9])), (("b", "box", "box_duplicate"),), ("a", "b", "c"), 3
    ),
    "crowd": Case(crowd, (("b", "box", "box_crowd"),), ("a", "b", "c")),
    "unknown class": Case(boxes(("dragon", [4, 4, 9, 9])), (("b", "box", "class_unknown"),), ("a", "b", "c")),
}


@pytest.mark.parametrize("kind", CASES)
def test_it_is_set_aside_with_its_reason_and_the_rest_goes_on(kind, tmp_path):
    spoilt_set.hold(kind, CASES[kind], tmp_path)


@pytest.mark.parametrize("declared", [["cat"], None], ids=["classes declared", "any class"])
@pytest.mark.parametrize("change", [{"category_id": 7}, {"category_id": "1"}, {"category_id": None}])
def test_a_category_that_the_file_does_not_name_is_no_category(change, declared, tmp_path):
    make(tmp_path / "raw")
    annotation(**change)(tmp_path / "raw")
    options = {"labels": "labels.json", "format": "coco"} | ({"classes": declared} if declared else {})
    tally = ingest(
        "folder", config.Source(path=str(tmp_path / "raw"), options=options), config.Ingest(workers=1), tmp_path / "out"
    )
    assert [(row.name, row.reason) for row in tally.quarantined] == [("b", "class_unknown")]


@pytest.mark.parametrize("said", [["night"], {"night": 1}, 7, "noon", None, "night"])
def test_whatever_the_annotations_call_the_time_of_day_the_pair_comes_in(said, tmp_path):
    make(tmp_path / "raw")
    entry(time_of_day=said)(tmp_path / "raw")
    source = config.Source(path=str(tmp_path / "raw"), options={"labels": "labels.json", "format": "coco"})
    ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    times = {pair.name: pair.time_of_day for pair in read_manifest(tmp_path / "out/manifest.parquet")}
    assert times == {"a": "unknown", "b": "night" if said == "night" else "unknown", "c": "unknown"}


@pytest.mark.parametrize(
    "content",
    [
        b'{"boxes": []}',
        b'{"images": {}, "annotations": [], "categories": []}',
        b"[]",
        b"7",
        b"\x80\x81",
        b"",
        b'{"images": ' + b"[" * 200_000,
        b'{"images": [], "annotations": [], "categories": [], "images": []}',
    ],
    ids=["other keys", "no lists", "a list", "a number", "binary", "empty", "nested too deep", "a key twice"],
)
def test_annotations_that_are_not_coco_stop_the_run_instead_of_losing_every_label(content, tmp_path):
    make(tmp_path / "raw")
    (tmp_path / "raw/labels.json").write_bytes(content)
    options = {"labels": "labels.json", "format": "coco"}
    source = config.Source(path=str(tmp_path / "raw"), options=options)
    with pytest.raises(ValueError, match=r"labels.json is not a COCO annotation file"):
        ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
