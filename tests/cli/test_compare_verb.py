"""`t2p compare NAME=FOLDER ...`: folders of results, by whatever made them, ranked and tested as in the benchmark."""

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file
from typer.testing import CliRunner

from text2pixels.analysis.comparison import leaderboard
from text2pixels.cli import app
from text2pixels.detection import zero_shot
from text2pixels.detection.detections import Detection
from text2pixels.detection.weights import COCO_CLASSES
from text2pixels.detection.yolo import build_network
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
        (["a/b={0}/mean"], "it has a slash"),
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
    scores = [
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
    assert said in leaderboard(pd.DataFrame(scores), resamples=50).verdict


@pytest.fixture(scope="module")
def rows(folders, tmp_path_factory):
    """Of a published run that had the pairs a to e, and a method `theirs` that is noise."""
    place = tmp_path_factory.mktemp("rows")
    t2p_compare(folders, f"theirs={folders / 'noise'}", "-o", place / "page")
    scores = pd.read_csv(place / "page/scores.csv").query("pair_id < 'f'")
    stretched = scores.assign(convention="stretched", value=0.5)
    both = pd.concat((scores.assign(convention="standard"), stretched))
    both = both.assign(pair_id="noise/" + both["pair_id"], reason=None)
    both.astype({"value": "float32"}).to_parquet(place / "rows.parquet")
    return place / "rows.parquet"


def test_a_method_is_ranked_among_those_of_a_published_run(folders, rows, tmp_path):
    answer = t2p_compare(folders, f"mine={folders / 'mean'}", "--rows", rows, "-o", tmp_path / "page")
    assert answer.exit_code == 0, answer.output
    assert f"compared on the 5 of 7 pairs that {rows} has" in answer.stderr
    assert "on 5 pairs: mine" in answer.stdout
    assert "theirs" in answer.stdout
    again = t2p_compare(folders, f"mine={folders / 'mean'}", f"theirs={folders / 'noise'}", "-o", tmp_path / "whole")
    assert again.exit_code == 0
    found, whole = (pd.read_csv(tmp_path / name / "scores.csv") for name in ("page", "whole"))
    both = found.merge(whole, on=["pair_id", "method", "metric"], suffixes=("", "_again"))
    assert len(both) == len(found) == 5 * 4 * len(METRICS)
    np.testing.assert_allclose(both["value"], both["value_again"], rtol=1e-5, atol=1e-6)
    assert not list((tmp_path / "page/images").glob("*theirs*")), "whose pictures are not at hand"


def test_images_of_a_published_run_tie_with_its_rows_and_a_name_may_have_brackets(folders, rows, tmp_path):
    answer = t2p_compare(folders, f"mine[v2]={folders / 'noise'}", "--rows", rows, "-o", tmp_path / "page")
    assert answer.exit_code == 0, answer.output
    assert "mine[v2]" in answer.stdout.split("on 5 pairs")[0]
    found = pd.read_csv(tmp_path / "page/leaderboard.csv").query("method in ['mine[v2]', 'theirs']")
    assert {*found["rank"]} == {*found["mean_place"]} == {1.5}
    assert set(found["p"].dropna()) == {1}


def test_rows_of_other_pictures_are_refused(folders, rows, tmp_path):
    for name in "abcde":
        write_png(tmp_path / "ir" / f"{name}.png", np.full((24, 32), ord(name), np.uint8))
    arguments = ["compare", f"mine={folders / 'mean'}", "--rows", rows, "--infrared", tmp_path / "ir"]
    result = CliRunner().invoke(app, [*map(str, arguments), "--visible", str(folders / "vi")])
    assert isinstance(result.exception, InputError)
    assert "the published run had another infrared image of a: " in str(result.exception)
    assert "5 of 5 pairs differ" in str(result.exception)


def test_where_the_run_has_no_rows_of_a_source_that_is_said(folders, rows, tmp_path):
    pd.read_parquet(rows).query("method != 'visible'").to_parquet(tmp_path / "rows.parquet")
    answer = t2p_compare(folders, f"mine={folders / 'mean'}", "--rows", tmp_path / "rows.parquet")
    assert answer.exit_code == 0
    assert "has no rows of the visible images: whether the run had these is not checked" in answer.stderr


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("theirs", lambda rows: rows, "'theirs' is a method of"),
        ("mine", lambda rows: rows.drop(columns="pair_id"), "has no column pair_id"),
        (
            "mine",
            lambda rows: rows.assign(pair_id="noise/x" + rows["pair_id"].str[6:]),
            "has none of the pairs, such as a; it has xa",
        ),
        ("mine", lambda rows: rows[rows["metric"] != "VIF"], "lacks VIF"),
        ("mine", lambda rows: None, "no rows at"),
    ],
)
def test_rows_that_do_not_fit_are_refused(name, change, said, folders, rows, tmp_path):
    changed = change(pd.read_parquet(rows))
    if changed is not None:
        changed.to_parquet(tmp_path / "rows.parquet")
    with pytest.raises(InputError, match=said):
        t2p_compare(folders, f"{name}={folders / 'mean'}", "--rows", tmp_path / "rows.parquet")


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    """A network of COCO's classes as published files have it, untrained."""
    torch.manual_seed(0)
    network, _ = build_network("n", COCO_CLASSES, "anchors")
    path = tmp_path_factory.mktemp("detector") / "yolov5n.safetensors"
    save_file(network.state_dict(), path)
    return path


