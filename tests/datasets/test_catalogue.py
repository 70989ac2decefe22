"""Which adapter a data set has, and whether it is aligned: one answer each, whatever the data set is called."""

import pytest

from text2pixels import config
from text2pixels.datasets.catalogue import DATASETS, adapter_of, is_aligned
from text2pixels.errors import InputError


@pytest.mark.parametrize("adapter", DATASETS)
def test_a_data_set_of_any_name_has_the_adapter_that_its_options_name(adapter):
    found = adapter_of("yard", config.Source(options={"adapter": adapter}))
    assert found.name == "yard"
    assert (found.title, found.home, found.classes) == (
        DATASETS[adapter].title,
        DATASETS[adapter].home,
        DATASETS[adapter].classes,
    )


@pytest.mark.parametrize("name", DATASETS)
def test_without_that_option_the_name_says_it(name):
    assert adapter_of(name, config.Source()) == DATASETS[name]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("roadscen", {}, "unknown data set 'roadscen'; did you mean roadscene"),
        ("yard", {}, "datasets.yard.options.adapter: folder"),
        ("yard", {"adapter": "foldr"}, "unknown data set 'foldr'; did you mean folder"),
        ("yard", {"adapter": ["folder"]}, "unknown data set"),
    ],
)
def test_an_unknown_one_gets_one_line_that_says_how_to_name_it(name, options, message):
    with pytest.raises(InputError, match=message) as error:
        adapter_of(name, config.Source(options=options))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "aligned", "options", "expected"),
    [
        ("simulator", True, {}, True),
        ("simulator", True, {"misalign": 0.1}, False),
        ("simulator", False, {}, False),
        ("night", True, {"adapter": "simulator"}, True),
        ("night", True, {"adapter": "simulator", "misalign": 0.1}, False),
        ("roadscene", True, {}, True),
        ("yard", True, {"adapter": "folder"}, True),
        ("yard", False, {"adapter": "folder"}, False),
        # The name of a data set says nothing where its options do.
        ("simulator", True, {"adapter": "folder"}, True),
    ],
)
def test_alignment_is_declared_and_not_drawn_otherwise(name, aligned, options, expected):
    source = config.Source(aligned=aligned, options=options)
    assert is_aligned(adapter_of(name, source), source) is expected
