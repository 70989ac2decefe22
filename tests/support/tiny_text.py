"""Tiny data for the text tests: images, pairs, open_clip architectures of a few thousand weights."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 1, "layers": 1},
}
TINY_COCA = {
    "embed_dim": 16,
    "vision_cfg": {
        "image_size": 32,
        "layers": 1,
        "width": 64,
        "patch_size": 16,
        "attentional_pool": True,
        "attn_pooler_heads": 1,
        "output_tokens": True,
    },
    "text_cfg": {
        "context_length": 76,
        "vocab_size": 49408,
        "width": 16,
        "heads": 1,
        "layers": 1,
        "embed_cls": True,
        "output_tokens": True,
    },
    "multimodal_cfg": {
        "context_length": 76,
        "vocab_size": 49408,
        "width": 16,
        "heads": 1,
        "layers": 1,
        "attn_pooler_heads": 1,
    },
    "custom_text": True,
}


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Register the architectures `t2p-tiny` and `coca_t2p-tiny` with open_clip."""
    open_clip = pytest.importorskip("open_clip")
    folder = tmp_path_factory.mktemp("models")
    for name, settings in (("t2p-tiny", TINY), ("coca_t2p-tiny", TINY_COCA)):
        (folder / f"{name}.json").write_text(json.dumps(settings))
        open_clip.add_model_config(folder / f"{name}.json")


@pytest.fixture
def scene() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Make a visible and an infrared image of 160 x 120 pixels with a warm person on the left."""

    def make(sky: float = 0.9, ground: float = 0.4, tint: tuple[float, float, float] = (1, 1, 1.0), haze: float = 0.0):
        rng = np.random.default_rng(0)
        y = np.full((120, 160), ground)
        y[:50] = sky
        y += rng.normal(0, 0.03, y.shape)
        y[90:118, 10:150:20] = 0.05  # something dark in every picture
        y = y * (1 - haze) + 0.7 * haze
        visible = np.clip(y[..., None] * np.array(tint) * 255, 0, 255).astype(np.uint8)
        infrared = np.clip(rng.normal(60, 5, (120, 160)), 0, 255).astype(np.uint8)
        infrared[60:110, 20:35] = 230
        return visible, infrared

    return make


@pytest.fixture
def pair() -> Callable[..., Pair]:
    """Make a manifest row of 160 x 120 pixels."""

    def make(name: str = "a", boxes: tuple[Box, ...] = (), time: str = "unknown") -> Pair:
        files = (f"infrared/{name}.png", f"visible/{name}.png")
        return Pair(f"tiny/{name}", "tiny", name, "train", *files, 160, 120, "", "", time, bool(boxes), boxes)

    return make


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scene, pair) -> Path:
    """A working directory with a processed data set `tiny` of three pairs and a params.yaml."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "data/processed/tiny"
    person = Box("People", 20, 60, 15, 50)
    for name, sky in (("a", 0.9), ("b", 0.05), ("c", 0.9)):
        visible, infrared = scene(sky=sky, ground=0.4 if sky > 0.5 else 0.1)
        write_png(folder / f"visible/{name}.png", visible)
        write_png(folder / f"infrared/{name}.png", infrared)
    write_manifest(folder / "manifest.parquet", [pair("a", (person,)), pair("b", (person,)), pair("c")])
    return tmp_path
