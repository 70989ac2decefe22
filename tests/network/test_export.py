"""ONNX export, checked by onnxruntime where it is installed."""

import pytest
import torch

from text2pixels.config import Network
from text2pixels.errors import InputError
from text2pixels.network import export
from text2pixels.network.network import FusionNetwork


def network(**changes):
    torch.manual_seed(0)
    model = FusionNetwork(Network(**{"channels": 8, "heads": 2, "codes": 16, "text_dim": 12} | changes)).eval()
    with torch.no_grad():
        model.head.weight *= 20
    return model


@pytest.mark.slow
@pytest.mark.parametrize("switches", [{}, {"self_attention": False, "cross_attention": False, "codebook": False}])
def test_onnxruntime_agrees_with_torch_at_sizes_other_than_the_traced(tmp_path, switches):
    for package in export.PACKAGES:
        pytest.importorskip(package)
    assert export.export_onnx(network(**switches), tmp_path / "network.onnx") < 1e-4
    assert [path.name for path in tmp_path.iterdir()] == ["network.onnx"]


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(export, "PACKAGES", ("no_such_package",))
    with pytest.raises(InputError, match="no_such_package"):
        export.export_onnx(network(), tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_a_false_mask_is_no_text():
    model = network()
    infrared, visible, text, mask = export.example(model, 1, 32, 40, 2)
    with torch.no_grad():
        fused, _ = export.Exported(model)(infrared, visible, text, torch.zeros_like(mask))
        torch.testing.assert_close(fused, model(infrared, visible).fused_B1HW)
