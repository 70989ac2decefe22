"""What the stages wrote, read for the report: of data sets of any name."""

import json

import numpy as np
import pandas as pd
import pytest

from text2pixels import layout, params_file
from text2pixels.analysis.results import read_results
from text2pixels.datasets.catalogue import DATASETS
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.datasets.quarantine import write_quarantine
from text2pixels.detection.detections import EvaluatedImage, write_detections
from text2pixels.image.boxes import Box
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.prompts.table import Prompt, write_prompts

METHOD = "infrared"


@pytest.fixture
def params(tmp_path, monkeypatch):
    """What one method made of one test pair of the data set `yard`."""
    monkeypatch.chdir(tmp_path)
    images = ("infrared/a.png", "visible/a.png")
    boxes = (Box("car", 1, 1, 9, 9),)
    pair = Pair("yard/a", "yard", "a", "test", *images, 64, 48, "a" * 64, "b" * 64, labelled=True, boxes=boxes)
    folder = layout.processed("yard")
    folder.mkdir(parents=True)
    write_manifest(folder / "manifest.parquet", [pair])
    write_quarantine(folder / "quarantine.parquet", [])
    write_prompts(layout.prompts("yard"), [Prompt(pair.pair_id, "fine", ("a car",), "boxes")])
    layout.scores("yard", METHOD).parent.mkdir(parents=True)
    row = {"pair_id": pair.pair_id, "method": METHOD, "metric": "EN", "value": np.float64(7), "reason": None}
    conventions = ("standard", "stretched")
    pd.DataFrame([row | {"convention": each} for each in conventions]).to_parquet(layout.scores("yard", METHOD))
    for name in (METHOD, "early"):
        write_detections(layout.detections("yard", name), [EvaluatedImage(pair.pair_id, boxes, [])])
    layout.model(METHOD).mkdir(parents=True)
    write_card(layout.model(METHOD), entry_of(METHOD).card, METHOD)
    layout.cost(METHOD).parent.mkdir(parents=True)
    layout.cost(METHOD).write_text(json.dumps({"method": METHOD}))
    source = {"path": "raw", "options": {"adapter": "folder"}}
    return params_file.parse(
        {"profile": "x", "seed": 0, "encoders": [], "datasets": {"yard": source}, "methods": {METHOD: {}}}
    )


def test_a_data_set_of_ones_own_is_read_under_its_name_with_its_adapter(params):
    results = read_results(params)
    (data,) = results.datasets
    assert (results.methods, results.variants) == ([METHOD], [])
    assert (data.name, data.adapter.name, data.adapter.title) == ("yard", "yard", DATASETS["folder"].title)
    assert [pair.name for pair in data.test] == ["a"]
