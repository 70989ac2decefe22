"""Every adapter reads its fake: from a folder, a zip and a tar, all the same."""

import shutil
from pathlib import Path

import pytest
from support import fakes

from text2pixels import config
from text2pixels.datasets import listing, partition
from text2pixels.datasets.adapter import Candidate
from text2pixels.datasets.archive import how_to_get
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.manifest import read_manifest
from text2pixels.datasets.quarantine import read_quarantine
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.pipeline.ingest import ingest

READ = sorted(name for name, adapter in DATASETS.items() if not adapter.embedded)
OPTIONS = {"folder": {"labels": "labels.json", "format": "coco"}}
ONE = config.Ingest(workers=1)


def source(name, path, **more):
    return config.Source(path=str(path), options=OPTIONS.get(name, {}) | more)


def test_there_is_a_fake_for_every_data_set():
    assert sorted(fakes.EXPECTED) == READ


@pytest.mark.parametrize("name", READ)
def test_adapter_reads_what_its_publisher_offers(name, tmp_path):
    raw = fakes.write(name, tmp_path / "raw")
    tally = ingest(name, source(name, raw), ONE, tmp_path / "out")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    found = len(pairs), sum(pair.labelled for pair in pairs), sum(len(pair.boxes) for pair in pairs)
    assert found == fakes.EXPECTED[name]
    assert tally.boxes.quarantined == 0
    assert [pair.name for pair in pairs] == sorted(pair.name for pair in pairs)
    for pair in pairs:
        assert pair.pair_id == f"{name}/{pair.name}"
        assert read_gray(tmp_path / "out" / pair.infrared).shape == (pair.height, pair.width)
        assert read_rgb(tmp_path / "out" / pair.visible).shape == (pair.height, pair.width, 3)
        assert {box.category for box in pair.boxes} <= set(DATASETS[name].classes or {"person", "cat"})


