"""Boxes end with the frame; the common field is the largest rectangle of valid pixels."""

import cv2
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from text2pixels.image.boxes import Box, Rectangle, clip, common_field
from text2pixels.registration.frames import corners, warp


def test_a_box_mostly_outside_is_dropped():
    assert clip(Box("Car", -8, 0, 10, 10), 64, 64) is None
    assert clip(Box("Car", -4, 0, 10, 10), 64, 64) == Box("Car", 0, 0, 6, 10)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(-12, 12), min_size=8, max_size=8))
def test_the_common_field_is_valid_and_cannot_grow(moves):
    source = corners(50, 70)
    matrix = cv2.getPerspectiveTransform(
        source.astype(np.float32), (source + np.array(moves).reshape(4, 2)).astype(np.float32)
    )
    _, valid = warp(np.ones((50, 70), np.uint8), matrix, (50, 70))
    field = common_field(valid)
    assert field is not None
    x, y, right, bottom = field.x, field.y, field.x + field.width, field.y + field.height
    assert valid[y:bottom, x:right].all()
    for grown in (
        (y - 1, bottom, x, right),
        (y, bottom + 1, x, right),
        (y, bottom, x - 1, right),
        (y, bottom, x, right + 1),
    ):
        inside = grown[0] >= 0 and grown[1] <= 50 and grown[2] >= 0 and grown[3] <= 70
        assert not inside or not valid[grown[0] : grown[1], grown[2] : grown[3]].all()


def test_the_common_field_of_a_full_frame_is_the_frame():
    assert common_field(np.ones((4, 6), bool)) == Rectangle(0, 0, 6, 4)
    assert common_field(np.zeros((4, 6), bool)) is None
