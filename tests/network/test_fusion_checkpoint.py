"""Checkpoints: whole, of one piece, and unable to run code."""

import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.network import checkpoint
from text2pixels.network.network import FusionNetwork

METADATA = {"encoder": "hash", "encoder_identity": "hash/shake256/512", "prompts": "fine", "epoch": 3}


def network(**changes):
    torch.manual_seed(0)
    return FusionNetwork(Network(**{"channels": 8, "heads": 2, "codes": 16, "text_dim": 12} | changes))


@pytest.fixture
def folder(tmp_path):
    checkpoint.save(tmp_path / "model", network(), METADATA)
    return tmp_path / "model"


def edit(folder, change):
    path = folder / checkpoint.DESCRIPTION
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


@pytest.mark.parametrize("switch", ["self_attention", "cross_attention", "codebook"])
def test_rebuilds_the_same_network(tmp_path, switch):
    original = network(**{switch: False}).train()
    images = torch.rand(2, 1, 1, 32, 40)
    original(*images)  # moves the codebook's statistics, which belong to the checkpoint
    checkpoint.save(tmp_path, original, METADATA)
    rebuilt, metadata = checkpoint.read(tmp_path)
    assert metadata == METADATA
    assert rebuilt.config == original.config
    assert not rebuilt.training
    with torch.no_grad():
        assert torch.equal(rebuilt(*images).fused_B1HW, original.eval()(*images).fused_B1HW)


def test_other_files_of_the_folder_stay(folder):
    (folder / "history.parquet").write_text("kept")
    checkpoint.save(folder, network(), METADATA)
    assert sorted(path.name for path in folder.iterdir()) == [
        "history.parquet",
        checkpoint.DESCRIPTION,
        checkpoint.WEIGHTS,
    ]


def test_metadata_that_inference_needs_is_demanded(tmp_path):
    with pytest.raises(AssertionError, match="encoder_identity"):
        checkpoint.save(tmp_path, network(), {"encoder": "hash", "prompts": "fine"})
    assert not list(tmp_path.iterdir())


def test_a_failed_save_leaves_the_old_checkpoint(folder):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(TypeError):
        checkpoint.save(folder, network(), METADATA | {"not JSON": object()})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def truncate(folder):
    path = folder / checkpoint.WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])


def swap(folder):
    tensors = load_file(folder / checkpoint.WEIGHTS)
    save_file({name: tensor.clone() + 1 for name, tensor in tensors.items()}, folder / checkpoint.WEIGHTS)


def diverge(folder):
    diverged = network()
    with torch.no_grad():
        diverged.stem.bias[0] = float("nan")
    checkpoint.save(folder, diverged, METADATA)


def pretend(folder):
    """Replace the weights by a file that is no safetensors, and the digest by its own."""
    (folder / checkpoint.WEIGHTS).write_bytes(b"not tensors")
    edit(folder, lambda content: content["sha256"].update({checkpoint.WEIGHTS: sha256(folder / checkpoint.WEIGHTS)}))


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (truncate, "not the file that network.json describes: cut short"),
        (pretend, "no whole safetensors file"),
        (swap, "not the file that network.json describes"),
        (diverge, "not finite"),
        (lambda folder: (folder / checkpoint.WEIGHTS).unlink(), "weights.safetensors is missing"),
        (lambda folder: (folder / checkpoint.DESCRIPTION).unlink(), "network.json is missing"),
        (lambda folder: (folder / checkpoint.DESCRIPTION).write_text("{"), "not JSON"),
        (lambda folder: (folder / checkpoint.DESCRIPTION).write_text("[]"), "expected format 5, found 'list'"),
        (lambda folder: edit(folder, lambda content: content.update(format=1)), "found 1: written by another version"),
        (lambda folder: edit(folder, lambda content: content["network"].pop("heads")), "expected the keys channels"),
        (lambda folder: edit(folder, lambda content: content["network"].update(heads="2")), "network.heads: '2'"),
        (lambda folder: edit(folder, lambda content: content["network"].update(heads=3)), "heads should divide"),
        (lambda folder: edit(folder, lambda content: content["network"].update(channels=4)), "another configuration"),
        (lambda folder: edit(folder, lambda content: content["network"].update(codebook=False)), "should be absent"),
        # Terabytes, if the network were built before it is compared.
        (lambda folder: edit(folder, lambda content: content["network"].update(channels=2**18)), "fewer weights"),
        (lambda folder: edit(folder, lambda content: content["network"].update(codes=2**19)), "fewer weights"),
        (lambda folder: edit(folder, lambda content: content["network"].update(text_dim=2**19)), "fewer weights"),
        (lambda folder: edit(folder, lambda content: content["metadata"].pop("encoder")), "metadata: expected text"),
        (lambda folder: edit(folder, lambda content: content.pop("parameters")), "parameters: expected a whole number"),
        (lambda folder: edit(folder, lambda content: content.update(sha256={})), "sha256: expected the digest"),
    ],
)
def test_a_harmed_checkpoint_is_the_users_error(folder, harm, message):
    harm(folder)
    with pytest.raises(InputError, match=message) as error:
        checkpoint.read(folder)
    assert "\n" not in str(error.value)


def test_a_pickle_is_never_opened(folder, tmp_path):
    class Bomb:
        def __reduce__(self):
            return (open, (str(tmp_path / "exploded"), "w"))

    pickled = pickle.dumps(Bomb())
    (folder / checkpoint.WEIGHTS).write_bytes(pickled)
    with pytest.raises(InputError, match="not the file that"):
        checkpoint.read(folder)
    (tmp_path / "model.pt").write_bytes(pickled)
    with pytest.raises(InputError, match="pickled checkpoints are not read"):
        checkpoint.read(tmp_path / "model.pt")
    assert not (tmp_path / "exploded").exists()


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no trained network at"):
        checkpoint.read(tmp_path / "nowhere")
