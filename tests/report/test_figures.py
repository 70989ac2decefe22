"""Figures, as readers see them."""

import re
import warnings

import pandas as pd

from text2pixels.analysis.statistics import average_ranks
from text2pixels.report.figures import critical_difference, curves


def test_a_curve_of_one_epoch_has_whole_epochs_on_its_axis():
    history = pd.DataFrame({"epoch": [2], "level": ["lower"], "name": ["structure"], "value": [0.25]})
    (curve,) = curves(history)
    axis = re.search(r'id="matplotlib.axis_1".*?id="matplotlib.axis_2"', curve.svg, re.DOTALL)[0]
    assert re.findall(r"<text[^>]*>([\d.]+)</text>", axis) == ["2"]


def test_the_ranks_of_one_method_are_drawn_without_a_warning():
    scores = pd.DataFrame({"pair_id": ["a", "b"], "method": "alone", "metric": "EN", "value": [1.0, 2.0]})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        drawn = critical_difference(average_ranks(scores, {"EN": "higher"}))
    assert "alone" in re.sub(r"<[^>]+>", "", drawn)
