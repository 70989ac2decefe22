"""The stage `method` of a network of other authors that is trained again here."""

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from text2pixels import config, layout, params_file
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.errors import InputError
from text2pixels.image.png import write_png
from text2pixels.methods.card import Card, read_card
from text2pixels.methods.catalogue import entry_of, load_model, methods
from text2pixels.pipeline import check, method, retrain
from text2pixels.training.rivals import ddcgan
from text2pixels.training.rivals.recipe import Budget, Recipe

PARAMS = """
profile: test
seed: 0
datasets: {{roadscene: {{}}}}
encoders: [hash]
methods: {methods}
train: {{encoder: hash, device: cpu}}
fuse: {{device: cpu}}
"""
SHORT = "{ddcgan: {retrain: {steps: 3, batch: 1, patch: 16}}}"


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A data set of two training pairs, and no authors' files."""
    monkeypatch.chdir(tmp_path)
    noise = np.random.default_rng(0)
    folder, pairs = layout.processed("roadscene"), []
    for name, split in (("a", "train"), ("b", "train"), ("c", "test")):
        write_png(folder / f"infrared/{name}.png", noise.integers(0, 256, (40, 48), dtype=np.uint8))
        write_png(folder / f"visible/{name}.png", noise.integers(0, 256, (40, 48, 3), dtype=np.uint8))
        files = (f"infrared/{name}.png", f"visible/{name}.png")
        pairs.append(Pair(f"roadscene/{name}", "roadscene", name, split, *files, 48, 40, "0", "0"))
    write_manifest(folder / "manifest.parquet", pairs)

    def write(content):
        (tmp_path / "params.yaml").write_text(PARAMS.format(methods=content))

    write(SHORT)
    return write


def test_a_network_is_trained_and_its_card_says_how_much(place):
    method.run("ddcgan")
    card, of = read_card(layout.model("ddcgan"))
    assert of == "ddcgan"
    assert card.label == "DDcGAN (retrained, 3 of 881 steps with smaller batches and patches on RoadScene)"
    assert "batches of 1 where they have 26; patches of 16 where they have 84" in card.notes
    loaded = load_model(layout.model("ddcgan"), "cpu")
    noise = np.random.default_rng(1)
    pair = noise.integers(0, 256, (20, 24), dtype=np.uint8), noise.integers(0, 256, (20, 24, 3), dtype=np.uint8)
    assert loaded.fuse(*pair).std() > 0
    history = pd.read_parquet(layout.model("ddcgan") / "history.parquet")
    assert set(history["level"]) == {"retraining"}
    assert {"generator", "visible_discriminator"} <= set(history["name"])


def test_nothing_is_trained_twice(place, monkeypatch):
    method.run("ddcgan")
    weights = (layout.model("ddcgan") / "weights.safetensors").read_bytes()
    monkeypatch.setattr(ddcgan.Training, "step", None)  # a step would be an error
    method.run("ddcgan")
    assert (layout.model("ddcgan") / "weights.safetensors").read_bytes() == weights


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{average: {retrain: {}}}", "methods.average.retrain: .* cannot be trained again here; can: .*ddcgan"),
        ("{ours: {retrain: {}}}", "methods.ours.retrain: is for methods of other authors"),
        ("{mine: {retrain: {}}}", "methods.mine.retrain: is for methods of other authors"),
        ("{ddcgan: {retrain: {epochs: 3}}}", "methods.ddcgan.retrain: epochs: unknown key"),
        (
            "{ddcgan: {retrain: {steps: 0}}}",
            "methods.ddcgan.retrain: steps: .*greater than or equal to 1, found 0",
        ),
        ("{ddcgan: {train: {epochs: 3}}}", "methods.ddcgan: is not trained here"),
        ("{ddcgan: {options: {steps: 3}}}", "methods.ddcgan.options: ddcgan has no option 'steps'"),
    ],
)
def test_what_cannot_be_retrained_is_one_line_before_anything_runs(place, content, says):
    place(content)
    with pytest.raises(InputError, match=says) as error:
        check.run()
    assert "\n" not in str(error.value)


