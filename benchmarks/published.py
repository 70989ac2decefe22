"""Reproduce published rows: our networks, our metrics, the convention `stretched`.

    python benchmarks/published.py --data ../shared/data --weights ../shared/weights

Rows as printed (report/published.csv). Under each stand ours: `stretched` (everybody stretched per
image, the field's metric code), `standard` (each method's own output, our metrics) and `unstretched`
(nobody stretched, our metrics).
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from text2pixels.analysis.published import published_rows
from text2pixels.datasets.partition import named
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods import catalogue
from text2pixels.methods.convention import round_output
from text2pixels.metrics.score import Convention, score
from text2pixels.progress import track

METRICS = ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf", "SSIM")
# How the output becomes 8 bits, and whose metrics look at it.
ROWS: dict[str, Convention] = {"stretched": "stretched", "standard": "standard", "unstretched": "standard"}


def pairs(data: Path, name: str) -> list[tuple[Path, Path]]:
    if name == "tno":
        return [(path, data / "TNO/vi" / path.name) for path in sorted((data / "TNO/ir").glob("*.png"))]
    folders = (data / "RoadScene/cropinfrared", data / "RoadScene/crop_LR_visible")
    return [(folders[0] / f"{pair}.jpg", folders[1] / f"{pair}.jpg") for pair in sorted(named("roadscene", "test50"))]


def means(method: str, name: str, data: Path, weights: Path, every: int) -> dict:
    loaded = catalogue.load(method, weights=weights)
    values = {row: [] for row in ROWS}
    for infrared_path, visible_path in track(pairs(data, name)[::every], f"{method} on {name}"):
        infrared, visible = read_gray(infrared_path), read_rgb(visible_path)
        output, gray = loaded.fuse(infrared, visible), quantise(luminance(visible))
        for row, convention in ROWS.items():
            fused = round_output(loaded.card, output, row)
            values[row].append(list(score(fused, infrared, gray, METRICS, convention).values()))
    return {row: np.mean(found, axis=0) for row, found in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", default=["sdnet", "u2fusion", "tardal"])
    parser.add_argument("--lists", nargs="+", default=["tno", "roadscene-test50"])
    parser.add_argument("--every", type=int, default=1, help="only each N-th pair: to try it out")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    exact = total = 0
    print(f"{'':34}" + "".join(f"{metric:>9}" for metric in METRICS))
    for name in arguments.lists:
        for row in published_rows(name):
            if row.method not in arguments.methods or any(metric not in row.values for metric in METRICS):
                continue
            ours = means(row.method, name, arguments.data, arguments.weights, arguments.every)
            printed = [float(row.values[metric]) for metric in METRICS]
            print(f"{f'{row.method}, {name}, printed':34}" + "".join(f"{value:9.2f}" for value in printed))
            for title, found in ours.items():
                print(f"{f'  ours, {title}':34}" + "".join(f"{value:9.4f}" for value in found), flush=True)
            # Half a unit of the last digit, and room for the float that sits on the edge.
            hits = [abs(mean - value) <= 0.005 + 1e-9 for mean, value in zip(ours["stretched"], printed, strict=True)]
            exact, total = exact + sum(hits), total + len(hits)
    print(f"{exact} of {total} published values come out to the printed digit")


if __name__ == "__main__":
    main()
