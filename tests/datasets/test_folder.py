"""Folders of one's own: every base is found, its folders name the split, and what is not read is named."""

import numpy as np
import pytest
from support import fakes

from text2pixels import config
from text2pixels.datasets.manifest import read_manifest
from text2pixels.errors import InputError
from text2pixels.pipeline.ingest import ingest

RNG = np.random.default_rng(11)
OPTIONS = {"infrared": "ir", "visible": "vi"}


def pair(raw, infrared, visible=None):
    """Write a pair; the visible image's path is the infrared one's with vi for ir."""
    fakes.save(raw / infrared, fakes.picture(RNG, 1))
    fakes.save(raw / (visible or infrared.replace("ir/", "vi/")), fakes.picture(RNG))


def take_in(tmp_path, **options):
    """Ingest; return name -> split, the tally, and name -> categories."""
    source = config.Source(path=str(tmp_path / "raw"), options=options)
    tally = ingest("folder", source, config.Ingest(workers=1), tmp_path / "out")
    pairs = read_manifest(tmp_path / "out/manifest.parquet")
    return (
        {entry.name: entry.split for entry in pairs},
        tally,
        {entry.name: [box.category for box in entry.boxes] for entry in pairs if entry.labelled},
    )


LAYOUTS = {
    "train and test": (
        ["train/ir/a.png", "train/ir/b.png", "test/ir/c.png"],
        {"a": "train", "b": "train", "c": "test"},
    ),
    "one level deeper": (
        ["set/train/ir/a.png", "set/val/ir/b.png", "set/test/ir/c.png"],
        {"a": "train", "b": "val", "c": "test"},
    ),
    "in other words": (["Training/ir/a.png", "validation/ir/b.png"], {"a": "train", "b": "val"}),
    "below the bands": (["ir/train/a.png", "ir/test/b.png"], {"a": "train", "b": "test"}),
    "one folder more, beside": (["ir/a.png", "night/ir/b.png"], {"a": None, "b": None}),
    "below a folder of that name": (["test/night/ir/a.png", "train/night/ir/b.png"], {"a": "test", "b": "train"}),
    "sequences": (["ir/seq1/001.png", "ir/seq2/001.png"], {"seq1_001": None, "seq2_001": None}),
    "the same names in both": (["train/ir/1.png", "test/ir/1.png"], {"train_1": "train", "test_1": "test"}),
    "a wrapper of that name": (["train/ir/a.png"], {"a": "train"}),
}


