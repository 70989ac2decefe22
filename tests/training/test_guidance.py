"""Classes are named at random whether they are there or not; what is named stands out, and nothing else moves."""

import numpy as np
import pytest
import torch

from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import STRANGERS, SYNONYMS, noun, speaks_of
from text2pixels.training.guidance import cover, emphasised, prompt

PERSON, CAR = noun("person"), noun("car")
OWN = ("a person", "two people on the left", "a car", "at night")


def drawn(known=lambda phrase: True, own=OWN):
    return [prompt(own, [PERSON, CAR], known, np.random.default_rng(seed)) for seed in range(2000)]


MANY = drawn()


def test_a_class_is_named_half_of_the_time_whatever_the_other_is_and_never_is_nothing_named():
    named = np.array([[any(each.noun == kind for each in one) for kind in (PERSON, CAR)] for one in MANY])
    assert named.any(axis=1).all()
    # half of the cases, and of those in which neither would be named, half
    assert named.mean(axis=0) == pytest.approx(0.625, abs=0.04)


def test_each_phrase_points_to_the_class_that_it_speaks_of_and_each_class_is_named_once():
    for one in MANY:
        classes = [each.noun for each in one if each.noun is not None]
        assert len(set(classes)) == len(classes)
        assert all(speaks_of(each.phrase, each.noun) for each in one if each.noun is not None)


def test_other_words_and_strangers_turn_up_now_and_then():
    phrases = [{each.phrase for each in one} for one in MANY]
    synonyms = {phrase for others in SYNONYMS.values() for phrase in others}
    strangers = {each.one for each in STRANGERS}
    assert 0.1 < np.mean([bool(synonyms & one) for one in phrases]) < 0.5
    assert 0 < np.mean(["two people on the left" in one for one in phrases]) < 0.1
    assert np.mean([bool(strangers & one) for one in phrases]) == pytest.approx(0.4, abs=0.05)
    assert all(each.noun is None for one in MANY for each in one if each.phrase in strangers)


def test_a_phrase_without_a_vector_is_never_shown():
    shown = {each.phrase for one in drawn(known={"a person", "a car", "a woman"}.__contains__) for each in one}
    assert shown == {"a person", "a car", "a woman"}


def test_cover_is_the_share_of_a_token_and_the_smaller_of_two_boxes_counts():
    boxes = [Box("car", 0, 0, 32, 16), Box("person", 8, 0, 4, 16), Box("dog", 0, 16, 16, 8)]
    found = cover(boxes, [CAR, PERSON], 24, 32)
    assert found.shape == (2, 3, 4)
    assert found[0].tolist() == [[1, 0.5, 1, 1], [1, 0.5, 1, 1], [0, 0, 0, 0]]
    assert found[1].tolist() == [[0, 0.5, 0, 0], [0, 0.5, 0, 0], [0, 0, 0, 0]]


def scene(level):
    """A flat picture of 0.5 with an object of another level, and its box."""
    plain = torch.full((1, 1, 40, 60), 0.5)
    plain[..., 10:30, 20:40] = level
    return plain, Box("person", 20, 10, 20, 20)


@pytest.mark.parametrize("level", [0.8, 0.2])
def test_what_is_named_differs_more_from_what_is_around_it_and_least_at_its_edge(level):
    plain, box = scene(level)
    target, weight = emphasised(plain, [[box]])
    change = (target - plain)[0, 0]
    assert change[20, 30] == pytest.approx(0.5 * (level - 0.5), abs=1e-6)  # half as much again
    assert change[20, 20].abs() < 0.1 * change[20, 30].abs()
    outside = torch.ones(40, 60, dtype=torch.bool)
    outside[10:30, 20:40] = False
    assert (change[outside] == 0).all()
    assert weight[0, 0][~outside].sum() == pytest.approx(1)
    assert weight[0, 0][outside].sum() == pytest.approx(1)


def test_texture_grows_and_nothing_burns_out():
    plain, box = scene(0.9)
    plain[..., 18:22, 20:40] = 0.93
    target, _ = emphasised(plain, [[box]])
    assert target.max() <= 0.95
    dark, box = scene(0.3)
    dark[..., 18:22, 20:40] = 0.34
    target, _ = emphasised(dark, [[box]])
    assert (target[0, 0, 20, 30] - target[0, 0, 25, 30]) > 1.4 * 0.04


def test_every_class_counts_alike_and_every_box_in_it():
    plain = torch.rand(2, 1, 40, 60, generator=torch.Generator().manual_seed(0))
    boxes = [Box("person", 2, 2, 10, 10), Box("person", 20, 2, 12, 20), Box("car", 40, 20, 16, 10)]
    _, weight = emphasised(plain, [boxes, []])
    within = [weight[0, 0, int(b.y) : int(b.y + b.h), int(b.x) : int(b.x + b.w)].sum().item() for b in boxes]
    assert within == pytest.approx([0.25, 0.25, 0.5])
    assert weight.sum(dim=(1, 2, 3)).tolist() == pytest.approx([2, 1])  # an image without names: all of it stays
