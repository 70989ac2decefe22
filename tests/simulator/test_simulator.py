from itertools import chain

import cv2
import numpy as np
import pytest

from text2pixels.datasets.manifest import TIMES_OF_DAY
from text2pixels.errors import InputError
from text2pixels_simulator import CATEGORIES, CONDITIONS, announce, scene, simulate, splits, true_homography
from text2pixels_simulator.bodies import Vehicle
from text2pixels_simulator.boxes import Painted, find_boxes
from text2pixels_simulator.canvas import SUPERSAMPLING, Camera, Canvas
from text2pixels_simulator.furniture import Lamp, paint_lamp
from text2pixels_simulator.people import draw_person, paint_person
from text2pixels_simulator.street import draw_street, paint_ground, paint_sky
from text2pixels_simulator.vehicles import paint_vehicle
from text2pixels_simulator.weather import draw_weather

SIZE = {"width": 320, "height": 256}


def camera(margin=0):
    return Camera(320, 256, margin, focal=330.0, centre=160.0, horizon=105.0, x=0.0, y=1.4, bend=0.0)


def backdrop(condition="night"):
    weather = draw_weather(np.random.default_rng(3), condition)
    canvas = Canvas(camera())
    paint_sky(canvas, weather)
    paint_ground(canvas, weather, draw_street(np.random.default_rng(4)), np.random.default_rng(5))
    return canvas, weather


def car(x, z, running=True, yaw=0.3):
    return Vehicle("Car", x, z, yaw, running, False, (0.5, 0.1, 0.1), (0.5, 0.5, 0.5), 0.2, 0.3)


def contrast(image, box):
    """Mean inside the middle of a box less the mean of a ring around the box."""
    y0, y1, x0, x1 = int(box.y), int(box.y + box.h), int(box.x), int(box.x + box.w)
    ring = np.zeros(image.shape, dtype=bool)
    ring[max(y0 - 4, 0) : y1 + 4, max(x0 - 4, 0) : x1 + 4] = True
    ring[y0:y1, x0:x1] = False
    core = image[y0 + int(box.h * 0.15) : y1 - int(box.h * 0.45), x0 + int(box.w * 0.3) : x1 - int(box.w * 0.3)]
    return float(core.mean()) - float(image[ring].mean())


def test_the_same_index_and_seed_give_the_same_scene_and_others_do_not():
    first, again = simulate(7, seed=3, **SIZE), simulate(7, seed=3, **SIZE)
    assert np.array_equal(first.infrared, again.infrared)
    assert np.array_equal(first.visible, again.visible)
    assert first.boxes == again.boxes
    for other in (simulate(7, seed=4, **SIZE), simulate(12, seed=3, **SIZE)):
        assert other.condition == first.condition
        assert not np.array_equal(first.visible, other.visible)


@pytest.mark.parametrize("index", [0, 1, 2, 8])
def test_a_pair_is_announced_as_it_is_drawn(index):
    drawn = simulate(index, seed=5, misalign=0.03, **SIZE)
    assert announce(index, 5) == (drawn.name, drawn.time_of_day)
    assert np.array_equal(true_homography(index, seed=5, misalign=0.03, **SIZE), drawn.homography)


