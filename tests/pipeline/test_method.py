"""The stage `method`: what is in a model, and what makes it another one."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from text2pixels import layout
from text2pixels.closure import SOURCE
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.detection import weights as detector_weights
from text2pixels.detection.yolo import Detector
from text2pixels.encoders.embeddings import Embeddings, write_vectors
from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png
from text2pixels.methods import catalogue, model_prompts
from text2pixels.methods.card import Card, Entry, read_card
from text2pixels.methods.catalogue import entry_of, load_model, locate, methods
from text2pixels.methods.networks import authors
from text2pixels.methods.trained import SHIPPED
from text2pixels.methods.weights import WeightFile
from text2pixels.network import checkpoint
from text2pixels.pipeline import embed, fuse, method
from text2pixels.prompts.table import Prompt, write_prompts
from text2pixels.training import loop

SHARED = Path(__file__).parents[2] / "../shared/weights"
PARAMS = """
profile: test
seed: 0
datasets: {one: {}, two: {}}
encoders: [hash]
methods: {average: {}, fake: {}, ours: {}, mute: {train: {prompts: none}}}
network: {channels: 8, heads: 2, codes: 8}
train: {datasets: [one], encoder: hash, epochs: 1, batch: 1, crop: 32, device: cpu}
fuse: {weights: weights, device: cpu}
"""


@pytest.fixture
def place(tmp_path, monkeypatch):
    """Two data sets of a training and a test pair; training reads the first."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(PARAMS)
    noise = np.random.default_rng(0)
    for dataset in ("one", "two"):
        folder, pairs = layout.processed(dataset), []
        for split in ("train", "test"):
            write_png(folder / f"infrared/{split}.png", noise.integers(0, 256, (40, 48), dtype=np.uint8))
            write_png(folder / f"visible/{split}.png", noise.integers(0, 256, (40, 48, 3), dtype=np.uint8))
            names = (f"{dataset}/{split}", dataset, split, split, f"infrared/{split}.png", f"visible/{split}.png")
            box = Box("Car", 8, 8, 20, 16)
            pairs.append(Pair(*names, 48, 40, "0", "0", labelled=True, boxes=(box,)))
        write_manifest(folder / "manifest.parquet", pairs)
        say(dataset, "a car on the left")
    embed.run("hash")
    torch.manual_seed(0)
    layout.detector().mkdir(parents=True)
    detector_weights.save(layout.detector(), Detector(["Car"]), {})
    return tmp_path


def say(dataset, *phrases):
    """Write a prompt of each pair."""
    prompts = [Prompt(f"{dataset}/{split}", "fine", phrases, "csv") for split in ("train", "test")]
    write_prompts(layout.prompts(dataset), prompts)


def contents(name):
    folder = layout.model(name)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class Mean(torch.nn.Module):
    """A weighted mean of the two images."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(2))

    def forward(self, infrared_B1HW, visible_B1HW):
        return self.weight[0] * infrared_B1HW + self.weight[1] * visible_B1HW


FAKE = authors.Authors(Mean, lambda folder: {"weight": torch.load(folder / "fake/fake.pt", weights_only=True)})


class Told(Mean):
    """A mean that adds the first number of its text."""

    def forward(self, infrared_B1HW, visible_B1HW, text_BD):
        return super().forward(infrared_B1HW, visible_B1HW) + text_BD[:, :1, None, None]


TOLD = authors.Authors(Told, FAKE.read)


@pytest.fixture
def fake(place, monkeypatch):
    """Somebody's networks, `fake` and `told`, which reads text, their file, and their entries."""
    file = place / "weights/fake/fake.pt"
    file.parent.mkdir(parents=True)
    torch.save(torch.tensor([0.25, 0.75]), file)
    files = (WeightFile("fake/fake.pt", sha256(file), "nowhere"),)
    card = Card("fake", "Fake", "-", weights="official", files=files, parameters=2)
    entry = Entry(card, "network", f"{__name__}:FAKE")
    told = Entry(replace(card, name="told", text=True), "network", f"{__name__}:TOLD")
    known = methods() | {"fake": entry, "told": told}
    monkeypatch.setattr(catalogue, "methods", lambda: known)
    return file


def test_a_filter_has_a_card_and_its_code_alone(place):
    method.run("average")
    assert sorted(contents("average")) == ["card.json", "code.json"]
    assert read_card(layout.model("average")) == (entry_of("average").card, "average")


def test_of_several_processes_the_first_one_writes_the_model(place, monkeypatch):
    made = []
    monkeypatch.setattr("text2pixels.pipeline.train.train_method", lambda name, card, params: made.append(name))
    monkeypatch.setenv("RANK", "1")
    method.run("ours")
    assert made == ["ours"]
    assert not layout.model("ours").exists()


