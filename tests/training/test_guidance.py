"""Phrases come and go at random in training, and the mask is where the shown ones point."""

import numpy as np
import pytest
import torch

from text2pixels.image.boxes import Box
from text2pixels.prompts.phrases import STRANGERS, SYNONYMS, noun, speaks_of
from text2pixels.training.guidance import emphasised, mask_of, named, pointing, shown

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
def test_a_phrase_names_the_boxes_of_its_class(phrase):
    assert named([phrase], BOXES) == BOXES[:1]


@pytest.mark.parametrize("phrase", ["a carpet", "at night", "a dog", "personal"])
def test_other_phrases_name_nothing(phrase):
    assert named([phrase], BOXES) == ()


def test_a_mask_is_1_in_the_boxes():
    expected = torch.zeros(12, 20)
    expected[1:5, 2:5] = 1
    assert torch.equal(mask_of(BOXES[:1], 12, 20), expected)


def test_a_common_class_that_a_labelled_pair_does_not_show_is_named_now_and_then():
    absent = [any(speaks_of(phrase, noun("bicycle")) for phrase in phrases) for phrases in MANY]
    assert np.mean(absent) == pytest.approx(0.3, abs=0.05)
    unknown = [shown(("at night",), (), np.random.default_rng(seed)) for seed in range(200)]
    assert not any("a bicycle" in phrases or "a car" in phrases for phrases in unknown)


def scene(level):
    """A box of one level with a texture, on a ground of .4."""
    image = torch.full((1, 1, 60, 60), 0.4)
    image[..., 20:40, 20:40] = level + 0.05 * torch.linspace(-1, 1, 20)
    return image


@pytest.mark.parametrize("level", [0.55, 0.25])
def test_emphasis_raises_an_objects_contrast_and_texture_whichever_way_it_stands_out(level):
    plain = scene(level)
    target, weight = emphasised(plain, [[Box("person", 20, 20, 20, 20)]])
    middle = (0, 0, slice(26, 34), slice(26, 34))
    assert ((target - 0.4) / (plain - 0.4))[middle].mean() == pytest.approx(2, rel=0.02)
    assert target[middle].std() == pytest.approx(2 * plain[middle].std().item(), rel=0.02)
    outside = torch.ones(60, 60, dtype=torch.bool)
    outside[20:40, 20:40] = False
    assert torch.equal(target[0, 0][outside], plain[0, 0][outside])
    assert weight[0, 0][outside].sum() == 0
    assert weight.sum().item() == pytest.approx(1)


def test_what_is_bright_already_stays_as_it_is():
    plain = scene(0.9)
    target, _ = emphasised(plain, [[Box("person", 20, 20, 20, 20)]])
    assert target.max() <= plain.max().clamp(min=0.95)
    assert (target >= plain)[0, 0, 26:34, 26:34].all()


def test_emphasis_has_no_step_at_the_edge_of_a_box():
    plain = scene(0.6)
    change = emphasised(plain, [[Box("person", 20, 20, 20, 20)]])[0] - plain
    assert change[0, 0, 20, 20:40].abs().max() < 0.01


def test_every_class_counts_alike_and_in_it_every_box():
    boxes = [Box("person", 0, 0, 20, 20), Box("person", 30, 0, 20, 20), Box("car", 0, 30, 20, 20)]
    _, weight = emphasised(torch.rand(1, 1, 60, 60), [boxes])
    parts = [weight[0, 0, :20, :20], weight[0, 0, :20, 30:50], weight[0, 0, 30:50, :20]]
    assert [part.sum().item() for part in parts] == pytest.approx([0.25, 0.25, 0.5])


def test_where_an_unlabelled_pairs_objects_are_is_not_known():
    assert pointing("a car", labelled=True)
    assert not pointing("a car", labelled=False)
    assert pointing("a dog", labelled=True)
    assert pointing("a dog", labelled=False)
    assert not pointing("at night", labelled=True)
