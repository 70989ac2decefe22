"""`t2p export FOLDER` and what is fused with it: weights that travel with their card."""

import json
import re
from dataclasses import asdict, replace

import pytest
import torch

import text2pixels
from text2pixels import layout
from text2pixels.config import Losses, Network, Train
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.encoders.distilled import Distilled
from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.methods import trained as inference
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork
from text2pixels.params_file import parse
from text2pixels.pipeline import profiles
from text2pixels.pipeline.verbs import export
from text2pixels.training.history import Row, write_history

SMALL = Network(channels=8, heads=2, codebook=False)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """A working directory with a trained variant, its data set, history and benchmark."""
    monkeypatch.chdir(tmp_path)
    content = {
        "profile": "small",
        "seed": 7,
        "datasets": {"tno": {}},
        "encoders": ["table"],
        "methods": {"ours": {"train": {"epochs": 5}}},
        "network": {"channels": 8, "heads": 2, "codebook": False},
        "train": {"datasets": ["tno"], "encoder": "table"},
    }
    (tmp_path / "params.yaml").write_text(profiles.render(parse(content)))
    pairs = [
        Pair(f"tno/{name}", "tno", name, split, "i", "v", 32, 32, f"i{name}", f"v{name}")
        for name, split in (("a", "train"), ("b", "train"), ("c", "test"))
    ]
    layout.processed("tno").mkdir(parents=True)
    write_manifest(layout.processed("tno") / "manifest.parquet", pairs)
    torch.manual_seed(0)
    metadata = {
        "variant": "ours",
        "encoder": "table",
        "encoder_identity": "table@" + Distilled().metadata["source_sha256"][:16],
        "prompts": "fine",
        "datasets": ["tno"],
        "strategy": "joint",
        "seed": 7,
        "start": None,
        "recipe": {"network": asdict(SMALL), "losses": asdict(Losses()), "train": asdict(Train(epochs=5))},
        "epoch": 3,
        "of": "the best",
    }
    checkpoint.save(layout.model("ours"), FusionNetwork(SMALL), metadata)
    rows = [Row(2, "lower", "validation_loss", 9), Row(3, "lower", "validation_loss", 0.25), Row(3, "lower", "loss", 1)]
    rows += [Row(step, "text", "validation_grounding", 6 / step) for step in (3, 100, 200)]
    write_history(layout.model("ours") / "history.parquet", rows)
    (tmp_path / "reports/plots").mkdir(parents=True)
    (tmp_path / "reports/plots/headlines.json").write_text(
        json.dumps({"tno": {"ours": {"EN": 7.5}, "max": {"EN": 9.9}}})
    )
    return tmp_path


def test_a_checkpoint_travels_with_what_made_it(trained):
    export(trained / "weights")
    assert {path.name for path in (trained / "weights").iterdir()} == {
        "weights.safetensors",
        "network.onnx",
        "network.json",
        "MODEL_CARD.md",
    }
    assert (trained / "weights/weights.safetensors").stat().st_mode & 0o777 == 0o644  # others read a package, too
    facts = checkpoint.read(trained / "weights").metadata
    assert facts["recipe"]["train"]["epochs"] == 5
    assert facts["splits"]["tno"]["train"]["pairs"] == 2
    assert len(facts["splits"]["tno"]["test"]["sha256"]) == 64
    assert facts["validation"] == {"lower validation_loss": 0.25, "text validation_grounding": 0.03}
    assert facts["benchmark"] == {"tno": {"EN": 7.5}}
    card = re.sub(r" +", " ", (trained / "weights/MODEL_CARD.md").read_text())  # columns are padded
    for text in (
        "| tno | train | 2 |",
        "0.2500",
        "| tno | EN | 7.5 |",
        "Seed 7",
        "number 3 was kept",
        '"epochs": 5',
        "AGPL-3.0",
    ):
        assert text in card
    export(trained / "weights")  # replaces what it wrote


def test_the_card_tells_what_the_network_was_trained_with_and_not_what_params_yaml_says_since(trained):
    params = trained / "params.yaml"
    params.write_text(params.read_text().replace("epochs: 5", "epochs: 9"))
    export(trained / "weights")
    assert checkpoint.read(trained / "weights").metadata["recipe"]["train"]["epochs"] == 5


def test_a_model_that_does_not_say_what_it_was_trained_with_is_refused(trained):
    network, metadata = checkpoint.read(layout.model("ours"))
    checkpoint.save(layout.model("ours"), network, {key: value for key, value in metadata.items() if key != "recipe"})
    with pytest.raises(InputError, match="train it again"):
        export(trained / "weights")


def test_the_card_of_a_network_that_went_on_from_another_tells_of_both(trained):
    export(trained / "first")
    network, metadata = checkpoint.read(layout.model("ours"))
    train = replace(Train(), epochs=0, start="first", text_steps=70)
    metadata |= {"start": "first", "recipe": metadata["recipe"] | {"train": asdict(train)}}
    checkpoint.save(layout.model("ours"), network, metadata)
    export(trained / "weights")
    facts = checkpoint.read(trained / "weights").metadata
    assert facts["began_as"]["sha256"] == sha256(trained / "first/weights.safetensors")
    assert facts["began_as"]["recipe"]["train"]["epochs"] == 5
    card = " ".join((trained / "weights/MODEL_CARD.md").read_text().split())
    assert "that of the network that training began with; then 70 steps of what a prompt does" in card
    assert "It began as the network with these weights" in card


def test_nothing_else_is_replaced_and_nothing_is_exported_in_part(trained):
    (trained / "own").mkdir()
    (trained / "own/photo.png").touch()
    with pytest.raises(InputError, match="holds other files"):
        export(trained / "own")
    (layout.model("ours") / "history.parquet").unlink()
    with pytest.raises(InputError, match="no history"):
        export(trained / "weights")
    assert not (trained / "weights").exists()


def test_the_weights_of_the_package_are_what_is_loaded_without_a_name(trained, monkeypatch):
    monkeypatch.setattr(inference, "SHIPPED", trained / "weights")
    with pytest.raises(InputError, match="comes without trained weights"):
        text2pixels.load()
    export(trained / "weights")
    fuser = text2pixels.load(device="cpu")
    assert fuser.metadata["variant"] == "ours"
    # Trained with published vectors; neither their table nor CLIP is needed to use it.
    assert fuser.encode("a car; several cars").vectors_TD.shape == (2, 512)


def test_what_the_package_ships_is_small_and_needs_no_clip():
    if not inference.has_shipped():
        pytest.skip("needs trained weights in src/text2pixels/weights")
    assert sum(path.stat().st_size for path in inference.SHIPPED.iterdir()) < 7_000_000
    assert (inference.SHIPPED / "MODEL_CARD.md").is_file()
    assert len(text2pixels.load(device="cpu").encode("a person; at night").phrases) == 2
