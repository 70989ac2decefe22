import numpy as np
import pytest

from text2pixels.registration.descriptors import describe, noise_level


def step(noise: float) -> np.ndarray:
    """A faint edge in the middle of an otherwise empty picture."""
    image = np.full((96, 96), 100.0)
    image[:, 48:] += 12
    return np.clip(np.rint(image + np.random.default_rng(0).normal(0, noise, image.shape)), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("noise", [1.0, 4.0])
def test_the_noise_is_measured_beside_an_edge(noise):
    assert noise_level(step(noise)) == pytest.approx(noise, rel=0.15)


@pytest.mark.parametrize("fine", [False, True])
def test_noise_counts_less_than_a_faint_edge(fine):
    strength = np.linalg.norm(describe(step(1.0), 6.0, fine), axis=0)
    assert np.median(strength[:, 47:49]) > 3 * np.median(strength[:, 10:38])


def test_a_flat_picture_has_no_structure():
    assert not describe(np.full((40, 40), 90, np.uint8), 6.0).any()
