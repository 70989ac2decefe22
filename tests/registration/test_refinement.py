"""The blur and the splines of similarity surfaces, against SciPy."""

import numpy as np
import pytest
from scipy import ndimage

from text2pixels.registration.refinement import gaussian_matrix, spline_matrix
from text2pixels.registration.search import masked_correlation


@pytest.mark.parametrize("side", [3, 9, 25])
@pytest.mark.parametrize("deviation", [0.5, 2.0, 4.0])
def test_the_blur_is_scipys(side, deviation):
    values = np.random.default_rng(0).random((side, side))
    matrix = gaussian_matrix(side, deviation)
    expected = ndimage.gaussian_filter(values, deviation, mode="nearest")
    np.testing.assert_allclose(matrix @ values @ matrix.T, expected, atol=1e-12)


@pytest.mark.parametrize("side", [3, 9, 25])
def test_the_spline_coefficients_are_scipys(side):
    values = np.random.default_rng(0).random((side, side))
    matrix = spline_matrix(side)
    np.testing.assert_allclose(matrix @ values @ matrix.T, ndimage.spline_filter(values, 3), atol=1e-9)


def test_the_correlation_is_that_of_every_shift():
    noise = np.random.default_rng(0)
    fixed, moving = noise.random((2, 9, 11), dtype=np.float32), noise.random((2, 4, 5), dtype=np.float32)
    mask = np.ones((9, 11), np.float32)
    mask[:, :2] = 0
    surface, overlap = masked_correlation(fixed, moving, mask)
    assert surface.shape == overlap.shape == (12, 15)
    rows, columns = slice(3, 7), slice(4, 9)  # of the fixed image, moving's origin at (3, 4)
    under, seen = fixed[:, rows, columns] * mask[rows, columns], mask[rows, columns].sum()
    expected = (under * moving).sum() / np.sqrt((under**2).sum() * (moving**2 * mask[rows, columns]).sum())
    assert surface[3 + 3, 4 + 4] == pytest.approx(expected, rel=1e-4)
    assert overlap[3 + 3, 4 + 4] == pytest.approx(seen, rel=1e-4)


def test_shifts_of_interest_are_the_same_where_others_are_left_out():
    noise = np.random.default_rng(1)
    fixed, moving = noise.random((2, 30, 41), dtype=np.float32), noise.random((2, 25, 33), dtype=np.float32)
    mask = np.ones((30, 41), np.float32)
    mask[:, :6] = 0
    least = 0.5 * 25 * 33
    (all_shifts, every), (some_shifts, some) = (
        masked_correlation(fixed, moving, mask, limit) for limit in (1.0, least)
    )
    wanted = every >= least + 0.5
    np.testing.assert_allclose(some_shifts[wanted], all_shifts[wanted], rtol=1e-4)
    np.testing.assert_allclose(some[wanted], every[wanted], rtol=1e-4)
    assert (some[~wanted] < least + 0.5).all()
