"""What holds for every metric: bounds, symmetry in the sources, threads, small and flat images."""

import math
import subprocess
import sys
import textwrap

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.lib.stride_tricks import sliding_window_view

from text2pixels.errors import InputError
from text2pixels.metrics import CONVENTIONS, METRICS, Triple, score, select
from text2pixels.metrics.contrast_sensitivity import filter_by
from text2pixels.metrics.windows import gaussian, separable

quick = settings(max_examples=15, deadline=None, derandomize=True, database=None)


@st.composite
def triples(draw, low=8, high=19):
    """Images that share pixels, as fused images do: hypothesis fills with repeated values, so also flat ones."""
    shape = draw(st.tuples(st.integers(low, high), st.integers(low, high)))
    return tuple(draw(arrays(np.uint8, shape, elements=st.integers(0, 255))) for _ in range(3))


@pytest.mark.parametrize("convention", CONVENTIONS)
@quick
@given(images=triples())
def test_values_are_within_their_range_or_undefined_in_words(convention, images):
    for name, value in score(*images, convention=convention).items():
        metric = CONVENTIONS[convention][name]
        if math.isnan(value):
            assert metric.why_undefined(images[0].shape), name
        else:
            slack = 1e-6
            assert metric.low - slack <= value <= metric.high + slack, name


@quick
@given(images=triples())
def test_the_sources_are_on_equal_terms(images):
    fused, infrared, visible = images
    one, other = score(fused, infrared, visible), score(fused, visible, infrared)
    for name, value in one.items():
        assert other[name] == pytest.approx(value, rel=1e-6, abs=1e-9, nan_ok=True), name


@quick
@given(images=triples())
def test_a_mirrored_scene_scores_the_same(images):
    # FMI reads a window as a sequence, and Qabf fixes on which side of 90 degrees a vertical edge lies.
    names = [name for name in METRICS if name not in ("FMI_pixel", "FMI_gradient", "Qabf", "Qcv")]
    one, other = score(*images, names), score(*(np.flipud(image) for image in images), names)
    for name in names:
        assert other[name] == pytest.approx(one[name], rel=1e-6, abs=1e-7, nan_ok=True), name