@pytest.mark.parametrize("options", [{}, OPTIONS], ids=["as found", "as named"])
@pytest.mark.parametrize(("files", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_every_base_is_found_and_its_folder_names_the_split(files, expected, options, tmp_path):
    for file in files:
        pair(tmp_path / "raw", file)
    splits, tally, _ = take_in(tmp_path, **options)
    assert splits.keys() == expected.keys()
    assert all(split is None or splits[name] == split for name, split in expected.items())
    assert tally.quarantined == []


def test_the_option_split_comes_before_the_folders(tmp_path):
    for file in ("train/ir/a.png", "test/ir/b.png"):
        pair(tmp_path / "raw", file)
    assert take_in(tmp_path, split="val")[0] == {"a": "val", "b": "val"}


def test_two_pairs_whose_folders_join_to_one_name_are_named(tmp_path):
    for file in ("ir/a_b/c.png", "ir/a/b_c.png", "ir/d/c.png"):
        pair(tmp_path / "raw", file)
    splits, tally, _ = take_in(tmp_path)
    assert list(splits) == ["d_c"]
    assert [(row.name, row.reason) for row in tally.quarantined] == [("a_b_c", "ambiguous")] * 2


def test_images_that_are_not_read_are_counted_and_named(tmp_path):
    raw = tmp_path / "raw"
    pair(raw, "set/ir/a.png")
    pair(raw, "set/fused/b.png", "set/fused/deep/c.png")
    pair(raw, "holiday/d.png", "set/e.png")
    pair(raw, "set/__MACOSX/ir/a.png")
    pair(raw, ".thumbnails/ir/a.png")
    (raw / "set/papers").mkdir()
    (raw / "set/papers/x.pdf").write_text("no image")
    splits, tally, _ = take_in(tmp_path)
    assert list(splits) == ["a"]
    assert sorted((row.kind, row.reason, row.detail) for row in tally.quarantined) == [
        ("file", "not_visited", "holiday/: 1 image"),
        ("file", "not_visited", "set/: 1 image beside its folders"),
        ("file", "not_visited", "set/fused/: 2 images"),
    ]


def test_what_an_ingest_made_is_no_source_of_the_next(tmp_path):
    raw = tmp_path / "raw"
    pair(raw, "ir/a.png")
    source = config.Source(path=str(raw))
    for _ in range(2):
        tally = ingest("folder", source, config.Ingest(workers=1), raw / "out")
        assert tally.pairs.found == 1


def test_a_link_to_itself_does_not_double_the_set(tmp_path):
    raw = tmp_path / "raw"
    pair(raw, "ir/a.png")
    (raw / "again").symlink_to(raw)
    (raw / "ir/loop").symlink_to(raw / "ir")
    splits, tally, _ = take_in(tmp_path)
    assert list(splits) == ["a"]
    assert tally.pairs.found == 1


@pytest.mark.parametrize("form", ["coco", "voc", "yolo"])
@pytest.mark.parametrize("where", ["base", "root"])
def test_labels_beside_each_part_or_at_the_root_find_their_images(form, where, tmp_path):
    raw = tmp_path / "raw"
    for part, name in (("train", "cat"), ("test", "dog")):
        pair(raw, f"{part}/ir/1.png")
        folder = raw / part / "labels" if where == "base" else raw / "labels" / part
        if form == "voc":
            fakes.voc(folder / "1.xml", [(name, 1, 1, 9, 9)])
        elif form == "yolo":
            fakes.yolo(folder / "1.txt", [f"{['cat', 'dog'].index(name)} .5 .5 .2 .2"])
        elif where == "base":
            fakes.coco(raw / part / "labels", ["cat", "dog"], {"1.png": [(name, [1, 1, 8, 8])]})
    if form == "coco" and where == "root":
        files = {"train/1.png": [("cat", [1, 1, 8, 8])], "test/1.png": [("dog", [1, 1, 8, 8])]}
        fakes.coco(raw / "labels", ["cat", "dog"], files)
    options = {"classes": ["cat", "dog"]} if form == "yolo" else {}
    _, tally, categories = take_in(tmp_path, **OPTIONS, labels="labels", format=form, **options)
    assert categories == {"train_1": ["cat"], "test_1": ["dog"]}
    assert tally.quarantined == []


def test_labels_one_folder_deeper_find_their_images(tmp_path):
    pair(tmp_path / "raw", "ir/a.png")
    fakes.voc(tmp_path / "raw/labels/checked/a.xml", [("cat", 1, 1, 9, 9)])
    assert take_in(tmp_path, **OPTIONS, labels="labels", format="voc")[2] == {"a": ["cat"]}


@pytest.mark.parametrize(
    ("labels", "form", "message"),
    [
        ("lables.json", "coco", r"nothing at 'lables\.json' below .*; did you mean labels\.json\?"),
        ("deep.json", "coco", r"did you mean annotations/deep\.json\?"),
        ("nowhere", "voc", r"nothing at 'nowhere' below .*; found "),
        ("labels.json", "voc", "no folder; the format voc"),
        ("annotations", "coco", "no file; the format coco"),
    ],
)
def test_labels_that_are_not_there_are_one_line(labels, form, message, tmp_path):
    raw = tmp_path / "raw"
    pair(raw, "ir/a.png")
    for file in ("labels.json", "annotations/deep.json"):
        fakes.coco(raw / file, ["cat"], {"a.png": []})
    with pytest.raises(InputError, match=message) as error:
        take_in(tmp_path, **OPTIONS, labels=labels, format=form)
    assert str(error.value).startswith("datasets.folder.options.labels: ")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()
