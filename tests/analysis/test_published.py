"""Printed rows beside means of a method at hand: what matches, what does not, and what cannot be compared."""

from decimal import Decimal
from itertools import pairwise

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from text2pixels.analysis import published
from text2pixels.analysis.published import (
    Figure,
    PublishedRow,
    pairs_of,
    published_detections,
    published_rows,
    reproduce,
    rows_of,
    verdict,
)
from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.methods.catalogue import load


@pytest.mark.parametrize(
    ("printed", "ours", "matches"),
    [
        ("7.12", 7.1249, True),
        ("7.12", 7.125, True),
        ("7.12", 7.1251, False),
        ("46.0", 46.04, True),
        ("46", 46.6, False),
    ],
)
def test_matches_to_the_printed_digit(printed, ours, matches):
    assert Figure("tno", "EN", Decimal(printed), ours).matches is matches


def test_verdict_says_how_far_it_is():
    near, far = Figure("tno", "EN", Decimal("7.12"), 7.12), Figure("tno", "SD", Decimal("46.00"), 38.1)
    assert verdict("cddfuse", [near]) == "cddfuse matches the paper: all 1 figures to the printed digit"
    assert "1 of 2 figures to the printed digit; the farthest is SD on tno, 38.100 where 46.00" in verdict(
        "cddfuse", [near, far]
    )


def test_rows_to_compare_with_are_those_over_the_very_pairs():
    rows = rows_of("cddfuse")
    assert {name: row.images for name, row in rows.items()} == {"tno": 25, "roadscene-test50": 50}
    assert rows["tno"].values["SSIM"] == Decimal("1.03")
    assert rows_of("defusion")["tno"].values["EN"] == Decimal("6.95")  # not DDFM's row, over pairs that nobody names
    with pytest.raises(InputError, match=r"no table with rows of 'laplacian'.*cddfuse"):
        rows_of("laplacian")


def test_printed_rows_of_one_method_follow_each_other():
    for name in ("tno", "roadscene-test50", "msrs", "m3fd"):
        methods = [row.method for row in published_rows(name)]
        changes = sum(one != other for one, other in pairwise(methods))
        assert changes + 1 == len(set(methods)), name
        for row in published_rows(name):
            assert row.values
            assert row.source
    assert {row.figure for row in published_detections("m3fd")} == {"AP50", "mAP"}
    assert published_detections("tno") == []


@pytest.fixture
def data(tmp_path, monkeypatch):
    """Three pairs as TNO's, and a printed row of their averages: its EN is right, its SD is not."""
    random = np.random.default_rng(0)
    for side in ("ir", "vi"):
        (tmp_path / "TNO" / side).mkdir(parents=True)
        for number in range(3):
            image = random.integers(0, 256, (40, 48), np.uint8)
            cv2.imwrite(str(tmp_path / f"TNO/{side}/{number:02d}.png"), image)
    monkeypatch.setattr(published, "LISTS", {"tno": ("TNO", 3)})
    row = PublishedRow("average", {"EN": Decimal("0.00"), "SD": Decimal("1.00")}, 3, "nobody")
    ours = {figure.metric: figure.ours for figure in reproduce(load("average"), row, "tno", pairs_of("tno", tmp_path))}
    row.values["EN"] = Decimal(f"{ours['EN']:.2f}")
    monkeypatch.setattr(published, "published_rows", lambda name: [row])
    return tmp_path


def test_the_verb_prints_both_and_says_whether_they_match(data):
    answer = CliRunner().invoke(app, ["methods", "--check", "average", "--data", str(data)])
    assert answer.exit_code == 1
    assert "1 of 2 figures to the printed digit; the farthest is SD on tno" in answer.stdout
    assert answer.stdout.count("differs") == 1


def test_other_pairs_than_those_printed_are_refused(data):
    (data / "TNO/ir/02.png").unlink()
    with pytest.raises(InputError, match="over 3 pairs, found 2 of them"):
        pairs_of("tno", data)
    with pytest.raises(InputError, match="is missing: get TNO"):
        pairs_of("tno", data / "elsewhere")
