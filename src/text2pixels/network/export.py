"""ONNX: the network for runtimes without torch, any size, checked against torch.

Shapes: B batch; H, W image; T phrases, S = T + 1; D dimension of a phrase vector; h, w token grid.
"""

import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from text2pixels.extras import require
from text2pixels.files import whole_file
from text2pixels.network.description import LANDMARKS, MINIMUM_SIDE
from text2pixels.network.network import FusionNetwork

# Mean difference of values in [0, 1]: a quarter of an 8-bit level. Not the largest difference,
# because rounding may hand a token that lies between two codes to the other one.
TOLERANCE = 1e-3
# Sizes other than the one that is traced, odd ones among them: (B, H, W, T).
CHECKED = ((1, 16, 16, 1), (1, 32, 48, 1), (2, 61, 77, 3))

_PLAIN = "plain"  # the picture without text: an output while the file is being made


Run = Callable[[Mapping[str, Tensor]], list[NDArray[np.float32]]]


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
        infrared: Tensor,
        visible: Tensor,
        text: Tensor | None = None,
        mask: Tensor | None = None,
        landmarks: Tensor | None = None,
        lead: Tensor | None = None,
        tile: Tensor | None = None,
    ) -> tuple[Tensor, ...]:
        """Return what `_outputs` names, and with cross-attention last plain_B1HW, the picture without text."""
        network = self.network
        looked = network.look(infrared, visible)
        if lead is not None:
            looked = looked._replace(lead_B=torch.where(lead.isnan(), looked.lead_B, lead))
        landmarks_BME = tokens_BhwE = None
        if network.self_attention is not None:
            tokens_BhwE = network.self_attention.norm(looked.tokens_BhwE)
            landmarks_BME = network.self_attention.landmarks(looked.tokens_BhwE)
            if landmarks is not None and tile is not None:
                landmarks_BME = torch.where(tile, landmarks, landmarks_BME)
        fusion = network.fuse(looked, infrared.shape[2:], landmarks_BME, text, mask)
        plain_B1HW = None if network.cross_attention is None else fusion.plain_B1HW
        outputs = (fusion.fused_B1HW, fusion.attention, tokens_BhwE, plain_B1HW)
        return tuple(each for each in outputs if each is not None)


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
    (B, 1, H, W) and ``attention`` (B, T + 1, h, w). All floating point is float32. Where no pair has a phrase, what
    reads phrases is not computed.

    It also fuses a frame of a video with the ``lead`` (1,) of the video, and a tile of an image with that of the image
    and, with self-attention, its ``landmarks`` (1, M, E), for which ``tile`` (1, 1, 1) is True. All three may be left
    out. What landmarks are computed from is the output ``tokens`` (B, h + 2, w + 2, E): see `methods.engines.tiles`.

    Args:
        network: in evaluation mode, on the CPU.

    Raises:
        InputError: what exports is not installed.
    """
    onnx = require("onnx", "train")
    require("onnxscript", "train")
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        traced, folded = Path(folder) / "traced.onnx", Path(folder) / "folded.onnx"
        _trace(network, traced)
        # Constants are folded, so each weight is there once and a session starts with less to do. Nothing
        # beyond this level: what is fused further is for the machine that does it.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(folded)
        onnxruntime.InferenceSession(str(traced), options, providers=["CPUExecutionProvider"])
        content = _slim(onnx, folded, network)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # of errors: it warns that inputs which may be left out are no constants
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, Tensor]) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = session.run(None, {name: each.numpy() for name, each in inputs.items()})
        return outputs

    return OnnxFile(content, max(_difference(network, run, size) for size in CHECKED))


def _trace(network: FusionNetwork, path: Path) -> None:
    """Write what torch exports."""
    batch, phrases = torch.export.Dim("batch", min=1), torch.export.Dim("phrases", min=1)
    height, width = (torch.export.Dim(name, min=MINIMUM_SIDE) for name in ("height", "width"))
    image, text = {0: batch, 2: height, 3: width}, {0: batch, 1: phrases}
    shapes = {"infrared": image, "visible": image, "text": text, "mask": text, "landmarks": {}, "lead": {}, "tile": {}}
    inputs = example(network, 2, 64, 80, 2) | _alone(network)
    with warnings.catch_warnings():
        # Infrared and visible share their sizes on purpose.
        warnings.filterwarnings("ignore", message=".*The axis name: .* will not be used", category=UserWarning)
        program = torch.onnx.export(
            Exported(network).eval(),
            kwargs=inputs,
            dynamo=True,
            dynamic_shapes={name: shapes[name] for name in inputs},
            input_names=list(inputs),
            output_names=[*_outputs(network), *[_PLAIN] * (network.cross_attention is not None)],
            verbose=False,
        )
    assert program is not None
    program.save(str(path))


def _outputs(network: FusionNetwork) -> dict[str, dict[int, str]]:
    """Return the names of the outputs and, of each, the names of the axes that are any number."""
    outputs = {"fused": {2: "height", 3: "width"}}
    if network.cross_attention is not None:
        outputs["attention"] = {2: "rows", 3: "columns"}
    if network.self_attention is not None:
        outputs["tokens"] = {1: "rows + 2", 2: "columns + 2"}
    return outputs


def _alone(network: FusionNetwork) -> dict[str, Tensor]:
    """Return the values of the inputs for tiles and frames where an image is neither."""
    values = {"lead": torch.tensor([torch.nan])}
    if network.self_attention is not None:
        values["landmarks"] = torch.zeros(1, LANDMARKS**2, 2 * network.config.channels)
        values["tile"] = torch.zeros(1, 1, 1) > 0
    return values


def _slim(onnx: Any, path: Path, network: FusionNetwork) -> bytes:  # noqa: ANN401  (the library is untyped)
    """Return an ONNX file without the exporter's notes, which are a fifth of it, and with readable shapes."""
    model = onnx.load(str(path))
    del model.graph.value_info[:], model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
    _convolve_apart(onnx, model.graph)
    _shuffle_by_convolution(onnx, model.graph)
    if network.cross_attention is not None:
        _only_with_text(onnx, model.graph)
    used = {node.domain for node in model.graph.node}
    operators = [entry for entry in model.opset_import if entry.domain in used]
    del model.opset_import[:]
    model.opset_import.extend(operators)
    # As it comes, a fused image's height is "Min(height + 8, 8*(((height + 7)//8)) + 16) - 8".
    for output, sides in zip(model.graph.output, _outputs(network).values(), strict=True):
        for axis, side in sides.items():
            output.type.tensor_type.shape.dim[axis].dim_param = side
    for name, value in _alone(network).items():  # an input with an initial value may be left out
        model.graph.initializer.append(onnx.numpy_helper.from_array(value.numpy(), name))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _convolve_apart(onnx: Any, graph: Any) -> None:  # noqa: ANN401  (the library is untyped)
    """Replace each convolution of features joined along the channels by the sum of their convolutions.

    Every block of the extractor reads all before it. ONNX Runtime would copy them together for each block, in one
    thread; adding costs nothing, as it happens while it convolves.
    """
    makers = {output: node for node in graph.node for output in node.output}
    weights = {each.name: each for each in graph.initializer}

    def joined(name: str) -> list[str]:
        maker = makers.get(name)
        if maker is None or maker.op_type != "Concat":
            return [name]
        return [part for each in maker.input for part in joined(each)]

    nodes = []
    for node in graph.node:
        parts = joined(node.input[0]) if node.op_type == "Conv" else []
        if len(parts) < 2:
            nodes.append(node)
            continue
        whole = weights[node.input[1]]
        kernels = np.split(onnx.numpy_helper.to_array(whole), len(parts), axis=1)  # of equal parts
        graph.initializer.remove(whole)
        total = ""
        for index, (part, kernel) in enumerate(zip(parts, kernels, strict=True)):
            name = f"{node.name}_{index}"
            graph.initializer.append(onnx.numpy_helper.from_array(np.ascontiguousarray(kernel), f"{name}_weight"))
            bias = list(node.input[2:]) if index == 0 else []
            nodes.append(onnx.helper.make_node("Conv", [part, f"{name}_weight", *bias], [f"{name}_part"], name=name))
            nodes[-1].attribute.extend(node.attribute)
            if index:
                out = node.output[0] if index == len(parts) - 1 else f"{name}_sum"
                nodes.append(onnx.helper.make_node("Add", [total, f"{name}_part"], [out], name=f"{name}_add"))
            total = nodes[-1].output[0]
    kept, read = [], {output.name for output in graph.output}
    for node in reversed(nodes):
        if node.op_type != "Concat" or node.output[0] in read:
            kept.append(node)
            read.update(node.input)
    del graph.node[:]
    graph.node.extend(reversed(kept))


