"""The published folder: what is in it, that it reads well, and that it names no place of this machine."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from support.tiny_benchmark import ABLATIONS, METHODS
from typer.testing import CliRunner

from text2pixels import layout, params_file
from text2pixels.analysis import leaderboard
from text2pixels.analysis.leaderboard import Cell, Table
from text2pixels.cli import app
from text2pixels.detection.detections import ZERO_SHOT, Detection, EvaluatedImage, write_detections
from text2pixels.errors import InputError
from text2pixels.methods.card import read_card, write_card
from text2pixels.metrics.score import METRICS
from text2pixels.pipeline import report
from text2pixels.report import markdown, provenance
from text2pixels.report.markdown import bold, table
from text2pixels.training.history import Row, write_history

FOLDER = "reports/published"
PROFILE = "profile: tiny\nseed: 0\ndatasets: {simulator: {}}\nencoders: [hash]\nmethods: {ours: {}}\n"


@pytest.fixture(scope="module")
def published(made):
    """The folder, and what the command printed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made[0])
        answer = CliRunner().invoke(app, ["publish"], catch_exceptions=False)
    assert answer.exit_code == 0
    return made[0] / FOLDER, answer.output


def tables_of(text):
    """Every table of a Markdown text, as rows of cells."""
    found = re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE)
    return [[re.split(r"(?<!\\)\|", line)[1:-1] for line in lines.splitlines()] for lines in found]


def test_a_retrained_method_says_so_wherever_a_table_names_it(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made[0])
    card, of = read_card(layout.model("max"))
    history, ours = (layout.model(method) / "history.parquet" for method in ("max", "ours"))
    before = ours.read_bytes()
    try:
        write_card(layout.model("max"), replace(card, weights="retrained", schedule="3 of 9 steps on A"), of)
        write_history(history, [Row(1, "retraining", "loss", 1.0)])
        write_history(ours, [Row(1, "lower", "content", 1.0), Row(1, "retraining", "content", 1.0)])
        CliRunner().invoke(app, ["publish", "-o", str(tmp_path / "out")], catch_exceptions=False)
    finally:
        write_card(layout.model("max"), card, of)
        history.unlink()
        ours.write_bytes(before)
    names = {
        row[0].strip()
        for path in (tmp_path / "out").glob("*.md")
        for rows in tables_of(path.read_text())
        for row in rows
        if row[0].strip().startswith("max")
    }
    assert names == {"max (retrained, 3 of 9 steps on A)"}
    captions = re.findall("<figcaption>(.*?)</figcaption>", (tmp_path / "out/site/training.html").read_text())
    # What our content loss is does not say what the one of another network is.
    assert captions == ["<strong>content</strong>: content loss, equation (9)", "<strong>content</strong>"]


def test_methods_that_the_paper_compares_with_are_marked(made, tmp_path, monkeypatch):
    monkeypatch.chdir(made[0])
    monkeypatch.setattr(markdown, "RIVALS", ("max",))
    CliRunner().invoke(app, ["publish", "-o", str(tmp_path / "out")], catch_exceptions=False)
    text = (tmp_path / "out/headline.md").read_text()
    marked = {row[0].strip() for rows in tables_of(text) for row in rows if "†" in row[0]}
    assert marked == {"max †"}
    assert "†: one of the seven methods that *From Text to Pixels* compares with." in text


def test_where_no_detector_was_trained_the_tables_are_those_of_cocos(own_benchmark):
    for method in (*METHODS, *ABLATIONS, "early"):
        seen = [Detection("People", 0.9, 4, 4, 20, 30)]
        images = [EvaluatedImage(pair.pair_id, pair.boxes, seen, ZERO_SHOT) for pair in own_benchmark]
        write_detections(layout.detections("simulator", method), [] if method == "early" else images)
    report.run()
    assert "YOLOv5 as it learned from COCO" in (layout.SITE / "index.html").read_text()
    assert "AP50:95 of the test split, found by YOLOv5 as it learned from COCO" in (
        (layout.SITE / "paper.html").read_text()
    )
    CliRunner().invoke(app, ["publish"], catch_exceptions=False)
    detection = (Path(FOLDER) / "detection-simulator.md").read_text()
    assert "as it learned from COCO" in detection
    assert "fine-tuned" not in detection
    assert "AP50: YOLOv5 as it learned from COCO" in (Path(FOLDER) / "README.md").read_text()


