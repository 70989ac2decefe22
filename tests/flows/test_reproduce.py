import pytest

from flows.reproduce import _MADE_UP


@pytest.mark.parametrize("name", ["shiny-walrus", "Incredible-Saiga", "beta317-napinne-sector"])
def test_names_that_prefect_makes_up_are_known(name):
    assert _MADE_UP.fullmatch(name)


@pytest.mark.parametrize("name", ["twenty epochs", "ablation-2", "roadscene", "demo 11-29 10:42:14"])
def test_names_that_people_give_are_left(name):
    assert not _MADE_UP.fullmatch(name)
