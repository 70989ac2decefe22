"""What a name of params.yaml's section `methods` means, and how a user's own method joins the catalogue."""

from importlib.metadata import EntryPoint

import numpy as np
import pytest

from text2pixels.errors import InputError
from text2pixels.methods import catalogue
from text2pixels.methods.card import Card, Entry
from text2pixels.methods.catalogue import entry_of
from text2pixels.methods.convention import fuse_luminance


def darker(infrared_HW, visible_HW):
    return np.minimum(infrared_HW, visible_HW)


OWN = Entry(Card("darker", "Darker", "-"), "filter", f"{__name__}:darker")


def made():
    return OWN


@pytest.fixture
def install(monkeypatch):
    """Pretend that packages with these entry points are installed."""

    def pretend(*points):
        def entry_points(*, group):
            assert group == "text2pixels.methods"
            return [EntryPoint(name, place, group) for name, place in points]

        monkeypatch.setattr(catalogue, "entry_points", entry_points)
        catalogue.methods.cache_clear()

    yield pretend
    catalogue.methods.cache_clear()


@pytest.mark.parametrize("place", ["OWN", "made"])
def test_a_users_own_method_joins_by_an_entry_point(install, place):
    install(("darker", f"{__name__}:{place}"))
    assert catalogue.methods()["darker"] is OWN
    assert entry_of("darker") is OWN
    infrared = np.full((16, 16), 90, np.uint8)
    fused = fuse_luminance(catalogue.load("darker"), infrared, np.full((16, 16, 3), 200, np.uint8))
    assert (fused == 90).all()
    assert list(catalogue.methods())[:2] == ["infrared", "visible"]


@pytest.mark.parametrize(
    ("name", "place", "says"),
    [
        ("darker", "no_such_module:OWN", "'darker' .*no_such_module.* cannot be loaded"),
        ("darker", f"{__name__}:NOTHING", "'darker' .* cannot be loaded"),
        ("darker", f"{__name__}:__name__", "should give an Entry"),
        ("lighter", f"{__name__}:OWN", "'lighter' .* whose card has that name"),
        ("average", "text2pixels.methods.built_in:BUILT_IN", "should give an Entry"),
    ],
)
def test_a_broken_entry_point_is_one_line(install, name, place, says):
    install((name, place))
    with pytest.raises(InputError, match=says) as error:
        catalogue.methods()
    assert "\n" not in str(error.value)


def test_two_methods_never_share_a_name(install):
    install(("darker", f"{__name__}:OWN"), ("darker", f"{__name__}:made"))
    with pytest.raises(InputError, match="no other method's"):
        catalogue.methods()


@pytest.mark.parametrize("changes", [None, {}])
def test_an_unknown_name_without_changes_is_one_line_that_names_the_nearest(changes):
    with pytest.raises(InputError, match=r"unknown method 'avrage'; did you mean average.*avrage: \{train: ") as error:
        entry_of("avrage", changes)
    assert "\n" not in str(error.value)


def test_an_unknown_name_with_changes_is_a_variant_of_ours():
    entry = entry_of("joint", {"train": {"strategy": "joint"}})
    ours = entry_of("ours")
    assert (entry.kind, entry.card.name, entry.card.title) == ("ours", "joint", "text2pixels, joint")
    assert (entry.card.paper, entry.card.weights, entry.card.text) == (ours.card.paper, "trained here", True)


def test_ours_may_change_settings_and_stays_ours():
    assert entry_of("ours", {"train": {"seed": 1}}) == entry_of("ours")


@pytest.mark.parametrize("name", [name for name, entry in catalogue.methods().items() if entry.kind != "ours"])
def test_a_method_that_is_not_trained_here_has_no_settings_to_change(name):
    with pytest.raises(InputError, match=f"methods.{name}: is not trained here"):
        entry_of(name, {"train": {"seed": 1}})
