"""`t2p compare NAME=FOLDER ...`: folders of results, by whatever made them, ranked and tested as in the benchmark."""

import csv
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from text2pixels.analysis.comparison import leaderboard
from text2pixels.cli import app
from text2pixels.errors import InputError
from text2pixels.image.png import write_png
from text2pixels.metrics import METRICS, score


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Seven pairs, their means, and noise."""
    place = tmp_path_factory.mktemp("compare")
    rng = np.random.default_rng(0)
    for name in "abcdefg":
        infrared, visible, noise = (rng.integers(0, 256, (24, 32), dtype=np.uint8) for _ in range(3))
        mean = ((infrared.astype(int) + visible + 1) // 2).astype(np.uint8)
        for folder, image in (("ir", infrared), ("vi", visible), ("mean", mean), ("noise", noise)):
            write_png(place / folder / f"{name}.png", image)
    return place


def t2p_compare(place, *arguments):
    sources = ["--infrared", str(place / "ir"), "--visible", str(place / "vi")]
    result = CliRunner().invoke(app, ["compare", *map(str, arguments), *sources])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def test_the_better_method_is_first_on_screen_and_in_the_files(folders, tmp_path):
    methods = f"noise={folders / 'noise'}", f"mean={folders / 'mean'}"
    answer = t2p_compare(folders, *methods, "-o", tmp_path / "page")
    assert "mean over 7 pairs" in answer.output
    assert "on 7 pairs: mean" in answer.output
    with (tmp_path / "page/leaderboard.csv").open(newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["metric"] == "CC"]
    assert [row["method"] for row in rows] == ["mean", "noise", "infrared", "visible"]
    scores = pd.read_csv(tmp_path / "page/scores.csv")
    assert set(scores["metric"]) == set(METRICS)
    assert len(scores) == 7 * 4 * len(METRICS)


def test_the_page_names_its_pictures_and_they_are_there(folders, tmp_path):
    t2p_compare(folders, f"mean={folders / 'mean'}", "-o", tmp_path / "page")

    class Sources(HTMLParser):
        found = ()

        def handle_starttag(self, tag, attributes):
            if tag == "img":
                self.found = (*self.found, dict(attributes)["src"])

    page = Sources()
    page.feed((tmp_path / "page/index.html").read_text())
    assert len(page.found) == 7 * 3
    assert all((tmp_path / "page" / source).is_file() for source in page.found)


def test_a_subset_is_compared_and_said(folders, tmp_path):
    for name in "abc":
        (tmp_path / f"{name}.png").write_bytes((folders / f"mean/{name}.png").read_bytes())
    (tmp_path / "stranger.png").write_bytes((folders / "mean/a.png").read_bytes())
    answer = t2p_compare(folders, f"mine={tmp_path}", f"noise={folders / 'noise'}")
    assert "mine: 4 of 7 pairs are not in" in answer.stderr
    assert "1 images" in answer.stderr
    assert "stranger" in answer.stderr
    assert "compared on the 3 of 7 pairs that all have fused" in answer.stderr
    assert "on 3 pairs" in answer.stdout


def test_scores_are_those_of_the_metrics(folders, tmp_path):
    from text2pixels.image.png import read_gray

    t2p_compare(folders, f"mean={folders / 'mean'}", "-o", tmp_path / "page")
    scores = pd.read_csv(tmp_path / "page/scores.csv").set_index(["pair_id", "method", "metric"])["value"]
    expected = score(*(read_gray(folders / folder / "c.png") for folder in ("mean", "ir", "vi")))
    assert scores["c", "mean", "MI"] == pytest.approx(expected["MI"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["mean"], "should be NAME=FOLDER"),
        (["a={0}/mean", "a={0}/noise"], "given twice"),
        (["infrared={0}/mean"], "name of a source"),
        (["mine={0}/nowhere"], "is not a folder"),
        (["mine={0}"], "was fused by all of mine"),
        (["mine={0}/mean", "-o", "{0}/ir"], "something else than a comparison"),
    ],
)
def test_mistakes_are_one_line(folders, arguments, said):
    with pytest.raises(InputError, match=said) as caught:
        t2p_compare(folders, *(argument.format(folders) for argument in arguments))
    assert "\n" not in str(caught.value)
    assert len(list((folders / "ir").iterdir())) == 7


def test_another_size_is_named(folders, tmp_path):
    for path in (folders / "mean").iterdir():
        write_png(tmp_path / path.name, np.zeros((24, 30), np.uint8))
    with pytest.raises(InputError, match=r"a\.png.*32x24|a\.png.*30x24"):
        t2p_compare(folders, f"mine={tmp_path}")


@pytest.mark.parametrize(("ranks", "said"), [(9, "told apart from all"), (0, "not told apart from")])
def test_the_verdict_says_how_sure_it_is(ranks, said):
    rng = np.random.default_rng(1)
    rows = [
        {
            "pair_id": str(pair),
            "method": method,
            "metric": metric,
            "value": rng.normal() + ranks * (method == "good"),
        }
        for pair in range(12)
        for method in ("good", "x", "y")
        for metric in ("EN", "SD", "SF")
    ]
    assert said in leaderboard(rows, resamples=50).verdict
