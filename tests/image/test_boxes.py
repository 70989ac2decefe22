"""Boxes end with the frame."""

from text2pixels.image.boxes import Box, clip


def test_a_box_mostly_outside_is_dropped():
    assert clip(Box("Car", -8, 0, 10, 10), 64, 64) is None
    assert clip(Box("Car", -4, 0, 10, 10), 64, 64) == Box("Car", 0, 0, 6, 10)