def _shuffle_by_convolution(onnx: Any, graph: Any) -> None:  # noqa: ANN401  (the library is untyped)
    """Replace the operator that makes squares of pixels out of channels by a convolution that does the same.

    ONNX Runtime's operator takes four times as long, in one thread.
    """
    makers = {output: node for node in graph.node for output in node.output}
    weights = {each.name: each for each in graph.initializer}
    for node in graph.node:
        maker = makers.get(node.input[0]) if node.op_type == "DepthToSpace" else None
        if maker is not None and maker.op_type == "Conv":
            images = weights[maker.input[1]].dims[0] // 4
            # Of each four channels, every one goes to its place in a square of 2 x 2 pixels.
            places = np.tile(np.eye(4, dtype=np.float32).reshape(4, 1, 2, 2), (images, 1, 1, 1))
            graph.initializer.append(onnx.numpy_helper.from_array(places, f"{node.name}_places"))
            node.op_type = "ConvTranspose"
            node.input.append(f"{node.name}_places")
            del node.attribute[:]
            node.attribute.append(onnx.helper.make_attribute("strides", [2, 2]))
            node.attribute.append(onnx.helper.make_attribute("group", images))


# No phrases: the picture as it is, and all attention with the null token.
_WITHOUT_TEXT = """
without_text () => (float[B, 1, H, W] fused_without, float[B, S, rows, columns] attention_without) {
    fused_without = Identity(plain)
    sides = Shape <start = 2, end = 4> (plain)
    seven = Constant <value_ints = [7]> ()
    stride = Constant <value_ints = [8]> ()
    longer = Add(sides, seven)
    grid = Div(longer, stride)
    one = Constant <value_ints = [1]> ()
    batch = Shape <start = 0, end = 1> (mask)
    phrases = Shape(mask)
    zeros_shape = Concat <axis = 0> (phrases, grid)
    ones_shape = Concat <axis = 0> (batch, one, grid)
    zeros = ConstantOfShape <value = float[1] {0.0}> (zeros_shape)
    ones = ConstantOfShape <value = float[1] {1.0}> (ones_shape)
    attention_without = Concat <axis = 1> (zeros, ones)
}
"""
_HAS_TEXT = """
has_text (bool[B, T] mask) => (bool has_text) {
    numbers = Cast <to = 6> (mask)
    most = ReduceMax <keepdims = 0> (numbers)
    has_text = Cast <to = 9> (most)
}
"""


