"""Folders of one's own: every base is found, its folders name the split, and what is not read is named."""

import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from support import fakes

from text2pixels import config
from text2pixels.datasets import folder, listing, places
from text2pixels.datasets.adapter import Layout, Stray
from text2pixels.datasets.folder import FOLDER
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


def test_links_to_folders_are_named_and_not_followed(tmp_path):
    raw = tmp_path / "raw"
    pair(raw, "ir/a.png")
    fakes.voc(raw / "labels/a.xml", [("cat", 1, 1, 9, 9)])
    pair(tmp_path / "elsewhere", "ir/b.png")
    (raw / "again").symlink_to(raw)
    (raw / "other").symlink_to(tmp_path / "elsewhere")
    (raw / "ir/loop").symlink_to(raw / "ir")
    (raw / "vi/disk").symlink_to("/")  # of which a walk takes minutes
    (raw / "labels/disk").symlink_to("/")
    start = time.perf_counter()
    splits, tally, categories = take_in(tmp_path, **OPTIONS, labels="labels", format="voc")
    assert time.perf_counter() - start < 10
    assert list(splits) == ["a"]
    assert categories == {"a": ["cat"]}
    assert sorted((row.reason, row.detail) for row in tally.quarantined) == [
        ("not_visited", f"{place}: a link to a folder")
        for place in ("again", "ir/loop", "labels/disk", "other", "vi/disk")
    ]


def test_links_in_a_flat_set_are_not_counted_through(tmp_path):
    layout = Layout("ir", "vi")
    pair(tmp_path, "ir/a.png")
    (tmp_path / "ir/disk").symlink_to("/")
    start = time.perf_counter()
    found = list(listing.pair_up(replace(FOLDER, layouts=((layout,),)), tmp_path, [places.Part(tmp_path, layout)]))
    assert time.perf_counter() - start < 5
    assert [entry.detail for entry in found if isinstance(entry, Stray)] == ["ir/disk: a link to a folder"]


@pytest.mark.parametrize("named", ["the path", "the images", "the labels"])
def test_links_that_somebody_named_are_followed(named, tmp_path):
    there, raw = tmp_path / "there", tmp_path / "raw"
    pair(there, "ir/a.png")
    fakes.voc(there / "labels/a.xml", [("cat", 1, 1, 9, 9)])
    if named == "the path":
        raw.symlink_to(there)
    else:
        raw.mkdir()
        for name in ("ir", "vi", "labels"):
            (raw / name).symlink_to(there / name)
    _, tally, categories = take_in(tmp_path, **OPTIONS, labels="labels", format="voc")
    assert categories == {"a": ["cat"]}
    assert tally.quarantined == []


def test_a_set_that_is_there_by_a_link_alone_is_one_line(tmp_path):
    pair(tmp_path / "there", "ir/a.png")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/set").symlink_to(tmp_path / "there")
    with pytest.raises(InputError, match="set is a link to a folder, which is not searched: give it as the path"):
        take_in(tmp_path)


@pytest.mark.parametrize("pattern", ["^((a+)+)$", "^((a|a)*)$", "^(a*a*a*a*a*a*a*a*a*a*)$"])
def test_a_pattern_of_scenes_that_takes_for_ever_is_stopped(pattern, tmp_path, monkeypatch):
    monkeypatch.setattr(folder, "SECONDS_OF_SCENES", 0.2)
    pair(tmp_path / "raw", f"ir/{'a' * 100}!.png")
    handler = signal.getsignal(signal.SIGALRM)
    start = time.perf_counter()
    with pytest.raises(
        InputError, match=r"^datasets\.folder\.options\.scene: [^\n]* takes longer than 0\.2 s, at last for"
    ):
        take_in(tmp_path, scene=pattern)
    assert time.perf_counter() - start < 5
    assert signal.getsignal(signal.SIGALRM) == handler
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


@pytest.mark.parametrize("value", ["\udc80", "a\nb", "x" * 100_000, ["a"], {"a": 1}, 7, "", True, float("nan")])
@pytest.mark.parametrize(
    "option",
    ["adapter", "split", "infrared", "labels", "format", "classes", "scene", "infrared_range", "\udc80", "a\nb"],
)
def test_an_option_that_is_none_is_one_line(option, value, tmp_path):
    pair(tmp_path / "raw", "ir/a.png")
    usual = {"labels": "labels.json"} if option == "format" else OPTIONS if option == "infrared" else {}
    if option == "scene" and isinstance(value, str):
        value = f"({value}"
    if option == "classes" and isinstance(value, list):
        value = "a"
    with pytest.raises(InputError, match=r"^[^\n]{9,500}$"):
        take_in(tmp_path, **usual | {option: value})


@pytest.mark.parametrize("pattern", ["(", "no group", "(a{99999999999999999999})", "(" * 9000 + ")" * 9000])
def test_a_pattern_of_scenes_that_is_none_is_one_line(pattern, tmp_path):
    pair(tmp_path / "raw", "ir/a.png")
    with pytest.raises(InputError, match=r"^datasets\.folder\.options\.scene: [^\n]{0,300}$"):
        take_in(tmp_path, scene=pattern)


