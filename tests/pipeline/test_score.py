"""The score stage on a tiny data set, and everything that can be wrong with the fused images."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from text2pixels import layout
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.metrics.score import HEADLINE, METRICS, score
from text2pixels.pipeline.score import run

PARAMS = "profile: test\nseed: 0\ndatasets: {simulator: {path: null}}\nencoders: []\nmethods: {max: {}}\n"


@pytest.fixture
def dataset(tmp_path, monkeypatch):
    """Two test pairs, a labelled training pair and an unlabelled one that nobody fuses."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    rng = np.random.default_rng(0)
    folder = layout.processed("tiny")
    pairs = []
    for name, split, labelled in (
        ("a", "test", False),
        ("b", "test", True),
        ("c", "train", True),
        ("d", "train", False),
    ):
        write_png(folder / f"infrared/{name}.png", rng.integers(0, 256, (20, 24), dtype=np.uint8))
        write_png(folder / f"visible/{name}.png", rng.integers(0, 256, (20, 24, 3), dtype=np.uint8))
        paths = (f"infrared/{name}.png", f"visible/{name}.png")
        pairs.append(Pair(f"tiny/{name}", "tiny", name, split, *paths, 24, 20, "0", "0", labelled=labelled))
        if split == "test" or labelled:
            write_png(layout.fused("tiny", "max") / f"{name}.png", rng.integers(0, 256, (20, 24), dtype=np.uint8))
        if split == "test":
            stretched = layout.fused_stretched("tiny", "max") / f"{name}.png"
            write_png(stretched, rng.integers(0, 256, (20, 24), dtype=np.uint8))
    write_manifest(folder / "manifest.parquet", pairs)
    return folder


def test_a_row_per_test_image_convention_and_metric(dataset):
    run("tiny", "max")
    rows = pq.read_table(layout.scores("tiny", "max")).to_pylist()
    both = [("standard", metric) for metric in METRICS] + [("stretched", metric) for metric in HEADLINE]
    assert [(row["pair_id"], row["convention"], row["metric"]) for row in rows] == [
        (f"tiny/{name}", *entry) for name in "ab" for entry in both
    ]
    sources = read_gray(dataset / "infrared/a.png"), quantise(luminance(read_rgb(dataset / "visible/a.png")))
    expected = score(read_gray(layout.fused("tiny", "max") / "a.png"), *sources)
    for row in rows[: len(METRICS)]:
        assert (row["dataset"], row["method"], row["convention"]) == ("tiny", "max", "standard")
        if row["metric"] in ("VIF", "VIFF", "MS_SSIM"):
            assert row["value"] is None
            assert row["reason"].startswith("image smaller than")
        else:
            assert row["value"] == expected[row["metric"]]
            assert row["reason"] is None
    stretched = read_gray(layout.fused_stretched("tiny", "max") / "a.png")
    expected = score(stretched, *sources, HEADLINE, "stretched")
    for row in rows[len(METRICS) : len(both)]:
        assert row["value"] == (None if row["metric"] == "VIF" else expected[row["metric"]])


def test_workers_give_the_same_rows(dataset, monkeypatch):
    run("tiny", "max")
    alone = pq.read_table(layout.scores("tiny", "max"))

    class Pool(ThreadPoolExecutor):
        """Threads, which start at once; what a process would need is that the work can be pickled."""

        def submit(self, function, *arguments):
            return super().submit(pickle.loads(pickle.dumps(function)), *arguments)

    @contextmanager
    def open_pool(workers, dask):
        assert (workers, dask) == (2, None)
        with Pool(workers) as pool:
            yield pool

    monkeypatch.setattr("text2pixels.pipeline.score.open_executor", open_pool)
    Path("params.yaml").write_text(PARAMS + "score: {workers: 2}\n")
    run("tiny", "max")
    assert pq.read_table(layout.scores("tiny", "max")).equals(alone)


def test_a_method_that_returns_a_source_has_no_scd_and_says_why(dataset):
    for name in "ab":
        target = layout.fused("tiny", "max") / f"{name}.png"
        target.write_bytes((dataset / f"infrared/{name}.png").read_bytes())
    run("tiny", "max")
    rows = pq.read_table(layout.scores("tiny", "max")).to_pylist()
    rows = [row for row in rows if (row["convention"], row["metric"]) == ("standard", "SCD")]
    assert [row["value"] for row in rows] == [None, None]
    assert all("differs from a source by a constant" in row["reason"] for row in rows)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda fused: (fused / "b.png").unlink(), r"lacks b\.png"),
        (lambda fused: (fused / "c.png").unlink(), r"lacks c\.png"),
        (lambda fused: (fused / "stretched/b.png").unlink(), r"stretched lacks b\.png"),
        (lambda fused: (fused / "stretched").rename("elsewhere"), r"lacks stretched: fuse the data set again"),
        (lambda fused: (fused / "c.png").rename(fused / "stretched/c.png"), r"lacks c\.png"),
        (lambda fused: write_png(fused / "stretched/c.png", np.eye(3)), r"stretched holds c\.png"),
        (lambda fused: write_png(fused / "d.png", np.zeros((20, 24), np.uint8)), r"holds d\.png, which belongs to no"),
        (lambda fused: (fused / "notes.txt").write_text("?"), r"holds notes\.txt"),
        (lambda fused: write_png(fused / "a.png", np.zeros((24, 20), np.uint8)), r"a\.png is 20x24 pixels, .* 24x20"),
        (lambda fused: write_png(fused / "a.png", np.eye(3, dtype=np.uint8)[None].repeat(20, 0)), r"not an 8-bit gray"),
        (lambda fused: (fused / "a.png").write_bytes(b"no image"), r"a\.png is not an image"),
    ],
)
def test_what_is_wrong_with_fused_images_is_named(dataset, spoil, message):
    spoil(layout.fused("tiny", "max"))
    with pytest.raises(InputError, match=message):
        run("tiny", "max")
    assert not layout.scores("tiny", "max").exists()


def test_a_method_that_was_not_fused(dataset):
    with pytest.raises(InputError, match="run dvc repro fuse"):
        run("tiny", "laplacian")
