"""Damaged images, labels and archives on their way in: rows of the quarantine or one line, and totals that add up."""

import shutil
import time

import numpy as np
import pytest
from support import fakes

from text2pixels import config
from text2pixels.datasets.manifest import read_manifest
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.errors import InputError
from text2pixels.pipeline.ingest import ingest

SECONDS = 20  # for one ingest, on a machine that does other things
LABELS = {
    "coco": "labels.json",
    "voc": "voc/b.xml",
    "yolo": "yolo/b.txt",
}


def damaged(content, seed):
    """Cut the bytes short, flip bits of them, or both."""
    rng = np.random.default_rng(seed)
    broken = bytearray(content)
    if seed % 3 != 0:
        for _ in range(int(rng.integers(1, 12))):
            broken[int(rng.integers(len(broken)))] ^= 1 << int(rng.integers(8))
    if seed % 3 != 1:
        del broken[int(rng.integers(len(broken))) :]
    return bytes(broken)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    raw = tmp_path_factory.mktemp("good") / "raw"
    rng = np.random.default_rng(0)
    for name in "abc":
        fakes.save(raw / "ir" / f"{name}.png", fakes.picture(rng, 1))
        fakes.save(raw / "vi" / f"{name}.png", fakes.picture(rng))
    fakes.coco(raw / "labels.json", ["cat"], {f"{name}.png": [("cat", [2, 2, 10, 10])] for name in "abc"})
    box = "<name>cat</name><bndbox><xmin>2</xmin><ymin>2</ymin><xmax>12</xmax><ymax>12</ymax></bndbox>"
    for name in "abc":
        for path, text in (
            (f"voc/{name}.xml", f"<annotation><object>{box}</object></annotation>"),
            (f"yolo/{name}.txt", "0 0.5 0.5 0.2 0.2\n0 0.3 0.3 0.1 0.1\n"),
        ):
            (raw / path).parent.mkdir(exist_ok=True)
            (raw / path).write_text(text)
    return raw


def come_in(path, out, labels="coco"):
    """Ingest; return the tally, or None where one line said why not."""
    name = LABELS[labels].split("/")[0]
    source = config.Source(path=str(path), options={"labels": name, "format": labels, "classes": ["cat"]})
    start = time.perf_counter()
    try:
        tally = ingest("folder", source, config.Ingest(workers=1), out)
    except InputError as error:
        said, tally = str(error), None
    else:
        said = ""
    assert "\n" not in said
    assert out.exists() == (not said)
    assert time.perf_counter() - start < SECONDS
    return tally


def adds_up(tally, out):
    for count in tally.counts().values():
        assert count.found == count.admitted + count.quarantined + count.with_parent
    assert len(read_manifest(out / "manifest.parquet")) == tally.pairs.admitted
    assert len(read_quarantine(out / "quarantine.parquet")) == len(tally.quarantined)


@pytest.mark.parametrize("seed", range(12))
def test_images(good, tmp_path, seed):
    raw = shutil.copytree(good, tmp_path / "raw")
    path = raw / ("ir/b.png" if seed % 2 else "vi/b.png")
    path.write_bytes(damaged(path.read_bytes(), seed))
    tally = come_in(raw, tmp_path / "out")
    assert tally is not None, "one damaged image stopped the others"
    adds_up(tally, tmp_path / "out")


@pytest.mark.parametrize("seed", range(9))
@pytest.mark.parametrize("labels", LABELS)
def test_labels(good, tmp_path, labels, seed):
    raw = shutil.copytree(good, tmp_path / "raw")
    path = raw / LABELS[labels]
    path.write_bytes(damaged(path.read_bytes(), seed))
    tally = come_in(raw, tmp_path / "out", labels)
    assert tally is not None or labels == "coco", "one damaged file of labels stopped the others"
    if tally is not None:
        adds_up(tally, tmp_path / "out")


@pytest.mark.parametrize("seed", range(9))
@pytest.mark.parametrize("kind", ["zip", "tar", "gztar"])
def test_archives(good, tmp_path, kind, seed):
    whole = shutil.make_archive(str(tmp_path / "set"), kind, good)
    (tmp_path / "set.bin").write_bytes(damaged((tmp_path / whole).read_bytes(), seed))
    tally = come_in(tmp_path / "set.bin", tmp_path / "out")
    if tally is not None:
        adds_up(tally, tmp_path / "out")
