"""Mean EN, SD, SF, AG of other authors' networks, as we run them, beside those of the authors' own scripts.

    python benchmarks/baselines.py --shared ../shared --methods sdnet tardal

Pairs: TNO-25 and RoadScene's test50.txt. `unstretched` is compared for SDNet, whose authors' figures are
without their stretch. The reference numbers are those of ../shared/reference/baselines.md, SeAFusion's those of the
images in Linfeng-Tang/Evaluation-for-Image-Fusion (Image/Algorithm/SeAFusion_TNO). TextFusion is told "a person" of all
pairs: name the table of published vectors with --phrases to get the printed digits.
"""

import argparse
from pathlib import Path

import numpy as np

from text2pixels.config import Embed
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.methods import catalogue
from text2pixels.methods.convention import fuse_luminance
from text2pixels.progress import track

# (method, data set, convention) -> EN, SD, SF, AG
AUTHORS = {
    ("u2fusion", "TNO", "standard"): (6.653, 30.836, 10.277, 4.195),
    ("u2fusion", "RoadScene", "standard"): (6.849, 32.454, 11.285, 4.492),
    ("tardal", "TNO", "standard"): (6.824, 45.267, 8.591, 3.047),
    ("tardal", "RoadScene", "standard"): (7.169, 47.437, 10.827, 3.940),
    ("sdnet", "TNO", "unstretched"): (6.358, 27.096, 10.125, 3.870),
    ("sdnet", "RoadScene", "unstretched"): (6.868, 33.393, 11.368, 4.450),
    ("densefuse", "TNO", "standard"): (6.421, 26.092, 6.904, 2.662),
    ("densefuse", "RoadScene", "standard"): (6.638, 28.517, 7.511, 2.867),
    ("ifcnn-max", "TNO", "standard"): (6.800, 35.155, 12.813, 4.829),
    ("ifcnn-max", "RoadScene", "standard"): (7.032, 37.998, 13.776, 5.202),
    ("ifcnn-sum", "TNO", "standard"): (6.527, 27.715, 11.334, 4.145),
    ("ifcnn-mean", "TNO", "standard"): (6.515, 27.493, 11.293, 4.172),
    ("gifnet", "TNO", "standard"): (6.968, 42.870, 13.993, 4.953),
    ("gifnet", "RoadScene", "standard"): (7.260, 45.003, 17.091, 5.882),
    ("textfusion", "TNO", "standard"): (6.915, 42.947, 10.960, 4.143),
    ("textfusion", "RoadScene", "standard"): (6.878, 39.289, 9.368, 3.239),
    ("seafusion", "TNO", "standard"): (7.104, 44.199, 12.412, 4.940),
}


def read_pairs(data: Path, dataset: str):
    if dataset == "TNO":
        names = sorted(path.name for path in (data / "TNO/ir").glob("*.png"))
        files = [(data / "TNO/ir" / name, data / "TNO/vi" / name) for name in names]
    else:
        folder = data / "RoadScene"
        names = [f"{name}.jpg" for name in (folder / "test50.txt").read_text().split()]
        files = [(folder / "cropinfrared" / name, folder / "crop_LR_visible" / name) for name in names]
    return [(read_gray(infrared), read_rgb(visible)) for infrared, visible in files]


def measure(image):
    """Return EN, SD, SF, AG by the conventions of published tables."""
    share = np.bincount(image.ravel(), minlength=256) / image.size
    share = share[share > 0]
    values = image.astype(float)
    frequency = np.sqrt((np.diff(values, axis=0) ** 2).mean() + (np.diff(values, axis=1) ** 2).mean())
    rows, columns = np.gradient(values)
    gradient = np.sqrt((rows**2 + columns**2) / 2).mean()
    return -(share * np.log2(share)).sum(), values.std(), frequency, gradient


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="folder with data/ and weights/")
    known = list(dict.fromkeys(method for method, _, _ in AUTHORS))
    parser.add_argument("--methods", nargs="+", choices=known, default=known)
    parser.add_argument("--phrases", help="table of CLIP vectors, for TextFusion (default: distilled ones)")
    parser.add_argument("--every", type=int, default=1, help="only each N-th pair: to try it out")
    chosen = parser.parse_args()
    print("method      data set   convention   EN     SD      SF      AG      difference to the authors'")
    for (name, dataset, convention), expected in AUTHORS.items():
        if name not in chosen.methods:
            continue
        method = catalogue.load(name, weights=chosen.shared / "weights", embed=Embed(table=chosen.phrases))
        pairs = track(read_pairs(chosen.shared / "data", dataset)[:: chosen.every], f"{name} {dataset}")
        found = np.mean([measure(fuse_luminance(method, *pair, convention=convention)) for pair in pairs], axis=0)
        difference = " ".join(f"{value:+.3f}" for value in found - expected)
        print(f"{name:11} {dataset:10} {convention:11}", " ".join(f"{value:7.3f}" for value in found), "", difference)


if __name__ == "__main__":
    main()
