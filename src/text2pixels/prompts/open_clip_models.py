"""Models of open_clip (Ilharco et al.): where their weights are, what identifies them, how they are loaded.

Weights come from open_clip's own hub by tag ("openai"), from a local file, or are "random": the
architecture with seeded random weights, without meaning, for tests.
"""

import hashlib
import socket
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from text2pixels.errors import InputError
from text2pixels.extras import install
from text2pixels.files import sha256
from text2pixels.registry import look_up, unknown

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module

RANDOM = "random"


@dataclass(frozen=True)
class Weights:
    """A model and its weights, found but not loaded.

    Attributes:
        model: open_clip's name of the architecture.
        file: checkpoint; None for random weights.
        quick_gelu: whether these weights were trained with the activation of OpenAI's models, which
            the architecture's name alone does not tell.
        published: whether the file's checksum is the one its publisher gives.
        identity: changes whenever the architecture, the activation or any weight changes.
    """

    model: str
    file: Path | None
    quick_gelu: bool
    published: bool
    identity: str


def find(model: str, pretrained: str) -> Weights:
    """Find the weights of a model; a tag is downloaded at its first use.

    Raises:
        InputError: unknown model or tag, or the weights cannot be had; the message names the ways out.
    """
    open_clip = _library()
    look_up(dict.fromkeys(open_clip.list_models()), model, "open_clip model")
    if pretrained == RANDOM:
        digest = _state_digest(_build(open_clip, model, None, False, False))
        return Weights(model, None, False, False, _identity(model, False, digest))

    file = Path(pretrained)
    tags = open_clip.list_pretrained_tags_by_model(model)
    if not file.is_file():
        if pretrained in tags:
            file = _from_hub(open_clip, model, pretrained)
        elif file.suffix or len(file.parts) > 1:
            raise InputError(f"no weight file at {file}: give an existing file, or a tag of {model} like {tags[:1]}")
        else:
            raise InputError(f"{unknown(pretrained, tags, f'weights of {model}')} (or give the path of a file)")
    digest = sha256(file)
    settings = {tag: open_clip.get_pretrained_cfg(model, tag) for tag in tags}
    # The address of OpenAI's file contains its checksum, so the file is recognised wherever it lies. A user who gives
    # another file of such weights must name the architecture "…-quickgelu".
    published = [entry for entry in settings.values() if digest in entry.get("url", "")]
    quick_gelu = any(entry.get("quick_gelu") for entry in [settings.get(pretrained, {}), *published])
    return Weights(model, file, quick_gelu, bool(published), _identity(model, quick_gelu, digest))


def at_hand(model: str, pretrained: str) -> bool:
    """Say whether `find` would succeed without a download; a wrong name is for `find` to report."""
    if find_spec("open_clip") is None:
        return False
    if pretrained == RANDOM or Path(pretrained).is_file():
        return True
    from huggingface_hub.constants import HF_HUB_CACHE  # comes with open_clip, whose own import takes seconds

    if not Path(HF_HUB_CACHE).is_dir():
        return False
    open_clip = _library()
    if pretrained not in open_clip.list_pretrained_tags_by_model(model):
        return False
    return _cached(open_clip.get_pretrained_cfg(model, pretrained)) is not None


def load(weights: Weights) -> Any:  # noqa: ANN401  (the library is untyped)
    """Build the model and load its weights, for inference on the CPU.

    Raises:
        InputError: the file is no checkpoint of this architecture.
    """
    try:
        return _build(_library(), weights.model, weights.file, weights.quick_gelu, weights.published)
    except (OSError, RuntimeError, KeyError, AttributeError, TypeError, ValueError, UnpicklingError) as error:
        raise InputError(f"{weights.file} does not hold weights of {weights.model}: {_first_line(error)}") from error


def tokenizer(model: str) -> Any:  # noqa: ANN401
    """Return the tokenizer of a model: list of N texts -> (N, L) token numbers."""
    return _library().get_tokenizer(model)


def image_transform(model: Any) -> "Callable[[NDArray[np.uint8]], Tensor]":  # noqa: ANN401
    """Return what turns an RGB image (H, W, 3) into the model's input (1, 3, h, w)."""
    from open_clip.transform import PreprocessCfg, image_transform_v2

    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)

    def prepare(image: NDArray[np.uint8]) -> "Tensor":
        prepared: Tensor = transform(Image.fromarray(image))
        return prepared[None]

    return prepare


def _library() -> Any:  # noqa: ANN401
    try:
        import open_clip
    except ImportError as error:
        raise InputError(
            f"open_clip is not installed: {install('clip')}, or use the encoder table, distilled or hash"
        ) from error
    return open_clip


def _from_hub(open_clip: Any, model: str, tag: str) -> Path:  # noqa: ANN401
    import huggingface_hub  # comes with open_clip

    settings = open_clip.get_pretrained_cfg(model, tag)
    if cached := _cached(settings):
        return cached
    try:
        if settings.get("hf_hub") and not getproxies():
            # Without a network the hub's client tries for most of a minute; a look-up of the hub's name fails at once.
            socket.getaddrinfo(urlsplit(huggingface_hub.constants.ENDPOINT).hostname, 443)
        return Path(open_clip.download_pretrained(settings))
    except (OSError, RuntimeError) as error:
        raise InputError(
            f"cannot get the weights '{tag}' of {model} ({_first_line(error)}); ways out: run once with a network; "
            "give a downloaded file in place of the tag; or use the encoder table or hash"
        ) from error


def _cached(settings: dict[str, Any]) -> Path | None:
    """Return the weights that are on this machine already, without asking the hub whether they changed."""
    import huggingface_hub

    folder, _, name = settings.get("hf_hub", "").rpartition("/")
    for each in (name,) if name else ("open_clip_model.safetensors", "open_clip_pytorch_model.bin"):
        cached = huggingface_hub.try_to_load_from_cache(folder, each) if folder else None
        if isinstance(cached, str):
            return Path(cached)
    return None


def _build(open_clip: Any, model: str, file: Path | None, quick_gelu: bool, published: bool) -> Any:  # noqa: ANN401
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for random weights
        built = open_clip.create_model(
            model,
            pretrained=str(file) if file else None,
            force_quick_gelu=quick_gelu,
            pretrained_hf=False,
            # OpenAI's files are TorchScript archives, which can run code: only with their checksum.
            weights_only=not published,
        )
    return built.eval()


def _identity(model: str, quick_gelu: bool, digest: str) -> str:
    return f"open_clip/{model}{'/quickgelu' if quick_gelu else ''}@{digest[:16]}"


def _state_digest(model: "Module") -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
