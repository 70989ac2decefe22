"""Formulas as MathML, and names of methods."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pytest

from text2pixels.metrics.score import METRICS
from text2pixels.report.wording import change, mathml, named, origin, templates


@pytest.mark.parametrize("name", METRICS)
def test_every_metrics_formula_is_well_formed_mathml(name):
    element = ElementTree.fromstring(mathml(METRICS[name].formula))
    assert element.tag == "{http://www.w3.org/1998/Math/MathML}math"


def test_a_fraction_has_its_two_parts():
    root = ElementTree.fromstring(mathml(r"\frac{a}{b}"))
    fraction = root.find(".//{*}mfrac")
    assert ["".join(part.itertext()) for part in fraction] == ["a", "b"]


def test_a_command_that_is_no_latex_is_refused():
    with pytest.raises(ValueError, match="latex2mathml"):
        mathml(r"\nosuch{1}")


def test_a_methods_name_has_its_aside_and_what_came_from_data_is_escaped():
    asides = {"x": "retrained, 3 of 9 steps on <A>", "y": ""}
    assert named(asides, "x") == "x <small>(retrained, 3 of 9 steps on &lt;A&gt;)</small>"
    assert named(asides, "y") == "y"
    assert named(asides, "<z>") == "&lt;z&gt;"
    assert templates(asides).from_string("{{ 'x' | named }}").render() == named(asides, "x")


@pytest.mark.parametrize(
    ("mean", "low", "high", "verdict", "said"),
    [
        (0.1234, 0.05, 0.2, "better", "▲ +0.123 [0.050, 0.200]"),
        (-6.393, -6.62, -6.09, "worse", "▼ -6.39 [-6.62, -6.09]"),
        (0.1234, -0.05, 0.2, "", "+0.123 [-0.050, 0.200]"),
        (0.0004, 0.0001, 0.0008, "better", "0.000 [0.000, 0.001]"),
        (-0.0004, -0.0008, -0.0001, "worse", "0.000 [-0.001, -0.000]"),
        (math.nan, math.nan, math.nan, "", "– [–, –]"),
    ],
)
def test_a_difference_that_rounds_to_nought_has_no_mark(mean, low, high, verdict, said):
    assert change(mean, low, high, verdict) == said


@pytest.mark.parametrize("template", ["tables.html", "pair.html", "detection.html", "published.html"])
def test_tables_name_methods_with_their_asides(template):
    source = templates().loader.get_source(templates(), template)[0]
    assert "method | named }}</th>" in source
    assert not re.search(r'<th scope="row">{{ (\w+\.)?method }}', source)


def test_what_wrote_a_prompt_is_said_in_words():
    assert origin("boxes+declared+statistics") == (
        "the labelled boxes, the time of day in the data set, statistics of the two images"
    )
    assert origin("csv") == "your CSV"
