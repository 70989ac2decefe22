"""The page of the paper's tables and figures."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from text2pixels import layout
from text2pixels.analysis.average_precision import ALL, Precision
from text2pixels.analysis.paper import PRECISION, paper_tables
from text2pixels.analysis.results import Results
from text2pixels.image.boxes import Box
from text2pixels.methods.catalogue import methods
from text2pixels.report import pictures
from text2pixels.report.pictures import cutting

VARIANTS = {
    "ours": {},
    "no-attention": {"network": {"self_attention": False, "cross_attention": False}},
    "no-content-loss": {"losses": {"content": 0.0}},
    "again": {"train": {"seed": 1}},
}


def results(names=("ours", "infrared", "ddcgan"), sets=("m3fd", "m3fd_fusion", "tno")):
    """A run whose every score is 1, and 2 of the fusion pairs of M3FD; ours finds half of all people."""

    def data(name):
        rows = [
            (method, metric, 2.0 if name == "m3fd_fusion" else 1.0)
            for method in (*names, *VARIANTS)
            for metric in ("SF", "EN", "SD", "AG")
        ]
        found = [Precision(kind, PRECISION, 0.5, 0.4, 0.6, 9, 3) for kind in ("People", "Motorcycle", ALL)]
        return SimpleNamespace(
            name=name,
            scores=pd.DataFrame(rows, columns=["method", "metric", "value"]),
            precision={"ours": found} if name == "m3fd" else {},
        )

    return Results(list(names), list(VARIANTS), [data(name) for name in sets], changes=VARIANTS)


def table(number, run=None):
    return next(found for found in paper_tables(run or results()) if found.number == number)


def line(found, label):
    return next(each for each in found.lines if each.label == label)


def test_tables_have_the_papers_rows_and_columns_in_its_order():
    assert [each.label for each in table(1).lines] == (
        ["Ir", "Vi", "DDcGAN", "U2Fusion", "TarDAL", "DDFM", "CDDFuse", "DeFusion", "SegMiF", "Ours"]
    )
    assert table(1).columns == ("Lamp", "Car", "Bus", "Motor", "Truck", "People", "mAP")
    assert table(2).groups == (("M3FD", 4), ("RoadScene", 4), ("TNO", 4))
    assert table(2).columns == ("SF", "EN", "SD", "AG") * 3
    assert [each.label for each in table(3).lines] == ["w/o cl", "w/o sl", "Ours"]


@pytest.mark.parametrize(
    ("number", "label", "column", "printed"),
    [
        (1, "SegMiF", 6, "0.483"),
        (1, "Ir", 0, "0.223"),
        (2, "M4", 2, "47.126"),
        (2, "M1", 11, "5.532"),
        (3, "w/o cl", 4, "0.329"),
    ],
)
def test_printed_numbers_stand_below_ours_as_the_paper_has_them(number, label, column, printed):
    assert line(table(number), label).printed[column] == printed


def test_rows_mean_methods_and_variants_by_what_they_change():
    assert line(table(1), "Ours").method == "ours"
    assert line(table(1), "DDcGAN").method == "ddcgan"
    assert line(table(2), "M1").method == "no-attention"
    assert line(table(3), "w/o cl").method == "no-content-loss"


def test_cells_are_of_this_run_and_fusion_takes_the_fusion_pairs_of_m3fd():
    found = line(table(2), "M4").found
    assert found[:4] == (2.0, 2.0, 2.0, 2.0)
    assert all(math.isnan(value) for value in found[4:8])
    assert found[8:] == (1.0, 1.0, 1.0, 1.0)
    lamp, *_, motor, _, people, mean = line(table(1), "Ours").found
    assert math.isnan(lamp)
    assert (motor, people, mean) == (0.5, 0.5, 0.5)


def test_a_row_of_retrained_weights_says_so():
    card = replace(methods()["ddcgan"].card, weights="retrained", schedule="2,000 of 16,000 steps on RoadScene")
    run = replace(results(), cards={"ddcgan": card})
    assert line(table(1, run), "DDcGAN").note == "(retrained, 2,000 of 16,000 steps on RoadScene)"
    assert line(table(1, run), "Ir").note == ""


def test_a_small_ddfm_stands_in_for_ddfm_where_a_run_has_that_alone():
    small = line(table(1, results(("ours", "ddfm-small"))), "DDFM")
    assert (small.method, small.lack) == ("ddfm-small", "")
    assert line(table(1, results(("ours", "ddfm", "ddfm-small"))), "DDFM").method == "ddfm"
    assert line(table(1), "DDFM").method is None


def test_what_a_run_lacks_is_named_where_it_would_stand():
    assert line(table(1), "SegMiF").lack == "not among the methods of this run"
    assert line(table(1), "DDcGAN").lack == ""
    assert line(table(2), "M2").lack == "no variant with network.cross_attention: false"
    assert table(2).gap == "This run has no pairs of RoadScene."
    bare = replace(results(), variants=[], changes={})
    assert line(table(1, bare), "Ours").lack == "no network trained in this run"


def test_a_table_without_a_value_is_a_sentence():
    lacking = table(3, results(sets=("tno",)))
    assert lacking.empty
    assert lacking.gap == "This run has no labelled pairs of M3FD."
    assert not table(1).empty
    bare = table(2, replace(results(sets=()), variants=[], changes={}))
    assert bare.gap == "This run has no pairs of M3FD, RoadScene and TNO and none of the methods of its rows."


def test_a_cutting_lies_where_the_infrared_is_brighter():
    infrared, visible = np.zeros((50, 100), np.uint8), np.full((50, 100, 3), 60, np.uint8)
    infrared[30:45, 70:95] = 255
    rows, columns = cutting(infrared, visible)
    assert (rows.stop - rows.start, columns.stop - columns.start) == (20, 40)
    assert rows.start <= 30
    assert rows.stop >= 45
    assert columns.start <= 70
    assert columns.stop >= 95


def test_the_name_of_a_box_covers_no_other_name():
    picture = np.zeros((240, 480, 3), np.uint8)
    one = pictures._draw(picture, [Box("Car", 100, 100, 60, 40)])
    lettered = (one != 0).any(axis=2).sum()
    two = pictures._draw(picture, [Box("Car", 100, 100, 60, 40), Box("Car", 101, 100, 58, 40)])
    assert 0 < (two != 0).any(axis=2).sum() - lettered < 100  # another box, no second name


def test_the_page_shows_every_figure_and_says_what_it_lacks(benchmark):
    page = (layout.SITE / "paper.html").read_text()
    for name in ["Table 1", "Table 2", "Table 3", *(f"Figure {number}" for number in range(5, 13))]:
        assert f"<h2>{name}" in page, name
    assert "0.483" in page
    assert "AP50:95 of the test split, found by YOLOv5 fine-tuned on each method" in page
    pictures = {path.name for path in (layout.SITE / "images/paper").rglob("*.webp")}
    assert {"whole.webp", "labelled.webp", "ours.webp", "average.webp"} <= pictures
    assert "ours.without-text.webp" in pictures  # Figure 12 shows what the same network makes without a prompt
    assert "TNO, SF" not in page  # no chart of a data set that is not there
    assert "This run has no pairs of M3FD, RoadScene and TNO" in page