def _only_with_text(onnx: Any, graph: Any) -> None:  # noqa: ANN401  (the library is untyped)
    """Move what only the outputs under a prompt depend on into a branch that is run where there is one.

    A third of all operations reads the phrases. ONNX Runtime runs whatever is not in a branch.
    """
    given = {output.name: output for output in graph.output}
    told = [given.pop(name) for name in ("fused", "attention")]
    always: list[Any] = []
    text: list[Any] = []
    needed = set(given)
    for node in reversed(graph.node):
        if needed & set(node.output):
            always.insert(0, node)
            needed.update(node.input)
        else:
            text.insert(0, node)
    inside = [initial for initial in graph.initializer if initial.name not in needed]
    for initial in inside:
        graph.initializer.remove(initial)
    for node in text:  # a branch's names are not to be the graph's
        for index, name in enumerate(node.output):
            if name in ("fused", "attention"):
                node.output[index] = f"{name}_with"
    results = [onnx.helper.make_empty_tensor_value_info(f"{name}_with") for name in ("fused", "attention")]
    for result, output in zip(results, told, strict=True):
        result.type.CopyFrom(output.type)
    with_text = onnx.helper.make_graph(text, "with_text", [], results, inside)
    without_text = onnx.parser.parse_graph(_WITHOUT_TEXT)
    choice = onnx.helper.make_node(
        "If", ["has_text"], ["fused", "attention"], "text", then_branch=with_text, else_branch=without_text
    )
    del graph.node[:], graph.output[:]
    graph.node.extend([*always, *onnx.parser.parse_graph(_HAS_TEXT).node, choice])
    graph.output.extend([*told, *(output for name, output in given.items() if name != _PLAIN)])


def example(network: FusionNetwork, batch: int, height: int, width: int, phrases: int) -> dict[str, Tensor]:
    """Return inputs of those sizes: noise, with the last phrase padding where there are several."""
    noise = torch.Generator().manual_seed(0)
    infrared_B1HW, visible_B1HW = torch.rand(2, batch, 1, height, width, generator=noise)
    inputs = {"infrared": infrared_B1HW, "visible": visible_B1HW}
    if network.cross_attention is None:
        return inputs
    text_BTD = nn.functional.normalize(torch.randn(batch, phrases, network.config.text_dim, generator=noise), dim=2)
    mask_BT = torch.ones(batch, phrases, dtype=torch.bool)
    mask_BT[:, 1:][:, -1:] = False
    return inputs | {"text": text_BTD, "mask": mask_BT}


def _difference(network: FusionNetwork, run: Run, size: tuple[int, int, int, int]) -> float:
    """Return the largest difference between torch and ``run`` on inputs of a size, with text and without."""
    inputs = example(network, *size)
    every = [inputs, inputs | {"mask": torch.zeros_like(inputs["mask"])}] if "mask" in inputs else [inputs]
    largest = 0.0
    for each in every:
        with torch.inference_mode():
            expected = Exported(network)(**each)[: len(_outputs(network))]
        differences = [np.abs(a.numpy() - b) for a, b in zip(expected, run(each), strict=True)]
        worst = max(float(difference.mean()) for difference in differences)
        assert worst < TOLERANCE, f"onnxruntime differs from torch by {worst} in the mean"
        largest = max(largest, *(float(difference.max()) for difference in differences))
    return largest
