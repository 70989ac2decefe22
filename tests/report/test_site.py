"""The site, built from a tiny benchmark made here."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from text2pixels import config, layout, profiles
from text2pixels.data.images import write_png
from text2pixels.data.manifest import Box, Pair, write_manifest
from text2pixels.data.quarantine import Quarantined, write_quarantine
from text2pixels.detection.table import write_detections
from text2pixels.detection.yolo import Detection
from text2pixels.errors import InputError
from text2pixels.files import sha256
from text2pixels.stages import report, score
from text2pixels.text.prompts import Prompt, write_prompts
from text2pixels.training.history import Row, write_history

METHODS = ("ours", "infrared", "average", "max")
HOSTILE = "<script>alert('a person')</script>"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A simulated data set of three test pairs, fused, scored, detected and reported, in a folder."""
    folder = tmp_path_factory.mktemp("benchmark")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        pairs = _benchmark()
        report.run()
    return folder, pairs


@pytest.fixture
def benchmark(made, monkeypatch):
    """The pairs; the working directory is the benchmark's."""
    monkeypatch.chdir(made[0])
    return made[1]


@pytest.fixture
def own_benchmark(made, tmp_path, monkeypatch):
    """The pairs of a copy that the test may break."""
    copytree(made[0], tmp_path / "copy")
    monkeypatch.chdir(tmp_path / "copy")
    return made[1]


def _benchmark():
    noise = np.random.default_rng(0)
    folder, pairs = layout.processed("simulator"), []
    for index in range(3):
        name = f"night-{index}"
        infrared = noise.integers(0, 255, (48, 64), dtype=np.uint8)
        visible = noise.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        write_png(folder / "infrared" / f"{name}.png", infrared)
        write_png(folder / "visible" / f"{name}.png", visible)
        for method in METHODS:
            write_png(layout.fused("simulator", method) / f"{name}.png", infrared // 2 + visible[..., 1] // 2)
        pairs.append(
            Pair(
                pair_id=f"simulator/{name}",
                dataset="simulator",
                name=name,
                split="test",
                infrared=f"infrared/{name}.png",
                visible=f"visible/{name}.png",
                width=64,
                height=48,
                infrared_sha256=sha256(folder / "infrared" / f"{name}.png"),
                visible_sha256=sha256(folder / "visible" / f"{name}.png"),
                time_of_day="night",
                labelled=True,
                boxes=(Box("People", 4, 4, 20, 30),),
            )
        )
    write_manifest(folder / "manifest.parquet", pairs)
    write_quarantine(
        folder / "quarantine.parquet", [Quarantined("simulator", "x", "pair", "unreadable", "x.png is empty")]
    )
    write_prompts(
        layout.prompts("simulator"), [Prompt(pair.pair_id, "fine", (HOSTILE, "at night"), "csv") for pair in pairs]
    )
    write_history(
        layout.model("ours") / "history.parquet", [Row(1, "lower", "loss", 1.0), Row(2, "lower", "loss", 0.5)]
    )
    content = {
        "profile": "tiny",
        "seed": 0,
        "datasets": {"simulator": {}},
        "encoders": ["hash"],
        "baselines": [method for method in METHODS if method != "ours"],
        "variants": {"ours": {}},
        "report": {"bootstrap": 50, "gallery": 2},
    }
    Path("params.yaml").write_text(profiles.render(config.parse(content)))
    for method in METHODS:
        found = [(pair.pair_id, pair.boxes, [Detection("People", 0.9, 4, 4, 20, 30)]) for pair in pairs]
        write_detections(layout.detections("simulator", method), found)
        score.run("simulator", method)
        cost = {"method": method, "width": 64, "height": 48, "device": "cpu", "threads": 1, "parameters": 3}
        cost |= {"macs": None, "seconds": 0.01, "repeats": 1, "peak_bytes": None}
        layout.cost(method).parent.mkdir(parents=True, exist_ok=True)
        layout.cost(method).write_text(json.dumps(cost))
    return pairs


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
    pages = sorted(layout.site().rglob("*.html"))
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
    static = sum(path.stat().st_size for path in (layout.site() / "static").iterdir())
    for page in layout.site().rglob("*.html"):
        assert page.stat().st_size + static < 300 * 1024, page.name


def test_simulated_data_say_so_wherever_they_show(benchmark):
    for name in ("index.html", "simulator.html", "data.html", "pair/simulator/night-0.html"):
        assert "simulated" in (layout.site() / name).read_text(), name


def test_text_from_data_is_escaped(benchmark):
    page = (layout.site() / "pair/simulator/night-0.html").read_text()
    assert HOSTILE not in page
    assert "&lt;script&gt;alert" in page


def test_every_method_is_in_the_tables_and_the_sources_are_not_ranked(benchmark):
    numbers = json.loads(report.METRICS_FILE.read_text())["simulator"]
    assert set(numbers) == set(METHODS)
    assert "rank" not in numbers["infrared"] and "rank" in numbers["average"]
    assert numbers["average"]["AP50"] == pytest.approx(1.0)
    table = (layout.site() / "simulator.html").read_text()
    assert all(f'<th scope="row">{method}</th>' in table for method in METHODS)
    assert "95 % interval" in table


def test_downloads_hold_every_row(benchmark):
    import pandas as pd

    rows = pd.read_csv(layout.site() / "downloads/scores.csv")
    assert set(rows["method"]) == set(METHODS) and rows["pair_id"].nunique() == 3


def test_a_method_scored_on_other_pairs_is_refused_and_the_old_site_stays(own_benchmark):
    before = (layout.site() / "index.html").read_text()
    write_manifest(layout.processed("simulator") / "manifest.parquet", own_benchmark[:2])
    with pytest.raises(InputError, match="covers 3 pairs, the test split has 2"):
        report.run()
        assert (layout.site() / "index.html").read_text() == before


def test_a_missing_file_is_named(own_benchmark):
    layout.cost("max").unlink()
    with pytest.raises(InputError, match=r"reports/profile/max\.json is missing"):
        report.run()
