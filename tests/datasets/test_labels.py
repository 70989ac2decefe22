"""Boxes checked against their image: what cannot be written is refused, and many are as quick as few."""

import time

import pytest

from text2pixels.datasets.adapter import LabelFile, Labels
from text2pixels.datasets.labels import check_boxes, read_classes, read_labels
from text2pixels.errors import InputError
from text2pixels.image.boxes import Box


@pytest.mark.parametrize("name", ["", "\ud800", "a\udcffb"])
def test_a_category_that_no_file_can_hold_is_unknown(name):
    good, faults = check_boxes(Labels((Box(name, 1, 1, 5, 5), Box("car", 1, 1, 5, 5))), 64, 48, {})
    assert [box.category for box in good] == ["car"]
    assert [reason for reason, _ in faults] == ["class_unknown"]


@pytest.mark.parametrize("content", ["person;car\n", "person, car\n", "person\tcar\n", "person\ncar;\n"])
def test_classes_stand_one_on_a_line(content, tmp_path):
    (tmp_path / "classes.txt").write_text(content)
    with pytest.raises(InputError, match=r"classes\.txt: '[^\n]*' holds '.{1,2}': write one name a line"):
        read_classes(tmp_path / "classes.txt")


def test_an_empty_line_between_classes_is_refused_as_it_may_or_may_not_count(tmp_path):
    (tmp_path / "classes.txt").write_text("person\n\ncar\n")
    with pytest.raises(InputError, match=r"classes\.txt: line 2 is empty: remove it, or name the class"):
        read_classes(tmp_path / "classes.txt")
    (tmp_path / "classes.txt").write_text("person\r\ncar\r\n\r\n \n")
    assert read_classes(tmp_path / "classes.txt") == ("person", "car")


@pytest.mark.parametrize("mark", [" ", ": ", ". "])
def test_classes_with_their_numbers_are_refused(mark, tmp_path):
    (tmp_path / "classes.txt").write_text(f"0{mark}person\n1{mark}car\n")
    with pytest.raises(InputError, match="holds its number: write the name alone"):
        read_classes(tmp_path / "classes.txt")
    (tmp_path / "classes.txt").write_text("0 person\n2 wheeler\n")
    assert read_classes(tmp_path / "classes.txt") == ("0 person", "2 wheeler")


def test_boxes_keep_their_order_and_the_second_of_two_alike_is_the_duplicate():
    boxes = tuple(Box("car", x, 1, 5, 5) for x in (9, 3, 9, 6, 3))
    good, faults = check_boxes(Labels(boxes), 64, 48, {})
    assert [box.x for box in good] == [9, 3, 6]
    assert [reason for reason, _ in faults] == ["box_duplicate"] * 2


def test_twenty_thousand_boxes_take_no_minute(tmp_path):
    lines = [f"0 {(k % 200) / 400 + 0.2} {(k // 200) / 400 + 0.2} 0.1 0.1" for k in range(20_000)]
    (tmp_path / "a.txt").write_text("\n".join(lines))
    start = time.process_time()
    labels = read_labels(LabelFile(str(tmp_path / "a.txt"), "yolo", ("car",)))
    good, faults = check_boxes(labels, 640, 480, {})
    assert (len(good), faults) == (20_000, [])
    assert time.process_time() - start < 5
