"""Ablations: grouped by what they change, compared with the reference pair by pair and seed by seed."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from support.tiny_benchmark import ABLATIONS

from text2pixels import layout, params_file
from text2pixels.analysis.ablations import (
    COLUMNS,
    KINDS,
    OTHER,
    changes_of,
    groups,
    kind_of,
    reference_of,
    settings_of,
)
from text2pixels.analysis.results import read_results
from text2pixels.methods.catalogue import entry_of
from text2pixels.pipeline import profiles, report

PAPER = Path(__file__).parents[2] / "profiles/paper.yaml"
SEEDED = {
    "ours": {},
    "ours-s1": {"train": {"seed": 1}},
    "joint": {"train": {"strategy": "joint"}},
    "joint-s1": {"train": {"strategy": "joint", "seed": 1}},
    "late": {"train": {"prompts": "none", "seed": 7}},
}


@pytest.fixture
def compared(benchmark):
    params = params_file.load(report.SECTIONS)
    results = read_results(params)
    return groups(results.changes, results.datasets, params.seed, params.report.bootstrap)


def test_groups_follow_from_the_overrides_alone(compared):
    found = {group.kind.title: [row.setting.name for row in group.tables[0].rows] for group in compared}
    assert found == {"Attention": ["ours", "no-codebook"], "Other changes": ["ours", "mixed"]}


def test_differences_are_paired_and_say_which_way_is_better(compared):
    table = compared[0].tables[0]
    reference, variant = (dict(zip(table.columns, row.cells, strict=True)) for row in table.rows)
    assert table.columns[:4] == ("SF", "EN", "SD", "AG")
    assert table.columns[-1] == "AP50"
    assert all(cell.difference is None and cell.verdict == "" for cell in reference.values())
    change = variant["SD"].difference
    assert change.mean == pytest.approx(variant["SD"].value - reference["SD"].value)
    assert change.low <= change.mean <= change.high < 0
    assert variant["SD"].verdict == "worse"
    assert variant["AP50"].difference.mean == pytest.approx(variant["AP50"].value - 1)


def test_the_page_names_overrides_and_its_limits(benchmark):
    page = (layout.SITE / "ablations.html").read_text()
    assert "<code>network.cross_attention: false</code>" in page
    assert "<code>network.codebook: false</code>, <code>train.prompts: none</code>" in page
    assert "trained <strong>once</strong>" in page
    assert "simulated" in page
    assert 'href="ablations.html"' in (layout.SITE / "index.html").read_text()


def test_ablations_show_on_their_own_page_the_papers_and_in_downloads_alone(benchmark):
    theirs = ("ablations.html", "paper.html", "provenance.html")
    pages = [page for page in layout.SITE.rglob("*.html") if page.name not in theirs]
    pages = [page for page in pages if "pair" not in page.parts]  # the viewer offers every variant
    assert not [page.name for page in pages if "no-codebook" in page.read_text()]
    pictures = layout.SITE.rglob("*no-codebook*")
    assert {path.suffix for path in pictures if "paper" not in path.parts} == {".webp"}  # which the viewer shows
    for name in ("scores", "detection", "training"):
        assert "no-codebook" in (layout.SITE / f"downloads/{name}.csv").read_text(), name


def test_one_variant_has_no_page(own_benchmark):
    params = params_file.parse(params_file.read_yaml(params_file.PARAMS_FILE))
    kept = {name: changes for name, changes in params.methods.items() if name not in ABLATIONS}
    params_file.PARAMS_FILE.write_text(profiles.render(replace(params, methods=kept)))
    report.run()
    assert not (layout.SITE / "ablations.html").exists()
    assert "ablations.html" not in (layout.SITE / "index.html").read_text()


def seeded(values):
    """A data set of four images where a variant's every metric is an image's number plus the variant's own."""
    rows = [
        (f"p{image}", variant, metric, image + value)
        for variant, value in values.items()
        for metric in COLUMNS
        for image in range(4)
    ]
    scores = pd.DataFrame(rows, columns=["pair_id", "method", "metric", "value"])
    return SimpleNamespace(scores=scores, precision={}, detections={})


def test_variants_that_differ_in_their_seed_alone_are_one_setting():
    found = [(setting.name, setting.variants, setting.seeds) for setting in settings_of(SEEDED, 0)]
    assert found == [
        ("ours", ("ours", "ours-s1"), (0, 1)),
        ("joint", ("joint", "joint-s1"), (0, 1)),
        ("late", ("late",), (7,)),
    ]
    assert kind_of(settings_of(SEEDED, 0)[1].changes).title == "Strategy"
    assert reference_of({"joint": SEEDED["joint"], "ours-s1": SEEDED["ours-s1"]}) == "ours-s1"


def test_seeds_are_averaged_paired_and_must_agree():
    # Seed 1 is 10 higher for everybody: paired by seed, that does not blur the differences.
    data = seeded({"ours": 0, "ours-s1": 10, "joint": 1, "joint-s1": 14, "late": 5.5})
    found = {group.kind.title: group.tables[0].rows for group in groups(SEEDED, [data], 0, 50)}
    assert list(found) == ["Strategy", "Prompts"]
    reference, joint = (row.cells[0] for row in found["Strategy"])
    assert (reference.value, reference.spread) == pytest.approx((1.5 + 5, 50**0.5))
    assert joint.each == pytest.approx((1, 4))
    assert joint.difference.mean == pytest.approx(2.5)
    assert joint.verdict == "better"
    assert "by seed +1, +4" in joint.note
    late = found["Prompts"][1].cells[0]
    assert late.each == pytest.approx((5.5, -4.5)), "no common seed: compared with each"
    assert np.isnan(late.spread)
    assert late.verdict == "", "the seeds disagree"
    assert replace(late, each=(0.5,)).verdict == "better"


def test_other_seeds_of_the_reference_alone_have_a_table():
    variants = {name: SEEDED[name] for name in ("ours", "ours-s1")}
    (group,) = groups(variants, [seeded({"ours": 0, "ours-s1": 2})], 0, 50)
    assert group.kind.title == "Seeds"
    assert [row.setting.name for row in group.tables[0].rows] == ["ours"]


def test_the_change_of_the_precision_is_the_difference_of_the_two(compared):
    rows = {row.setting.name: row.cells[-1] for group in compared for row in group.tables[0].rows}
    change = rows["mixed"].difference
    assert change.mean == pytest.approx(rows["mixed"].value - rows["ours"].value)
    assert change.low <= change.mean <= change.high <= 0
    assert change.count == 3


def test_the_papers_ablations_fall_into_the_papers_groups():
    methods = params_file.parse(params_file.read_yaml(PAPER)).methods
    variants = {name: changes for name, changes in methods.items() if entry_of(name, changes).kind == "ours"}
    assert reference_of(variants) == "ours"
    found = {name: kind_of(changes_of(overrides, {})).title for name, overrides in variants.items() if overrides}
    assert sorted(set(found.values())) == sorted(kind.title for kind in KINDS)
    assert [name for name, title in found.items() if title == "Losses"] == ["no-structure-loss", "no-content-loss"]


def test_a_reference_with_overrides_of_its_own():
    variants = {"a": {"losses": {"texture": 1.0}}, "b": {"losses": {"texture": 1.0}, "network": {"codebook": False}}}
    assert reference_of(variants) == "a"
    assert changes_of(variants["b"], variants["a"]) == {"network.codebook": "false"}
    assert changes_of({}, variants["a"]) == {"losses.texture": "as in params.yaml"}
    assert kind_of({}) is OTHER
    assert kind_of({"network.channels": "16"}) is OTHER
