"""ONNX export, checked by ONNX Runtime."""

import sys

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.image.colour import quantise
from text2pixels.methods.trained import SHIPPED
from text2pixels.network import checkpoint, export
from text2pixels.network.description import ONNX
from text2pixels.network.network import FusionNetwork


def network(**changes):
    torch.manual_seed(0)
    model = FusionNetwork(Network(**{"channels": 8, "heads": 2, "codes": 16, "text_dim": 12} | changes)).eval()
    with torch.no_grad():
        model.head.weight *= 20
    return model


def luminance(seed, height, width):
    """Smooth blobs with noise, the 8-bit gray values of a photo, as (1, 1, H, W) in [0, 1]."""
    noise = np.random.default_rng(seed)
    coarse = noise.integers(0, 256, (height // 8 + 1, width // 8 + 1), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    image = np.clip(smooth + noise.normal(0, 4, smooth.shape), 0, 255).round()
    return torch.from_numpy((image / 255).astype(np.float32))[None, None]


@pytest.fixture(scope="module")
def session():
    """The network that comes along, exported on the spot, in ONNX Runtime; and in torch."""
    model = checkpoint.read(SHIPPED).network
    exported = export.to_onnx(model)
    return onnxruntime.InferenceSession(exported.content, providers=["CPUExecutionProvider"]), model, exported.content


def run(session, infrared, visible, text, mask):
    names = ("infrared", "visible", "text", "mask")
    feed = dict(zip(names, (each.numpy() for each in (infrared, visible, text, mask)), strict=True))
    return session.run(["fused", "attention"], feed)


def graphs(content):
    """The graph, and the one of what is run where there is text."""
    graph = onnx.load_from_string(content).graph
    choice = next(node for node in graph.node if node.op_type == "If")
    return graph, next(each.g for each in choice.attribute if each.name == "then_branch")


@pytest.mark.slow
def test_what_reads_phrases_is_in_the_branch_that_only_text_takes(session):
    always, with_text = ({each.raw_data for each in graph.initializer} for graph in graphs(session[2]))
    matrices = [weight for weight in session[1].recogniser.parameters() if weight.ndim > 1]
    assert matrices
    for weight in matrices:
        content = weight.detach().numpy().tobytes()
        assert content in with_text
        assert content not in always


@pytest.mark.slow
def test_the_file_that_comes_along_is_the_export_of_its_weights_and_holds_nothing_twice(session):
    content = session[2]
    assert content == (SHIPPED / ONNX).read_bytes()
    assert len(content) < 1.1 * (SHIPPED / checkpoint.WEIGHTS).stat().st_size
    large = [each.raw_data for graph in graphs(content) for each in graph.initializer if len(each.raw_data) > 1000]
    assert len(set(large)) == len(large)


@pytest.mark.slow
def test_nothing_is_joined_for_a_convolution_or_shuffled_by_the_operator_which_onnxruntime_does_in_one_thread(session):
    nodes = [node for graph in graphs(session[2]) for node in graph.node]
    makers = {output: node.op_type for node in nodes for output in node.output}
    convolved = [makers.get(node.input[0]) for node in nodes if node.op_type == "Conv"]
    assert len(convolved) > 20
    assert "Concat" not in convolved
    assert "DepthToSpace" not in makers.values()


@pytest.mark.slow
@pytest.mark.parametrize("size", [(16, 16), (16, 90), (61, 77), (96, 128)])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("phrases", [0, 1, 4])
def test_pictures_differ_from_those_by_torch_by_one_level_at_most(session, size, batch, phrases):
    onnx_session, model, _ = session
    infrared, visible = (torch.cat([luminance(seed + 10 * i, *size) for i in range(batch)]) for seed in (1, 2))
    text, mask = torch.zeros(batch, 1, 512), torch.zeros(batch, 1, dtype=torch.bool)  # no text is one masked phrase
    if phrases:
        text = torch.nn.functional.normalize(torch.randn(batch, phrases, 512), dim=2)
        mask = torch.ones(batch, phrases, dtype=torch.bool)
    with torch.no_grad():
        expected = model(infrared, visible, text if phrases else None)
    fused, attention = run(onnx_session, infrared, visible, text, mask)
    levels = [quantise(each).astype(int) for each in (fused, expected.fused_B1HW.numpy())]
    assert np.abs(levels[0] - levels[1]).max() <= 1
    found = attention if phrases else attention[:, 1:]
    np.testing.assert_allclose(found, expected.attention.numpy(), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("switches", [{}, {"self_attention": False, "cross_attention": False, "codebook": False}])
def test_onnxruntime_agrees_with_torch_at_sizes_other_than_the_traced(tmp_path, switches):
    assert export.export_onnx(network(**switches), tmp_path / "network.onnx") < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]


@pytest.mark.parametrize("package", ["onnx", "onnxscript"])
def test_a_missing_package_is_named(tmp_path, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf'{package} is not installed .*"text2pixels\[train\]"'):
        export.export_onnx(network(), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_a_false_mask_is_no_text():
    model = network()
    inputs = export.example(model, 1, 32, 40, 2)
    inputs["mask"] = torch.zeros_like(inputs["mask"])
    with torch.no_grad():
        fused = export.Exported(model)(**inputs)[0]
        torch.testing.assert_close(fused, model(inputs["infrared"], inputs["visible"]).fused_B1HW)