def test_a_model_says_what_code_it_is_used_by_and_nothing_of_other_methods(place):
    def code(name):
        method.run(name)
        return json.loads((layout.model(name) / method.CODE).read_text())

    average, filtered = code("average"), code("gff")
    own = "text2pixels/methods/filters/guided_filter.py"
    assert filtered[own] == hashlib.sha256((SOURCE / own).read_bytes()).hexdigest()
    assert own not in average
    shared = "text2pixels/methods/convention.py"
    assert average[shared] == filtered[shared]
    assert not any("/network/" in path or "/engines/" in path for path in {*average, *filtered})
    ours = {path.relative_to(SOURCE).as_posix() for path in method.code_of(entry_of("ours"))}
    assert {"text2pixels/network/network.py", "text2pixels/methods/trained.py", shared} <= ours
    assert "text2pixels/network/losses.py" not in ours  # training's


def test_somebodys_network_is_read_once_and_its_files_are_not_needed_again(fake):
    method.run("fake")
    assert sorted(contents("fake")) == ["card.json", "code.json", "weights.safetensors"]
    shutil.rmtree(fake.parent)
    loaded = load_model(layout.model("fake"), "cpu")
    infrared = np.full((16, 16), 100, np.uint8)
    np.testing.assert_allclose(loaded.fuse(infrared, np.full((16, 16, 3), 200, np.uint8)), 175, rtol=1e-6)
    with pytest.raises(InputError, match="weights missing"):
        method.run("fake")


def test_equal_files_give_equal_bytes(fake):
    method.run("fake")
    first = contents("fake")
    method.run("fake")
    assert contents("fake") == first


