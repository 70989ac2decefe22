"""Colour given back: by strips and only where needed, and yet what the definition says, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.image.colour import luminance, restore_colour


def by_definition(fused, visible):
    """RGB = Y' + s (RGB_visible - Y_visible), with the greatest s up to 1 that keeps all three in 0..255."""
    chroma = visible.astype(np.float32) - luminance(visible)[..., None] * np.float32(255)
    y = fused.astype(np.float32)[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(chroma > 0, (255 - y) / chroma, np.where(chroma < 0, -y / chroma, np.inf))
    scale = np.minimum(room.min(axis=2, keepdims=True), 1)
    return np.clip(np.floor(y + chroma * scale + 0.5), 0, 255).astype(np.uint8)


@given(st.integers(0, 2**32 - 1), st.integers(1, 130), st.integers(1, 40), st.sampled_from([1, 3, 30, 255]))
def test_every_pixel_is_by_the_definition(seed, height, width, spread):
    noise = np.random.default_rng(seed)
    gray = noise.integers(0, 256, (height, width, 1))
    visible = np.clip(gray + noise.integers(-spread, spread + 1, (height, width, 3)), 0, 255).astype(np.uint8)
    fused = noise.integers(0, 256, (height, width), dtype=np.uint8)
    np.testing.assert_array_equal(restore_colour(fused, visible), by_definition(fused, visible))


def test_the_luminance_that_was_fused_stays():
    noise = np.random.default_rng(0)
    visible = noise.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    fused = noise.integers(0, 256, (60, 80), dtype=np.uint8)
    back = luminance(restore_colour(fused, visible)) * 255
    assert np.abs(back - fused).max() < 1


@pytest.mark.parametrize("level", [0, 128, 255])
def test_gray_stays_gray(level):
    visible = np.full((50, 8, 3), 90, np.uint8)
    fused = np.full((50, 8), level, np.uint8)
    assert (restore_colour(fused, visible) == level).all()
