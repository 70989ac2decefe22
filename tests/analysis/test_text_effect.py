"""How much a phrase changes its objects: networks whose effect is known."""

import numpy as np
import pytest

from text2pixels.analysis import text_effect
from text2pixels.datasets.manifest import Pair
from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import CAR, PERSON, STREET_LIGHT

PLACES = {"a car": np.s_[:4, :4], "a person": np.s_[4:, 4:]}
NOUNS = (CAR, PERSON, STREET_LIGHT)
PROMPT = ["at night", "a car", "a person", "a person hard to see"]
PAIR = Pair(
    "d/p",
    "d",
    "p",
    "test",
    "i",
    "v",
    8,
    8,
    "",
    "",
    labelled=True,
    boxes=(Box("Car", 0, 0, 4, 4), Box("People", 4, 4, 4, 4)),
)


def pointed(phrases):
    """Each phrase lights its own boxes by 2 levels, the street light everything by 1."""
    image = np.full((8, 8), 100, np.float32)
    for phrase, place in PLACES.items():
        image[place] += 2 * (phrase in phrases)
    return image + ("a street light" in phrases)


def blind(phrases):
    """Any text lights the cars' place."""
    image = np.zeros((8, 8), np.float32)
    image[PLACES["a car"]] = len(phrases)
    return image


def measure(fuse):
    in_the_prompt = text_effect.in_the_prompt(PAIR, PROMPT, NOUNS, fuse, np.random.default_rng(0))
    return {"alone": dict(text_effect.alone(PAIR, NOUNS, fuse)), "in the prompt": dict(in_the_prompt)}


def test_a_network_that_lights_what_is_named():
    found = measure(pointed)
    car = found["alone"]["a car"]
    assert (car.inside, car.outside) == (2, 0)
    # The controls are the person, who lights 16 of the 48 pixels outside, and the street light.
    assert car.control_inside == 0.5
    assert car.control_outside == pytest.approx((2 / 3 + 1) / 2)
    assert car.specific > car.favour > 0
    assert found["in the prompt"]["a car"].inside == 2
    assert found["in the prompt"]["a car"].outside == 0
    # Two phrases name the person and only one another class: no control, no row.
    assert "a person" not in found["in the prompt"]


def test_a_network_that_lights_cars_whatever_is_said_is_not_specific():
    car = measure(blind)["alone"]["a car"]
    assert car.favour == 1
    assert car.specific == 0


def test_boxes_beyond_the_frame_are_cut():
    mask = text_effect.mask_of([Box("Car", -3, 2, 5, 100)], 6, 4)
    assert mask.sum() == 2 * 4
    assert mask[2:, :2].all()


def test_in_the_last_row_every_image_has_one_vote():
    effect = text_effect.Effect
    images = [[("a car", effect(3, 0, 0, 0)), ("a person", effect(1, 0, 0, 0))], [("a car", effect(6, 0, 0, 0))], []]
    found = text_effect.rows(images, 50)
    assert [(row.phrase, row.images) for row in found] == [("a car", 2), ("a person", 1), ("all", 2)]
    assert found[-1].inside == found[-1].favour.mean == found[-1].specific.mean == 4


def test_a_class_that_does_not_count_is_left_out():
    assert [phrase for phrase, _ in text_effect.alone(PAIR, [CAR, STREET_LIGHT], pointed)] == ["a car"]
