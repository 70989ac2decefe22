"""Our metrics against independent implementations, every difference explained.

    python benchmarks/calibration.py --golden ../shared/reference/golden_metrics.csv --data ../shared/data \
        --csv src/text2pixels/report/calibration.csv

The report shows that table. The golden file has per-image values (columns implementation, dataset,
method, metric, image, value) of the pixel average and maximum of the TNO-25 and RoadScene-50 pairs. For
each implementation and metric the table gives the mean and the largest difference to our `standard` value
and, where the two define the metric differently, to our value computed their way, which shows that the
explanation is the whole one.
"""

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from text2pixels.files import whole_file
from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.metrics import METRICS, STRETCHED, Triple
from text2pixels.metrics.metric import SOURCES, Image
from text2pixels.metrics.windows import Border, gaussian, separable
from text2pixels.progress import track

ROUNDED = "rounding alone: seven stored digits, 32-bit floats, gray levels halfway between two"


@dataclass(frozen=True)
class Row:
    """What an implementation's metric is to ours: ``theirs`` computes it their way, None if it is the same."""

    ours: str
    why: str
    theirs: Callable[[Triple], float] | None = None


def ssim(window: Image, data_range: float, sample: float = 1.0, border: Border = "valid") -> Callable[[Triple], float]:
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2

    def value(triple: Triple) -> float:
        def mean(image: Image) -> Image:
            return separable(image, window, window, border)

        total = 0.0
        f, mean_f = triple.fused, mean(triple.fused)
        for x in (triple.image(name) for name in SOURCES):
            mean_x = mean(x)
            variances = sample * (mean(f * f) - mean_f**2 + mean(x * x) - mean_x**2)
            covariance = sample * (mean(f * x) - mean_f * mean_x)
            factors = (
                (2 * mean_f * mean_x + c1) / (mean_f**2 + mean_x**2 + c1) * (2 * covariance + c2) / (variances + c2)
            )
            total += factors.mean()
        return total

    return value


def ms_ssim(halve: Callable[[Image], Image], last: Border = "valid") -> Callable[[Triple], float]:
    window, c1, c2 = gaussian(11, 1.5), 2.55**2, 7.65**2

    def value(triple: Triple) -> float:
        total = 0.0
        for x in (triple.image(name) for name in SOURCES):
            f, product = triple.fused, 1.0
            for scale, exponent in enumerate((0.0448, 0.2856, 0.3001, 0.2363, 0.1333)):
                if scale > 0:
                    f, x = halve(f), halve(x)
                mean = partial(separable, column=window, row=window, border=last if scale == 4 else "valid")
                mean_f, mean_x = mean(f), mean(x)
                variances = mean(f * f) - mean_f**2 + mean(x * x) - mean_x**2
                factors = (2 * (mean(f * x) - mean_f * mean_x) + c2) / (variances + c2)
                if scale == 4:
                    factors = factors * (2 * mean_f * mean_x + c1) / (mean_f**2 + mean_x**2 + c1)
                product *= max(factors.mean(), 0) ** exponent
            total += product
        return total

    return value


def mean_of_4(image: Image) -> Image:
    """Average each pixel with its neighbours to the right, below and between, (H - 1, W - 1)."""
    return cv2.boxFilter(image, -1, (2, 2), anchor=(0, 0))[:-1, :-1]


def pad_top_left(image: Image) -> Image:
    odd = max(image.shape[0] % 2, image.shape[1] % 2)
    return mean_of_4(np.pad(image, ((odd, 0), (odd, 0)), mode="edge"))[::2, ::2]


def pair_with_previous(image: Image) -> Image:
    return mean_of_4(np.pad(image, ((1, 0), (1, 0)), mode="edge"))[::2, ::2]


def drop_odd(image: Image) -> Image:
    return mean_of_4(image)[::2, ::2]


def ms_ssim_of_range_one(triple: Triple) -> float:
    # Constants for a range of 1 on values 0..255 are constants for 255 on values 0..65025.
    return METRICS["MS_SSIM"](Triple(*(255 * triple.image(name) for name in ("fused", *SOURCES))))


def entropy_with_epsilon(triple: Triple) -> float:
    p = np.bincount(triple.fused.astype(int).ravel(), minlength=256) / triple.fused.size
    return -(p * np.log2(p + 1e-7)).sum()


def uniform(size: int) -> Image:
    return np.full(size, 1 / size)


