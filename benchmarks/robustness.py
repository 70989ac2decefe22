"""What noise, a poor alignment, a border, fog, lamps and a camera that sees little do to fused images.

    python benchmarks/robustness.py [--methods laplacian gff max ...] [--models models/ours ...]
        [--dataset-folder data/processed/roadscene] [--split val] [-o robustness.csv]

Each method fuses the pairs as they are, and again with one fault at a time, the same for all. Faults show what is not
there, so the fused image is measured by VIF, Qabf and SSIM against the pair without the fault; fog and lamps change
what there is to see, so there it is measured against the changed pair. A row has the means over the pairs, and below
"as they are" their paired differences to it with 95 % intervals over resampled pairs: how much a fault takes away. In
the border, which has no infrared, the last column is the mean difference to the visible image, in levels of 255.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from text2pixels import layout
from text2pixels.analysis.statistics import average_ranks, mean_interval
from text2pixels.datasets.manifest import in_split, read_manifest
from text2pixels.errors import InputError
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods import catalogue
from text2pixels.methods.convention import fuse_luminance
from text2pixels.methods.trained import SHIPPED, load
from text2pixels.metrics.score import METRICS, RANKED, score
from text2pixels.progress import track
from text2pixels.training.augmentation import in_fog, shifted, with_lamp, with_noise

AS_THEY_ARE, BORDER = "as they are", "border"
MEASURES = ("VIF", "Qabf", "SSIM")
Image8 = NDArray[np.uint8]
_BORDER = 0.1  # of the width
_LAMPS = ((0.4, 0.3), (0.6, 0.7))  # rows and columns


def _noisy(infrared: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(0)
    return with_noise(infrared, 0.03, rng), with_noise(visible, 0.03, rng)


def _border(infrared: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    infrared = infrared.clone()
    infrared[..., : columns(infrared.shape[-1])] = 0
    return infrared, visible


def _lamps(infrared: Tensor, visible: Tensor) -> tuple[Tensor, Tensor]:
    for place in _LAMPS:
        visible = with_lamp(visible, place, 0.06, 1.5)
    return infrared, visible


def columns(width: int) -> int:
    """Return how many columns of an image have no infrared in the fault "border"."""
    return round(_BORDER * width)


# What is fused -> whether it is measured against the pair before the change, and the change.
CHANGES: dict[str, tuple[bool, Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]]] = {
    AS_THEY_ARE: (True, lambda infrared, visible: (infrared, visible)),
    "noise of 8 levels": (True, _noisy),
    "shifted by 1 pixel": (True, lambda infrared, visible: (shifted(infrared, 1, 0), visible)),
    "shifted by 3 pixels": (True, lambda infrared, visible: (shifted(infrared, 3, 0), visible)),
    BORDER: (True, _border),
    "fog": (False, lambda infrared, visible: (infrared, in_fog(visible, 0.6, 0.3, 0.8))),
    "lamps": (False, _lamps),
    "dark visible": (False, lambda infrared, visible: (infrared, 0.2 * visible)),
    "flat infrared": (False, lambda infrared, visible: (0.3 + 0.25 * (infrared - infrared.mean()), visible)),
    "both dark": (False, lambda infrared, visible: (0.12 + 0.5 * infrared, 0.2 * visible)),
    # As of a camera whose gain is set by a few hot things: all else is nearly black.
    "black infrared": (False, lambda infrared, visible: (0.04 + 0.4 * infrared**3, visible)),
    "black-hot": (False, lambda infrared, visible: (1 - infrared, visible)),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--methods", nargs="*", default=["laplacian", "gff", "max"], help="of t2p methods, without weights"
    )
    parser.add_argument(
        "--models", nargs="*", type=Path, default=[SHIPPED], help="folders of networks; left out: the shipped one"
    )
    parser.add_argument("--dataset-folder", type=Path, default=layout.processed("roadscene"))
    parser.add_argument("--split", default="val")
    parser.add_argument("--resamples", type=int, default=2000)
    parser.add_argument("-o", "--out", type=Path, help="CSV to write the rows of all pairs to")
    options = parser.parse_args()
    try:
        rows = measure(options)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if options.out:
        rows.to_csv(options.out, index=False)
    print("\n".join(report(rows, options.resamples)))
    return 0


def measure(options: argparse.Namespace) -> pd.DataFrame:
    """Return a row for each pair, change and method.

    Raises:
        InputError: a method, a model or the data set is missing, or no pair is in the split.
    """
    fusers: dict[str, Callable[[Image8, Image8], Image8]] = {}
    for name in options.methods:
        method = catalogue.load(name)
        fusers[name] = lambda infrared, gray, method=method: fuse_luminance(method, infrared, _rgb(gray))
    for folder in options.models:
        network = load(folder)
        fusers[str(folder)] = lambda infrared, gray, network=network: network.fuse_luminance(infrared, gray)
    pairs = list(in_split(read_manifest(options.dataset_folder / "manifest.parquet"), options.split))
    if not pairs:
        raise InputError(f"{options.dataset_folder}: no pair is in the split '{options.split}'")
    rows = []
    for pair in track(pairs, "fusing"):
        infrared = _tensor(read_gray(options.dataset_folder / pair.infrared))
        visible = _tensor(quantise(luminance(read_rgb(options.dataset_folder / pair.visible))))
        for change, (before, make) in CHANGES.items():
            seen = [_image(each) for each in make(infrared, visible)]
            against = [_image(infrared), _image(visible)] if before else seen
            for name, fuse in fusers.items():
                fused = fuse(*seen)
                row = {"pair": pair.name, "change": change, "method": name} | score(fused, *against, RANKED)
                if change == BORDER:
                    missing = slice(None), slice(0, columns(fused.shape[1]))
                    row["off"] = np.abs(fused[missing].astype(float) - against[1][missing]).mean()
                rows.append(row)
    return pd.DataFrame(rows)


def report(rows: pd.DataFrame, resamples: int) -> list[str]:
    """Return the lines of a table: for each method its ranks and means, and what each change adds to these."""
    lines = []
    long = rows.melt(["pair", "change", "method"], list(RANKED), "metric").rename(columns={"pair": "pair_id"})
    directions = {name: METRICS[name].direction for name in RANKED}
    ranks = {change: average_ranks(part, directions).ranks for change, part in long.groupby("change")}
    for method, own in rows.groupby("method", sort=False):
        begin = own[own.change == AS_THEY_ARE].set_index("pair")
        means = "".join(f"  {key} {begin[key].mean():.3f}                " for key in MEASURES)
        lines.append(f"{method}\n  {AS_THEY_ARE:20}  rank {ranks[AS_THEY_ARE][method]:.2f}{means}".rstrip())
        for change, part in own[own.change != AS_THEY_ARE].groupby("change", sort=False):
            part = part.set_index("pair")
            words = f"  rank {ranks[change][method]:.2f}"
            for key in MEASURES:
                found = mean_interval((part[key] - begin[key]).to_numpy(), resamples=resamples)
                words += f"  {key} {found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
            lines.append(f"  {change:20}{words}" + (f"  off by {part.off.mean():.1f}" if change == BORDER else ""))
    return lines


def _tensor(image: Image8) -> Tensor:
    return torch.from_numpy(image.astype(np.float32) / 255)[None]


def _image(tensor: Tensor) -> Image8:
    return quantise(tensor[0].numpy())


def _rgb(gray: Image8) -> Image8:
    return np.repeat(gray[..., None], 3, axis=2)


if __name__ == "__main__":
    sys.exit(main())
