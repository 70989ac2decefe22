"""The stage `fuse` on a tiny registered data set: by filters, and by a network trained here."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.tiny_model import write_model

from text2pixels import layout
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.encoders import catalogue as encoders
from text2pixels.encoders.embeddings import write_vectors
from text2pixels.errors import InputError
from text2pixels.image.png import read_gray, read_rgb, write_png
from text2pixels.methods import model_prompts, trained
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of, load
from text2pixels.methods.convention import fuse_luminance
from text2pixels.methods.method import Filter
from text2pixels.pipeline import fuse

PARAMS = """
profile: test
seed: 0
datasets: {tiny: {path: null}}
encoders: [hash]
methods: {infrared: {}, average: {}, max: {}, ours: {}}
"""
FILTERS = ("infrared", "average", "max")
SPLITS = {"a": ("train", False), "b": ("train", True), "c": ("val", False), "d": ("test", False)}
PHRASES = {f"tiny/{name}": [f"phrase {name}", "at night"] for name in SPLITS}
FUSED = ["b.png", "d.png", "stretched/d.png"]


@pytest.fixture
def registered(tmp_path, monkeypatch):
    """Four pairs: unlabelled and labelled ones of `train`, and one each of `val` and `test`; filters' models."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    folder, noise, pairs = layout.processed("tiny"), np.random.default_rng(0), []
    for name, (split, labelled) in SPLITS.items():
        write_png(folder / f"infrared/{name}.png", noise.integers(0, 256, (20, 30), dtype=np.uint8))
        write_png(folder / f"visible/{name}.png", noise.integers(0, 256, (20, 30, 3), dtype=np.uint8))
        paths = f"infrared/{name}.png", f"visible/{name}.png"
        pairs.append(Pair(f"tiny/{name}", "tiny", name, split, *paths, 30, 20, "", "", labelled=labelled))
    write_manifest(folder / "manifest.parquet", pairs)
    for method in FILTERS:
        layout.model(method).mkdir(parents=True)
        write_card(layout.model(method), entry_of(method).card, method)
    return tmp_path


@pytest.fixture
def ours(registered):
    """A network that reads text, `ours`, and one that was trained without, `mute`."""
    write_model("ours", PHRASES, contrast=50)
    write_model("mute", PHRASES, prompts="none", contrast=50)
    return trained.load(layout.model("ours"), "cpu")


def files_of(method):
    folder = layout.fused("tiny", method)
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def sources(name):
    folder = layout.processed("tiny")
    return read_gray(folder / f"infrared/{name}.png"), read_rgb(folder / f"visible/{name}.png")


def fused_by(method, name):
    return read_gray(layout.fused("tiny", method) / f"{name}.png")


def test_fuses_the_test_split_and_every_labelled_pair(registered):
    fuse.run("tiny", "infrared")
    assert files_of("infrared") == FUSED
    for name in ("b", "d"):
        np.testing.assert_array_equal(fused_by("infrared", name), sources(name)[0])


def test_fuses_the_test_split_alone_where_params_say_so(registered):
    (registered / "params.yaml").write_text(PARAMS + "fuse: {pairs: test}\n")
    fuse.run("tiny", "infrared")
    assert files_of("infrared") == ["d.png", "stretched/d.png"]


def test_test_pairs_come_stretched_before_rounding_too(registered):
    fuse.run("tiny", "average")
    stretched = fuse_luminance(load("average"), *sources("d"), convention="stretched")
    assert (stretched.min(), stretched.max()) == (0, 255)
    np.testing.assert_array_equal(read_gray(layout.fused_stretched("tiny", "average") / "d.png"), stretched)


def test_a_second_run_replaces_the_folder(registered):
    write_png(layout.fused("tiny", "max") / "stale.png", np.zeros((4, 4), np.uint8))
    fuse.run("tiny", "max")
    assert files_of("max") == FUSED


def test_a_failure_leaves_nothing_half_written(registered, monkeypatch):
    fuse.run("tiny", "average")
    before = files_of("average")
    seen = []

    def fail_on_the_second(infrared, visible):
        seen.append(infrared)
        if len(seen) % 2 == 0:
            raise RuntimeError("power cut")
        return infrared

    card = entry_of("average").card
    monkeypatch.setattr(fuse, "load_model", lambda *_: Filter(card, fail_on_the_second))
    with pytest.raises(RuntimeError, match="power cut"):
        fuse.run("tiny", "average")
    assert files_of("average") == before
    with pytest.raises(RuntimeError, match="power cut"):
        fuse.run("tiny", "max")
    assert not [*layout.fused("tiny", "max").parent.iterdir()]


def test_an_image_of_another_size_is_refused(registered, monkeypatch):
    card = entry_of("average").card
    monkeypatch.setattr(fuse, "load_model", lambda *_: Filter(card, lambda infrared, visible: infrared[1:]))
    with pytest.raises(InputError, match="average gave an image of the shape"):
        fuse.run("tiny", "average")


