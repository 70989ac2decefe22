"""Reproduce published rows: our networks, our metrics, the convention `published`.

    python benchmarks/published.py --data ../shared/data --weights ../shared/weights

Rows: as printed in CDDFuse (CVPR 2023) for SDNet, U2Fusion and TarDAL. Under each stand ours:
`published` (everybody stretched per image, the field's metric code), `standard` (each method's own
output, our metrics) and `unstretched` (nobody stretched, our metrics).
"""

import argparse
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from text2pixels.baselines.door import fuse_luminance
from text2pixels.baselines.fuser import Method
from text2pixels.baselines.table import BASELINES
from text2pixels.data.images import read_gray, read_rgb
from text2pixels.fusion.colour import luminance, quantise
from text2pixels.metrics.score import Convention, score
from text2pixels.progress import track

METRICS = ("EN", "SD", "SF", "MI", "SCD", "VIF", "Qabf", "SSIM")
PUBLISHED = {
    ("sdnet", "TNO"): (6.64, 32.66, 12.05, 1.52, 1.49, 0.56, 0.44, 1.00),
    ("sdnet", "RoadScene"): (7.14, 40.20, 13.70, 2.21, 1.49, 0.60, 0.51, 0.99),
    ("tardal", "TNO"): (6.84, 45.63, 8.68, 1.86, 1.52, 0.53, 0.32, 0.88),
    ("tardal", "RoadScene"): (7.17, 47.44, 10.83, 2.14, 1.55, 0.54, 0.40, 0.88),
    ("u2fusion", "TNO"): (6.83, 34.55, 11.52, 1.37, 1.71, 0.58, 0.44, 0.99),
    ("u2fusion", "RoadScene"): (7.09, 38.12, 13.25, 1.87, 1.70, 0.60, 0.51, 0.97),
}


def pairs(data: Path, dataset: str) -> list[tuple[Path, Path]]:
    if dataset == "TNO":
        return [(path, data / "TNO/vi" / path.name) for path in sorted((data / "TNO/ir").glob("*.png"))]
    names = (data / "RoadScene/test50.txt").read_text().split()
    folders = (data / "RoadScene/cropinfrared", data / "RoadScene/crop_LR_visible")
    return [(folders[0] / f"{name}.jpg", folders[1] / f"{name}.jpg") for name in names]


# How the output becomes 8 bits, and whose metrics look at it.
ROWS: dict[str, Convention] = {"published": "published", "standard": "standard", "unstretched": "standard"}


def remembering(method: Method) -> Method:
    """Return the method with its last result kept: the network runs once for three rows."""
    last = {}

    def fuse(infrared, visible):
        key = infrared.tobytes() + visible.tobytes()
        if key not in last:
            last.clear()
            last[key] = method.fuse(infrared, visible)
        return last[key]

    return replace(method, fuse=fuse)


def means(method: str, dataset: str, data: Path, weights: Path) -> dict:
    loaded = remembering(BASELINES[method].load(weights))
    values = {name: [] for name in ROWS}
    for infrared_path, visible_path in track(pairs(data, dataset), f"{method} on {dataset}"):
        infrared, visible = read_gray(infrared_path), read_rgb(visible_path)
        gray = quantise(luminance(visible))
        for name, convention in ROWS.items():
            fused = fuse_luminance(loaded, infrared, visible, convention=name)
            values[name].append(list(score(fused, infrared, gray, METRICS, convention).values()))
    return {name: np.mean(found, axis=0) for name, found in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--methods", nargs="+", default=["sdnet", "tardal", "u2fusion"])
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    exact = total = 0
    print(f"{'':30}" + "".join(f"{name:>9}" for name in METRICS))
    for (method, dataset), printed in PUBLISHED.items():
        if method not in arguments.methods:
            continue
        ours = means(method, dataset, arguments.data, arguments.weights)
        print(f"{f'{method}, {dataset}, printed':30}" + "".join(f"{value:9.2f}" for value in printed))
        for name, found in ours.items():
            print(f"{f'  ours, {name}':30}" + "".join(f"{value:9.4f}" for value in found), flush=True)
        # Half a unit of the last digit, and room for the float that sits on the edge.
        exact += sum(abs(mean - value) <= 0.005 + 1e-9 for mean, value in zip(ours["published"], printed, strict=True))
        total += len(printed)
    print(f"{exact} of {total} published values come out to the printed digit")


if __name__ == "__main__":
    main()