def rows_of(path):
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_every_table_is_there_as_csv_and_as_markdown_and_every_link_leads_to_a_file(published):
    folder, _ = published
    names = {path.name for path in folder.iterdir()}
    for stem in ("fusion-simulator", "detection-simulator", "cost", "ablations"):
        assert {f"{stem}.csv", f"{stem}.md"} <= names
    assert {"ranks-simulator.svg", "cost-and-quality-simulator.svg"} <= names
    linked = set()
    for page in folder.glob("*.md"):
        linked |= set(re.findall(r"\]\(([^)]+)\)", page.read_text()))
    assert {link.split("/")[0] for link in linked} == names - {"README.md", "headline.md"}
    assert all((folder / link).is_file() for link in linked)


def test_the_pages_open_from_the_disk_without_pictures_or_places_of_this_machine(published):
    site = published[0] / "site"
    pages = list(site.rglob("*.html"))
    assert {page.name for page in pages} >= {"index.html", "simulator.html", "paper.html", "detection.html"}
    assert not [path for path in site.rglob("*") if path.suffix in (".webp", ".png", ".parquet")]
    for page in pages:
        text = page.read_text()
        assert "<img" not in text.replace('<img loading="lazy" width="326"', ""), f"{page.name}: but for curves"
        for target in re.findall(r'(?:href|src)="([^"#]+)', text):
            assert target.startswith("data:") or (page.parent / target).is_file(), f"{page.name} leads to {target}"
    assert "params.yaml</h2>" not in (site / "provenance.html").read_text()


def test_tables_are_whole_and_aligned(published):
    folder, _ = published
    for page in folder.glob("*.md"):
        for found in tables_of(page.read_text()):
            assert len({len(row) for row in found}) == 1, page.name
            if "{{" in page.read_text() or page.name == "README.md":
                continue
            assert all(len({len(row[index]) for row in found}) == 1 for index in range(len(found[0]))), page.name


def test_the_headline_has_at_most_ten_columns_every_method_and_is_what_was_printed(published):
    folder, printed = published
    headline = (folder / "headline.md").read_text()
    (found,) = tables_of(headline)
    assert len(found[0]) <= 10
    assert {row[0].strip() for row in found[2:]} == set(METHODS)
    assert headline in printed
    assert headline in (folder / "README.md").read_text()
    assert "Simulated pairs" in headline


def test_the_best_fused_method_is_bold_and_arrows_say_which_way(published):
    folder, _ = published
    found = tables_of((folder / "fusion-simulator.md").read_text())[0]
    columns = [cell.strip() for cell in found[0]]
    assert columns[1] == "Rank ↓"
    assert "SSIM ↑" in columns
    rows = {row[0].strip(): [cell.strip() for cell in row] for row in found[2:]}
    best = [row for row in rows_of(folder / "fusion-simulator.csv") if row["place"] == "1"]
    for row in best:
        if row["convention"] == "standard" and f"{row['metric']} ↑" in columns:
            assert rows[row["method"]][columns.index(f"{row['metric']} ↑")].startswith("**"), row
    assert not any("**" in cell for cell in rows["infrared"]), "a source wins nothing"


def test_the_best_precision_of_a_fused_method_is_bold_in_the_headline(published):
    (found,) = tables_of((published[0] / "headline.md").read_text())
    columns = [cell.strip() for cell in found[0]]
    (place,) = (index for index, name in enumerate(columns) if name.endswith("AP50 ↑"))
    rows = {row[0].strip(): row[place].strip() for row in found[2:]}
    fused = {method: cell for method, cell in rows.items() if method not in ("infrared", "visible")}
    best = max(float(cell.strip("*")) for cell in fused.values())
    assert len(fused) > 1
    for method, cell in rows.items():
        assert cell.startswith("**") == (method in fused and float(cell.strip("*")) == best), (method, cell)


def test_differences_of_seeds_are_a_list_that_no_spreadsheet_adds_up(published):
    texts = [row["difference_by_seed"] for row in rows_of(published[0] / "ablations.csv")]
    assert any(texts)
    assert all(isinstance(one, float | int) for text in texts if text for one in json.loads(text))


def test_csv_holds_intervals_tests_and_both_conventions(published):
    folder, _ = published
    rows = rows_of(folder / "fusion-simulator.csv")
    assert {row["convention"] for row in rows} == {"standard", "stretched"}
    assert {row["method"] for row in rows} == set(METHODS)
    entropy = next(row for row in rows if (row["metric"], row["method"]) == ("EN", "ours"))
    assert float(entropy["low"]) <= float(entropy["mean"]) <= float(entropy["high"])
    assert entropy["images"] == "3"
    settings = {row["setting"] for row in rows_of(folder / "ablations.csv")}
    assert settings == {"ours", *ABLATIONS}
    assert {row["method"] for row in rows_of(folder / "cost.csv")} == set(METHODS)


