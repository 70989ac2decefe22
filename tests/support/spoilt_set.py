"""Ways to spoil a folder of three good pairs, `a`, `b` and `c`, with one box each in a COCO file, VOC and YOLO.

A `Case` changes something of `b` and says what then is set aside; `hold` ingests the folder and compares.
"""

import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

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


def make(raw: Path) -> None:
    """Write three good pairs, with the same boxes in three formats."""
    rng = np.random.default_rng(1)
    for name in "abc":
        fakes.save(raw / "ir" / f"{name}.png", fakes.picture(rng, 1))
        fakes.save(raw / "vi" / f"{name}.png", fakes.picture(rng))
        fakes.voc(raw / "voc" / f"{name}.xml", [("cat", 2, 2, 12, 12)])
        fakes.yolo(raw / "yolo" / f"{name}.txt", ["0 0.5 0.5 0.25 0.25"])
    fakes.coco(raw / "labels.json", ["cat"], {f"{name}.png": [("cat", [2, 2, 10, 10])] for name in "abc"})


def hold(kind: str, case: Case, tmp_path: Path) -> None:
    """Make sure that what is spoilt is set aside with its reason, that the rest comes in, and that totals add up."""
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
        assert count.found == count.admitted + count.quarantined + count.with_parent
    on_disk = {
        side: sorted(path.stem for path in (tmp_path / "out" / side).iterdir()) for side in ("infrared", "visible")
    }
    assert on_disk == {"infrared": list(case.pairs), "visible": list(case.pairs)}
    for pair in pairs:
        assert read_gray(tmp_path / "out" / pair.infrared).shape == (pair.height, pair.width)
        assert read_rgb(tmp_path / "out" / pair.visible).shape == (pair.height, pair.width, 3)
