"""ONNX: the network for runtimes without torch, any size, checked against torch.

Shapes: B batch; H, W image; T phrases, S = T + 1; D dimension of a phrase vector; h, w token grid.
"""

import tempfile
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.network.description import MINIMUM_SIDE
from text2pixels.network.network import FusionNetwork

# Mean difference of values in [0, 1]: a quarter of an 8-bit level. Not the largest difference,
# because rounding may hand a token that lies between two codes to the other one.
TOLERANCE = 1e-3
# Sizes other than the one that is traced, odd ones among them: (B, H, W, T).
CHECKED = ((1, 16, 16, 1), (1, 32, 48, 1), (2, 61, 77, 3))


Run = Callable[[Iterable[Tensor]], list[NDArray[np.float32]]]


class OnnxFile(NamedTuple):
    """A network as ONNX.

    Attributes:
        content: Of the file.
        difference: The largest from torch that was found, of values in [0, 1].
    """

    content: bytes
    difference: float


class Exported(nn.Module):
    """The network with tensors alone as inputs and outputs.

    Without text, give one phrase and a mask that is False: the null token is then alone.
    """

    def __init__(self, network: FusionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        infrared_B1HW: Tensor,
        visible_B1HW: Tensor,
        text_BTD: Tensor | None = None,
        mask_BT: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Return fused_B1HW and, of a network with cross-attention, attention_BShw."""
        fusion = self.network(infrared_B1HW, visible_B1HW, text_BTD, mask_BT)
        return (fusion.fused_B1HW,) if fusion.attention is None else (fusion.fused_B1HW, fusion.attention)


def export_onnx(network: FusionNetwork, path: Path) -> float:
    """Write the network as an ONNX file; see `to_onnx`. Return the largest difference from torch that was found."""
    exported = to_onnx(network)
    with whole_file(path) as aside:
        aside.write_bytes(exported.content)
    return exported.difference


def to_onnx(network: FusionNetwork) -> OnnxFile:
    """Return the network as ONNX with dynamic batch, size and number of phrases; onnxruntime agrees with torch on it.

    Inputs ``infrared``, ``visible`` (B, 1, H, W) in [0, 1] and, of a network with cross-attention,
    ``text`` (B, T, D) and ``mask`` (B, T), True where there is a phrase. Outputs ``fused``
    (B, 1, H, W) and ``attention`` (B, T + 1, h, w). All floating point is float32.

    Args:
        network: in evaluation mode, on the CPU.

    Raises:
        InputError: what exports is not installed.
    """
    onnx = require("onnx", "train")
    require("onnxscript", "train")
    import onnxruntime

    with_text = network.cross_attention is not None
    names = ["infrared", "visible", "text", "mask"][: 4 if with_text else 2]
    with tempfile.TemporaryDirectory() as folder:
        traced, folded = Path(folder) / "traced.onnx", Path(folder) / "folded.onnx"
        _trace(network, traced, names)
        # Constants are folded, so each weight is there once and a session starts with less to do. Nothing
        # beyond this level: what is fused further is for the machine that does it.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folded)
        onnxruntime.InferenceSession(str(traced), options, providers=["CPUExecutionProvider"])
        content = _slim(onnx, folded)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(inputs: Iterable[Tensor]) -> list[NDArray[np.float32]]:
        feed = {name: value.numpy() for name, value in zip(names, inputs, strict=True)}
        outputs: list[NDArray[np.float32]] = session.run(None, feed)
        return outputs

    return OnnxFile(content, max(_difference(network, run, size) for size in CHECKED))


def _trace(network: FusionNetwork, path: Path, names: list[str]) -> None:
    """Write what torch exports."""
    batch, phrases = torch.export.Dim("batch", min=1), torch.export.Dim("phrases", min=1)
    height, width = (torch.export.Dim(name, min=MINIMUM_SIDE) for name in ("height", "width"))
    image = {0: batch, 2: height, 3: width}
    shapes = (image, image, {0: batch, 1: phrases}, {0: batch, 1: phrases})[: len(names)]
    with warnings.catch_warnings():
        # Infrared and visible share their sizes on purpose.
        warnings.filterwarnings("ignore", message=".*The axis name: .* will not be used", category=UserWarning)
        program = torch.onnx.export(
            Exported(network).eval(),
            example(network, 2, 64, 80, 2),
            dynamo=True,
            dynamic_shapes=shapes,
            input_names=names,
            output_names=["fused", "attention"][: len(names) // 2],
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def _slim(onnx: Any, path: Path) -> bytes:  # noqa: ANN401  (the library is untyped)
    """Return an ONNX file without the exporter's notes, which are a fifth of it, and with readable output shapes."""
    model = onnx.load(str(path))
    del model.graph.value_info[:], model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
    used = {node.domain for node in model.graph.node}
    operators = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(operators)
    # As it comes, a fused image's height is "Min(height + 8, 8*(((height + 7)//8)) + 16) - 8".
    for output, sides in zip(model.graph.output, (("height", "width"), ("rows", "columns")), strict=False):
        for dimension, side in zip(list(output.type.tensor_type.shape.dim)[2:], sides, strict=True):
            dimension.dim_param = side
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def example(network: FusionNetwork, batch: int, height: int, width: int, phrases: int) -> tuple[Tensor, ...]:
    """Return inputs of those sizes: noise, with the last phrase padding where there are several."""
    noise = torch.Generator().manual_seed(0)
    images = tuple(torch.rand(2, batch, 1, height, width, generator=noise))
    if network.cross_attention is None:
        return images
    text_BTD = nn.functional.normalize(torch.randn(batch, phrases, network.config.text_dim, generator=noise), dim=2)
    mask_BT = torch.ones(batch, phrases, dtype=torch.bool)
    mask_BT[:, 1:][:, -1:] = False
    return *images, text_BTD, mask_BT


def _difference(network: FusionNetwork, run: Run, size: tuple[int, int, int, int]) -> float:
    """Return the largest difference between torch and ``run`` on inputs of a size."""
    inputs = example(network, *size)
    with torch.inference_mode():
        expected = Exported(network)(*inputs)
    differences = [np.abs(a.numpy() - b) for a, b in zip(expected, run(inputs), strict=True)]
    worst = max(float(difference.mean()) for difference in differences)
    assert worst < TOLERANCE, f"onnxruntime differs from torch by {worst} in the mean"
    return max(float(difference.max()) for difference in differences)