@given(images=triples(), shift=st.integers(1, 255))
@quick
def test_brightness_leaves_information_contrast_and_correlation_alone(images, shift):
    images = [(image // 2).astype(np.uint8) for image in images]
    shifted = [(image + min(shift, 127)).astype(np.uint8) for image in images]
    names = ["EN", "SD", "SF", "AG", "EI", "MI", "NMI", "Qncie", "FMI_pixel", "FMI_gradient"]
    names += ["CC", "SCD", "MSE", "PSNR", "Nabf"]
    one, other = score(*images, names), score(*shifted, names)
    for name in names:
        assert other[name] == pytest.approx(one[name], rel=1e-9, abs=1e-9, nan_ok=True), name


def blocks(size, seed=0):
    """Three images of random 5 x 5 blocks."""
    coarse = np.random.default_rng(seed).integers(0, 256, (3, -(-size[0] // 5), -(-size[1] // 5)))
    return coarse.repeat(5, axis=1).repeat(5, axis=2)[:, : size[0], : size[1]].astype(np.uint8)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("size", [(8, 8), (45, 53), (170, 163)])
def test_metrics_together_equal_each_alone(size, convention):
    images = blocks(size)
    for name, value in score(*images, convention=convention).items():
        assert score(*images, [name], convention) == pytest.approx({name: value}, rel=0, nan_ok=True)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("size", [(170, 163), (256, 384)])
def test_the_number_of_threads_changes_nothing(size, convention):
    before = cv2.getNumThreads()
    found = []
    try:
        for threads in (1, 2, 7):
            cv2.setNumThreads(threads)
            found.append(score(*blocks(size), convention=convention))
    finally:
        cv2.setNumThreads(before)
    assert found[0] == found[1] == found[2]


def test_only_numpy_and_opencv_are_needed():
    code = """
        import sys
        for name in ("torch", "pandas", "scipy", "pyarrow"):
            sys.modules[name] = None
        import numpy as np
        from text2pixels.metrics import CONVENTIONS, score
        images = np.random.default_rng(0).integers(0, 256, (3, 165, 170), dtype=np.uint8)
        for convention in CONVENTIONS:
            assert not np.isnan(list(score(*images, convention=convention).values())).any()
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize(("f", "a", "b"), [(128, 128, 128), (0, 0, 0), (255, 0, 128), (0, 255, 255)])
def test_flat_images_are_defined_or_undefined_with_a_reason(convention, f, a, b):
    images = [np.full((64, 50), value, np.uint8) for value in (f, a, b)]
    found = score(*images, convention=convention)
    undefined = {name for name, value in found.items() if math.isnan(value)}
    assert {"CC", "SCD", "VIF"} <= undefined
    assert undefined <= {"NMI", "CC", "SCD", "PSNR", "VIF", "Qabf", "Qw", "Qe", "MS_SSIM", "Qcv"}
    assert found["EN"] == found["SD"] == found["SF"] == found["AG"] == found["MI"] == 0
    for name in undefined:
        assert CONVENTIONS[convention][name].why_undefined((64, 50))


def test_a_flat_fused_image_of_a_real_scene_is_a_bad_one():
    rng = np.random.default_rng(1)
    infrared, visible = rng.integers(0, 256, (2, 64, 50), dtype=np.uint8)
    found = score(np.full((64, 50), 100, np.uint8), infrared, visible)
    assert {name for name, value in found.items() if math.isnan(value)} == {"CC", "MS_SSIM"}
    assert found["FMI_pixel"] == found["FMI_gradient"] == found["VIF"] == 0
    assert found["Qabf"] < 0.1
    assert abs(found["SSIM"]) < 0.1


def test_what_an_image_is_too_small_for_is_said():
    image = np.arange(64, dtype=np.uint8).reshape(8, 8)
    found = score(image, image.T.copy(), image[::-1].copy())
    for name, least in (("SSIM", 11), ("VIF", 41), ("MS_SSIM", 161)):
        assert math.isnan(found[name])
        assert METRICS[name].why_undefined((8, 8)) == f"image smaller than {least} x {least} pixels"


@pytest.mark.parametrize("name", METRICS)
def test_the_minimum_side_is_the_smallest_that_works(name):
    side = METRICS[name].minimum_side
    images = np.random.default_rng(2).integers(0, 256, (3, side, side), dtype=np.uint8)
    value = score(*images, [name])[name]
    assert not math.isnan(value) or side == 1  # a single pixel is flat


def test_shared_results_are_computed_once():
    calls = []

    def mean(image):
        calls.append(1)
        return image.mean()

    triple = Triple(*(np.full((4, 4), value, np.uint8) for value in (1, 2, 3)))
    assert triple.once(mean, "visible") == triple.once(mean, "visible") == 3
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("border", "mode"), [("valid", None), ("zero", "constant"), ("mirror", "reflect"), ("repeat", "edge")]
)
def test_a_separable_filter_weighs_every_window(border, mode):
    image = np.random.default_rng(0).random((20, 23))
    column, row = gaussian(7, 1.3), np.array([-1.0, 0, 2])
    padded = image if mode is None else np.pad(image, ((3, 3), (1, 1)), mode=mode)
    expected = (sliding_window_view(padded, (7, 3)) * np.outer(column, row)).sum(axis=(2, 3))
    np.testing.assert_allclose(separable(image, column, row, border), expected, atol=1e-12)


def test_windows_of_an_even_size_inside_the_image():
    image, column, row = np.random.default_rng(0).random((11, 13)), np.arange(4.0), np.arange(1.0, 9)
    expected = (sliding_window_view(image, (4, 8)) * np.outer(column, row)).sum(axis=(2, 3))
    np.testing.assert_allclose(separable(image, column, row, "valid"), expected, atol=1e-12)


@pytest.mark.parametrize("size", [(16, 16), (17, 16), (16, 17), (31, 37), (2, 2), (1, 9), (9, 1), (1, 1)])
def test_a_transfer_function_meets_its_frequencies(size):
    image = np.random.default_rng(0).random(size)
    transfer = np.random.default_rng(1).random((size[0] // 2 + 1, size[1] // 2 + 1))
    v = np.minimum(np.arange(size[0]), size[0] - np.arange(size[0]))  # symmetric, as those of the eye are
    full = transfer[v][:, np.minimum(np.arange(size[1]), size[1] - np.arange(size[1]))]
    expected = np.fft.ifft2(np.fft.fft2(image) * full).real
    np.testing.assert_allclose(filter_by(image, transfer[v]), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        ([np.zeros((4, 5), np.uint8), np.zeros((4, 6), np.uint8), np.zeros((4, 5), np.uint8)], "infrared is 6x4"),
        ([np.zeros((4, 5), np.float32), np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8)], "8-bit gray"),
        ([np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8), np.zeros((4, 5), np.uint8)], "8-bit gray"),
    ],
)
def test_what_cannot_be_scored_is_said(images, message):
    with pytest.raises(InputError, match=message):
        score(*images)


def test_an_unknown_metric_is_answered_with_the_nearest():
    with pytest.raises(InputError, match="did you mean SSIM"):
        select(["SIM"], "standard")
    with pytest.raises(InputError, match="convention stretched"):
        select(["Qcv"], "stretched")


@pytest.mark.parametrize("metric", [*CONVENTIONS["standard"].values(), *CONVENTIONS["stretched"].values()])
def test_specs_are_complete(metric):
    assert metric.direction in ("higher", "lower")
    assert metric.low < metric.high
    assert all((metric.name, metric.title, metric.unit, metric.formula, metric.reference))
