"""What the report costs on many pairs: seconds, peak memory, and the largest page.

    python benchmarks/report.py [PAIRS ...]    # default: 200 2000

Made-up scores and detections of three filters and tiny images; each number of pairs is reported in a process of its
own. Printed for each: seconds of the stage `report`, seconds for a thousand pairs, peak MiB, the largest page in kB.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from text2pixels import layout, params_file
from text2pixels.datasets.manifest import Pair, write_manifest
from text2pixels.datasets.quarantine import write_quarantine
from text2pixels.detection.detections import Detection, EvaluatedImage, write_detections
from text2pixels.image.boxes import Box
from text2pixels.image.png import encode_png, write_png
from text2pixels.methods.card import write_card
from text2pixels.methods.catalogue import entry_of
from text2pixels.metrics import METRICS, STRETCHED
from text2pixels.pipeline import profiles, report, score
from text2pixels.prompts.table import Prompt, write_prompts

METHODS = ("infrared", "average", "max")
SET, WIDTH, HEIGHT = "yard", 64, 48


def make(count: int) -> None:
    """Write what the other stages would have written, into the working directory."""
    dice, folder = np.random.default_rng(0), layout.processed(SET)
    gray = dice.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    write_png(folder / "visible.png", np.repeat(gray[..., None], 3, axis=2))
    pairs = [
        Pair(
            pair_id=f"{SET}/{number:05d}",
            dataset=SET,
            name=f"{number:05d}",
            split="test",
            infrared="infrared.png",
            visible="visible.png",
            width=WIDTH,
            height=HEIGHT,
            infrared_sha256="0",
            visible_sha256="0",
            time_of_day="day",
            labelled=True,
            boxes=tuple(Box("car", 4.0 * place, 4, 12, 20) for place in range(3)),
        )
        for number in range(count)
    ]
    write_png(folder / "infrared.png", gray)
    write_manifest(folder / "manifest.parquet", pairs)
    write_quarantine(folder / "quarantine.parquet", [])
    write_prompts(layout.prompts(SET), [Prompt(pair.pair_id, "fine", ("a car",), "boxes") for pair in pairs])
    png = encode_png(gray)
    for method in METHODS:
        layout.model(method).mkdir(parents=True)
        write_card(layout.model(method), entry_of(method).card, method)
        layout.fused_stretched(SET, method).mkdir(parents=True)
        for pair in pairs:
            (layout.fused(SET, method) / f"{pair.name}.png").write_bytes(png)
        rows = [
            {
                "pair_id": pair.pair_id,
                "dataset": SET,
                "method": method,
                "convention": convention,
                "metric": metric,
                "value": float(dice.normal()),
                "reason": None,
            }
            for pair in pairs
            for convention, table in (("standard", METRICS), ("stretched", STRETCHED))
            for metric in table
        ]
        layout.scores(SET, method).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows, schema=score.SCHEMA), layout.scores(SET, method))
        cost = {"method": method, "width": WIDTH, "height": HEIGHT, "device": "cpu", "threads": 1, "parameters": 0}
        layout.cost(method).parent.mkdir(parents=True, exist_ok=True)
        layout.cost(method).write_text(json.dumps(cost | {"macs": None, "seconds": 1.0, "repeats": 1, "peak_bytes": 1}))
    for method in (*METHODS, "early"):
        found = [
            EvaluatedImage(
                pair.pair_id,
                pair.boxes,
                [
                    Detection("car", float(dice.random()), box.x + float(dice.normal()), box.y, box.w, box.h)
                    for box in pair.boxes
                ],
            )
            for pair in pairs
        ]
        layout.detections(SET, method).parent.mkdir(parents=True, exist_ok=True)
        write_detections(layout.detections(SET, method), found)
    content = {
        "profile": "many",
        "seed": 0,
        "datasets": {SET: {"options": {"adapter": "folder"}}},
        "encoders": ["hash"],
        "methods": {method: {} for method in METHODS},
    }
    Path("params.yaml").write_text(profiles.render(params_file.parse(content)))


def measure(count: int) -> None:
    """Print the cost of the report on so many pairs, as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        make(count)
        held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        start = time.perf_counter()
        report.run()
        seconds = time.perf_counter() - start
        largest = max(path.stat().st_size for path in layout.SITE.rglob("*.html"))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        found = {"pairs": count, "seconds": round(seconds, 1), "seconds_per_thousand": round(1000 * seconds / count, 1)}
        found |= {"peak_mib": round(peak), "peak_mib_while_made": round(held), "largest_page_kb": round(largest / 1000)}
        print(json.dumps(found))
        os.chdir("/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pairs", type=int, nargs="*", default=[200, 2000])
    parser.add_argument("--here", action="store_true", help="in this process")
    arguments = parser.parse_args()
    for count in arguments.pairs:
        if arguments.here:
            measure(count)
        else:
            subprocess.run([sys.executable, __file__, str(count), "--here"], check=True)


if __name__ == "__main__":
    main()
