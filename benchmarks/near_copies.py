"""Which metrics order methods alike, and which are therefore counted in the average rank.

    python benchmarks/near_copies.py --data ../shared/data [--save scores.parquet]

The classical methods fuse RoadScene's validation pairs, which neither training nor a table of results uses, and
all metrics are taken, each turned so that higher is better. Within a pair, Spearman's correlation over the methods
says whether two metrics put them in one order; the table holds its mean over pairs. (Pairs on which a metric is
the same for all methods say nothing of it.)

The rule: go through the metrics, those of published tables first, and count one unless it correlates by .9 or
more with one that is counted already. A metric without a paper, a measure of this project, is not counted. Nothing
here says which method is best: the set was chosen before anybody looked.
"""

import argparse
from pathlib import Path

import cv2
import pandas as pd

from text2pixels.datasets.partition import published
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods import catalogue
from text2pixels.methods.convention import fuse_luminance
from text2pixels.metrics.score import HEADLINE, METRICS, RANKED, score
from text2pixels.progress import track

CLASSICAL = ("average", "max", "laplacian", "wavelet", "gff", "tsifvs", "vsm-wls")
ALIKE = 0.9


def scores_of(data: Path) -> pd.DataFrame:
    """Return a row per pair and method, a column per metric, of RoadScene's validation pairs."""
    rows = []
    names = sorted(name for name, (split, _) in published("roadscene").items() if split == "val")
    loaded = {name: catalogue.load(name) for name in CLASSICAL}
    for name in track(names, "scoring"):
        infrared = read_gray(data / f"RoadScene/cropinfrared/{name}.jpg")
        visible = read_rgb(data / f"RoadScene/crop_LR_visible/{name}.jpg")
        gray = quantise(luminance(visible))
        for method, each in loaded.items():
            fused = fuse_luminance(each, infrared, visible)
            rows.append({"pair": name, "method": method} | score(fused, infrared, gray))
    return pd.DataFrame(rows).set_index(["pair", "method"])


def correlations(scores: pd.DataFrame) -> pd.DataFrame:
    """Return the mean over pairs of Spearman's correlation over methods, metric by metric.

    Args:
        scores: Index pair and method, a column for each metric.
    """
    signs = pd.Series({name: 1 if METRICS[name].direction == "higher" else -1 for name in scores})
    each = [group.corr("spearman") for _, group in (scores * signs).groupby(level="pair")]
    mean: pd.DataFrame = pd.concat(each).groupby(level=0).mean()
    return mean.loc[list(scores), list(scores)]


def choose(table: pd.DataFrame) -> tuple[list[str], dict[str, str]]:
    """Return the metrics that count, in the order of METRICS, and those left out with the one that each repeats."""
    order = [*HEADLINE, *(name for name in METRICS if name not in HEADLINE)]
    known = table.fillna(-1)  # metrics that are never both defined repeat nothing of each other
    counted: list[str] = []
    repeats: dict[str, str] = {}
    for name in order:
        if METRICS[name].reference.startswith("none"):
            continue
        nearest = max(counted, key=lambda other: known.loc[name, other], default=None)
        if nearest is not None and known.loc[name, nearest] >= ALIKE:
            repeats[name] = nearest
        else:
            counted.append(name)
    return [name for name in METRICS if name in counted], repeats


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder with RoadScene/")
    parser.add_argument("--save", type=Path, help="a Parquet file of the scores; read instead where it is there")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.save and arguments.save.is_file():
        scores = pd.read_parquet(arguments.save)
    else:
        scores = scores_of(arguments.data)
        if arguments.save:
            scores.to_parquet(arguments.save)
    table = correlations(scores)
    pairs = scores.index.get_level_values("pair").nunique()
    print(f"Spearman's correlation over {len(CLASSICAL)} methods, mean over {pairs} pairs, in hundredths")
    print(" " * 13 + "".join(f"{name[:6]:>7}" for name in table))
    for name, row in table.iterrows():
        print(f"{name:13}" + "".join("      –" if pd.isna(value) else f"{100 * value:7.0f}" for value in row))
    counted, repeats = choose(table)
    for name, other in repeats.items():
        print(f"{name} repeats {other}: {table.loc[name, other]:.2f}")
    print(f"counted, {len(counted)}: {', '.join(counted)}")
    if set(counted) != set(RANKED):
        raise SystemExit(f"metrics/score.py counts others: {', '.join(RANKED)}")


if __name__ == "__main__":
    main()