@pytest.mark.parametrize("form", ["zip", "tar", "gztar"])
def test_an_archive_gives_the_bytes_of_the_folder(form, tmp_path):
    raw = fakes.write("m3fd", tmp_path / "raw")
    archive = Path(shutil.make_archive(str(tmp_path / "any_name"), form, raw))
    ingest("m3fd", source("m3fd", raw), ONE, tmp_path / "one")
    ingest("m3fd", source("m3fd", archive), ONE, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.parametrize("name", READ)
def test_missing_data_says_what_to_get_from_whom_and_where_to_put_it(name, tmp_path):
    with pytest.raises(ValueError, match=r"nothing at") as error:
        ingest(name, source(name, tmp_path / "nowhere"), ONE, tmp_path / "out")
    message = str(error.value)
    adapter = DATASETS[name]
    assert adapter.home in message
    assert adapter.licence in message
    assert str(tmp_path / "nowhere") in message
    assert f"datasets.{name}.path" in message
    assert "\n" not in message
    assert not list(tmp_path.iterdir()), "nothing half-made is left"


@pytest.mark.parametrize("name", READ)
def test_a_folder_that_holds_something_else_says_what_was_expected(name, tmp_path):
    (tmp_path / "raw/holiday").mkdir(parents=True)
    with pytest.raises(ValueError, match="holiday"):
        ingest(name, source(name, tmp_path / "raw"), ONE, tmp_path / "out")


@pytest.mark.parametrize("name", sorted(DATASETS))
def test_every_data_set_is_declared_in_full(name):
    adapter = DATASETS[name]
    assert adapter.name == name
    assert all((adapter.title, adapter.licence, adapter.citation, adapter.home))
    assert adapter.embedded or (adapter.layouts and adapter.title in how_to_get(adapter, "x"))


@pytest.mark.parametrize("folders", ["first", 5, None, {"first": 1}])
def test_folders_that_are_no_list_are_one_line(folders, tmp_path):
    (tmp_path / "first").mkdir()
    with pytest.raises(InputError, match=r"^datasets\.m3fd\.options\.folders: expected a list of folders, found "):
        ingest("m3fd", source("m3fd", tmp_path, folders=folders), ONE, tmp_path / "out")


def test_a_set_in_several_folders_is_one_set_and_what_lies_beside_is_no_stray(tmp_path):
    for seed, folder in enumerate(("first", "second")):
        fakes.write("m3fd", tmp_path / "raw" / folder, seed)
    fakes.write("tno", tmp_path / "raw/other")
    for part in ("Ir/00000.png", "Vi/00000.png", "Annotation/00000.xml"):
        (path := tmp_path / "raw/second/M3FD_Detection" / part).rename(path.with_stem("00007"))
    for name in ("00001", "00002"):
        for path in (tmp_path / "raw/second").rglob(f"{name}.*"):
            path.unlink()
    ingest("m3fd", source("m3fd", tmp_path / "raw", folders=["first", "second"]), ONE, tmp_path / "out")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    assert [pair.name for pair in pairs] == ["00000", "00001", "00002", "00007"]
    assert all(pair.labelled for pair in pairs)
    assert read_quarantine(tmp_path / "out/quarantine.parquet") == []
    with pytest.raises(ValueError, match="no folder 'third'"):
        ingest("m3fd", source("m3fd", tmp_path / "raw", folders=["third"]), ONE, tmp_path / "out")


def test_of_two_label_files_the_first_named_is_read_and_a_pair_without_a_row_is_unlabelled(tmp_path):
    raw = fakes.write("roadscene", tmp_path / "raw")
    fakes.coco(raw / "annotations_202.json", ["person"], {"FLIR_00006.jpg": [("person", [1, 2, 9, 9])]})
    ingest("roadscene", source("roadscene", raw), ONE, tmp_path / "out")
    pairs = {pair.name: pair for pair in read_manifest(tmp_path / "out/manifest.parquet")}
    assert [name for name, pair in pairs.items() if pair.labelled] == ["FLIR_00006"]
    assert len(pairs["FLIR_00006"].boxes) == 1


def test_tno_pairs_by_scene_whatever_the_files_are_called(tmp_path):
    raw = fakes.write("tno", tmp_path / "raw")
    ingest("tno", source("tno", raw), ONE, tmp_path / "out")
    names = [pair.name for pair in read_manifest(tmp_path / "out/manifest.parquet")]
    assert names == [
        "Athena_2_men_in_front_of_house",
        "Athena_APC_2_view_1",
        "Athena_bunker",
        "Athena_heather",
        "DHV_Fire_sequence_part_1_0002",
        "DHV_Fire_sequence_part_1_0010",
        "DHV_wall",
        "FEL_Duine_sequence_7400",
        "FEL_Duine_sequence_7401",
        "Triclobs_Farm",
        "Triclobs_barbed_wire_2",
        "tank",
    ]
    left_out = {(row.name, row.kind, row.reason) for row in read_quarantine(tmp_path / "out/quarantine.parquet")}
    assert left_out == {
        ("Triclobs_Balls", "pair", "unpaired"),
        ("NIR", "file", "other_band"),
        ("Farm_II", "file", "other_band"),
        ("NIR_163dhvG", "file", "other_band"),
        ("b_NIR-MarnehNew_24RGB_1110", "file", "other_band"),
        ("README", "file", "not_an_image"),
    }


def test_published_parts_stay_published(tmp_path):
    for name in ("llvip", "flir", "msrs"):
        raw = fakes.write(name, tmp_path / name)
        split_of = partition.rule(DATASETS[name], {})[1]
        find = DATASETS[name].find or listing.find
        found = [entry for entry in find(DATASETS[name], raw, {}) if isinstance(entry, Candidate)]
        for candidate in found:
            assert (split_of(candidate) == "test") == (candidate.split == "test")
        assert {candidate.split for candidate in found} == {"train", "test"}


def test_scenes_of_llvip_do_not_part():
    split_of = partition.rule(DATASETS["llvip"], {})[1]
    for place in range(1, 20):
        frames = [
            Candidate(f"{place:02d}{frame:04d}", "", "", split="train", scene=f"{place:02d}") for frame in range(20)
        ]
        assert len({split_of(frame) for frame in frames}) == 1


def test_msrs_names_tell_the_time_of_day(tmp_path):
    ingest("msrs", source("msrs", fakes.write("msrs", tmp_path / "raw")), ONE, tmp_path / "out")
    times = {pair.name: pair.time_of_day for pair in read_manifest(tmp_path / "out/manifest.parquet")}
    assert times == {"00001D": "day", "00002N": "night", "00003D": "day", "00004N": "night"}


def test_one_folder_with_suffixes_and_yolo_labels(tmp_path):
    rng = fakes.np.random.default_rng(0)
    for name in ("a_1", "a_2", "b_1"):
        fakes.save(tmp_path / "raw" / f"{name}_ir.png", fakes.picture(rng, 1))
        fakes.save(tmp_path / "raw" / f"{name}_rgb.png", fakes.picture(rng))
        fakes.yolo(tmp_path / "raw" / f"{name}.txt", ["0 0.5 0.5 0.5 0.5"])
    fakes.save(tmp_path / "raw/b_1_mask.png", fakes.picture(rng, 1))
    options = {"infrared_suffix": "_ir", "visible_suffix": "_rgb", "labels": ".", "format": "yolo"}
    with pytest.raises(ValueError, match=r"classes.txt"):
        ingest("folder", source("folder", tmp_path / "raw", **options), ONE, tmp_path / "out")
    (tmp_path / "raw/classes.txt").write_text("drone\n")
    scene = r"^(\w+)_\d+$"
    tally = ingest("folder", source("folder", tmp_path / "raw", scene=scene, **options), ONE, tmp_path / "out")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    categories = {pair.name: [box.category for box in pair.boxes] for pair in pairs}
    assert categories == {"a_1": ["drone"], "a_2": ["drone"], "b_1": ["drone"]}
    assert len({pair.split for pair in pairs if pair.name.startswith("a")}) == 1
    assert [row.reason for row in tally.quarantined] == ["unpaired"]


def test_a_data_set_of_ones_own_may_have_any_name(tmp_path):
    raw = fakes.write("folder", tmp_path / "raw")
    ingest("yard", source("yard", raw, adapter="folder", split="test"), ONE, tmp_path / "out")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    assert {(pair.dataset, pair.split) for pair in pairs} == {("yard", "test")}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"infrared": "ir"}, "go together"),
        ({"infrared": "ir", "visible": 3}, "expected a line of text, found 3"),
        ({"infrared": ".", "visible": ".", "infrared_suffix": "_ir"}, "two different suffixes"),
        ({"labels": "labels.json", "format": "json"}, "known: coco, voc, yolo"),
        ({"classes": "person"}, "expected a list"),
        ({"scene": "("}, "scene"),
        ({"scene": "abc"}, "no group"),
        ({"split": "testing"}, "known: train, val, test"),
        ({"infrared": "/ir", "visible": "vi"}, "options.infrared: '/ir' is no folder below"),
        ({"infrared": "ir", "visible": "../vi"}, "options.visible: '../vi' is no folder below"),
        ({"infrared_range": [9000, 7000]}, "two rising counts"),
        ({"infrared_range": [float("nan"), 7000]}, "two rising counts"),
        ({"infrared_range": [0, float("inf")]}, "two rising counts"),
        ({"infrared_range": 7000}, "datasets.folder.options.infrared_range"),
        ({"infrared_rage": [7000, 9000]}, "did you mean infrared_range"),
        ({"adapter": "foldr"}, "did you mean folder"),
    ],
)
def test_a_wrong_option_gets_one_line(options, message, tmp_path):
    raw = fakes.write("folder", tmp_path / "raw")
    with pytest.raises(ValueError, match=message) as error:
        ingest("folder", config.Source(path=str(raw), options=options), ONE, tmp_path / "out")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
