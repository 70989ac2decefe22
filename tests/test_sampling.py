"""A few of many: evenly spread, the first and the last among them."""

import pytest

from text2pixels.sampling import spread


@pytest.mark.parametrize(
    ("many", "count", "expected"),
    [(5, 3, [0, 2, 4]), (9, 2, [0, 8]), (100, 4, [0, 33, 66, 99]), (3, 3, [0, 1, 2]), (2, 8, [0, 1]), (0, 4, [])],
)
def test_the_first_the_last_and_what_lies_evenly_between(many, count, expected):
    assert spread(range(many), count) == expected
