"""How far registration is from the truth, pair by pair, and whether it believes what cannot be true.

    python benchmarks/registration.py <folder>      infrared/NAME.png, visible/NAME.jpg, homographies.json

Three tables: the folder's pairs (left out where no folder is given), simulated pairs, and unrelated ones,
which are the infrared frames of both with the visible image of another scene: none of those may be called
good. The error is the mean distance of the visible frame's four corners, taken to the infrared with the true
matrix and back with the estimate, as a share of the visible diagonal; beside it that of the infrared
frame's corners in the visible frame, most of which lie outside of what both cameras see.

Fog, glare and smoke leave some simulated pairs with nothing to register in parts of the frame. A pair is decidable
when each quarter says where it belongs, by the truth and standard measures, not by the estimate (`decidable.py`);
shares are given of all pairs and of the decidable ones, and how many of the others were believed.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from decidable import found_quarters

from text2pixels.image.colour import luminance, quantise
from text2pixels.image.png import read_gray, read_rgb
from text2pixels.registration.estimate import estimate
from text2pixels.registration.frames import corner_error, corners, transform

Pair = tuple[str, np.ndarray, np.ndarray, np.ndarray]  # name, infrared, visible, infrared to visible


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--simulated", type=int, default=40, help="this many simulated pairs")
    parser.add_argument("--seed", type=int, default=1, help="of the simulated pairs")
    parser.add_argument("--misalign", type=float, default=0.03, help="corner displacement, share of the diagonal")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    real = list(on_disk(arguments.folder)) if arguments.folder else []
    drawn = list(simulated(arguments.simulated, arguments.seed, arguments.misalign))
    if real:
        print(f"\nreal: {arguments.folder.name}, {len(real)} pairs", flush=True)
        measure(real)
    if drawn:
        print(f"\nsimulated: {len(drawn)} pairs, seed {arguments.seed}, misalign {arguments.misalign}", flush=True)
        measure(drawn, quarters=True)
    strangers = [*unrelated(real), *unrelated(drawn)]
    print(f"\nunrelated: {len(strangers)} pairs", flush=True)
    count_believed(strangers)


def measure(pairs: Iterable[Pair], quarters: bool = False) -> None:
    """Print a row for each pair, then how many are how good; with ``quarters``, of the decidable ones too."""
    print("pair                   error %  infrared frame %  residual %  peak  margin  CPU s  quarters  status")
    rows = []
    for name, infrared, visible, truth in pairs:
        started = time.process_time()
        found = estimate(infrared, visible)
        seconds = time.process_time() - started
        height, width = visible.shape
        share = 100 / np.hypot(height, width)
        error = share * corner_error(found.matrix, truth, height, width)
        frame = corners(*infrared.shape)
        beyond = share * np.linalg.norm(transform(frame, found.matrix) - transform(frame, truth), axis=1).mean()
        held = found_quarters(infrared, visible, truth) if quarters else None
        rows.append((error, beyond, seconds, found.status, held))
        print(
            f"{name:22} {error:7.2f} {beyond:17.2f} {share * found.residual_px:11.2f} {found.peak:5.1f} "
            f"{found.margin:7.2f} {seconds:6.1f} {'' if held is None else held:>9}  {found.status}",
            flush=True,
        )
    errors = np.array([row[0] for row in rows])
    good = np.array([row[0] for row in rows if row[3] == "good"])
    print(f"median {np.median(errors):.3f} % (infrared frame {np.median([row[1] for row in rows]):.3f} %)")
    for limit in (0.5, 1.0, 2.0):
        under = (errors < limit).sum()
        print(
            f"under {limit} %: {under} of {len(rows)} ({under / len(rows):.1%}); "
            f"of good {(good < limit).sum()} of {len(good)}"
        )
    worst, seconds = good.max(initial=0), np.mean([row[2] for row in rows])
    print(f"largest error reported good: {worst:.2f} %; CPU seconds a pair {seconds:.1f}")
    if quarters:
        _print_decidable(errors, np.array([row[4] for row in rows]) == 4, np.array([row[3] for row in rows]) == "good")


def _print_decidable(errors: np.ndarray, decidable: np.ndarray, good: np.ndarray) -> None:
    under, count = (errors[decidable] < 0.5).sum(), decidable.sum()
    print(
        f"decidable {count} of {len(errors)}: under 0.5 % {under} ({under / max(count, 1):.1%}), "
        f"good {good[decidable].sum()}, largest error reported good {errors[decidable & good].max(initial=0):.2f} %"
    )
    print(
        f"not decidable {(~decidable).sum()}: under 0.5 % {(errors[~decidable] < 0.5).sum()}, called good "
        f"{good[~decidable].sum()}, largest error of those {errors[~decidable & good].max(initial=0):.2f} %"
    )


def unrelated(pairs: list[Pair]) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Yield each infrared frame with the visible image of a pair half the list away."""
    for index, (name, infrared, _, _) in enumerate(pairs):
        other, _, visible, _ = pairs[(index + len(pairs) // 2) % len(pairs)]
        if other != name:
            yield f"{name} / {other}", infrared, visible


def count_believed(strangers: Iterable[tuple[str, np.ndarray, np.ndarray]]) -> None:
    """Print which unrelated pairs are not called failed, how many got which status, and the strongest evidence."""
    statuses: Counter[str] = Counter()
    peaks, margins = [0.0], [0.0]
    for name, infrared, visible in strangers:
        found = estimate(infrared, visible)
        statuses[found.status] += 1
        peaks.append(found.peak)
        margins.append(found.margin)
        if found.status != "failed":
            print(f"{name:40} peak {found.peak:5.1f} margin {found.margin:5.2f}  {found.status}", flush=True)
    print(f"called good {statuses['good']}, doubtful {statuses['doubtful']}, failed {statuses['failed']}")
    print(f"highest peak {max(peaks):.1f}, largest margin {max(margins):.2f}")


def on_disk(folder: Path) -> Iterator[Pair]:
    for name, entry in json.loads((folder / "homographies.json").read_text()).items():
        visible = quantise(luminance(read_rgb(folder / "visible" / f"{name}.jpg")))
        truth = np.array(entry["infrared_to_visible"], dtype=np.float64)
        yield name, read_gray(folder / "infrared" / f"{name}.png"), visible, truth


def simulated(count: int, seed: int, misalign: float) -> Iterator[Pair]:
    from text2pixels_simulator import simulate

    for index in range(count):
        scene = simulate(index, width=640, height=512, seed=seed, misalign=misalign)
        yield scene.name, scene.infrared, quantise(luminance(scene.visible)), scene.homography


if __name__ == "__main__":
    main()
