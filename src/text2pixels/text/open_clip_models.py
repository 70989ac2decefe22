"""Models of open_clip (Ilharco et al.): where their weights are, what identifies them, how they are loaded.

Weights come from open_clip's own hub by tag ("openai"), from a local file, or are "random": the
architecture with seeded random weights, without meaning, for tests.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.tables import look_up, unknown

RANDOM = "random"


@dataclass(frozen=True)
class Weights:
    """A model and its weights, found but not loaded.

    Attributes:
        model: open_clip's name of the architecture.
        file: checkpoint; None for random weights.
        quick_gelu: whether these weights were trained with the activation of OpenAI's models, which
            the architecture's name alone does not tell.
        identity: changes whenever the architecture, the activation or any weight changes.
    """

    model: str
    file: Path | None
    quick_gelu: bool
    identity: str


def find(model: str, pretrained: str) -> Weights:
    """Find the weights of a model; a tag is downloaded at its first use.

    Raises:
        InputError: unknown model or tag, or the weights cannot be had; the message names the ways out.
    """
    open_clip = _library()
    look_up(dict.fromkeys(open_clip.list_models()), model, "open_clip model")
    if pretrained == RANDOM:
        return Weights(
            model, None, False, _identity(model, False, _state_digest(_build(open_clip, model, None, False)))
        )

    file = Path(pretrained)
    tags = open_clip.list_pretrained_tags_by_model(model)
    if not file.is_file() and pretrained not in tags:
        if file.suffix or len(file.parts) > 1:
            raise InputError(
                f"no weight file at {file} for {model}: give a file, or one of the tags {', '.join(tags)} "
                "(embed in params.yaml)"
            )
        raise InputError(f"{unknown(pretrained, tags, f'weights of {model}')}, or the path of a weight file")
    if pretrained in tags and not file.is_file():
        settings = open_clip.get_pretrained_cfg(model, pretrained)
        try:
            file = Path(open_clip.download_pretrained(settings))
        except (OSError, RuntimeError) as error:
            raise InputError(
                f"cannot get the weights '{pretrained}' of {model} ({_first_line(error)}); ways out: connect to the "
                "network once; set open_clip_pretrained to a downloaded file; or use the encoder table or hash"
            ) from error
        digest = sha256(file)
        quick_gelu = bool(settings.get("quick_gelu"))
    else:
        digest = sha256(file)
        known = [open_clip.get_pretrained_cfg(model, tag) for tag in tags]
        quick_gelu = any(entry.get("quick_gelu") and digest in entry.get("url", "") for entry in known)
    return Weights(model, file, quick_gelu, _identity(model, quick_gelu, digest))


def load(weights: Weights) -> torch.nn.Module:
    """Build the model and load its weights, for inference on the CPU.

    Raises:
        InputError: the file is no checkpoint of this architecture.
    """
    try:
        return _build(_library(), weights.model, weights.file, weights.quick_gelu)
    except (OSError, RuntimeError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{weights.file} does not hold weights of {weights.model}: {_first_line(error)}") from error


def tokenizer(model: str) -> Any:  # noqa: ANN401
    """Return the tokenizer of a model: list of N texts -> (N, L) token numbers."""
    return _library().get_tokenizer(model)


def _library() -> Any:  # noqa: ANN401
    try:
        import open_clip
    except ImportError as error:
        raise InputError(
            "open_clip is not installed: pip install 'text2pixels[clip]', or use the encoder table or hash"
        ) from error
    return open_clip


def _build(open_clip: Any, model: str, file: Path | None, quick_gelu: bool) -> torch.nn.Module:  # noqa: ANN401
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # for random weights
        built: torch.nn.Module = open_clip.create_model(
            model, pretrained=str(file) if file else None, force_quick_gelu=quick_gelu, pretrained_hf=False
        )
    return built.eval()


def _identity(model: str, quick_gelu: bool, digest: str) -> str:
    return f"open_clip/{model}{'/quickgelu' if quick_gelu else ''}@{digest[:16]}"


def _state_digest(model: torch.nn.Module) -> str:
    digest = hashlib.sha256()
    for name, tensor in sorted(model.state_dict().items()):
        digest.update(f"{name}{tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0][:200] or type(error).__name__