def test_users_mistakes(registered):
    with pytest.raises(InputError, match=r"no method at models/averge .* dvc repro method"):
        fuse.run("tiny", "averge")
    with pytest.raises(InputError, match="no manifest"):
        fuse.run("unknown", "average")
    write_manifest(layout.processed("tiny") / "manifest.parquet", [])
    with pytest.raises(InputError, match="nothing to fuse"):
        fuse.run("tiny", "average")


def test_a_network_fuses_each_pair_under_its_own_prompt(ours):
    fuse.run("tiny", "ours")
    assert files_of("ours") == FUSED
    for name in "bd":
        expected = ours.fuse_luminance(*sources(name), ours.encode(PHRASES[f"tiny/{name}"]).vectors_TD)
        np.testing.assert_array_equal(fused_by("ours", name), expected)
        assert (expected != ours.fuse_luminance(*sources(name))).any()


def test_a_networks_test_pairs_come_stretched_before_rounding_too(ours):
    fuse.run("tiny", "ours")
    y = ours.fuse_unrounded(*sources("d"), ours.encode(PHRASES["tiny/d"]).vectors_TD).astype(np.float64)
    expected = 255 * (y - y.min()) / (y.max() - y.min())
    found = read_gray(layout.fused_stretched("tiny", "ours") / "d.png")
    assert (found.min(), found.max()) == (0, 255)
    np.testing.assert_allclose(found, expected, atol=0.501)


def test_fusing_reads_phrases_and_vectors_from_the_model_alone(ours, monkeypatch):
    layout.embeddings("hash").unlink()
    monkeypatch.setattr("text2pixels.encoders.catalogue.Hash.encode", None)  # nothing is encoded either
    model = layout.model("ours")
    rows = pq.read_table(model / model_prompts.PHRASES)
    swapped = dict(zip(PHRASES, [PHRASES["tiny/d"]] * len(PHRASES), strict=True))
    assert {row["pair_id"]: row["phrases"] for row in rows.to_pylist()} == PHRASES
    fuse.run("tiny", "ours")
    before = fused_by("ours", "b")
    pq.write_table(rows.set_column(1, "phrases", [list(swapped.values())]), model / model_prompts.PHRASES)
    fuse.run("tiny", "ours")
    assert (fused_by("ours", "b") != before).any()


def test_one_prompt_for_every_pair_takes_the_place_of_their_own(ours):
    """What is said at fusing time then owes nothing to a pair's labelled boxes."""
    with Path("params.yaml").open("a") as stream:
        stream.write("fuse: {prompt: a street; at night}\n")
    (layout.model("ours") / model_prompts.PHRASES).unlink()
    fuse.run("tiny", "ours")
    expected = ours.fuse_luminance(*sources("d"), ours.encode("a street; at night").vectors_TD)
    np.testing.assert_array_equal(fused_by("ours", "d"), expected)
    fuse.run("tiny", "mute")
    expected = trained.load(layout.model("mute"), "cpu").fuse_luminance(*sources("d"))
    np.testing.assert_array_equal(fused_by("mute", "d"), expected)


def test_a_variant_trained_without_text_gets_none(ours):
    assert not (layout.model("mute") / model_prompts.PHRASES).exists()
    fuse.run("tiny", "mute")
    expected = trained.load(layout.model("mute"), "cpu").fuse_luminance(*sources("d"))
    np.testing.assert_array_equal(fused_by("mute", "d"), expected)


def test_vectors_of_another_encoder_are_refused(ours):
    model = layout.model("ours")
    phrases = sorted({phrase for each in PHRASES.values() for phrase in each})
    write_vectors(model / model_prompts.VECTORS, "hash/other", encoders.Hash().encode(phrases))
    with pytest.raises(InputError, match="made by hash/other, the network was trained with hash/shake256/512"):
        fuse.run("tiny", "ours")
    assert not layout.fused("tiny", "ours").exists()


def test_a_pair_without_a_prompt_is_named(ours):
    path = layout.model("ours") / model_prompts.PHRASES
    pq.write_table(pq.read_table(path).slice(0, 3), path)
    with pytest.raises(InputError, match=r"models/ours has no prompt for tiny/d: run dvc repro"):
        fuse.run("tiny", "ours")
    path.unlink()
    with pytest.raises(InputError, match=r"phrases\.parquet is missing: run dvc repro"):
        fuse.run("tiny", "ours")
    assert not layout.fused("tiny", "ours").exists()


def test_a_damaged_card_is_one_line(registered):
    (layout.model("average") / "card.json").write_text("{")
    with pytest.raises(InputError, match=r"card\.json is damaged .* dvc repro method") as error:
        fuse.run("tiny", "average")
    assert "\n" not in str(error.value)
