"""The same scene on both sides of a split is found, by content and by look, within and across data sets."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import fakes

from text2pixels import config
from text2pixels.datasets.leaks import Print, across_splits, dhash, look_alikes, read_prints
from text2pixels.pipeline.ingest import ingest

RNG = np.random.default_rng(0)


def prints(*rows):
    return [
        Print(name, split, f"{name}-ir" if ir is None else ir, f"{name}-vi", hash_ir, hash_vi)
        for name, split, ir, hash_ir, hash_vi in rows
    ]


def bits_of(one, two):
    return (one ^ two).bit_count()


def test_the_hash_survives_what_a_copy_goes_through():
    image = fakes.picture(RNG, 3, (320, 240))
    smaller = cv2.resize(image, (160, 120), interpolation=cv2.INTER_AREA)
    darker = (image * 0.7).astype(np.uint8)
    coded = cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)
    for copy in (smaller, darker, coded):
        assert bits_of(dhash(image), dhash(copy)) <= 4


def test_unrelated_images_differ_in_many_bits():
    hashes = [dhash(fakes.picture(RNG)) for _ in range(30)]
    assert min(bits_of(a, b) for i, a in enumerate(hashes) for b in hashes[:i]) > 12


@given(st.lists(st.tuples(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.sampled_from("ab")), max_size=12))
def test_look_alikes_are_those_that_counting_bits_finds(rows):
    rows += [(infrared ^ 5, visible ^ 9, "b") for infrared, visible, _ in rows[:3]]
    infrared, visible, splits = zip(*rows, strict=True) if rows else ((), (), ())
    expected = {
        (i, j, max(bits_of(infrared[i], infrared[j]), bits_of(visible[i], visible[j])))
        for i in range(len(rows))
        for j in range(i + 1, len(rows))
        if splits[i] != splits[j]
    }
    assert set(look_alikes(infrared, visible, splits, near=30)) == {found for found in expected if found[2] <= 30}


def test_leaks_across_sets_by_content_and_by_look():
    rows = prints(
        ("road/a", "train", "same", 1, 1),
        ("road/b", "test", None, 1 << 40, (1 << 60) - 1),
        ("tno/c", "test", "same", (1 << 64) - 1, 1),
        ("tno/d", "train", None, (1 << 40) + 1, (1 << 60) - 1),
        ("tno/e", "test", None, 1 << 40, (1 << 60) - 1),
    )
    found = [(leak.first, leak.second, leak.how) for leak in across_splits(rows)]
    assert found == [
        ("road/b", "tno/d", "look"),
        ("tno/d", "tno/e", "look"),
        ("road/a", "tno/c", "content"),
    ]


def test_a_recoded_test_picture_in_the_training_set_is_found_after_ingest(tmp_path):
    infrared, visible = fakes.picture(RNG, 1, (128, 96)), fakes.picture(RNG, 3, (128, 96))
    fakes.save(tmp_path / "one/ir/a.png", infrared)
    fakes.save(tmp_path / "one/vi/a.png", visible)
    fakes.save(tmp_path / "two/ir/z.jpg", infrared, quality=60)
    fakes.save(tmp_path / "two/vi/z.jpg", visible, quality=60)
    for name, split in (("one", "train"), ("two", "test")):
        source = config.Source(path=str(tmp_path / name), options={"adapter": "folder", "split": split})
        ingest(name, source, config.Ingest(workers=1), tmp_path / "out" / name)
    both = read_prints(tmp_path / "out/one") + read_prints(tmp_path / "out/two")
    (leak,) = across_splits(both)
    assert (leak.first, leak.second, leak.how) == ("one/a", "two/z", "look")
    assert across_splits(both[:1]) == []


def test_prints_of_a_folder_that_was_not_ingested(tmp_path):
    with pytest.raises(ValueError, match="no manifest at"):
        read_prints(tmp_path)
