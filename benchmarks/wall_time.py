"""Where the time of a benchmark goes: fusing and scoring every method's pairs, and the share of each.

    python benchmarks/wall_time.py --shared ../shared --every 5

Pairs: TNO-25 and RoadScene's test50.txt, 75 together. With --every N only each N-th pair is fused and
scored, and the seconds are those of the pairs times N, which the table says. One process, all its
threads, the methods one after another; loading a network counts, reading the images does not.
"""

import argparse
import time
from pathlib import Path

import numpy as np
from baselines import read_pairs

from text2pixels.image.colour import luminance, quantise
from text2pixels.methods import catalogue
from text2pixels.methods.convention import fuse_luminance
from text2pixels.metrics.score import HEADLINE, score
from text2pixels.progress import track


def measure(name: str, pairs: list[tuple[np.ndarray, np.ndarray]], weights: Path) -> tuple[float, float]:
    """Return the seconds of fusing all pairs and of scoring them under both conventions."""
    start = time.perf_counter()
    method = catalogue.load(name, weights=weights)
    fused = [fuse_luminance(method, *pair) for pair in pairs]
    fusing = time.perf_counter() - start
    start = time.perf_counter()
    for image, (infrared, visible) in zip(fused, pairs, strict=True):
        y = quantise(luminance(visible))
        score(image, infrared, y)
        score(image, infrared, y, HEADLINE, "stretched")
    return fusing, time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and weights/")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--methods", nargs="+", choices=catalogue.methods(), default=list(catalogue.methods()))
    chosen = parser.parse_args()
    pairs = [pair for dataset in ("TNO", "RoadScene") for pair in read_pairs(chosen.shared / "data", dataset)]
    seen = pairs[:: chosen.every]
    rows = {name: measure(name, seen, chosen.shared / "weights") for name in track(chosen.methods, "methods")}
    factor = len(pairs) / len(seen)
    total = sum(map(sum, rows.values()))
    print(f"{len(seen)} of {len(pairs)} pairs measured; seconds are those of {len(pairs)}")
    print(f"{'method':12}{'fuse s':>9}{'score s':>9}{'share':>8}")
    for name, (fusing, scoring) in rows.items():
        print(f"{name:12}{fusing * factor:9.1f}{scoring * factor:9.1f}{(fusing + scoring) / total:8.1%}")
    fusing, scoring = (sum(column) for column in zip(*rows.values(), strict=True))
    print(f"{'all':12}{fusing * factor:9.1f}{scoring * factor:9.1f}{1:8.0%}   fusing {fusing / total:.0%} of it")


if __name__ == "__main__":
    main()