def test_splits_have_the_sizes_asked_for_and_every_condition():
    indices = {"train": [], "val": [], "test": []}
    for split, index in splits(15, 5, 10):
        indices[split].append(index)
    assert {split: len(each) for split, each in indices.items()} == {"train": 15, "val": 5, "test": 10}
    assert sorted(chain.from_iterable(indices.values())) == list(range(30))
    for each in indices.values():
        conditions = [CONDITIONS[index % len(CONDITIONS)] for index in each]
        assert all(conditions.count(condition) == len(each) // 5 for condition in CONDITIONS)
    assert announce(next(splits(15, 5, 10))[1], seed=0)[0] == "day-00000"


@pytest.mark.parametrize(("width", "height"), [(64, 64), (48, 200), (640, 360), (1280, 1024)])
def test_any_size(width, height):
    one = simulate(3, width=width, height=height)
    assert one.infrared.shape == (height, width)
    assert one.infrared.dtype == np.uint8
    assert one.visible.shape == (height, width, 3)
    assert one.visible.dtype == np.uint8
    assert one.time_of_day in TIMES_OF_DAY
    assert np.array_equal(one.homography, np.eye(3))


def test_every_box_is_the_visible_extent_of_one_object(monkeypatch):
    seen = []

    def spy(owners, painted, visible, celsius):
        boxes = find_boxes(owners, painted, visible, celsius)
        extents = set()
        for owner in painted:
            rows, columns = np.nonzero(owners == owner)
            if len(rows):
                low, high = (columns.min(), rows.min()), (columns.max() + 1, rows.max() + 1)
                extents.add((painted[owner].category, *(v / SUPERSAMPLING for v in (*low, *high))))
        seen.append((extents, boxes))
        return boxes

    monkeypatch.setattr(scene, "find_boxes", spy)
    for index in range(5):
        simulate(index, **SIZE)
    assert sum(len(boxes) for _, boxes in seen) > 20
    for extents, boxes in seen:
        for box in boxes:
            assert (box.category, box.x, box.y, box.x + box.w, box.y + box.h) in extents
            assert box.category in CATEGORIES
            assert box.x >= 0
            assert box.y >= 0
            assert box.x + box.w <= 320
            assert box.y + box.h <= 256


def test_all_categories_appear_and_most_people_are_large_enough_to_learn():
    boxes = [box for index in range(24) for box in simulate(index, **SIZE).boxes]
    assert {box.category for box in boxes} == set(CATEGORIES)
    heights = [box.h for box in boxes if box.category == "People"]
    assert np.mean(np.array(heights) >= 16) > 0.7


def test_a_hidden_object_has_no_box_and_a_partly_hidden_one_has_its_visible_part():
    canvas, weather = backdrop()
    painted = {}
    for owner, (x, z) in enumerate([(0.0, 20.0), (1.6, 12.0), (0.0, 9.0)], start=1):
        canvas.begin(owner)
        paint_vehicle(canvas, weather, car(x, z, yaw=0.0))
        painted[owner] = Painted("Car", *canvas.painted())
    canvas.begin(0)
    noise = np.random.default_rng(0).integers(0, 256, (256, 320, 3), dtype=np.uint8)  # in which every object stands out
    boxes = find_boxes(canvas.owners(), painted, noise, np.zeros((256, 320), dtype=np.float32))
    middle, near = sorted(boxes, key=lambda box: -box.x)
    assert len(boxes) == 2
    assert middle.x > painted[2].area[1].start / SUPERSAMPLING + 5  # its left part is behind the nearest car
    assert middle.x < near.x + near.w < middle.x + middle.w


def test_what_neither_camera_shows_has_no_box():
    canvas, weather = backdrop()
    canvas.begin(1)
    paint_vehicle(canvas, weather, car(0.0, 12.0))
    painted = {1: Painted("Car", *canvas.painted())}
    blank = np.full((256, 320, 3), 90, dtype=np.uint8)
    cold = np.zeros((256, 320), dtype=np.float32)
    assert find_boxes(canvas.owners(), painted, blank, cold) == ()
    warm = cold + 5 * (canvas.owners()[::SUPERSAMPLING, ::SUPERSAMPLING] == 1)
    assert len(find_boxes(canvas.owners(), painted, blank, warm)) == 1


def test_people_glow_in_the_infrared_at_night_and_hardly_show_in_the_visible():
    infrared, visible = [], []
    for index in range(12):
        one = simulate(index, condition="night", **SIZE)
        for box in one.boxes:
            if box.category == "People" and box.h > 24:
                infrared.append(contrast(one.infrared, box))
                visible.append(abs(contrast(one.visible.mean(axis=2), box)))
    assert len(infrared) > 12
    assert np.median(infrared) > 60
    assert np.median(visible) < 0.4 * np.median(infrared)
    assert np.mean(np.array(infrared) > 15) > 0.9  # the others stand in front of a warm engine


def test_a_lantern_shines_in_the_visible_and_leaves_the_infrared_alone():
    canvas, weather = backdrop()
    before = canvas.resolve()
    paint_lamp(canvas, weather, Lamp(1.0, 10.0, 4.0, -1.6, "cobra", (1.0, 0.8, 0.5), 3.0), owner=1)
    after = canvas.resolve()
    lantern = canvas.owners()[::SUPERSAMPLING, ::SUPERSAMPLING] == 1
    assert lantern.sum() > 20
    assert after.emission[lantern].max() > 5
    for field in ("celsius", "thermal_nearness", "mottle"):
        assert np.array_equal(getattr(after, field)[lantern], getattr(before, field)[lantern])


def test_running_cars_are_hot_and_parked_cars_take_the_temperature_around():
    spread = {}
    for running in (True, False):
        canvas, weather = backdrop()
        canvas.begin(1)
        paint_vehicle(canvas, weather, car(0.0, 9.0, running, yaw=2.6))
        celsius = canvas.resolve().celsius[canvas.owners()[::SUPERSAMPLING, ::SUPERSAMPLING] == 1]
        spread[running] = celsius.max() - weather.celsius
    assert spread[True] > 12
    assert spread[False] < 3


def test_people_are_warmer_than_their_clothes_are_bright():
    canvas, weather = backdrop()
    canvas.begin(1)
    paint_person(canvas, weather, draw_person(np.random.default_rng(1), 0.5, 7.0))
    surfaces, own = canvas.resolve(), canvas.owners()[::SUPERSAMPLING, ::SUPERSAMPLING] == 1
    assert surfaces.celsius[own].mean() > weather.celsius + 5
    assert surfaces.celsius[own].max() < 37


def test_fog_and_smoke_veil_the_visible_only():
    clear, fog = (simulate(9, condition=condition, **SIZE) for condition in ("day", "fog"))
    assert fog.visible.std() < 0.7 * clear.visible.std()
    night = simulate(9, condition="night", **SIZE)
    assert night.visible.mean() < 0.5 * clear.visible.mean()
    assert night.time_of_day == "night"
    assert clear.time_of_day == "day"


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_homography_takes_the_infrared_to_the_visible(condition):
    aligned = simulate(4, condition=condition, **SIZE)
    moved = simulate(4, condition=condition, misalign=0.04, **SIZE)
    # Equal but for rounding: outlines are painted further from the canvas's origin.
    assert np.mean(np.abs(moved.visible.astype(float) - aligned.visible) > 2) < 0.01
    for one, other in zip(moved.boxes, aligned.boxes, strict=True):
        assert np.allclose((one.x, one.y, one.w, one.h), (other.x, other.y, other.w, other.h), atol=1)
    corners = np.array([[[0, 0]], [[319, 0]], [[319, 255]], [[0, 255]]], dtype=np.float32)
    shift = np.linalg.norm(cv2.perspectiveTransform(corners, moved.homography) - corners, axis=2)
    assert 1 < shift.max() <= 0.04 * np.hypot(320, 256) + 1e-3
    back = cv2.warpPerspective(moved.infrared, moved.homography, (320, 256), flags=cv2.INTER_LINEAR)
    inner = (slice(24, -24), slice(24, -24))

    def likeness(image):
        return np.corrcoef(image[inner].ravel(), aligned.infrared[inner].ravel())[0, 1]

    assert likeness(back) > 0.97
    assert likeness(back) > likeness(moved.infrared) + 0.02


def test_a_misaligned_infrared_has_no_black_border():
    one = simulate(2, misalign=0.06, **SIZE)  # fog: even the sky is warm
    edges = np.concatenate([one.infrared[0], one.infrared[-1], one.infrared[:, 0], one.infrared[:, -1]])
    assert np.mean(edges > 3) > 0.99


def test_the_same_scene_at_another_size():
    small, large = simulate(0, width=160, height=128), simulate(0, width=480, height=384)
    shrunk = cv2.resize(large.visible, (160, 128), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(shrunk.ravel(), small.visible.ravel())[0, 1] > 0.95


def test_mistakes_are_told_in_one_line():
    with pytest.raises(InputError, match="unknown condition 'fgo'; did you mean fog"):
        simulate(0, condition="fgo", **SIZE)
    with pytest.raises(InputError, match="at least 48"):
        simulate(0, width=320, height=20)
    with pytest.raises(InputError, match="misalign"):
        simulate(0, misalign=0.9, **SIZE)
    with pytest.raises(InputError, match="negative"):
        simulate(-1, **SIZE)
    with pytest.raises(InputError, match="negative"):
        list(splits(-1, 12, 24))