def test_the_csv_of_detection_holds_the_paired_differences_of_the_means(published):
    folder, _ = published
    rows = rows_of(folder / "detection-simulator.csv")
    means = {(row["scope"], row["metric"], row["method"]): row for row in rows if row["category"] == "all"}
    compared = [row for row in rows if row["against"]]
    assert {row["method"] for row in compared} >= {*METHODS} - {"ours"}
    for row in compared:
        assert (row["category"], row["against"]) == ("all", "ours")
        ours = means[row["scope"], row["metric"], "ours"]
        assert float(row["difference"]) == pytest.approx(float(row["value"]) - float(ours["value"]), abs=1e-5)
        assert float(row["difference_low"]) <= float(row["difference_high"])
        shown = "{:+.3f} ({:+.3f} to {:+.3f})".format(
            *(float(row[name]) for name in ("difference", "difference_low", "difference_high"))
        )
        assert shown in (folder / "detection-simulator.md").read_text()


def test_the_rows_give_the_tables_again(published):
    folder, _ = published
    rows = pd.read_parquet(folder / "rows" / "fusion-simulator.parquet")
    assert {*rows["method"]} == {*METHODS, *ABLATIONS}
    assert not rows.duplicated(["convention", "metric", "method", "pair_id"]).any()
    means = rows.groupby(["convention", "metric", "method"])["value"].mean()
    for row in rows_of(folder / "fusion-simulator.csv"):
        expected = pytest.approx(float(row["mean"]), rel=1e-5, abs=1e-6, nan_ok=True)
        assert means[row["convention"], row["metric"], row["method"]] == expected, row


def test_figures_are_legible_on_any_ground_by_themselves(published):
    folder, _ = published
    for path in folder.glob("*.svg"):
        assert path.read_text().startswith("<svg")
        assert "currentColor" not in path.read_text()


def test_conditions_and_caveats_are_told(published):
    folder, _ = published
    text = (folder / "README.md").read_text()
    for words in (
        "git revision",
        "training seeds: 0",
        "test pairs: 3 of 3",
        "t2p publish",
        "simulated",
        "made of the boxes",
    ):
        assert words in text, words


def test_no_place_of_this_machine_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/tiny.yaml").write_text(PROFILE)
    content = params_file.read_yaml(tmp_path / "profiles/tiny.yaml")
    content["datasets"]["simulator"]["path"] = "/somewhere/RoadScene"
    content |= {"fuse": {"weights": "/somewhere/weights"}, "train": {"epochs": 7, "encoder": "table"}}
    content |= {"encoders": ["table"], "embed": {"table": "/somewhere/clip.parquet"}}
    first, *others = provenance.commands(params_file.parse(content))
    assert first == "t2p params tiny --data … --phrases … --weights … --set train.epochs=7"
    assert others == ["dvc repro", "t2p publish"]


def test_the_changes_to_a_profile_that_extends_another_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "profiles").mkdir()
    (tmp_path / "profiles/tiny.yaml").write_text(PROFILE)
    (tmp_path / "profiles/more.yaml").write_text("extends: tiny\nprofile: more\ntrain: {epochs: 9}\n")
    content = params_file.read_yaml(tmp_path / "profiles/tiny.yaml") | {
        "profile": "more",
        "train": {"epochs": 9, "batch": 3},
    }
    assert provenance.commands(params_file.parse(content))[0] == "t2p params more --set train.batch=3"


def test_a_folder_of_somebody_else_is_not_replaced(own_benchmark, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="was not written by t2p publish"):
        CliRunner().invoke(app, ["publish", "-o", str(tmp_path / "mine")], catch_exceptions=False)
    assert (tmp_path / "mine/thesis.txt").is_file()


def test_a_cell_stays_in_its_cell():
    text = table(["a", "b"], [["x|y", bold("1")], ["z", "22"]])
    assert text == "| a    |     b |\n|:-----|------:|\n| x\\|y | **1** |\n| z    |    22 |\n"


@pytest.mark.parametrize("ranks", [[1.0, None], [1.0, 2.0, None]])
def test_a_rank_is_the_best_of_several_alone(ranks):
    rows = [leaderboard.Row(f"m{number}", rank, (Cell(0.5, 0.4, 0.6, 3),)) for number, rank in enumerate(ranks)]
    text = markdown._fusion_table(Table(["VIF"], rows), METRICS, {})
    assert ("**1.00**" in text) == (len(ranks) > 2)
    assert "source" in text
