"""Checkpoints: a folder with weights.safetensors and the network.json that rebuilds the network.

Neither file can run code when it is read. network.json holds the SHA-256 of the weights, so that
two files of different checkpoints, or a half-copied folder, are noticed.
"""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.files import sha256, whole_file
from text2pixels.network.network import FusionNetwork

WEIGHTS = "weights.safetensors"
DESCRIPTION = "network.json"
FORMAT = 1
REQUIRED = ("encoder", "encoder_identity", "prompts")


class Checkpoint(NamedTuple):
    """A network in evaluation mode on the CPU, and what `save` was told about it."""

    network: FusionNetwork
    metadata: dict[str, Any]


def save(folder: Path, network: FusionNetwork, metadata: Mapping[str, Any]) -> None:
    """Write a checkpoint; other files in the folder stay.

    Args:
        folder: made if it is not there.
        network: on any device.
        metadata: what JSON can hold. Required: ``encoder`` (a name of the table of encoders),
            ``encoder_identity`` (as `Embeddings.encoder` gives it) and ``prompts`` ("none",
            "coarse" or "fine"): inference gives the network the same text.
    """
    missing = [key for key in REQUIRED if key not in metadata]
    assert not missing, f"a checkpoint's metadata lack {missing}"
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    with whole_file(folder / WEIGHTS) as weights, whole_file(folder / DESCRIPTION) as description:
        save_file(state, weights)
        weights.chmod(0o644)  # safetensors leaves it to its owner alone, also in a package for others
        content = {
            "format": FORMAT,
            "network": asdict(network.config),
            "weights_sha256": sha256(weights),
            "versions": {name: version(name) for name in ("text2pixels", "torch")}
            | {"python": platform.python_version()},
            "metadata": dict(metadata),
        }
        description.write_text(json.dumps(content, indent=2) + "\n")


def read(folder: Path) -> Checkpoint:
    """Rebuild a network.

    Raises:
        InputError: the folder or a file of it is missing, truncated, of another checkpoint, of
            another configuration, or no such file at all (a pickle, say, which is never opened).
    """
    if folder.is_file():
        raise InputError(
            f"{folder} is a file; expected a folder with {WEIGHTS} and {DESCRIPTION}, as t2p train writes it "
            "(pickled checkpoints are not read: they can run code)"
        )
    for name in (DESCRIPTION, WEIGHTS):
        if not (folder / name).is_file():
            raise InputError(f"no checkpoint at {folder}: {name} is missing; train one with t2p train")
    config, metadata, digest = _description(folder / DESCRIPTION)
    weights = folder / WEIGHTS
    try:
        state = load_file(weights)
    except (SafetensorError, ValueError, OSError) as error:
        raise InputError(
            f"{weights} is no whole safetensors file ({error}); copy it again, or train again with t2p train"
        ) from error
    if _least_size(config) > sum(tensor.numel() for tensor in state.values()):
        raise InputError(f"{weights} is of another configuration than {DESCRIPTION}: it holds fewer weights")
    with torch.random.fork_rng(devices=()):  # the caller's random numbers are none of our business
        network = FusionNetwork(config)
    _check_fit(network, state, weights)
    if sha256(weights) != digest:
        raise InputError(f"{weights} is not the file that {DESCRIPTION} describes; copy the whole folder again")
    network.load_state_dict(state)
    return Checkpoint(network.eval(), metadata)


def _description(path: Path) -> tuple[Network, dict[str, Any], str]:
    """Read network.json."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is not JSON ({error}); copy it again, or train again with t2p train") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise InputError(
            f"{path}: expected format {FORMAT}, found {found!r}: written by another version of text2pixels"
        )
    section, metadata, digest = content.get("network"), content.get("metadata"), content.get("weights_sha256")
    expected = {entry.name: entry.type for entry in fields(Network)}
    if not isinstance(section, dict) or section.keys() != expected.keys():
        raise InputError(f"{path}: network: expected the keys {', '.join(expected)}")
    for key, kind in expected.items():
        if type(section[key]) is not kind or (kind is int and not 0 < section[key] < 2**20):
            raise InputError(f"{path}: network.{key}: {section[key]!r} is out of place")
    if not isinstance(metadata, dict) or any(not isinstance(metadata.get(key), str) for key in REQUIRED):
        raise InputError(f"{path}: metadata: expected text for {', '.join(REQUIRED)}")
    return Network(**section), metadata, str(digest)


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
