import numpy as np
import pytest
from support.two_cameras import TRUTH, other_camera, scene

from text2pixels.registration.judgement import Peak, judge, loose_quarters
from text2pixels.registration.pairs import prepare


@pytest.mark.parametrize(
    ("peak", "residual", "loose", "status"),
    [
        (Peak(20, 4, 1.0), 0.003, 0, "good"),
        (Peak(20, 4, 1.0), 0.003, 1, "doubtful"),
        (Peak(20, 4, 1.0), 0.02, 0, "doubtful"),
        (Peak(8, 4, 1.0), 0.003, 0, "doubtful"),
        (Peak(20, 1.5, 1.0), 0.003, 0, "doubtful"),
        (Peak(5, 1.2, 1.0), 0.003, 0, "failed"),
        (Peak(20, 4, 1.0), 0.08, 0, "failed"),
    ],
)
def test_the_status_follows_the_evidence(peak, residual, loose, status):
    assert judge(peak, residual, loose)[0] == status


def test_a_quarter_without_structure_in_common_is_loose():
    infrared = scene(0)
    visible = other_camera(infrared, TRUTH, (300, 380), 1)
    assert loose_quarters(prepare([(infrared, visible)]), TRUTH) == 0
    noise = np.random.default_rng(5).integers(100, 140, (175, 220), dtype=np.uint8)
    visible[:175, 160:] = noise
    assert loose_quarters(prepare([(infrared, visible)]), TRUTH) == 1
