"""What network.json says of a trained network: enough to run its ONNX file, and read without torch."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from text2pixels import tensor_files
from text2pixels.config import Network
from text2pixels.errors import InputError

LAYOUT = tensor_files.Layout("trained network", "weights.safetensors", "network.json", "dvc repro method", version=5)
ONNX = "network.onnx"  # beside them, where the network was exported: see `export`
REQUIRED = ("encoder", "encoder_identity", "prompts")

STRIDE = 8  # pixels per token
LANDMARKS = 12  # per side: every token attends to 12 x 12 landmarks whatever the size of the image
WHITE = 0.97  # luminance that the fused image nowhere passes, but where a source does
NOISE = 1 / 255  # contrast or details this weak are not told from none
MINIMUM_SIDE = 16  # pixels: reflection at the border needs them


@dataclass(frozen=True)
class Description:
    """A network, described.

    Attributes:
        network: Widths and switches, which rebuild it.
        parameters: Number of its trained weights, the codebook's codes and moving statistics included.
        metadata: What `checkpoint.save` was told: the text encoder and the prompts of its training, and what made it.
        content: All of network.json.
    """

    network: Network
    parameters: int
    metadata: dict[str, Any]
    content: Mapping[str, Any]

    @property
    def has_onnx(self) -> bool:
        """Whether the network comes as ONNX, too."""
        return ONNX in self.content[tensor_files.DIGESTS]


def describe(folder: Path) -> Description:
    """Read network.json in the folder of a model.

    Raises:
        InputError: it is missing, damaged, or of another version.
    """
    content = tensor_files.describe(folder, LAYOUT)
    path = folder / LAYOUT.description
    section, metadata, parameters = content.get("network"), content.get("metadata"), content.get("parameters")
    expected = {entry.name: entry.type for entry in fields(Network)}
    if not isinstance(section, dict) or section.keys() != expected.keys():
        raise InputError(f"{path}: network: expected the keys {', '.join(expected)}")
    for key, kind in expected.items():
        if type(section[key]) is not kind or (kind is int and not 0 < section[key] < 2**20):
            raise InputError(f"{path}: network.{key}: {section[key]!r} is out of place")
    if not isinstance(metadata, dict) or any(not isinstance(metadata.get(key), str) for key in REQUIRED):
        raise InputError(f"{path}: metadata: expected text for {', '.join(REQUIRED)}")
    if type(parameters) is not int:
        raise InputError(f"{path}: parameters: expected a whole number, found {parameters!r}")
    return Description(Network(**section), parameters, metadata, content)
