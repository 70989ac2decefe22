"""Networks of other authors: their files are read once, and kept as safetensors beside a card.

Shapes: B batch; H, W image; 1 and C that many channels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from text2pixels.device import keep_freed_memory, pick_device
from text2pixels.errors import InputError
from text2pixels.methods.card import Card, write_card
from text2pixels.methods.method import Float, Image8, Phrases, sources
from text2pixels.methods.weights import check

WEIGHTS = "weights.safetensors"


@dataclass(frozen=True)
class Authors:
    """A network as its authors published it.

    Attributes:
        build: Makes the network, untrained. Its forward takes the infrared and the luminance
            (B, 1, H, W) in 0..255 and returns the fused image on that scale, (B, 1, H, W) or, of a
            network of RGB images, (B, 3, H, W).
        read: Reads the authors' files below the folder of weights into the network's state.
    """

    build: Callable[[], nn.Module]
    read: Callable[[Path], dict[str, Tensor]]


@dataclass(frozen=True)
class AuthorsMethod:
    """Such a network, ready to fuse."""

    card: Card
    network: nn.Module
    device: torch.device

    @property
    def parameters(self) -> int:
        """Return the number of parameters that fusing uses."""
        return self.card.parameters

    def fuse(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = ()) -> Float:
        """Fuse one pair; see `Method.fuse`."""
        assert not phrases, f"{self.card.name} reads no text"
        pair = sources(self.card, infrared_HW, visible_HW3)
        with torch.inference_mode():
            infrared_11HW, visible_11HW = (torch.from_numpy(image)[None, None].to(self.device) for image in pair)
            fused_1CHW = self.network(infrared_11HW, visible_11HW)
            fused: Float = np.ascontiguousarray(fused_1CHW[0].permute(1, 2, 0).cpu().numpy())
        assert fused.shape[:2] == infrared_HW.shape, f"{self.card.name} changed the size to {fused.shape[:2]}"
        return fused[..., 0] if fused.shape[2] == 1 else fused


def read_official(card: Card, authors: Authors, folder: Path | None) -> nn.Module:
    """Return the network with the weights of its authors' files.

    Raises:
        InputError: a file is missing or is not the authors'.
    """
    check(card.name, card.files, folder)
    assert folder is not None, "checked with the files"
    network = authors.build()
    network.load_state_dict(authors.read(folder))
    return network


def write_imported(target: Path, name: str, card: Card, authors: Authors, folder: Path | None) -> None:
    """Read the authors' files and write weights and card into the folder of a model; equal files give equal bytes.

    Raises:
        InputError: a file is missing or is not the authors'.
    """
    state = read_official(card, authors, folder).state_dict()
    save_file({key: value.contiguous() for key, value in state.items()}, target / WEIGHTS)
    (target / WEIGHTS).chmod(0o644)  # safetensors leaves it to its owner alone
    write_card(target, card, name)


def read_imported(card: Card, authors: Authors, model: Path) -> nn.Module:
    """Return the network with the weights that `write_imported` wrote.

    Raises:
        InputError: they are missing or damaged.
    """
    network = authors.build()
    try:
        network.load_state_dict(load_file(model / WEIGHTS))
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{model / WEIGHTS} of {card.name} cannot be read ({reason}): dvc repro method") from error
    return network


def ready(card: Card, network: nn.Module, device: str) -> AuthorsMethod:
    """Return the method on a device, in evaluation mode.

    On the CPU the process from then on flushes denormal numbers and keeps the memory it frees.

    Raises:
        InputError: no such device.
    """
    found = pick_device(device)
    if found.type == "cpu":
        # Denormals cost up to 14 times the seconds, for the same output.
        torch.set_flush_denormal(True)
        keep_freed_memory()
    return AuthorsMethod(card, network.eval().requires_grad_(False).to(found), found)