SAME = {name: Row(name, ROUNDED) for name in ("EN", "SD", "SF", "AG", "CC", "SCD")}
ROWS: dict[str, dict[str, Row]] = {
    "CDDFuse_Evaluator": SAME
    | {
        "MI": Row("MI", "takes the natural logarithm", STRETCHED["MI"]),
        "PSNR": Row("PSNR", "takes the fused image's maximum for the peak, not 255", STRETCHED["PSNR"]),
        "VIF": Row("VIF", ROUNDED),
        "Qabf": Row("Qabf", "takes the fused image's gradient for 1 where it equals the source's", STRETCHED["Qabf"]),
        "SSIM": Row(
            "SSIM", "uniform 7x7 window, 2 for the range of values up to 255, 32-bit floats", STRETCHED["SSIM"]
        ),
        "SSIM_dr255": Row("SSIM", "uniform 7x7 window, covariance over n - 1", ssim(uniform(7), 255, 49 / 48)),
    },
    "IVIF_ZOO": SAME
    | {
        "EN": Row("EN", "adds 1e-7 inside the logarithm", entropy_with_epsilon),
        "MI": Row("MI", ROUNDED),
        "PSNR": Row("PSNR", "divides by 255 twice", lambda triple: METRICS["PSNR"](triple) + 20 * math.log10(255)),
        "VIF": Row("VIF", "its windows are off-centre; not rebuilt"),
        "Qabf": Row("Qabf", "takes the fused image's gradient for 1 where it equals the source's", STRETCHED["Qabf"]),
        "SSIM": Row(
            "SSIM",
            "takes 1 for the range of values up to 255, so that 32-bit rounding shows",
            ssim(gaussian(11, 1.5), 1),
        ),
        "MS_SSIM": Row(
            "MS_SSIM", "takes 1 for the range of values up to 255, so that 32-bit rounding shows", ms_ssim_of_range_one
        ),
    },
    "skimage": {
        "EN": Row("EN", ROUNDED),
        "SSIM": Row("SSIM", "uniform 7x7 window, covariance over n - 1", ssim(uniform(7), 255, 49 / 48)),
        "SSIM_gauss": Row("SSIM", ROUNDED),
        "PSNR": Row(
            "PSNR", "averages the PSNRs with the two sources: nearly the same where the fused image is the average"
        ),
    },
    "piq": {
        "SSIM": Row("SSIM", "32-bit floats"),
        "VIF": Row("VIF", "32-bit floats, adds 1e-8 to the gain's denominator"),
        "PSNR": Row(
            "PSNR", "averages the PSNRs with the two sources: nearly the same where the fused image is the average"
        ),
        "MS_SSIM": Row("MS_SSIM", "pads odd sizes at the top left before halving", ms_ssim(pad_top_left)),
    },
    "torchmetrics": {
        "SSIM": Row("SSIM", "counts borders, mirrored", ssim(gaussian(11, 1.5), 255, border="mirror")),
        "VIF": Row("VIF", "32-bit floats, adds a small number to the gain's denominator"),
        "PSNR": Row(
            "PSNR", "averages the PSNRs with the two sources: nearly the same where the fused image is the average"
        ),
        "MS_SSIM": Row("MS_SSIM", "drops odd rows; mirrors borders at the last scale", ms_ssim(drop_odd, "mirror")),
    },
    "sewar": {
        "SSIM": Row("SSIM", "uniform 11x11 window", ssim(uniform(11), 255)),
        "VIF": Row("VIF", ROUNDED),
        "MS_SSIM": Row("MS_SSIM", "pairs each pixel with the one before when halving", ms_ssim(pair_with_previous)),
    },
}


def read(data: Path, dataset: str, name: str) -> tuple[np.ndarray, np.ndarray]:
    infrared, visible = {
        "TNO": (f"TNO/ir/{name}.png", f"TNO/vi/{name}.png"),
        "RoadScene": (f"RoadScene/cropinfrared/{name}.jpg", f"RoadScene/crop_LR_visible/{name}.jpg"),
    }[dataset]
    return read_gray(data / infrared), quantise(luminance(read_rgb(data / visible)))


def fuse(method: str, infrared: np.ndarray, visible: np.ndarray) -> np.ndarray:
    if method == "MAX":
        return np.maximum(infrared, visible)
    return ((infrared.astype(int) + visible + 1) // 2).astype(np.uint8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--golden", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--csv", type=Path, help="write the table here too")
    arguments = parser.parse_args()
    images = defaultdict(list)
    with arguments.golden.open() as stream:
        for row in csv.DictReader(stream):
            images[row["dataset"], row["image"], row["method"]].append(row)
    plain, adapted, values = defaultdict(list), defaultdict(list), defaultdict(list)
    for (dataset, name, method), rows in track(images.items(), "calibrate"):
        infrared, visible = read(arguments.data, dataset, name)
        fused = fuse(method, infrared, visible)
        triple = Triple(fused, infrared, visible)
        standard = {
            metric: METRICS[metric](triple) for metric in {ROWS[r["implementation"]][r["metric"]].ours for r in rows}
        }
        for row in rows:
            key, value = (row["implementation"], row["metric"]), float(row["value"])
            entry = ROWS[key[0]][key[1]]
            values[key].append(value)
            plain[key].append(abs(standard[entry.ours] - value))
            if entry.theirs is not None:
                adapted[key].append(abs(entry.theirs(triple) - value))
    order = list(METRICS)
    table = [
        {
            "metric": ROWS[implementation][name].ours,
            "implementation": implementation,
            "called": name,
            "images": len(differences),
            "mean_value": f"{np.mean(values[implementation, name]):.4g}",
            "mean_difference": f"{np.mean(differences):.1e}",
            "largest_difference": f"{max(differences):.1e}",
            "largest_their_way": f"{max(adapted[implementation, name]):.1e}"
            if (implementation, name) in adapted
            else "",
            "why": ROWS[implementation][name].why,
        }
        for (implementation, name), differences in plain.items()
    ]
    table.sort(key=lambda row: order.index(row["metric"]))
    print("| " + " | ".join(table[0]) + " |\n" + "|---" * len(table[0]) + "|")
    for row in table:
        print("| " + " | ".join(str(value) for value in row.values()) + " |")
    if arguments.csv:
        with whole_file(arguments.csv) as aside, aside.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, table[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)


if __name__ == "__main__":
    main()