def test_several_processes_are_refused(place, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="start it without torchrun"):
        method.run("ddcgan")


@pytest.mark.parametrize(
    ("budget", "schedule"),
    [
        (Budget(2000, 8, 64), "2,000 of 16,000 steps on A, B"),
        (Budget(16000, 4, 64), "16,000 of 16,000 steps with smaller batches on A, B"),
        (Budget(2000, 8, 32), "2,000 of 16,000 steps with smaller patches on A, B"),
    ],
)
def test_the_label_says_what_was_less_than_the_authors(budget, schedule):
    recipe = Recipe(Budget(16000, 8, 64), None, pairs="their pairs", left_out="their labels")
    card = retrain.describe(Card("x", "X", "-", notes="stretched"), recipe, budget, ["A", "B"])
    assert (card.weights, card.schedule, card.label) == ("retrained", schedule, f"X (retrained, {schedule})")
    assert card.notes.startswith("stretched; trained here by its authors' losses and schedule, they on their pairs")
    assert card.notes.endswith("left out: their labels")


def test_every_recipe_of_the_catalogue_is_there():
    for name, entry in methods().items():
        if entry.recipe:
            module, _, attribute = entry.recipe.partition(":")
            recipe = getattr(__import__(module, fromlist=[attribute]), attribute)
            assert isinstance(recipe, Recipe), name


def test_a_retrained_method_needs_no_files(place):
    assert params_file.retraining(params_file.load(("methods",)), "ddcgan") == config.Retrain(3, 1, 16)
    assert entry_of("ddcgan", {"retrain": {}}).card.files == ()


def test_a_network_that_was_trained_again_is_kept_and_fuses_in_another_run(place, tmp_path):
    method.run("ddcgan")
    trained = {path.name: path.read_bytes() for path in layout.model("ddcgan").iterdir()}
    layout.model("ddcgan").rename(tmp_path / "kept")
    place("{ddcgan: {checkpoint: kept}}")
    method.run("ddcgan")
    assert {path.name: path.read_bytes() for path in layout.model("ddcgan").iterdir()} == trained
    tensors = load_file(layout.model("ddcgan") / "weights.safetensors")
    assert {value.dtype for value in tensors.values() if value.ndim > 1} == {torch.float16}
    assert {value.dtype for value in tensors.values() if value.ndim == 1} == {torch.float32}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            "{cddfuse: {checkpoint: kept}}",
            "methods.cddfuse.checkpoint: kept holds DDcGAN .retrained, 3 of .*, not cddf",
        ),
        ("{ddcgan: {checkpoint: nowhere}}", "no method at nowhere"),
        ("{ddcgan: {checkpoint: kept, retrain: {}}}", "methods.ddcgan: give either retrain or a folder of weights"),
        ("{ddcgan: {checkpoint: 3}}", "methods.ddcgan: give either retrain or a folder of weights"),
        ("{ddcgan: {checkpoint: kept, options: {steps: 3}}}", "ddcgan has no option 'steps'"),
        ("{average: {checkpoint: kept}}", "'average' is a method of the catalogue: give yours another name"),
    ],
)
def test_another_checkpoint_than_this_methods_is_refused(place, tmp_path, content, says):
    method.run("ddcgan")
    layout.model("ddcgan").rename(tmp_path / "kept")
    place(content)
    with pytest.raises(InputError, match=says):
        method.run(next(iter(params_file.load(("methods",)).methods)))


def test_damaged_weights_of_a_kept_network_are_refused(place, tmp_path):
    method.run("ddcgan")
    layout.model("ddcgan").rename(tmp_path / "kept")
    weights = tmp_path / "kept/weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    place("{ddcgan: {checkpoint: kept}}")
    with pytest.raises(InputError, match=r"kept/weights.safetensors of ddcgan cannot be read"):
        method.run("ddcgan")
    assert not layout.model("ddcgan").exists()
