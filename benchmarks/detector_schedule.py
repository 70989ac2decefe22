"""Which schedule fine-tunes a detector best: tried on the labelled pairs that no test split holds.

    python benchmarks/detector_schedule.py [--methods infrared visible laplacian] [--folds 2] [--seeds 1]
        [--try learning_rate=1e-4 --try "epochs=8 memory=0.9" ...] [-o schedule.csv]

In the folder of a run, whose fused pictures of the labelled pairs are there (`dvc repro fuse`). Each schedule is
params.yaml's section `detect` with some values changed; the first is the section as it is. The labelled pairs of the
splits train and val are dealt into folds, and every fold is tested by a detector that was trained on the others, as in
the stage `detect`. A row gives the mean AP50 of the categories with enough boxes less what COCO's detector finds in the
same pictures as it is, paired by pictures, with its 95 % interval; the mean over the methods; and the processor's time.
What is chosen here has seen no test pair.
"""

import argparse
import csv
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from text2pixels import config, layout, params_file
from text2pixels.analysis.average_precision import Resampled, interval, resample
from text2pixels.datasets.manifest import Pair
from text2pixels.detection.detections import EvaluatedImage, as_table
from text2pixels.detection.examples import Example
from text2pixels.detection.protocol import fold_jobs, work, zero_shot_job
from text2pixels.errors import InputError
from text2pixels.methods.card import read_card
from text2pixels.pipeline.detect import example_of, sharing

COLUMNS = ("schedule", "method", "zero_shot", "AP50", "difference", "low", "high", "seconds")
Group = dict[str, tuple[Path, list[Pair]]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--methods", nargs="+", default=["infrared", "visible", "laplacian"])
    parser.add_argument("--folds", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--try", dest="tried", action="append", default=[], help="values of detect to change")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("-o", "--out", type=Path, help="CSV to write the rows to")
    options = parser.parse_args()
    try:
        params = params_file.load(("seed", "datasets", "fuse", "detect"))
        base = replace(params.detect, folds=options.folds, seeds=options.seeds, workers=1)
        schedules = {"as it is": base} | {words: _changed(base, words) for words in options.tried}
        measure(options, sharing(params.datasets), schedules, params.seed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def measure(options: argparse.Namespace, groups: list[Group], schedules: dict[str, config.Detect], seed: int) -> None:
    """Print a row for each schedule and method, and write all rows where asked to."""
    rows: list[dict[str, Any]] = []
    before: dict[str, Resampled] = {}
    for words, settings in schedules.items():
        differences = []
        for method in options.methods:
            began = time.process_time()
            tuned = _tested(groups, method, settings, seed, options.resamples, zero_shot=False)
            seconds = time.process_time() - began
            if method not in before:
                before[method] = _tested(groups, method, settings, seed, options.resamples, zero_shot=True)
            (value, samples), (start, others) = (side.of_all("AP50") for side in (tuned, before[method]))
            low, high = interval(samples - others)
            differences.append(value - start)
            numbers = (start, value, value - start, low, high, seconds)
            rows.append(dict(zip(COLUMNS, (words, method, *numbers), strict=True)))
            print(
                f"{words:36} {method:12} {start:.3f} -> {value:.3f}  {value - start:+.3f} [{low:+.3f}, {high:+.3f}]"
                f"  {seconds:.0f} s",
                flush=True,
            )
        print(f"{words:36} {'mean':12} {np.mean(differences):+.3f}, least {min(differences):+.3f}", flush=True)
        if options.out:
            with options.out.open("w", newline="") as file:
                writer = csv.DictWriter(file, COLUMNS)
                writer.writeheader()
                writer.writerows(rows)


def _tested(
    groups: list[Group], method: str, settings: config.Detect, seed: int, resamples: int, *, zero_shot: bool
) -> Resampled:
    colour = read_card(layout.model(method))[0].colour != "none"
    images: list[EvaluatedImage] = []
    for group in groups:
        known = {
            name: (folder, [pair for pair in pairs if pair.labelled and pair.split != "test"])
            for name, (folder, pairs) in group.items()
        }
        known = {name: own for name, own in known.items() if own[1]}
        examples: dict[str, Example] = {
            pair.pair_id: example_of(name, method, pair, colour) for name, (_, pairs) in known.items() for pair in pairs
        }
        if not examples:
            continue
        if zero_shot:
            jobs = [zero_shot_job(" and ".join(known), list(examples.values()), settings)]
        else:
            jobs = list(fold_jobs(known, examples, settings, seed, layout.detector(), method))
        images += [image for job in jobs if job is not None for image in work(replace(job, description=None))]
    found = resample(as_table(images), resamples)
    if found is None:
        raise InputError(f"no labelled pair of the splits train and val was tested on {method}")
    return found


def _changed(settings: config.Detect, words: str) -> config.Detect:
    """Return the settings with values changed that are written as NAME=VALUE, parted by spaces."""
    changes = {name: yaml.safe_load(value) for name, _, value in (word.partition("=") for word in words.split())}
    if unknown := changes.keys() - vars(settings).keys():
        raise InputError(f"detect has no {', '.join(sorted(unknown))}; it has {', '.join(vars(settings))}")
    return replace(settings, **{name: type(getattr(settings, name))(value) for name, value in changes.items()})


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