@pytest.mark.parametrize("form", ["coco", "voc", "yolo"])
@pytest.mark.parametrize("where", ["base", "root"])
def test_labels_beside_each_part_or_at_the_root_find_their_images(form, where, tmp_path):
    raw = tmp_path / "raw"
    for part, name in (("train", "cat"), ("test", "dog")):
        pair(raw, f"{part}/ir/1.png")
        labels = raw / part / "labels" if where == "base" else raw / "labels" / part
        if form == "voc":
            fakes.voc(labels / "1.xml", [(name, 1, 1, 9, 9)])
        elif form == "yolo":
            fakes.yolo(labels / "1.txt", [f"{['cat', 'dog'].index(name)} .5 .5 .2 .2"])
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


def annotate(raw, form, *files):
    """Write labels with one cat for each file, given without suffix, below labels/; return the options."""
    if form == "coco":
        fakes.coco(raw / "labels.json", ["cat"], {f"{file}.png": [("cat", [1, 1, 8, 8])] for file in files})
        return {"labels": "labels.json", "format": form}
    for file in files:
        fakes.yolo(raw / f"labels/{file}.txt", ["0 .5 .5 .2 .2"])
    return {"labels": "labels", "format": form, "classes": ["cat"]}


@pytest.mark.parametrize("form", ["coco", "yolo"])
@pytest.mark.parametrize(
    ("images", "files", "expected"),
    [
        (["day/ir/1.png", "night/ir/1.png"], ["1"], {}),
        (["ir/seq1/1.png", "ir/seq2/1.png"], ["1"], {}),
        # The nearest pair, not the first by name: "b_x" comes before "x".
        (["ir/x.png", "ir/b/x.png"], ["x"], {"x": ["cat"]}),
        (["ir/seq1/1.png", "ir/seq2/1.png"], ["seq2/1"], {"seq2_1": ["cat"]}),
    ],
)
def test_labels_that_several_pairs_could_have_are_not_given_to_the_first(form, images, files, expected, tmp_path):
    for image in images:
        pair(tmp_path / "raw", image)
    _, tally, categories = take_in(tmp_path, **annotate(tmp_path / "raw", form, *files))
    assert categories == expected
    told = [(row.name, row.kind, row.reason) for row in tally.quarantined]
    assert told == ([] if expected else [("1", "labels", "ambiguous")])


def test_labels_beside_the_images_are_read_in_folders_below_too(tmp_path):
    for name in ("a", "train/b"):
        pair(tmp_path / "raw", f"ir/{name}.png")
        fakes.yolo(tmp_path / f"raw/vi/{name}.txt", ["0 .5 .5 .2 .2"])
    _, tally, categories = take_in(tmp_path, labels="vi", format="yolo", classes=["cat"])
    assert categories == {"a": ["cat"], "b": ["cat"]}
    assert tally.quarantined == []


@pytest.mark.parametrize("named", ["a", "a_rgb", "a_ir"])
def test_a_label_file_is_called_like_the_pair_or_like_one_of_its_images(named, tmp_path):
    pair(tmp_path / "raw", "a_ir.png", "a_rgb.png")
    options = annotate(tmp_path / "raw", "yolo", named)
    _, tally, categories = take_in(tmp_path, **options, infrared_suffix="_ir", visible_suffix="_rgb")
    assert categories == {"a": ["cat"]}
    assert tally.quarantined == []


def test_of_two_label_files_of_one_image_the_second_is_named(tmp_path):
    pair(tmp_path / "raw", "ir/a.png")
    options = annotate(tmp_path / "raw", "yolo", "a")
    (tmp_path / "raw/labels/a.TXT").write_text("0 .5 .5 .2 .2\n0 .2 .2 .1 .1\n")
    _, tally, categories = take_in(tmp_path, **options)
    assert categories == {"a": ["cat", "cat"]}
    assert [(row.kind, row.reason, row.detail) for row in tally.quarantined] == [
        ("labels", "ambiguous", "a.txt labels the same image as a.TXT, which is read")
    ]


def test_a_link_in_a_folder_of_labels_outside_of_the_set_is_named(tmp_path):
    pair(tmp_path / "raw", "ir/a.png")
    fakes.yolo(tmp_path / "boxes/a.txt", ["0 .5 .5 .2 .2"])
    (tmp_path / "boxes/more").symlink_to(tmp_path)
    boxes = str(tmp_path / "boxes")
    _, tally, categories = take_in(tmp_path, labels=boxes, format="yolo", classes=["cat"])
    assert categories == {"a": ["cat"]}
    assert [row.detail for row in tally.quarantined] == [f"{boxes}/more: a link to a folder"]


def test_a_pattern_that_finds_no_scene_is_a_mistake_and_one_that_finds_few_is_told(tmp_path, capsys):
    for name in ("yard-1", "yard-2", "gate_1"):
        pair(tmp_path / "raw", f"ir/{name}.png")
    with pytest.raises(InputError, match=r"scene: '[^ ]*' finds no scene in any pair's name, such as 'gate_1'$"):
        take_in(tmp_path, scene="^(.+)x$")
    assert not (tmp_path / "out").exists()
    take_in(tmp_path, scene="^(.+)_[0-9]+$")
    assert "finds none in 2 of 3 names, such as 'yard-1': each of these pairs" in capsys.readouterr().err
    take_in(tmp_path, scene="^(.+)[-_][0-9]+$")
    assert "finds none" not in capsys.readouterr().err
