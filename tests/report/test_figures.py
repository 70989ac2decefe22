"""Figures, as readers see them."""

import re

import pandas as pd

from text2pixels.report.figures import curves


def test_a_curve_of_one_epoch_has_whole_epochs_on_its_axis():
    history = pd.DataFrame({"epoch": [2], "level": ["lower"], "name": ["structure"], "value": [0.25]})
    (curve,) = curves(history)
    axis = re.search(r'id="matplotlib.axis_1".*?id="matplotlib.axis_2"', curve.svg, re.DOTALL)[0]
    assert re.findall(r"<text[^>]*>([\d.]+)</text>", axis) == ["2"]
