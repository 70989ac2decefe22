"""Networks of other authors: their files are read once, and kept as safetensors beside a card.

Shapes: B batch; H, W image; 1 and C that many channels.
"""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from text2pixels.device import keep_freed_memory, pick_device, return_memory_of_other_sizes
from text2pixels.errors import InputError
from text2pixels.files import whole_file
from text2pixels.methods.card import Card, write_card
from text2pixels.methods.method import Float, Image8, Phrases, sources
from text2pixels.methods.weights import check, retrained_instead

WEIGHTS = "weights.safetensors"

# What a file of other content, or a damaged one, gives when it is read as a network's weights.
_NOT_WEIGHTS = (pickle.UnpicklingError, EOFError, LookupError, AttributeError, TypeError, ValueError, RuntimeError)
_REASON = 200  # characters of it in a message


@dataclass(frozen=True)
class Authors:
    """A network as its authors published it.

    Attributes:
        build: Makes the network, untrained, from the card's options by name. Its forward takes the infrared
            (B, 1, H, W) and what the card says of the visible, (B, 1, H, W) or RGB (B, 3, H, W), in 0..255, and
            of a network that reads text a CLIP vector (B, D), see `clip_text`. It returns the fused image on that
            scale, (B, 1, H, W) or, of a network that gives RGB, (B, 3, H, W).
        read: Reads the authors' files below the folder of weights into the network's state. It may raise
            whatever a file of other content gives: KeyError, ValueError, RuntimeError.
        sized_by_state: The network's size is that of its file: ``build`` gets the state before the options.
    """

    build: Callable[..., nn.Module]
    read: Callable[[Path], dict[str, Tensor]]
    sized_by_state: bool = False

    def network(self, card: Card, state: dict[str, Tensor]) -> nn.Module:
        """Return the network with its weights.

        Raises:
            RuntimeError: tensors are missing, too many, or of other shapes.
        """
        network = self.build(state, **card.options) if self.sized_by_state else self.build(**card.options)
        network.load_state_dict(state)
        return network


@dataclass(frozen=True)
class AuthorsMethod:
    """Such a network, ready to fuse."""

    card: Card
    network: nn.Module
    device: torch.device
    describe: Callable[[Phrases], Float] | None = None  # phrases to a vector (D,), of a network that reads text

    @property
    def parameters(self) -> int:
        """Return the number of parameters that fusing uses."""
        return self.card.parameters

    def fuse(self, infrared_HW: Image8, visible_HW3: Image8, phrases: Phrases = ()) -> Float:
        """Fuse one pair; see `Method.fuse`."""
        assert self.describe or not phrases, f"{self.card.name} reads no text"
        return_memory_of_other_sizes(*infrared_HW.shape)
        inputs = [_as_batch(image) for image in sources(self.card, infrared_HW, visible_HW3)]
        if self.describe:
            inputs.append(torch.from_numpy(self.describe(phrases))[None])
        with torch.inference_mode():
            fused_1CHW = self.network(*(tensor.to(self.device) for tensor in inputs))
            fused: Float = np.ascontiguousarray(fused_1CHW[0].permute(1, 2, 0).cpu().numpy())
        assert fused.shape[:2] == infrared_HW.shape, f"{self.card.name} changed the size to {fused.shape[:2]}"
        return fused[..., 0] if fused.shape[2] == 1 else fused


def read_official(card: Card, authors: Authors, folder: Path | None) -> tuple[Card, nn.Module]:
    """Return the network with the weights of its authors' files, and the card, which says whether they are theirs.

    Raises:
        InputError: a file is missing, is not the authors', or does not hold this network's weights.
    """
    if not card.files:
        raise InputError(
            f"{card.name}: its weights are trained here: list it under methods in params.yaml, run dvc repro method, "
            f"and name the model with --model models/{card.name}{retrained_instead(card.name)}"
        )
    verified = check(card.name, card.files, folder) == "ok"
    assert folder is not None, "checked with the files"
    try:
        network = authors.network(card, authors.read(folder))
    except InputError:
        raise
    except _NOT_WEIGHTS as error:
        names = ", ".join(str(folder / file.name) for file in card.files)
        raise InputError(
            f"{names}: not the weights of {card.name}, or damaged ({_one_line(error)}); get it from "
            f"{card.files[0].source}"
        ) from error
    return card if verified else replace(card, weights="unverified"), network


def read_torch_file(path: Path) -> Any:  # noqa: ANN401  (a mapping whose layout its authors chose)
    """Return what a file of torch.save holds, on the CPU whatever device it was saved on; no code in it is run."""
    return torch.load(path, map_location="cpu", weights_only=True)


def write_imported(target: Path, name: str, card: Card, authors: Authors, folder: Path | None) -> Card:
    """Read the authors' files and write weights and card into the folder of a model; equal files give equal bytes.

    Returns:
        The card that was written.

    Raises:
        InputError: see `read_official`.
    """
    card, network = read_official(card, authors, folder)
    write_model(target, name, card, network.state_dict())
    return card


def write_model(target: Path, name: str, card: Card, state: dict[str, Tensor]) -> None:
    """Write a network's weights and its card into the folder of a model.

    Args:
        target: The folder.
        name: The catalogue's name of the method.
        card: Of the method.
        state: Of the network that its `Authors` build.
    """
    content = save({key: value.detach().cpu().contiguous() for key, value in state.items()})
    with whole_file(target / WEIGHTS) as aside:
        aside.write_bytes(content)
    write_card(target, card, name)


def read_imported(card: Card, authors: Authors, model: Path) -> nn.Module:
    """Return the network with the weights that `write_model` wrote.

    Raises:
        InputError: they are missing or damaged.
    """
    try:
        return authors.network(card, load_file(model / WEIGHTS))
    except (OSError, SafetensorError, RuntimeError, KeyError) as error:
        reason = _one_line(error)
        raise InputError(f"{model / WEIGHTS} of {card.name} cannot be read ({reason}): dvc repro method") from error


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= _REASON else f"{text[:_REASON]}…"


def _as_batch(image: Float) -> Tensor:
    """Return (H, W) as (1, 1, H, W), and (H, W, 3) as (1, 3, H, W)."""
    tensor = torch.from_numpy(image)
    return tensor[None, None] if tensor.ndim == 2 else tensor.permute(2, 0, 1)[None].contiguous()


def ready(
    card: Card, network: nn.Module, device: str, describe: Callable[[Phrases], Float] | None = None
) -> AuthorsMethod:
    """Return the method on a device, in evaluation mode.

    On the CPU the process from then on flushes denormal numbers and keeps the memory it frees.

    Args:
        card: Of the method.
        network: With its weights.
        device: Where it runs; "auto" is CUDA where there is one.
        describe: Phrases to the vector (D,) of a network that reads text.

    Raises:
        InputError: no such device.
    """
    found = pick_device(device)
    if found.type == "cpu":
        # Denormals cost up to 14 times the seconds, for the same output.
        torch.set_flush_denormal(True)
        keep_freed_memory()
    return AuthorsMethod(card, network.eval().requires_grad_(False).to(found), found, describe)
