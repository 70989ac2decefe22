"""Colour given back: by strips and only where needed, and yet what the definition says, pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.image.colour import luminance, restore_colour


def by_definition(fused, visible, rule):
    """RGB = Y' + s r (RGB_visible - Y_visible), with the greatest s up to 1 that keeps all three in 0..255."""
    y, y_visible = (each[..., None] for each in (fused.astype(np.float32), luminance(visible) * np.float32(255)))
    chroma = visible.astype(np.float32) - y_visible
    if rule == "proportional":
        trust = np.clip((y_visible - 16) / 48, 0, 1)
        chroma = chroma * (1 + trust * (np.minimum(y / np.maximum(y_visible, 16), 2.5) - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        room = np.where(chroma > 0, (255 - y) / chroma, np.where(chroma < 0, -y / chroma, np.inf))
    scale = np.minimum(room.min(axis=2, keepdims=True), 1)
    return np.clip(np.floor(y + chroma * scale + 0.5), 0, 255).astype(np.uint8)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 130),
    st.integers(1, 40),
    st.sampled_from([1, 3, 30, 255]),
    st.sampled_from(["proportional", "added"]),
)
def test_every_pixel_is_by_the_definition(seed, height, width, spread, rule):
    noise = np.random.default_rng(seed)
    gray = noise.integers(0, 256, (height, width, 1))
    visible = np.clip(gray + noise.integers(-spread, spread + 1, (height, width, 3)), 0, 255).astype(np.uint8)
    fused = noise.integers(0, 256, (height, width), dtype=np.uint8)
    found = restore_colour(fused, visible, rule).astype(int)
    assert np.abs(found - by_definition(fused, visible, rule)).max() <= (rule == "proportional")  # rounding of a ratio


@pytest.mark.parametrize("level", [60, 150])
def test_saturation_is_kept_where_the_fused_image_is_brighter_or_darker(level):
    """Red that is added to a brighter luminance is pink."""
    visible = np.full((50, 8, 3), (150, 70, 80), np.uint8)
    coloured = restore_colour(np.full((50, 8), level, np.uint8), visible).astype(float)
    before, after = (
        np.ptp(image, axis=2).mean() / luminance(image.astype(np.uint8)).mean() for image in (visible, coloured)
    )
    assert after == pytest.approx(before, rel=0.02)


def test_the_noise_of_a_dark_picture_is_not_raised():
    visible = np.full((50, 8, 3), (9, 4, 6), np.uint8)
    coloured = restore_colour(np.full((50, 8), 180, np.uint8), visible).astype(int)
    assert np.ptp(coloured, axis=2).max() <= 5


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
