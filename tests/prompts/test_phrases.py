from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from text2pixels.image.boxes import Box
from text2pixels.prompts import phrases

boxes = st.lists(
    st.builds(
        Box,
        category=st.sampled_from(["People", "car", "Lamp", "Bus"]),
        x=st.floats(0, 500, width=32),
        y=st.floats(0, 300, width=32),
        w=st.floats(1, 140, width=32),
        h=st.floats(1, 180, width=32),
    ),
    max_size=12,
)


def test_objects_are_named_counted_sized_and_placed():
    people = [Box("People", 10, 100, 30, 200), Box("People", 60, 100, 30, 200), Box("Car", 600, 200, 20, 20)]
    assert phrases.of_objects(people, 640, 480) == [
        "a person",
        "two people",
        "large people on the left",
        "a car",
        "a small car on the right",
    ]


def test_a_group_of_mixed_sizes_gets_no_adjective():
    pair = [Box("car", 300, 100, 20, 20), Box("car", 310, 100, 100, 100)]
    assert "cars in the middle" in phrases.of_objects(pair, 640, 480)


@pytest.mark.parametrize(
    ("category", "one", "many"),
    [
        ("Motorcycle", "a motorcycle", "motorcycles"),
        ("Lamp", "a street light", "street lights"),
        ("traffic_light", "a traffic light", "traffic lights"),
        ("Armoured-Car", "an armoured car", "armoured cars"),
        ("<b>cow</b>", "a <b>cow</b>", "<b>cow</b>s"),
    ],
)
def test_categories_have_english_names(category: str, one: str, many: str):
    assert phrases.noun(category) == phrases.Noun(one, many)


@given(boxes, st.randoms(use_true_random=False))
def test_the_order_of_boxes_does_not_matter(made, random):
    shuffled = list(made)
    random.shuffle(shuffled)
    assert phrases.of_objects(made, 640, 480) == phrases.of_objects(shuffled, 640, 480)


@given(boxes)
def test_phrases_are_tidy_and_distinct(made):
    described = phrases.of_objects(made, 640, 480)
    assert described == [phrases.tidy(phrase) for phrase in described] == phrases.unique(described)


@given(st.text())
def test_tidying_twice_changes_nothing(text):
    assert phrases.tidy(phrases.tidy(text)) == phrases.tidy(text)


def test_the_published_table_knows_every_object():
    table = Path(__file__).parents[2] / "../shared/clip/phrases_vit_b32.parquet"
    if not table.is_file():
        pytest.skip("needs the published phrase vectors in ../shared/clip")
    known = set(pq.read_table(table)["phrase"].to_pylist())
    assert {noun.one for noun in phrases.NOUNS.values()} <= known


@pytest.mark.parametrize("phrase", ["two people", "a small person on the left", "a woman"])
def test_a_phrase_names_a_noun_or_a_synonym(phrase: str):
    assert phrases.speaks_of(phrase, phrases.PERSON)


@pytest.mark.parametrize("phrase", ["a carpet", "a cart", "a woman", ""])
def test_a_part_of_a_word_names_nothing(phrase: str):
    assert not phrases.speaks_of(phrase, phrases.CAR)
