"""Ablations: grouped by what they change, compared with the reference pair by pair."""

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_model import write_model

from text2pixels import config, layout, profiles
from text2pixels.data.images import write_png
from text2pixels.data.manifest import Box, Pair, write_manifest
from text2pixels.data.quarantine import write_quarantine
from text2pixels.detection.evaluation import average_precision
from text2pixels.detection.suppression import Detection
from text2pixels.detection.table import Outcome, read_detections, write_detections
from text2pixels.files import sha256
from text2pixels.report.ablations import (
    KINDS,
    OTHER,
    changes_of,
    groups,
    kind_of,
    paired_precision,
    reference_of,
)
from text2pixels.report.results import read_results
from text2pixels.stages import report, score
from text2pixels.text.prompts import Prompt, write_prompts

VARIANTS = {
    "no-codebook": {"network": {"cross_attention": False}},  # the name lies; the overrides decide
    "ours": {},
    "mixed": {"network": {"codebook": False}, "train": {"prompts": "none"}},
}
PAPER = Path(__file__).parents[2] / "profiles/paper.yaml"
BOX = Box("People", 4, 4, 20, 30)
SEEN = [Detection("People", 0.9, 4, 4, 20, 30)]


def benchmark(variants, bootstrap=60):
    """Write what the report reads: three simulated pairs; ours keeps the mean, others flatten it by half."""
    noise = np.random.default_rng(0)
    folder, pairs = layout.processed("simulator"), []
    for index in range(3):
        name = f"p{index}"
        infrared = noise.integers(0, 255, (48, 64), dtype=np.uint8)
        visible = noise.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        write_png(folder / "infrared" / f"{name}.png", infrared)
        write_png(folder / "visible" / f"{name}.png", visible)
        for method in (*variants, "average"):
            fused = infrared // 2 + visible[..., 1] // 2
            for of in (layout.fused, layout.fused_stretched):
                write_png(of("simulator", method) / f"{name}.png", fused if method == "ours" else fused // 2)
        digests = (sha256(folder / kind / f"{name}.png") for kind in ("infrared", "visible"))
        files = (f"infrared/{name}.png", f"visible/{name}.png")
        pairs.append(
            Pair(f"simulator/{name}", "simulator", name, "test", *files, 64, 48, *digests, "night", True, (BOX,))
        )
    write_manifest(folder / "manifest.parquet", pairs)
    write_quarantine(folder / "quarantine.parquet", [])
    write_prompts(layout.prompts("simulator"), [Prompt(pair.pair_id, "fine", ("at night",), "csv") for pair in pairs])
    sections = {"profile": "tiny", "seed": 0, "datasets": {"simulator": {}}, "encoders": ["hash"]}
    sections |= {"baselines": ["average"], "variants": variants, "report": {"bootstrap": bootstrap, "gallery": 1}}
    Path("params.yaml").write_text(profiles.render(config.parse(sections)))
    for method in (*variants, "average"):
        found = [
            Outcome(pair.pair_id, pair.boxes, SEEN if method == "ours" or index else [])
            for index, pair in enumerate(pairs)
        ]
        write_detections(layout.detections("simulator", method), found)
        score.run("simulator", method)
        cost = {"method": method, "width": 64, "height": 48, "device": "cpu", "threads": 1, "parameters": 3}
        cost |= {"macs": None, "seconds": 0.01, "repeats": 1, "peak_bytes": None}
        layout.cost(method).parent.mkdir(parents=True, exist_ok=True)
        layout.cost(method).write_text(json.dumps(cost))
    for variant in variants:
        write_model(variant, ["at night"])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablations")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        benchmark(VARIANTS)
        report.run()
    return folder


@pytest.fixture
def params(made, monkeypatch):
    monkeypatch.chdir(made)
    return config.load(report.SECTIONS)


def test_groups_follow_from_the_overrides_alone(params):
    found = {group.kind.title: [row.variant for row in group.tables[0].rows] for group in compared(params)}
    assert found == {"Attention": ["ours", "no-codebook"], "Other changes": ["ours", "mixed"]}


def compared(params):
    return groups(params.variants, read_results(params).datasets, params.report.bootstrap)


def test_differences_are_paired_and_say_which_way_is_better(params):
    table = compared(params)[0].tables[0]
    reference, variant = (dict(zip(table.columns, row.cells, strict=True)) for row in table.rows)
    assert table.columns[:4] == ("SF", "EN", "SD", "AG") and table.columns[-1] == "AP50"
    assert all(cell.difference is None and cell.verdict == "" for cell in reference.values())
    change = variant["SD"].difference
    assert change.mean == pytest.approx(variant["SD"].value - reference["SD"].value)
    assert change.low <= change.mean <= change.high < 0 and variant["SD"].verdict == "worse"
    assert variant["AP50"].difference.mean == pytest.approx(variant["AP50"].value - 1)


def test_the_page_names_overrides_and_its_limits(made):
    page = (made / layout.site() / "ablations.html").read_text()
    assert "<code>network.cross_attention: false</code>" in page
    assert "<code>network.codebook: false</code>, <code>train.prompts: none</code>" in page
    assert "trained <strong>once</strong>" in page and "simulated" in page
    assert 'href="ablations.html"' in (made / layout.site() / "index.html").read_text()


def test_one_variant_has_no_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    benchmark({"ours": {}})
    report.run()
    assert not (layout.site() / "ablations.html").exists()
    assert "ablations.html" not in (layout.site() / "index.html").read_text()


def test_paired_precision_is_the_difference_of_the_two_and_nought_with_itself(made):
    ours, other = (read_detections(made / layout.detections("simulator", name)) for name in ("ours", "mixed"))
    values = [
        next(row.value for row in average_precision(table, 10) if (row.category, row.metric) == ("all", "AP50"))
        for table in (other, ours)
    ]
    change = paired_precision(other, ours, 100)
    assert change.mean == pytest.approx(values[0] - values[1])
    assert change.low <= change.mean <= change.high <= 0 and change.count == 3
    assert (paired_precision(ours, ours, 100).low, paired_precision(ours, ours, 100).high) == (0, 0)


def test_the_papers_ablations_fall_into_the_papers_groups():
    variants = config.parse(config.read_yaml(PAPER)).variants
    assert reference_of(variants) == "ours"
    found = {name: kind_of(changes_of(overrides, {})).title for name, overrides in variants.items() if overrides}
    assert sorted(set(found.values())) == sorted(kind.title for kind in KINDS)
    assert [name for name, title in found.items() if title == "Losses"] == ["no-structure-loss", "no-content-loss"]


def test_a_reference_with_overrides_of_its_own():
    variants = {"a": {"losses": {"texture": 1.0}}, "b": {"losses": {"texture": 1.0}, "network": {"codebook": False}}}
    assert reference_of(variants) == "a"
    assert changes_of(variants["b"], variants["a"]) == {"network.codebook": "false"}
    assert changes_of({}, variants["a"]) == {"losses.texture": "as in params.yaml"}
    assert kind_of({}) is OTHER and kind_of({"network.channels": "16"}) is OTHER
