"""What each kind of bad input gets, and that the totals add up: nothing is dropped silently, nothing stops the rest.

Every case starts from a folder of three good pairs, ``a``, ``b`` and ``c``, with one box each in a COCO file, and
spoils something of ``b``.
"""

import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import fakes, odd_input

from text2pixels import config
from text2pixels.datasets.manifest import read_manifest
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.pipeline.ingest import ingest

RNG = np.random.default_rng(7)
W, H = fakes.SIZE


@dataclass(frozen=True)
class Case:
    """``spoil`` changes the raw folder; ``rows`` are the (name, kind, reason) it must leave in the quarantine."""

    spoil: Callable[[Path], None]
    rows: tuple[tuple[str, str, str], ...]
    pairs: tuple[str, ...] = ("a", "c")
    boxes: int = 2
    format: str = "coco"


def truncate(raw: Path) -> None:
    path = raw / "ir/b.png"
    path.write_bytes(path.read_bytes()[:-200])


def flip(raw: Path) -> None:
    data = bytearray((raw / "ir/b.png").read_bytes())
    data[len(data) // 2] ^= 0xFF
    (raw / "ir/b.png").write_bytes(data)


def truncated_jpeg(raw: Path) -> None:
    (raw / "vi/b.png").unlink()
    fakes.save(raw / "vi/b.jpg", fakes.picture(RNG))
    data = (raw / "vi/b.jpg").read_bytes()
    (raw / "vi/b.jpg").write_bytes(data[: len(data) // 2])


def bomb(raw: Path) -> None:
    """Write a PNG of a few bytes that claims 50,000 x 50,000 pixels."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 0, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")
    (raw / "ir/b.png").write_bytes(data)


def image(side: str, pixels: np.ndarray, name: str = "b.png") -> Callable[[Path], None]:
    return lambda raw: fakes.save(raw / side / name, pixels)


def boxes(*drawn: tuple[str, list[float]], **image_attributes: object) -> Callable[[Path], None]:
    def spoil(raw: Path) -> None:
        data = json.loads((raw / "labels.json").read_text())
        numbers = {entry["name"]: entry["id"] for entry in data["categories"]}
        data["annotations"] = [entry for entry in data["annotations"] if entry["image_id"] != 1]
        data["annotations"] += [
            {"id": 9, "image_id": 1, "category_id": numbers.get(name, 77), "bbox": box} for name, box in drawn
        ]
        data["images"][1].update(image_attributes)
        (raw / "labels.json").write_text(json.dumps(data))

    return spoil


def crowd(raw: Path) -> None:
    data = json.loads((raw / "labels.json").read_text())
    data["annotations"][1]["iscrowd"] = 1
    (raw / "labels.json").write_text(json.dumps(data))


def annotation(**changes: object) -> Callable[[Path], None]:
    """Change the annotation of ``b``; None takes a key away."""

    def spoil(raw: Path) -> None:
        data = json.loads((raw / "labels.json").read_text())
        data["annotations"][1] = {
            key: value for key, value in (data["annotations"][1] | changes).items() if value is not None
        }
        (raw / "labels.json").write_text(json.dumps(data))

    return spoil


def entry(**changes: object) -> Callable[[Path], None]:
    """Change the image entry of ``b``; None takes a key away."""

    def spoil(raw: Path) -> None:
        data = json.loads((raw / "labels.json").read_text())
        data["images"][1] = {key: value for key, value in (data["images"][1] | changes).items() if value is not None}
        (raw / "labels.json").write_text(json.dumps(data))

    return spoil


def category(name: object) -> Callable[[Path], None]:
    def spoil(raw: Path) -> None:
        data = json.loads((raw / "labels.json").read_text())
        data["categories"].append({"id": 2, "name": name})
        data["annotations"][1]["category_id"] = 2
        (raw / "labels.json").write_text(json.dumps(data))

    return spoil


def category_twice(raw: Path) -> None:
    data = json.loads((raw / "labels.json").read_text())
    data["categories"] += [{"id": 2, "name": "cat"}, {"id": 2, "name": "dog"}]
    data["annotations"][1]["category_id"] = 2
    (raw / "labels.json").write_text(json.dumps(data))


def box_twice(raw: Path) -> None:
    """Give the annotation of ``b`` the key ``bbox`` twice."""
    before, middle, after = (raw / "labels.json").read_text().rpartition('"annotations"')
    parts = after.split('"bbox": [')
    parts[2] = f'1, 1, 5, 5], "bbox": [{parts[2]}'
    (raw / "labels.json").write_text(before + middle + '"bbox": ['.join(parts))


def not_a_dictionary(raw: Path) -> None:
    data = json.loads((raw / "labels.json").read_text())
    data["annotations"][1] = [1, 2]
    (raw / "labels.json").write_text(json.dumps(data))


def copy(one: str, other: str) -> Callable[[Path], None]:
    return lambda raw: (raw / other).write_bytes((raw / one).read_bytes())


def text(path: str, content: str) -> Callable[[Path], None]:
    return lambda raw: (raw / path).write_text(content)


def rename(one: str, other: str) -> Callable[[Path], None]:
    return lambda raw: (raw / one).rename(raw / other)


def unreadable_name(raw: Path) -> None:
    for side in ("ir", "vi"):
        (raw / side / "b.png").rename(raw / side / os.fsdecode(b"b\xff.png"))


def wide(pixels: np.ndarray) -> np.ndarray:
    return pixels.astype(np.int32)


GOOD = np.random.default_rng(8)
PAIR = ("b", "pair")
ENTRY = ("b", "labels")
ALL = ("a", "b", "c")
BOX = ("b", "box")
UNLISTED = (("labels", "box", "box_unlisted"),)
CASES = {
    # pairs
    "empty file": Case(text("ir/b.png", ""), ((*PAIR, "unreadable"),)),
    "truncated PNG": Case(truncate, ((*PAIR, "unreadable"),)),
    "damaged PNG": Case(flip, ((*PAIR, "unreadable"),)),
    "truncated JPEG": Case(truncated_jpeg, ((*PAIR, "unreadable"),)),
    "HTML named PNG": Case(text("vi/b.png", "<html>404</html>"), ((*PAIR, "unreadable"),)),
    "dangling link": Case(
        lambda raw: ((raw / "ir/b.png").unlink(), (raw / "ir/b.png").symlink_to("gone.png")),
        ((*PAIR, "unreadable"),),
    ),
    "decompression bomb": Case(bomb, ((*PAIR, "too_large"),)),
    "32-bit integers": Case(
        lambda raw: ((raw / "ir/b.png").unlink(), fakes.save(raw / "ir/b.tif", wide(fakes.picture(GOOD, 1)))),
        ((*PAIR, "unsupported_depth"),),
    ),
    "palette colours": Case(image("ir", fakes.picture(GOOD)), ((*PAIR, "false_colour"),)),
    "unequal size": Case(image("ir", fakes.picture(GOOD, 1, (W + 2, H))), ((*PAIR, "unequal_size"),)),
    "tiny": Case(
        lambda raw: [fakes.save(raw / side / "b.png", fakes.picture(GOOD, 1, (20, 20))) for side in ("ir", "vi")],
        ((*PAIR, "too_small"),),
    ),
    "black frame": Case(image("vi", np.zeros((H, W, 3), np.uint8)), ((*PAIR, "blank"),)),
    "no visible": Case(lambda raw: (raw / "vi/b.png").unlink(), ((*PAIR, "unpaired"),)),
    "no infrared": Case(lambda raw: (raw / "ir/b.png").unlink(), ((*PAIR, "unpaired"),)),
    "two files of a name": Case(image("ir", fakes.picture(GOOD, 1), "b.bmp"), ((*PAIR, "ambiguous"),)),
    "name that is not UTF-8": Case(
        unreadable_name, (("b\\udcff", "pair", "unsafe_name"), ("b", "labels", "unpaired")), boxes=2
    ),
    "name with a newline": Case(
        lambda raw: [(raw / side / "b.png").rename(raw / side / "b\nb.png") for side in ("ir", "vi")],
        (("b\nb", "pair", "unsafe_name"), ("b", "labels", "unpaired")),
    ),
    "a pair twice": Case(
        lambda raw: (copy("ir/a.png", "ir/b.png")(raw), copy("vi/a.png", "vi/b.png")(raw)),
        ((*PAIR, "duplicate_content"),),
    ),
    "another pair's visible": Case(copy("vi/a.png", "vi/b.png"), ((*PAIR, "duplicate_content"),)),
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
    # files
    "a text among the images": Case(
        text("ir/notes.txt", "hot"), (("notes", "file", "not_an_image"),), ("a", "b", "c"), 3
    ),
    "a pipe among the images": Case(lambda raw: os.mkfifo(raw / "ir/p.png"), (("p", "file", "not_regular"),), ALL, 3),
    "a pipe among the labels": Case(
        lambda raw: os.mkfifo(raw / "voc/p.xml"), (("p", "file", "not_regular"),), ALL, 3, "voc"
    ),
    "an archiver's litter": Case(copy("ir/b.png", "ir/._b.png"), (("._b", "file", "not_an_image"),), ALL, 3),
    "a system's litter": Case(text("vi/.DS_Store", "x"), ((".DS_Store", "file", "not_an_image"),), ("a", "b", "c"), 3),
}


def make(raw: Path) -> None:
    """Write three good pairs, with the same boxes in three formats."""
    rng = np.random.default_rng(1)
    for name in "abc":
        fakes.save(raw / "ir" / f"{name}.png", fakes.picture(rng, 1))
        fakes.save(raw / "vi" / f"{name}.png", fakes.picture(rng))
        fakes.voc(raw / "voc" / f"{name}.xml", [("cat", 2, 2, 12, 12)])
        fakes.yolo(raw / "yolo" / f"{name}.txt", ["0 0.5 0.5 0.25 0.25"])
    fakes.coco(raw / "labels.json", ["cat"], {f"{name}.png": [("cat", [2, 2, 10, 10])] for name in "abc"})


@pytest.mark.parametrize("kind", CASES)
def test_bad_input_is_set_aside_with_its_reason_and_the_rest_goes_on(kind, tmp_path):
    case = CASES[kind]
    make(tmp_path / "raw")
    case.spoil(tmp_path / "raw")
    labels = {"coco": "labels.json", "voc": "voc", "yolo": "yolo"}[case.format]
    options = {"labels": labels, "format": case.format, "classes": ["cat"]}
    source = config.Source(path=str(tmp_path / "raw"), options=options)
    tally = ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")

    rows = read_quarantine(tmp_path / "out/quarantine.parquet")
    assert sorted((row.name, row.kind, row.reason) for row in rows) == sorted(case.rows)
    assert all(row.detail for row in rows)
    done = sorted({f"{row.kind}: {row.reason}" for row in rows})
    first = min(rows, key=lambda row: (row.name, row.kind, row.reason, row.detail), default=None)
    odd_input.hold("Reading in a data set", kind, "; ".join(done) or "read", first.detail if first else "")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    assert tuple(pair.name for pair in pairs) == case.pairs
    assert sum(len(pair.boxes) for pair in pairs) == case.boxes
    for count in tally.counts().values():
        assert count.found == count.admitted + count.quarantined + count.along
    on_disk = {
        side: sorted(path.stem for path in (tmp_path / "out" / side).iterdir()) for side in ("infrared", "visible")
    }
    assert on_disk == {"infrared": list(case.pairs), "visible": list(case.pairs)}
    for pair in pairs:
        assert read_gray(tmp_path / "out" / pair.infrared).shape == (pair.height, pair.width)
        assert read_rgb(tmp_path / "out" / pair.visible).shape == (pair.height, pair.width, 3)


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


def test_there_are_thirty_kinds():
    assert len(CASES) >= 30


def test_a_set_without_one_good_pair_is_an_error_that_names_the_first_fault(tmp_path, capsys):
    fakes.save(tmp_path / "raw/ir/a.png", fakes.picture(RNG, 1))
    fakes.save(tmp_path / "raw/vi/a.png", fakes.picture(RNG, 3, (W, H + 4)))
    with pytest.raises(ValueError, match=r"none of 1 pairs .* a: unequal_size \(infrared 64x48, visible 64x52\)"):
        ingest("folder", config.Source(path=str(tmp_path / "raw")), config.Ingest(workers=1), tmp_path / "out")
    assert "unequal_size" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()


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


def test_unequal_sizes_are_no_fault_of_a_source_that_is_not_aligned(tmp_path):
    fakes.save(tmp_path / "raw/ir/a.png", fakes.picture(RNG, 1))
    fakes.save(tmp_path / "raw/vi/a.png", fakes.picture(RNG, 3, (W + 20, H + 4)))
    source = config.Source(path=str(tmp_path / "raw"), aligned=False)
    ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    (pair,) = read_manifest(tmp_path / "out/manifest.parquet")
    assert (pair.width, pair.height) == (W + 20, H + 4)
    assert (pair.registration.method, pair.registration.status) == ("none", "doubtful")


def test_what_an_image_file_holds_besides_its_pixels_is_said(tmp_path, capsys):
    make(tmp_path / "raw")
    first, second = (Image.fromarray(fakes.picture(RNG, 1)) for _ in range(2))
    (tmp_path / "raw/ir/b.png").unlink()
    first.save(tmp_path / "raw/ir/b.tif", save_all=True, append_images=[second])
    source = config.Source(path=str(tmp_path / "raw"))
    tally = ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    assert tally.pairs.admitted == 3
    assert len(tally.notes) == 1
    assert "1 notes on images" in capsys.readouterr().out
    assert "page 1 of 2" in tally.notes[0]


def test_markup_in_a_name_is_shown_as_it_is(tmp_path, capsys):
    fakes.save(tmp_path / "raw/ir/[red]a.png", fakes.picture(RNG, 1))
    make(tmp_path / "raw")
    source = config.Source(path=str(tmp_path / "raw"))
    ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    assert "[red]a" in capsys.readouterr().out


def test_pillow_is_still_strict_about_truncated_files():
    from PIL import ImageFile

    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    assert Image.MAX_IMAGE_PIXELS is not None