class BrightSquares:
    """Stands for a trained detector: finds the bright square of an image, if there is one."""

    categories = ("person",)

    def to(self, device):
        return self

    def predict(self, images_B3HW):
        found = []
        for image in images_B3HW[:, 0]:
            rows, columns = torch.nonzero(image > 0.9, as_tuple=True)
            box = [float(v) for v in (columns.min(), rows.min(), columns.max(), rows.max())] if len(rows) else None
            found.append([Detection("person", 0.9, box[0], box[1], box[2] - box[0], box[3] - box[1])] if box else [])
        return found


@pytest.fixture
def squares(tmp_path):
    """Six pairs with a square each, which one folder of results keeps and the other loses; labels in three formats."""
    images, annotations = [], []
    for number in range(6):
        dark = np.full((64, 96), 60, np.uint8)
        dark[0, 0] = 61
        lit = dark.copy()
        x, y = 8 * number, 4 * number
        lit[y : y + 32, x : x + 32] = 255
        for folder, image in (("ir", lit), ("vi", dark), ("keeps", lit), ("loses", dark)):
            write_png(tmp_path / folder / f"{number}.png", image)
        images.append({"id": number, "file_name": f"{number}.png", "width": 96, "height": 64})
        annotations.append({"image_id": number, "category_id": 1, "bbox": [x, y, 32, 32]})
        (tmp_path / "yolo").mkdir(exist_ok=True)
        shares = (x + 16) / 96, (y + 16) / 64, 32 / 96, 32 / 64
        (tmp_path / f"yolo/{number}.txt").write_text("0 " + " ".join(map(str, shares)))
        (tmp_path / "voc").mkdir(exist_ok=True)
        corners = "".join(
            f"<{k}>{v}</{k}>" for k, v in zip(("xmin", "ymin", "xmax", "ymax"), (x, y, x + 32, y + 32), strict=True)
        )
        (tmp_path / f"voc/{number}.xml").write_text(
            f"<annotation><object><name>person</name><bndbox>{corners}</bndbox></object></annotation>"
        )
    (tmp_path / "yolo/classes.txt").write_text("person\n")
    annotations.append({"image_id": 0, "category_id": 2, "bbox": [1, 1, 9, 9]})
    categories = [{"id": 1, "name": "person"}, {"id": 2, "name": "boat"}]
    (tmp_path / "coco.json").write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    return tmp_path


@pytest.mark.parametrize("labels", ["coco.json", "voc", "yolo"])
def test_a_detector_finds_what_a_method_keeps(labels, squares, detector, monkeypatch, tmp_path):
    monkeypatch.setattr(zero_shot, "read_coco", lambda *_: BrightSquares())
    given = [f"{name}={squares / name}" for name in ("keeps", "loses")]
    arguments = ["--labels", squares / labels, "--detector", detector, "-o", tmp_path / "page"]
    answer = t2p_compare(squares, *given, *arguments)
    assert answer.exit_code == 0
    rows = pd.read_csv(tmp_path / "page/detection.csv").set_index(["method", "category", "metric"])
    assert rows.loc[("keeps", "all", "AP50"), "value"] == pytest.approx(1)
    assert rows.loc[("loses", "all", "AP50"), "value"] == 0
    assert rows.loc[("infrared", "all", "AP50"), "value"] == pytest.approx(1)
    assert set(rows["boxes"]) == {6}
    assert "6 images with 6 boxes" in answer.stdout
    assert "worse than it: loses -1.000" in answer.stdout
    page = (tmp_path / "page/index.html").read_text()
    assert "AP50:95 per class" in page
    assert ("boat" in answer.stderr) == (labels == "coco.json")
    assert ("boat" in page) == (labels == "coco.json")


def test_published_weights_are_taken_as_they_are(squares, detector):
    answer = t2p_compare(squares, f"keeps={squares / 'keeps'}", "--labels", squares / "voc", "--detector", detector)
    assert "detection by yolov5n" in answer.stdout


@pytest.mark.parametrize(
    ("labels", "weights", "said"),
    [
        ("coco.json", None, "go together"),
        ("nowhere", "yolov5n", "does not exist"),
        ("ir", "yolov5n", "holds no labels"),
        ("other", "yolov5n", "has a box for none of the 6 pairs"),
        ("boats", "yolov5n", "finds none of the labelled categories (boat)"),
        ("coco.json", "coco.json", "coco.json"),
    ],
)
def test_labels_or_a_detector_that_cannot_be_used_are_refused(labels, weights, said, squares, detector):
    for folder, stem, name in (("other", "z", "person"), ("boats", "0", "boat")):
        (squares / folder).mkdir()
        (squares / folder / f"{stem}.txt").write_text("0 0.5 0.5 0.2 0.2")
        (squares / folder / "classes.txt").write_text(name)
    given = {None: [], "yolov5n": ["--detector", detector]}.get(weights, ["--detector", squares / "coco.json"])
    with pytest.raises(InputError, match=re.escape(said)):
        t2p_compare(squares, f"keeps={squares / 'keeps'}", "--labels", squares / labels, *given)


def test_pairs_without_labels_are_counted(squares, detector):
    (squares / "voc/5.xml").unlink()
    (squares / "voc/4.xml").write_text("<annotation><object>")
    answer = t2p_compare(squares, f"keeps={squares / 'keeps'}", "--labels", squares / "voc", "--detector", detector)
    assert "2 of 6 pairs have no labels" in answer.stderr
    assert "labels left out: 4.xml" in answer.stderr
    assert "on 4 images" in answer.stdout
