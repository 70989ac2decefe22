"""A tiny benchmark for the tests of the report."""

import json
from pathlib import Path

import numpy as np

from support.tiny_model import write_model
from text2pixels import layout, params_file
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.datasets.quarantine import Quarantined, write_quarantine
from text2pixels.detection.detections import Detection, EvaluatedImage, write_detections
from text2pixels.files import sha256
from text2pixels.image.boxes import Box
from text2pixels.image.png import write_png
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.pipeline import profiles, score
from text2pixels.prompts.table import Prompt, write_prompts

METHODS = ("ours", "infrared", "average", "max")
VARIANTS = {
    "ours": {},
    "no-codebook": {"network": {"cross_attention": False}},  # the name lies; the overrides decide
    "mixed": {"network": {"codebook": False}, "train": {"prompts": "none"}},
}
ABLATIONS = tuple(name for name in VARIANTS if name != "ours")
HOSTILE = "<script>alert('a person')</script>"
UNSEEN = "a unicorn"  # without a vector


def write_benchmark():
    """Write a simulated data set of three test pairs, fused, scored and detected, into the working directory.

    The ablations' images are half as bright as those of ours, and their detectors miss a person.
    """
    noise = np.random.default_rng(0)
    folder, pairs = layout.processed("simulator"), []
    for index in range(3):
        name = f"night-{index}"
        infrared = noise.integers(0, 255, (48, 64), dtype=np.uint8)
        visible = noise.integers(0, 255, (48, 64, 3), dtype=np.uint8)
        write_png(folder / "infrared" / f"{name}.png", infrared)
        write_png(folder / "visible" / f"{name}.png", visible)
        green = visible[..., 1]
        fused = {
            "ours": infrared // 4 + green // 4 * 3,
            "infrared": infrared,
            "average": infrared // 2 + green // 2,
            "max": np.maximum(infrared, green),
        }
        fused |= dict.fromkeys(ABLATIONS, fused["ours"] // 2)
        for method in fused:
            write_png(layout.fused("simulator", method) / f"{name}.png", fused[method])
            write_png(layout.fused_stretched("simulator", method) / f"{name}.png", fused[method])
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
        layout.prompts("simulator"),
        [Prompt(pair.pair_id, "fine", (HOSTILE, "at night", UNSEEN), "csv") for pair in pairs],
    )
    for variant in VARIANTS:
        write_model(variant, {pair.pair_id: [HOSTILE, "at night"] for pair in pairs})
    for method in METHODS:
        if method not in VARIANTS:
            layout.model(method).mkdir(parents=True)
            write_card(layout.model(method), entry_of(method).card, method)
    content = {
        "profile": "tiny",
        "seed": 0,
        "datasets": {"simulator": {}},
        "encoders": ["hash"],
        "methods": {method: {} for method in METHODS} | VARIANTS,
        "report": {"bootstrap": 50, "gallery": 2},
    }
    Path("params.yaml").write_text(profiles.render(params_file.parse(content)))
    seen = [Detection("People", 0.9, 4, 4, 20, 30)]
    for method in (*METHODS, *ABLATIONS):
        found = [
            EvaluatedImage(pair.pair_id, pair.boxes, [] if method in ABLATIONS and not index else seen)
            for index, pair in enumerate(pairs)
        ]
        write_detections(layout.detections("simulator", method), found)
        score.run("simulator", method)
        cost = {"method": method, "width": 64, "height": 48, "device": "cpu", "threads": 1, "parameters": 3}
        cost |= {"macs": None, "seconds": 0.01, "repeats": 1, "peak_bytes": None}
        layout.cost(method).parent.mkdir(parents=True, exist_ok=True)
        layout.cost(method).write_text(json.dumps(cost))
    early = [EvaluatedImage(pair.pair_id, pair.boxes, seen) for pair in pairs]
    write_detections(layout.detections("simulator", "early"), early)
    return pairs
