"""The site, built from a tiny benchmark."""

import hashlib
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from support.tiny_benchmark import ABLATIONS, HOSTILE, METHODS, UNSEEN

from text2pixels import layout
from text2pixels.datasets.manifest import write_manifest
from text2pixels.errors import InputError
from text2pixels.image.png import read_rgb
from text2pixels.pipeline import report
from text2pixels.report import provenance


class Links(HTMLParser):
    """What a page points at, and the tags that it opens."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.images_without_words = [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.targets += [given[key] for key in ("href", "src") if given.get(key)]
        self.images_without_words += tag == "img" and "alt" not in given


def test_the_site_stands_alone_and_every_link_leads_somewhere(benchmark):
    pages = sorted(layout.SITE.rglob("*.html"))
    assert {page.name for page in pages} >= {"index.html", "simulator.html", "methods.html", "night-0.html"}
    for page in pages:
        links = Links(page.read_text())
        assert not links.images_without_words
        for target in links.targets:
            if target.startswith(("data:", "#")):
                continue
            assert not re.match(r"\w+:|//", target), f"{page.name} asks another host: {target}"
            assert (page.parent / target.split("#")[0]).exists(), f"{page.name} links to {target}"


def test_pages_are_light_without_their_images(benchmark):
    static = sum(path.stat().st_size for path in (layout.SITE / "static").iterdir())
    for page in layout.SITE.rglob("*.html"):
        assert page.stat().st_size + static < 300 * 1024, page.name


def test_simulated_data_say_so_wherever_they_show(benchmark):
    for name in ("index.html", "simulator.html", "data.html", "pair/simulator/night-0.html"):
        assert "simulated" in (layout.SITE / name).read_text(), name


def test_text_from_data_is_escaped(benchmark):
    page = (layout.SITE / "pair/simulator/night-0.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert" in page


def test_a_pairs_page_has_the_boxes_that_were_found_in_each_methods_image(benchmark):
    page = (layout.SITE / "pair/simulator/night-0.html").read_text()
    found = json.loads(re.search(r'<script type="application/json">(.*?)</script>', page)[1])
    assert set(found) >= set(METHODS)
    assert found[METHODS[0]] == [{"category": "People", "score": 0.9, "x": 4, "y": 4, "w": 20, "h": 30}]
    assert 'name="found"' in page


def test_every_method_is_in_the_tables_and_the_sources_are_not_ranked(benchmark):
    numbers = json.loads((report.PLOTS / "headlines.json").read_text())["simulator"]
    assert set(numbers) == set(METHODS)
    assert "rank" not in numbers["infrared"]
    assert "rank" in numbers["average"]
    assert numbers["average"]["AP50"] == pytest.approx(1.0)
    table = (layout.SITE / "simulator.html").read_text()
    assert all(f'<th scope="row">{method}</th>' in table for method in METHODS)
    assert "95 % interval" in table


def test_the_text_has_a_page_with_a_picture_for_each_strength(benchmark):
    page = (layout.SITE / "text.html").read_text()
    steps = re.search(r'data-strengths="([^"]+)"', page)[1].split()
    assert steps[0] == "0"
    assert "1" in steps
    stem = re.search(r'data-stem="([^"]+)"', page)[1]
    pictures = [read_rgb(layout.SITE / f"{stem}{step}.webp").astype(int) for step in range(len(steps))]
    assert (layout.SITE / f"{stem}change.webp").is_file()
    changes = [np.abs(picture - pictures[0]).mean() for picture in pictures]
    assert changes == sorted(changes)
    assert changes[-1] > 0
    assert HOSTILE not in page
    assert UNSEEN not in page  # it has no vector: the network has not read it
    assert 'href="text.html"' in (layout.SITE / "index.html").read_text()


def test_a_method_stands_once_in_the_table_of_differences(benchmark):
    page = (layout.SITE / "detection.html").read_text()
    table = re.search(r"<caption>Each method's mean less that of .*?</table>", page, re.DOTALL)[0]
    named = re.findall(r'<th scope="row">(.*?)</th>', table)
    assert named
    assert len(set(named)) == len(named)
    assert re.findall(r"(AP50\S*), difference", table) == ["AP50", "AP50:95"]


def test_the_source_of_a_data_set_is_a_sentence(benchmark):
    for name in ("simulator.html", "data.html"):
        text = " ".join((layout.SITE / name).read_text().split())
        assert "Source: drawn by text2pixels itself, whose CITATION.cff says how to cite it. Licence: " in text


def test_provenance_has_the_hash_of_a_lock_that_is_not_committed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert provenance._lock() == "none (first run)"
    (tmp_path / "dvc.lock").write_text("stages: {}\n")
    said = provenance._lock()
    assert said.startswith(f"sha256 {hashlib.sha256((tmp_path / 'dvc.lock').read_bytes()).hexdigest()[:16]} ")
    assert "not committed" in said


def test_what_dvc_compares_is_small_and_flat(benchmark):
    shown = json.loads(report.METRICS_FILE.read_text())
    assert set(shown) <= {"simulator rank", "simulator VIF", "simulator AP50"}
    assert {"simulator rank", "simulator VIF"} <= set(shown)
    assert all(isinstance(value, float) for value in shown.values())
    curves = (report.PLOTS / "training.csv").read_text().splitlines()
    assert curves[0] == "epoch,fusion loss,fusion validation,detection loss,detection validation"
    quality = (report.PLOTS / "quality.csv").read_text().splitlines()
    assert quality[0] == "dataset,method,seconds,rank,VIF,Qabf,SSIM"
    assert len(quality) > 3


def test_downloads_hold_every_row(benchmark):
    import pandas as pd

    rows = pd.read_csv(layout.SITE / "downloads/scores.csv")
    assert set(rows["method"]) == {*METHODS, *ABLATIONS}
    assert rows["pair_id"].nunique() == 3


def test_the_stretched_convention_has_a_page_and_says_its_name_wherever_it_shows(benchmark):
    page = (layout.SITE / "published.html").read_text()
    assert "Convention stretched, mean over 3 pairs" in page
    assert "It inflates EN, SD, SF and AG" in page
    assert "<title>Stretched convention" in page
    assert "How the ranking changes" in page
    index = (layout.SITE / "index.html").read_text()
    assert "Convention stretched, mean" not in index
    assert 'href="published.html"' in index
    assert "an old scikit-image" in (layout.SITE / "metrics.html").read_text()


def test_a_method_scored_on_other_pairs_is_refused_and_the_old_site_stays(own_benchmark):
    before = (layout.SITE / "index.html").read_text()
    write_manifest(layout.processed("simulator") / "manifest.parquet", own_benchmark[:2])
    with pytest.raises(InputError, match="covers 3 pairs, the test split has 2"):
        report.run()
    assert (layout.SITE / "index.html").read_text() == before


def test_a_folder_of_images_that_no_method_made_is_named(own_benchmark, capfd):
    layout.fused("x", "mine").mkdir(parents=True)
    report.run()
    assert "data/fused/mine is of no method of params.yaml" in " ".join(capfd.readouterr().err.split())


def test_a_missing_file_is_named(own_benchmark):
    layout.cost("max").unlink()
    with pytest.raises(InputError, match=r"reports/cost/max\.json is missing"):
        report.run()


def test_every_calibrated_metric_is_one_of_ours_and_is_explained(benchmark):
    from text2pixels.metrics.score import METRICS
    from text2pixels.report.calibration import calibrations

    rows = calibrations()
    assert {row.metric for row in rows} <= set(METRICS)
    assert all(row.why for row in rows)
    assert 'href="calibration.html"' in (layout.SITE / "metrics.html").read_text()
    assert (layout.SITE / "calibration.html").read_text().count("<tr>") == len(rows) + 1
