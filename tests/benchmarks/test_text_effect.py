"""benchmarks/text_effect.py on networks whose effect is known."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from text2pixels.datasets.manifest import Pair
from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import CAR, PERSON, STREET_LIGHT

BENCHMARK = Path(__file__).parents[2] / "benchmarks/text_effect.py"
spec = importlib.util.spec_from_file_location("text_effect", BENCHMARK)
text_effect = importlib.util.module_from_spec(spec)
spec.loader.exec_module(text_effect)

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
    found = text_effect.effects(PAIR, PROMPT, NOUNS, fuse, np.random.default_rng(0))
    return {setting: dict(rows) for setting, rows in found.items()}


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


def test_the_table_gives_every_image_one_vote():
    effect = text_effect.Effect
    images = [[("a car", effect(3, 0, 0, 0)), ("a person", effect(1, 0, 0, 0))], [("a car", effect(6, 0, 0, 0))], []]
    lines = text_effect.report(images, 50)
    assert [line.split("  ")[0] for line in lines] == ["class", "a car", "a person", "all"]
    assert "+4.000" in lines[-1]
    assert lines[-1].split()[1:3] == ["2", "4.000"]
