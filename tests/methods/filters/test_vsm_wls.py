"""VSM-WLS: against a slow transcription, and where they are to be had against outputs of its authors' code."""

import cv2
import numpy as np
import pytest
from support.parity import PARITY, read_rgb

from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import fuse_picture
from text2pixels.methods.filters.vsm_wls import fuse


def window(image, row, column, radius):
    """The window of a pixel, with the nearest pixels of the image beyond the border."""
    height, width = image.shape
    rows = np.clip(np.arange(row - radius, row + radius + 1), 0, height - 1)
    columns = np.clip(np.arange(column - radius, column + radius + 1), 0, width - 1)
    return image[np.ix_(rows, columns)]


def each_pixel(image, function):
    return np.array([[function(row, column) for column in range(image.shape[1])] for row in range(image.shape[0])])


def gaussian(image, sigma, radius):
    offsets = np.arange(-radius, radius + 1)
    kernel = np.exp(-(offsets[:, None] ** 2 + offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    return each_pixel(image, lambda row, column: (window(image, row, column, radius) * kernel).sum())


def mean(image, radius):
    """Of the pixels that are in the image."""

    def inside(row, column):
        return image[max(0, row - radius) : row + radius + 1, max(0, column - radius) : column + radius + 1].mean()

    return each_pixel(image, inside)


def slow_rolling_guidance(image, sigma):
    guide = gaussian(image, sigma, round(3 * sigma))
    for _ in range(4):
        covariance = mean(guide * image, sigma) - mean(guide, sigma) * mean(image, sigma)
        a = covariance / (mean(guide**2, sigma) - mean(guide, sigma) ** 2 + 0.05**2)
        b = mean(image, sigma) - a * mean(guide, sigma)
        guide = mean(a, sigma) * guide + mean(b, sigma)
    return guide


def slow_saliency(image):
    levels = np.round(image * 255)
    contrast = np.abs(levels[:, :, None, None] - levels).sum(axis=(2, 3))
    return (contrast - contrast.min()) / (contrast.max() - contrast.min())


def slow_fuse(infrared, visible):
    """Infrared Physics & Technology 2017, equations (3) to (14), in [0, 1]; least squares by a dense matrix."""
    details, bases = [], []
    for image in (infrared, visible):
        own = []
        for sigma in (2, 4, 8):
            smooth = slow_rolling_guidance(image, sigma)
            own.append(image - smooth)
            image = smooth
        bases.append(gaussian(image, 2, 6))
        details.append([*own, image - bases[-1]])
    w1, w2 = slow_saliency(infrared), slow_saliency(visible)
    fused = (0.5 + 0.5 * (w1 - w2)) * bases[0] + (0.5 + 0.5 * (w2 - w1)) * bases[1]
    fused = fused + np.where(np.abs(details[0][0]) >= np.abs(details[1][0]), details[0][0], details[1][0])
    for first, second in zip(details[0][1:], details[1][1:], strict=True):
        larger = np.pad((np.abs(first) < np.abs(second)).astype(float), 6, mode="symmetric")
        mask = gaussian(larger, 2, 6)[6:-6, 6:-6]
        mixed = mask * second + (1 - mask) * first
        local = each_pixel(second, lambda row, column, second=second: window(second, row, column, 3).mean())
        pull = np.diag(0.01 / (np.abs(local) + 1e-6).ravel())
        system = np.eye(first.size) + pull
        fused = fused + np.linalg.solve(system, mixed.ravel() + pull @ first.ravel()).reshape(first.shape)
    return fused


def images(height, width):
    random = np.random.default_rng(height)
    smooth = np.add.outer(np.linspace(0, 90, height), np.linspace(0, 90, width))
    noisy = (smooth + random.normal(40, 12, smooth.shape), 220 - smooth + random.normal(0, 12, smooth.shape))
    return [np.round(image).clip(0, 255).astype(np.float32) for image in noisy]


def test_is_the_slow_one():
    infrared, visible = images(17, 22)
    expected = slow_fuse(infrared.astype(float) / 255, visible.astype(float) / 255) * 255
    np.testing.assert_allclose(fuse(infrared, visible), expected, atol=2e-4)


def test_the_more_salient_image_gives_the_base():
    infrared, visible = np.full((64, 64), 50, np.float32), np.full((64, 64), 120, np.float32)
    infrared[20:44, 20:44] = 250
    fused = fuse(infrared, visible)
    assert fused[32, 32] > 225  # of a plain mean, 185
    assert fused[2, 2] == pytest.approx(85, abs=2)


@pytest.mark.parametrize("size", [(8, 8), (9, 40), (33, 16)])
def test_fuses_images_smaller_than_its_windows(size):
    assert np.isfinite(fuse(*images(*size))).all()


@pytest.mark.parametrize("name", ["TNO_07", "TNO_19", "FLIR_04943", "FLIR_07968", "Camp", "Road"])
def test_gives_what_the_authors_code_gives(name):
    if not PARITY.is_dir():
        pytest.skip("no outputs of the authors' code: ../shared/reference/parity is missing")
    if name in ("Camp", "Road"):
        infrared, visible = (
            cv2.imread(str(PARITY / f"vsm-wls/{name}_{side}.jpg"), cv2.IMREAD_GRAYSCALE) for side in ("IR", "Vis")
        )
    else:
        infrared, visible = (read_rgb(PARITY / f"inputs/{name}_{side}.png") for side in ("ir", "vi"))
    gray = visible if visible.ndim == 2 else cv2.cvtColor(visible, cv2.COLOR_RGB2GRAY)
    given = np.load(PARITY / f"vsm-wls/{name}_float.npz")["window"]
    found = fuse(infrared.astype(np.float32), gray.astype(np.float32))
    np.testing.assert_allclose(found[: given.shape[0], : given.shape[1]] / 255, given, atol=2e-7)
    colour = visible if visible.ndim == 3 else np.repeat(visible[..., None], 3, axis=2)
    saved = fuse_picture(load("vsm-wls"), infrared, colour)
    difference = np.abs(saved.astype(int) - read_rgb(PARITY / f"vsm-wls/{name}_fused.png"))
    # In one pixel of Road the float32 result falls to the other side of a half.
    assert difference.max() <= 1
    assert (difference > 0).sum() <= 3
