"""How floats become 8 bits, on methods whose output is known."""

from typing import get_args

import numpy as np
import pytest

from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise, restore_colour
from text2pixels.methods.card import Card, Rule
from text2pixels.methods.catalogue import load
from text2pixels.methods.convention import add_colour, fuse_luminance, fuse_picture, to_8_bits
from text2pixels.methods.method import Filter

GRAY = np.arange(256, dtype=np.uint8).reshape(16, 16)


def method(function, **entry):
    return Filter(Card("fake", "Fake", "none", **entry), function)


def rgb(gray):
    return np.repeat(gray[..., None], 3, axis=2)


def colourful(height=16, width=16):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def output_of(values, rule, convention):
    image = np.tile(np.float32(values), (8, 8 // len(values)))
    fake = method(lambda infrared, visible: image, eight_bits=rule)
    fused = fuse_luminance(fake, np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.uint8), convention=convention)
    return fused[0, : len(values)].tolist()


@pytest.mark.parametrize(
    ("rule", "standard"),
    [
        ("round", [0, 100, 101, 255]),
        ("truncate", [0, 100, 100, 255]),
        ("stretch to maximum", [0, 85, 85, 255]),
        ("stretch min-max", [0, 110, 110, 255]),
        ("stretch min-max, halves down", [0, 110, 110, 255]),
        ("stretch min-max, truncate", [0, 109, 109, 255]),
        ("truncate, stretch min-max, truncate", [0, 100, 100, 255]),
    ],
)
def test_the_entry_says_how_8_bits_are_made(rule, standard):
    values = [-50.0, 100.4, 100.5, 300.0]
    assert output_of(values, rule, "standard") == standard
    # Whatever the rule, the two other conventions are the same for all.
    assert output_of(values, rule, "unstretched") == [0, 100, 101, 255]


def test_stretched_clips_and_then_stretches_the_float_output():
    assert output_of([-50.0, 50.25, 100.5, 300.0], "round", "stretched") == [0, 50, 101, 255]
    # 20.4 and 20.8 round to 20 and 21: after that the stretch would be another.
    assert output_of([20.0, 20.4, 20.8, 21.0], "round", "stretched") == [0, 102, 204, 255]


def test_halves_of_a_stretch_go_up_with_scipy_and_down_with_imageio():
    values = [0.0, 100.0, 127.5, 255.0]
    assert output_of(values, "stretch min-max", "standard") == [0, 100, 128, 255]
    assert output_of(values, "stretch min-max, halves down", "standard") == [0, 100, 127, 255]


def test_what_was_truncated_is_stretched_and_truncated_again():
    values = [10.9, 50.9, 90.9, 110.9]  # 10, 50, 90, 110
    assert output_of(values, "truncate, stretch min-max, truncate", "standard") == [0, 102, 204, 255]


def test_an_rgb_image_is_stretched_over_its_three_channels_together():
    image = np.zeros((8, 8, 3), np.float32) + np.float32([50, 100, 150])
    assert to_8_bits(image, "truncate, stretch min-max, truncate")[0, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize("colour", ["visible", "own", "gray", "none"])
def test_the_card_says_where_the_colour_of_a_picture_comes_from(colour):
    own = np.zeros((16, 16, 3), np.float32) + np.float32([200, 100, 50])
    gray = luminance(own.astype(np.uint8))
    fake = method(lambda infrared, visible: own if colour == "own" else gray * 255, colour=colour, visible="rgb")
    visible = colourful()
    picture = fuse_picture(fake, GRAY, visible)
    if colour == "own":
        np.testing.assert_array_equal(picture, own)
    elif colour == "visible":
        np.testing.assert_array_equal(picture, restore_colour(quantise(gray), visible))
    else:
        np.testing.assert_array_equal(picture, quantise(gray))
    np.testing.assert_array_equal(fuse_picture(fake, GRAY, visible, gray=True), quantise(gray))
    # The chroma of the visible goes to pages and detectors, but of a method that is nothing but gray.
    assert add_colour(fake.card, quantise(gray), visible).ndim == (2 if colour == "none" else 3)


@pytest.mark.parametrize("rule", get_args(Rule))
def test_flat_and_black_outputs_do_not_divide_by_zero(rule):
    with np.errstate(all="raise"):
        assert (to_8_bits(np.zeros((4, 4), np.float32), rule) == 0).all()
        flat = to_8_bits(np.full((4, 4), 7, np.float32), rule)
    assert (flat == (255 if rule == "stretch to maximum" else 7)).all()


def test_gray_values_come_through_exactly():
    for name, image in (("infrared", GRAY), ("visible", GRAY)):
        fused = fuse_luminance(load(name), GRAY, rgb(image))
        np.testing.assert_array_equal(fused, GRAY)


def test_average_rounds_half_up():
    other = GRAY[::-1].copy()
    fused = fuse_luminance(load("average"), GRAY, rgb(other))
    np.testing.assert_array_equal(fused, (GRAY.astype(int) + other + 1) // 2)


def test_luminance_is_rounded_only_where_the_authors_round():
    seen = {}

    def keep(name):
        def function(infrared, visible):
            seen[name] = visible
            return visible

        return function

    visible = colourful()
    fuse_luminance(method(keep("unrounded")), GRAY, visible)
    fuse_luminance(method(keep("rounded"), visible="rounded luminance"), GRAY, visible)
    np.testing.assert_array_equal(seen["unrounded"], luminance(visible) * np.float32(255))
    np.testing.assert_array_equal(seen["rounded"], quantise(luminance(visible)))


def test_networks_of_rgb_images_are_truncated_by_channel_before_they_turn_gray():
    image = np.full((8, 8, 3), 10.9, np.float32)
    fake = method(lambda infrared, visible: image, eight_bits="truncate")
    images = np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.uint8)
    assert (fuse_luminance(fake, *images) == 10).all()
    assert (fuse_luminance(fake, *images, convention="unstretched") == 11).all()


def test_pairs_that_cannot_be_fused_are_refused():
    average = load("average")
    with pytest.raises(InputError, match="infrared is 16x16 and the visible 20x16"):
        fuse_luminance(average, GRAY, colourful(16, 20))
    with pytest.raises(InputError, match="expected 8-bit gray"):
        fuse_luminance(average, GRAY.astype(np.uint16), colourful())
    with pytest.raises(InputError, match="expected 8-bit RGB"):
        fuse_luminance(average, GRAY, GRAY)
    with pytest.raises(InputError, match="at least 8"):
        fuse_luminance(average, GRAY[:4], colourful(4, 16))


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda infrared, visible: visible[:-1], "of the shape"),
        (lambda infrared, visible: infrared * np.nan, "no numbers"),
    ],
)
def test_a_method_that_gives_no_image_of_the_pair_is_named(function, said):
    fake = method(function)
    with pytest.raises(InputError, match=f"fake gave an image.* {said}"):
        fuse_luminance(fake, GRAY, colourful())
