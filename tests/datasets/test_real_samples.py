"""The real samples beside the repository, where there are any: every pair comes in, no look-alikes across splits."""

import json
from pathlib import Path

import pytest

from text2pixels import config
from text2pixels.datasets import leaks, partition
from text2pixels.datasets.manifest import read_manifest
from text2pixels.pipeline.ingest import ingest

DATA = Path(__file__).parents[2] / "../shared/data"
EXPECTED = {  # pairs, labelled pairs, boxes: counted in the samples' own README and files
    "roadscene": ("RoadScene", 221, 202, 1401),
    "tno": ("TNO", 25, 0, 0),
    "m3fd": ("", 15, 15, 160),
    "m3fd_fusion": ("M3FD", 1, 0, 0),
    "msrs": ("", 20, 20, 105),
}
OPTIONS = {"m3fd": {"folders": ["M3FD", "M3FD_13"]}, "msrs": {"folders": ["MSRS", "MSRS_15"]}}

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the real samples are not on this machine (shared/data)")


@pytest.fixture(scope="module")
def ingested(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    for dataset, (place, *_) in EXPECTED.items():
        source = config.Source(path=str(DATA / place), options=OPTIONS.get(dataset, {}))
        ingest(dataset, source, config.Ingest(workers=1), folder / dataset)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("dataset", EXPECTED)
def test_every_real_pair_comes_in(dataset, ingested):
    pairs = read_manifest(ingested / dataset / "manifest.parquet")
    found = len(pairs), sum(pair.labelled for pair in pairs), sum(len(pair.boxes) for pair in pairs)
    assert found == EXPECTED[dataset][1:]


@pytest.mark.slow
def test_no_look_alikes_across_splits_within_or_across_the_real_sets(ingested):
    assert leaks.across_splits([entry for dataset in EXPECTED for entry in leaks.read_prints(ingested / dataset)]) == []


def test_the_split_file_of_roadscene_agrees_with_its_sources():
    listed = set((DATA / "RoadScene/test50.txt").read_text().split())
    assert partition.named("roadscene", "test50") == listed
    images = json.loads((DATA / "RoadScene/annotations.json").read_text())["images"]
    for part in ("train", "val", "test"):
        names = {Path(image["file_name"]).stem for image in images if image["split"] == part}
        assert partition.named("roadscene", f"flir-{part}") == names


def test_the_split_file_of_m3fd_names_the_detection_pairs():
    parquet = pytest.importorskip("pyarrow.parquet")
    table = parquet.read_table(DATA / "M3FD/annotations_all.parquet", columns=["name", "split"])
    said = dict(zip(*(table.column(name).to_pylist() for name in ("name", "split")), strict=True))
    for split in ("train", "val", "test"):
        expected = {name for name, part in said.items() if part == split}
        assert partition.named("m3fd", f"random-{split}") == expected
    assert set(partition.published("m3fd")) == set(said)
