"""The methods without weights: what their definitions promise."""

import numpy as np
import pytest

from text2pixels.methods.catalogue import locate, methods
from text2pixels.methods.filters import guided_filter

CLASSICAL = [name for name, entry in methods().items() if entry.kind == "filter"]
SYMMETRIC = ["average", "max", "laplacian", "wavelet", "gff", "tsifvs"]


def images(height=45, width=70):
    noise = np.random.default_rng(1)
    smooth = np.add.outer(np.linspace(0, 120, height), np.linspace(0, 100, width))
    return [
        np.clip(smooth + noise.normal(0, 15, (height, width)), 0, 255).astype(np.float32),
        np.clip(220 - smooth + noise.normal(0, 15, (height, width)), 0, 255).astype(np.float32),
    ]


@pytest.mark.parametrize("name", CLASSICAL)
def test_fusing_an_image_with_itself_gives_it_back(name):
    image = images()[0]
    np.testing.assert_allclose(locate(methods()[name])(image, image), image, atol=2e-3)


@pytest.mark.parametrize("name", SYMMETRIC)
def test_the_order_of_inputs_does_not_matter(name):
    one, other = images()
    fuse = locate(methods()[name])
    np.testing.assert_allclose(fuse(one, other), fuse(other, one), atol=2e-3)


@pytest.mark.parametrize("name", ["laplacian", "wavelet", "gff", "tsifvs"])
def test_detail_that_only_one_image_has_survives(name):
    stripes = np.tile(np.float32([60, 60, 180, 180]), (64, 16))
    flat = np.full_like(stripes, 120)
    fused = locate(methods()[name])(stripes, flat)
    average = locate(methods()["average"])(stripes, flat)
    assert fused.std() > 1.8 * average.std()


@pytest.mark.parametrize("name", CLASSICAL)
def test_nothing_is_shifted(name):
    """A bright point of one image is the brightest point of the result."""
    point = np.full((41, 57), 50, dtype=np.float32)
    point[17, 30] = 250
    flat = np.full_like(point, 50)
    fused = locate(methods()[name])(point, flat if name != "visible" else point)
    assert np.unravel_index(fused.argmax(), fused.shape) == (17, 30)


def test_guided_filter_agrees_with_its_definition_pixel_by_pixel():
    """Equations (5) to (8) of He et al., with loops, at the border too."""
    noise = np.random.default_rng(0)
    guide, image = noise.random((9, 11)), noise.random((9, 11))
    radius, epsilon = 2, 0.1
    slope, offset = np.zeros_like(guide), np.zeros_like(guide)

    def window(array, row, column):
        top, left = max(0, row - radius), max(0, column - radius)
        return array[top : row + radius + 1, left : column + radius + 1]

    for row, column in np.ndindex(guide.shape):
        g, p = window(guide, row, column), window(image, row, column)
        slope[row, column] = ((g * p).mean() - g.mean() * p.mean()) / (g.var() + epsilon)
        offset[row, column] = p.mean() - slope[row, column] * g.mean()
    expected = np.zeros_like(guide)
    for row, column in np.ndindex(guide.shape):
        mean_slope, mean_offset = window(slope, row, column).mean(), window(offset, row, column).mean()
        expected[row, column] = mean_slope * guide[row, column] + mean_offset
    found = guided_filter._guided_filter(guide, image, radius, epsilon)
    np.testing.assert_allclose(found, expected, atol=1e-12)
