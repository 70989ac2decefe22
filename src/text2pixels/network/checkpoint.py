"""Checkpoints: a folder with weights.safetensors and the network.json that rebuilds the network.

`tensor_files` says how the two hold together; `description` what network.json says.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch

from text2pixels import tensor_files
from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.network.description import LAYOUT, ONNX, REQUIRED, describe
from text2pixels.network.network import FusionNetwork

WEIGHTS = LAYOUT.weights
DESCRIPTION = LAYOUT.description


class Checkpoint(NamedTuple):
    """A network in evaluation mode on the CPU, and what `save` was told about it."""

    network: FusionNetwork
    metadata: dict[str, Any]


def save(folder: Path, network: FusionNetwork, metadata: Mapping[str, Any], onnx: bool = False) -> None:
    """Write a checkpoint; other files in the folder stay.

    Args:
        folder: made if it is not there.
        network: on any device; with ``onnx``, in evaluation mode on the CPU.
        metadata: what JSON can hold. Required: ``encoder`` (a name of the table of encoders),
            ``encoder_identity`` (as `Embeddings.encoder` gives it) and ``prompts`` ("none",
            "coarse" or "fine"): inference gives the network the same text.
        onnx: whether to write network.onnx, too, with which the network fuses without torch.

    Raises:
        InputError: ``onnx``, and the packages that export are not installed.
    """
    missing = [key for key in REQUIRED if key not in metadata]
    assert not missing, f"a checkpoint's metadata lack {missing}"
    beside = {}
    if onnx:
        from text2pixels.network.export import to_onnx

        beside[ONNX] = to_onnx(network).content
    state = network.state_dict()
    content = {
        "network": asdict(network.config),
        # Buffers too: the codes are learned, though not by gradient.
        "parameters": sum(tensor.numel() for tensor in state.values()),
        "metadata": dict(metadata),
    }
    tensor_files.write(folder, LAYOUT, state, content, beside)


def read(folder: Path) -> Checkpoint:
    """Rebuild a network.

    Raises:
        InputError: the folder or a file of it is missing, truncated, of another checkpoint, of
            another configuration, or no such file at all (a pickle, say, which is never opened).
    """
    described = describe(folder)
    state = tensor_files.read_tensors(folder, LAYOUT, described.content)
    weights = folder / WEIGHTS
    if _least_size(described.network) > sum(tensor.numel() for tensor in state.values()):
        raise InputError(f"{weights} is of another configuration than {DESCRIPTION}: it holds fewer weights")
    with torch.random.fork_rng(devices=()):  # the caller's random numbers are none of our business
        network = FusionNetwork(described.network)
    _check_fit(network, state, weights)
    network.load_state_dict(state)
    return Checkpoint(network.eval(), described.metadata)


def _least_size(config: Network) -> int:
    """Return a lower bound of the network's weights: nothing large is built for a description that does not fit.

    (The meta device would do without a formula, but costs seconds of imports.)
    """
    width = 2 * config.channels
    extractor = 9 * 21 * config.channels**2
    return extractor + config.cross_attention * 2 * config.text_dim * width + config.codebook * config.codes * width


def _check_fit(network: FusionNetwork, state: Mapping[str, torch.Tensor], weights: Path) -> None:
    """Compare names, shapes and types with those of the network that network.json describes."""
    expected = network.state_dict()
    for name in sorted(expected.keys() | state.keys()):
        wanted, found = (_shape(tensors.get(name)) for tensors in (expected, state))
        if wanted != found:
            raise InputError(
                f"{weights} is of another configuration than {DESCRIPTION}: '{name}' should be {wanted}, found {found}"
            )
    for name, tensor in state.items():
        if not torch.isfinite(tensor).all():
            raise InputError(f"{weights}: '{name}' has values that are not finite: the training diverged; train again")


def _shape(tensor: torch.Tensor | None) -> str:
    return "absent" if tensor is None else f"{str(tensor.dtype).removeprefix('torch.')} {tuple(tensor.shape)}"
