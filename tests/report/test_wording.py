"""Formulas as MathML."""

import xml.etree.ElementTree as ElementTree

import pytest

from text2pixels.metrics.score import METRICS
from text2pixels.report.wording import mathml


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
