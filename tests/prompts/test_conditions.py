import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from text2pixels.image.boxes import Box
from text2pixels.image.colour import luminance
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.prompts import conditions


def test_a_bright_sky_means_day(scene):
    assert conditions.time_of_day(conditions.measure(*scene())) == "day"


def test_a_dark_picture_means_night(scene):
    assert conditions.time_of_day(conditions.measure(*scene(sky=0.03, ground=0.1))) == "night"


def test_a_tinted_picture_without_sky_means_night(scene):
    visible, infrared = scene(sky=0.35, ground=0.4, tint=(1, 0.9, 0.6))
    visible[5:15, ::4] = 255  # lamps
    assert conditions.time_of_day(conditions.measure(visible, infrared)) == "night"


def test_a_gray_picture_without_sky_may_be_anything(scene):
    visible, infrared = scene(sky=0.35, ground=0.4)
    visible[5:15, ::4] = 255
    assert conditions.time_of_day(conditions.measure(visible, infrared)) == "unknown"


@pytest.mark.parametrize(("tint", "phrase"), [((1, 1, 0.9), "thick fog"), ((1, 1, 1), "poor visibility")])
def test_a_veil_is_fog_only_where_colour_shows_that_it_is_no_smoke(scene, tint, phrase):
    measured = conditions.measure(*scene(sky=0.75, ground=0.6, tint=tint, haze=0.8))
    assert conditions.of_weather(measured, "day") == [phrase]


@pytest.mark.parametrize(("columns", "glare"), [(80, False), (20, True)])
def test_glare_is_a_round_saturated_area(scene, columns, glare):
    visible, infrared = scene(sky=0.6)
    rows, places = np.mgrid[:120, :160]
    visible[((rows - 30) / 10) ** 2 + ((places - 80) / columns * 2) ** 2 < 1] = 255
    described = conditions.of_visible(conditions.measure(visible, infrared), "day")
    assert ("glare" in described) is glare


def test_smoke_that_leaves_parts_clear_is_not_called_fog(scene):
    measured = replace(conditions.measure(*scene()), contrast=0.3, haze=0.8, colour=0.05)
    assert conditions.of_weather(measured, "day") == ["poor visibility"]


def test_a_blue_sky_means_clear_weather(scene):
    measured = conditions.measure(*scene(tint=(0.85, 0.95, 1)))
    assert conditions.of_weather(measured, "day") == ["clear weather"]


def test_heat_and_invisibility_of_objects(scene):
    visible, infrared = scene()
    visible[:] = 100
    person, wall = Box("person", 20, 60, 15, 50), Box("car", 80, 60, 30, 30)
    described = conditions.of_objects([person, wall], luminance(visible), infrared)
    assert described == ["a car hard to see", "a warm person", "a person hard to see"]


def test_a_box_that_fills_the_frame_or_lies_outside_says_nothing_of_heat(scene):
    visible, infrared = scene()
    for box in (Box("car", 0, 0, 160, 120), Box("car", 400, 400, 10, 10)):
        assert not [p for p in conditions.of_objects([box], luminance(visible), infrared) if "warm" in p or "cold" in p]


@pytest.mark.parametrize("level", [0, 255])
def test_flat_pictures_are_measured_without_a_division_by_zero(level):
    measured = conditions.measure(np.full((40, 50, 3), level, np.uint8), np.full((40, 50), level, np.uint8))
    values = np.array(list(vars(measured).values()))
    assert np.isfinite(values).all()
    assert (values >= 0).all()
    assert (values <= 1).all()


def test_levels_are_quantiles():
    image = np.random.default_rng(0).integers(0, 256, (50, 60), dtype=np.uint8)
    expected = np.quantile(image, (0.05, 0.5, 0.99), method="inverted_cdf") / 255
    assert np.allclose(conditions._levels(conditions._histogram(image), 0.05, 0.5, 0.99), expected)


def test_the_time_of_day_is_never_wrong_on_labelled_roadscene_pairs():
    folder = Path(__file__).parents[2] / "../shared/data/RoadScene"
    if not folder.is_dir():
        pytest.skip("needs the RoadScene pairs in ../shared/data")
    labelled = json.loads((folder / "annotations.json").read_text())["images"][::5]
    found = []
    for image in labelled:
        visible = read_rgb(folder / "crop_LR_visible" / image["file_name"])
        infrared = read_gray(folder / "cropinfrared" / image["file_name"])
        found.append((image["time_of_day"], conditions.time_of_day(conditions.measure(visible, infrared))))
    assert sum(told == "unknown" for _, told in found) <= len(found) // 5
    assert all(told in (true, "unknown") for true, told in found)
