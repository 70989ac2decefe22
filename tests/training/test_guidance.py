"""Phrases come and go at random in training, and the mask is where the shown ones point."""

import numpy as np
import pytest
import torch

from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import STRANGERS, SYNONYMS, noun, speaks_of
from text2pixels.training.guidance import named, pointing, shown

BOXES = (Box("person", 2, 1, 3, 4), Box("car", 10, 5, 6, 3))
PROMPT = ("a person", "two people on the left", "a car", "at night")
MANY = [shown(PROMPT, BOXES, np.random.default_rng(seed)) for seed in range(2000)]


def test_a_class_is_named_in_half_of_the_cases_whatever_the_other_is():
    named_person = [any(speaks_of(phrase, noun("person")) for phrase in phrases) for phrases in MANY]
    named_car = [any(speaks_of(phrase, noun("car")) for phrase in phrases) for phrases in MANY]
    assert np.mean(named_person) == pytest.approx(0.5, abs=0.05)
    assert np.mean(named_car) == pytest.approx(0.5, abs=0.05)
    assert abs(np.corrcoef(named_person, named_car)[0, 1]) < 0.15


def test_phrases_of_a_class_stay_or_go_together():
    for phrases in MANY:
        assert ("a person" in phrases) == ("two people on the left" in phrases)


def test_phrases_that_name_no_class_always_stay():
    assert all("at night" in phrases for phrases in MANY)


def test_synonyms_and_strangers_turn_up_now_and_then():
    synonyms = {phrase for others in SYNONYMS.values() for phrase in others}
    strangers = {each.one for each in STRANGERS}
    assert 0.1 < np.mean([bool(synonyms & set(phrases)) for phrases in MANY]) < 0.4
    assert np.mean([bool(strangers & set(phrases)) for phrases in MANY]) == pytest.approx(0.3, abs=0.05)


def test_no_prompt_stays_no_prompt():
    assert all(shown((), BOXES, np.random.default_rng(seed)) == () for seed in range(50))


@pytest.mark.parametrize("phrase", ["a person", "people on the right", "a warm person", "a woman"])
def test_the_mask_is_the_boxes_of_the_named_class(phrase):
    mask = named([phrase], BOXES, 12, 20)
    expected = torch.zeros(1, 12, 20)
    expected[:, 1:5, 2:5] = 1
    assert torch.equal(mask, expected)


@pytest.mark.parametrize("phrase", ["a carpet", "at night", "a dog", "personal"])
def test_other_phrases_point_nowhere(phrase):
    assert not named([phrase], BOXES, 12, 20).any()


def test_where_an_unlabelled_pairs_objects_are_is_not_known():
    assert pointing("a car", labelled=True)
    assert not pointing("a car", labelled=False)
    assert pointing("a dog", labelled=True)
    assert pointing("a dog", labelled=False)
    assert not pointing("at night", labelled=True)
