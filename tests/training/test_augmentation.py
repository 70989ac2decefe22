"""Augmentation: faults are seen and not judged by, all else is both; no pair depends on its neighbours."""

import math

import numpy as np
import pytest
import torch

from text2pixels.training import augmentation
from text2pixels.training.augmentation import augment
from text2pixels.training.pairs import Crops

OFF = ("_VARIED", "_BLACK_HOT", "_NOISY", "_WEATHER", "_SHIFTED", "_BORDERED")


def crops(count=1, side=64):
    numbers = torch.Generator().manual_seed(0)
    infrared, visible = torch.rand(2, count, 1, side, side, generator=numbers) * 0.4 + 0.3
    return Crops(infrared, visible, torch.zeros(count, 3, side, side), ((),) * count)


def rngs(count=1, seed=0):
    return [np.random.default_rng([seed, number]) for number in range(count)]


@pytest.fixture
def only(monkeypatch):
    """Leave one thing that happens, to every image."""

    def choose(name):
        for each in OFF:
            monkeypatch.setattr(augmentation, each, 1.0 if each == name else 0.0)

    return choose


def test_without_a_share_nothing_changes():
    batch = crops(3)
    changed = augment(batch, 0.0, rngs(3))
    assert torch.equal(changed.infrared_B1HW, batch.infrared_B1HW)
    assert torch.equal(changed.visible_B1HW, batch.visible_B1HW)
    assert all(torch.equal(*images) for images in zip(changed.sources, batch.sources, strict=True))


def test_a_pair_is_changed_alike_whatever_is_beside_it():
    batch = crops(4)
    together = augment(batch, 1.0, rngs(4))
    single = Crops(batch.infrared_B1HW[2:3], batch.visible_B1HW[2:3], batch.chroma_B3HW[2:3], ((),))
    alone = augment(single, 1.0, [np.random.default_rng([0, 2])])
    assert torch.equal(alone.infrared_B1HW, together.infrared_B1HW[2:3])
    assert torch.equal(alone.sources[1], together.sources[1][2:3])


@pytest.mark.parametrize("seed", range(30))
def test_values_stay_in_range_and_types_as_they_were(seed):
    changed = augment(crops(2), 1.0, rngs(2, seed))
    for image in (changed.infrared_B1HW, changed.visible_B1HW, *changed.sources):
        assert image.dtype == torch.float32
        assert image.shape == (2, 1, 64, 64)
        assert image.min() >= 0
        assert image.max() <= 1


@pytest.mark.parametrize("name", ["_VARIED", "_BLACK_HOT", "_WEATHER"])
def test_what_other_cameras_and_weather_make_is_judged_by(only, name):
    only(name)
    batch = crops()
    changed = augment(batch, 1.0, rngs())
    assert torch.equal(changed.infrared_B1HW, changed.sources[0])
    assert torch.equal(changed.visible_B1HW, changed.sources[1])
    assert torch.equal(changed.infrared_B1HW, batch.infrared_B1HW) == (name == "_WEATHER")
    assert torch.equal(changed.visible_B1HW, batch.visible_B1HW) == (name == "_BLACK_HOT")


def test_noise_is_not_judged_by(only):
    only("_NOISY")
    batch = crops()
    changed = augment(batch, 1.0, rngs())
    assert all(torch.equal(*images) for images in zip(changed.sources, batch.sources, strict=True))
    assert not torch.equal(changed.infrared_B1HW, batch.infrared_B1HW)
    assert not torch.equal(changed.visible_B1HW, batch.visible_B1HW)


@pytest.mark.parametrize("seed", range(5))
def test_a_shifted_infrared_is_judged_by_where_it_belongs(only, seed):
    only("_SHIFTED")
    batch = crops()
    batch.infrared_B1HW.zero_()
    batch.infrared_B1HW[0, 0, 20:40, 20:40] = 1
    changed = augment(batch, 1.0, rngs(seed=seed))
    assert torch.equal(changed.sources[0], batch.infrared_B1HW)
    places = torch.arange(64.0)
    image = changed.infrared_B1HW[0, 0]
    moved = [float((image.sum(side) * places).sum() / image.sum()) - 29.5 for side in (0, 1)]
    assert 0.99 <= math.hypot(*moved) <= 3.01


@pytest.mark.parametrize("seed", range(5))
def test_where_no_infrared_is_the_visible_image_is_judged_by(only, seed):
    only("_BORDERED")
    batch = crops()
    changed = augment(batch, 1.0, rngs(seed=seed))
    missing = changed.infrared_B1HW == 0
    assert 0 < missing.float().mean() < 0.4
    assert torch.equal(changed.sources[0][missing], batch.visible_B1HW[missing])
    assert torch.equal(changed.sources[0][~missing], batch.infrared_B1HW[~missing])
    assert torch.equal(changed.visible_B1HW, batch.visible_B1HW)


def test_a_shift_is_to_the_right_and_down():
    image = torch.zeros(1, 20, 30)
    image[0, 5, 7] = 1
    assert augmentation.shifted(image, 3, 2)[0, 7, 10] == pytest.approx(1, abs=1e-4)
    assert augmentation.shifted(image, 0.5, 0)[0, 5, 7:9].tolist() == pytest.approx([0.5, 0.5], abs=1e-4)


def test_fog_is_koschmieders():
    visible = crops().visible_B1HW[0]
    foggy = augmentation.in_fog(visible, 0.6, 0.2, 0.8)
    torch.testing.assert_close(foggy[:, 0], 0.4 * visible[:, 0] + 0.6 * 0.8)
    torch.testing.assert_close(foggy[:, -1], 0.8 * visible[:, -1] + 0.2 * 0.8)


def test_a_lamp_overexposes_its_place_and_fades():
    visible = crops().visible_B1HW[0]
    added = augmentation.with_lamp(visible, (0.25, 0.5), 0.1, 1.5) - visible
    assert augmentation.with_lamp(visible, (0.25, 0.5), 0.1, 1.5)[0, 16, 32] == 1
    assert (added >= 0).all()
    assert added[0, 63].max() < 1e-3
