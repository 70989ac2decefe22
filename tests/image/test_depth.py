"""More than 8 bits become 8: what the sensor measured takes the range, what it did not stays out."""

import numpy as np
import pytest
from support import fakes

from text2pixels.image.depth import infrared_to_8_bits, visible_to_8_bits

GRAY = fakes.picture(np.random.default_rng(0), 1)
COUNTS = 29000 + 10 * GRAY.astype(np.uint16)


def stretched(counts, scene):
    low, high = np.percentile(scene, (0.1, 99.9))
    return np.clip((counts - low) / (high - low) * 255, 0, 255)


def test_a_fixed_range_keeps_gray_levels_comparable_between_frames():
    cold, warm = np.full((4, 4), 7000, np.uint16), np.full((4, 4), 8000, np.uint16)
    assert infrared_to_8_bits(cold, (7000, 9000)).max() == 0
    assert (infrared_to_8_bits(warm, (7000, 9000)) == 128).all()
    assert (infrared_to_8_bits(np.full((4, 4), 9999, np.uint16), (7000, 9000)) == 255).all()


@pytest.mark.parametrize("container", [np.uint16, np.int16, np.float32])
@pytest.mark.parametrize("function", [infrared_to_8_bits, visible_to_8_bits])
def test_eight_bits_in_a_wide_container_are_unpacked_exactly(function, container):
    assert (function(GRAY.astype(container)) == GRAY).all()


@pytest.mark.parametrize("function", [infrared_to_8_bits, visible_to_8_bits])
@pytest.mark.parametrize("wide", [GRAY.astype(np.uint16) * 257, GRAY.astype(np.float32) / 255])
def test_eight_bits_at_another_full_scale_are_unpacked_exactly(function, wide):
    assert (function(wide) == GRAY).all()


@pytest.mark.parametrize(
    "values",
    [
        COUNTS,
        (COUNTS.astype(int) - 30000).astype(np.int16),
        COUNTS.astype(np.float32),
        (COUNTS / 100 - 273.15).astype(np.float32),  # degrees
        (COUNTS / 100 - 300).astype(np.float32),
    ],
)
def test_a_scene_takes_the_whole_range(values):
    assert np.abs(infrared_to_8_bits(values) - stretched(values, values)).max() <= 0.51


DEAD = [(np.uint16, 0), (np.uint16, 65535), (np.uint16, 16383), (np.int16, -32768), (np.int16, 32767)]


@pytest.mark.parametrize(("container", "dead"), DEAD + [(np.float32, dead) for dead in (0, np.nan, np.inf, -np.inf)])
def test_dead_areas_take_nothing_of_the_range(container, dead):
    counts = (COUNTS // 2).astype(container)
    scene = counts[12:].copy()
    counts[:10] = dead
    read = infrared_to_8_bits(counts)
    assert np.abs(read[12:] - stretched(scene, scene)).max() <= 0.51
    assert (read[:10] == (255 if dead > 16000 else 0)).all()


def test_the_edge_that_a_warp_blends_into_its_border_takes_nothing_of_the_range():
    counts = COUNTS.astype(np.float64)
    counts[:8], counts[8] = 0, counts[8] / 2  # as bilinear interpolation leaves it
    read = infrared_to_8_bits(counts.astype(np.uint16))
    assert np.abs(read[10:].astype(int) - stretched(counts[10:], counts[10:])).max() <= 1.01


def test_few_objects_on_nothing_are_seen():
    counts = np.zeros((40, 40), np.uint16)
    counts[5, 5], counts[20:22, 20:22] = 9000, 7000
    read = infrared_to_8_bits(counts)
    assert read[5, 5] == 255
    assert read[0, 0] == 0


def test_two_values_stay_two():
    counts = np.where(GRAY > 128, 30000, 0).astype(np.uint16)
    assert set(np.unique(infrared_to_8_bits(counts))) == {0, 255}


def test_nothing_finite_is_an_error():
    with pytest.raises(ValueError, match="not one value is finite"):
        infrared_to_8_bits(np.full((4, 4), np.nan, np.float32))


def test_visible_is_scaled_not_stretched():
    dim = (GRAY.astype(np.uint32) * 257 // 3).astype(np.uint16)
    assert np.abs(visible_to_8_bits(dim) - dim / 257).max() <= 0.51
    assert np.abs(visible_to_8_bits((dim / 65535).astype(np.float32)) - dim / 257).max() <= 0.51


@pytest.mark.parametrize("values", [np.array([[-5, 900]], np.int16), np.array([[0, 3e4 + 0.5]], np.float32)])
def test_visible_on_an_unknown_scale_is_an_error(values):
    with pytest.raises(ValueError, match="what is white is not known"):
        visible_to_8_bits(values)