def test_damaged_weights_are_one_line(fake):
    method.run("fake")
    (layout.model("fake") / authors.WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(InputError, match=r"weights\.safetensors of fake cannot be read .*dvc repro method") as error:
        load_model(layout.model("fake"), "cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(("prompts", "phrases"), [("fine", ["a car on the left"]), ("none", [])])
def test_somebodys_network_that_reads_text_is_told_what_ours_is_told(fake, prompts, phrases):
    settings = PARAMS.replace("encoder: hash", f"encoder: distilled, prompts: {prompts}").replace("fake", "told")
    Path("params.yaml").write_text(settings)
    embed.run("distilled")
    method.run("told")
    assert model_prompts.read_phrases(layout.model("told"))["two/test"] == phrases
    fuse.run("two", "told")
    assert (layout.fused("two", "told") / "test.png").is_file()


def test_vectors_without_clips_meaning_are_refused_before_anything_is_fused(fake):
    Path("params.yaml").write_text(PARAMS.replace("fake", "told"))
    with pytest.raises(InputError, match=r"hash.*expected those of CLIP ViT-B/32; set train.encoder to distilled"):
        method.run("told")
    assert not layout.model("told").exists()


@pytest.mark.parametrize("name", ["average", "fake"])
def test_other_prompts_are_nothing_to_a_method_that_reads_no_text(fake, name):
    method.run(name)
    first = contents(name)
    say("one", "a bus", "in the rain")
    embed.run("hash")
    method.run(name)
    assert contents(name) == first


@pytest.mark.parametrize("name", [name for name, entry in methods().items() if entry.card.files])
def test_an_official_network_fuses_from_its_model_as_from_its_authors_files(name, tmp_path):
    entry = entry_of(name)
    if not all((SHARED / file.name).is_file() for file in entry.card.files):
        pytest.skip(f"weights of {name} missing")
    authors.write_imported(tmp_path, name, entry.card, locate(entry), SHARED)
    noise = np.random.default_rng(0)
    pair = noise.integers(0, 256, (33, 41), dtype=np.uint8), noise.integers(0, 256, (33, 41, 3), dtype=np.uint8)
    expected = catalogue.load(name, weights=SHARED, device="cpu").fuse(*pair)
    np.testing.assert_array_equal(load_model(tmp_path, "cpu").fuse(*pair), expected)
    assert read_card(tmp_path) == (entry.card, name)


def test_a_network_of_ours_comes_with_its_detector_its_history_and_its_text(place):
    method.run("ours")
    assert set(contents("ours")) >= {
        *("card.json", "weights.safetensors", "network.json", "detector.safetensors", "detector.json"),
        *("history.parquet", model_prompts.PHRASES, model_prompts.VECTORS),
    }
    assert model_prompts.read_phrases(layout.model("ours")) == {
        f"{dataset}/{split}": ["a car on the left"] for dataset in ("one", "two") for split in ("train", "test")
    }
    assert read_card(layout.model("ours"))[0].text


def test_training_goes_on_from_a_network_that_was_trained_before(place):
    method.run("ours")
    shutil.copytree(layout.model("ours"), place / "before")
    text = PARAMS.replace("epochs: 1", "start: before, learning_rate: 1.0e-9, epochs: 1")
    (place / "params.yaml").write_text(text)
    method.run("ours")
    begun, went_on = (
        dict(checkpoint.read(folder).network.named_parameters()) for folder in (place / "before", layout.model("ours"))
    )
    # The steps are so small that what is left shows where they began.
    assert all(torch.allclose(begun[name], value, atol=1e-6) for name, value in went_on.items())
    (place / "params.yaml").write_text(text.replace("codes: 8", "codes: 4"))
    with pytest.raises(InputError, match=r"train\.start: before is of another network .*'codes': 8"):
        method.run("ours")


def test_a_variant_of_ours_says_so_and_without_prompts_reads_no_text(place):
    method.run("mute")
    card, of = read_card(layout.model("mute"))
    assert (card.name, card.title, card.text, of) == ("mute", "text2pixels, mute", False, "ours")
    assert model_prompts.PHRASES not in contents("mute")


def test_a_network_that_was_trained_before_is_copied_and_told_each_pairs_prompt(place):
    method.run("ours")
    shutil.copytree(layout.model("ours"), place / "kept")
    shutil.rmtree(layout.model("ours"))
    params = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(params.replace("ours: {}", "earlier: {checkpoint: kept}"))
    method.run("earlier")
    card, of = read_card(layout.model("earlier"))
    assert (card.label, card.text, of) == ("text2pixels, earlier (trained before, on one)", True, "ours")
    assert model_prompts.read_phrases(layout.model("earlier"))["two/test"] == ["a car on the left"]
    fuse.run("two", "earlier")
    assert (layout.fused("two", "earlier") / "test.png").is_file()
    earlier, kept = (load_model(folder, "cpu") for folder in (layout.model("earlier"), place / "kept"))
    pair = np.full((40, 48), 90, np.uint8), np.full((40, 48, 3), 30, np.uint8)
    np.testing.assert_array_equal(earlier.fuse(*pair, ["a car on the left"]), kept.fuse(*pair, ["a car on the left"]))


@pytest.mark.parametrize("name", ["shipped", "ours"])
def test_the_network_of_the_package_can_stand_beside_others(place, name):
    params = (place / "params.yaml").read_text()
    (place / "params.yaml").write_text(params.replace("ours: {}", f"{name}: {{checkpoint: {SHIPPED}}}"))
    method.run(name)
    assert contents(name)["weights.safetensors"] == (SHIPPED / "weights.safetensors").read_bytes()
    assert "network.onnx" not in contents(name)  # torch runs it, and counts its operations
    fuse.run("two", name)
    assert (layout.fused("two", name) / "test.png").is_file()


@pytest.mark.parametrize(
    ("key", "changes", "message"),
    [
        ("earlier", "{checkpoint: nowhere}", "nowhere"),
        ("earlier", "{checkpoint: kept, train: {epochs: 1}}", "has a checkpoint and nothing else"),
        ("average", "{checkpoint: kept}", "another name"),
    ],
)
def test_a_checkpoint_that_cannot_be_is_one_line(place, key, changes, message):
    params = (place / "params.yaml").read_text().replace("average: {}, ", "")
    (place / "params.yaml").write_text(params.replace("ours: {}", f"{key}: {changes}"))
    with pytest.raises(InputError, match=message):
        method.run(key)


def test_other_prompts_of_other_data_train_nothing_anew(place, monkeypatch):
    """They, and the vectors of their phrases, come with the model all the same."""
    method.run("ours")
    first = contents("ours")
    say("two", "a bus in the dark", "in the rain")
    embed.run("hash")
    monkeypatch.setattr(loop, "lower_step", None)  # a step would be an error
    method.run("ours")
    second = contents("ours")
    assert {name for name in first if first[name] != second[name]} == {model_prompts.PHRASES, model_prompts.VECTORS}
    assert model_prompts.read_phrases(layout.model("ours"))["two/test"] == ["a bus in the dark", "in the rain"]
    fuse.run("two", "ours")
    assert (layout.fused("two", "ours") / "test.png").is_file()


@pytest.mark.parametrize("change", ["prompt", "vector"])
def test_other_text_of_the_training_pairs_is_another_run(place, monkeypatch, change):
    method.run("ours")
    if change == "prompt":
        say("one", "a car on the right")
        embed.run("hash")
    else:
        embeddings = Embeddings.read(layout.embeddings("hash"))
        turned = {phrase: -vector for phrase, vector in embeddings.vectors.items()}
        write_vectors(layout.embeddings("hash"), embeddings.encoder, turned)

    def trained(*_, **__):
        raise RuntimeError("trained")

    monkeypatch.setattr(loop, "lower_step", trained)
    with pytest.raises(RuntimeError, match="trained"):
        method.run("ours")


def test_phrases_that_the_encoder_lacks_are_not_in_the_model(place):
    say("two", "a unicorn")  # not embedded
    method.run("ours")
    assert model_prompts.read_phrases(layout.model("ours"))["two/test"] == []


def test_an_unknown_method_is_one_line(place):
    with pytest.raises(InputError, match="unknown method 'avrage'; did you mean average") as error:
        method.run("avrage")
    assert "\n" not in str(error.value)
