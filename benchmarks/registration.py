"""How far registration is from the truth, pair by pair.

    python benchmarks/registration.py <folder>      infrared/NAME.png, visible/NAME.jpg, homographies.json
    python benchmarks/registration.py --simulated 40

The error is the mean distance of the visible frame's four corners, taken to the infrared with the true
matrix and back with the estimate, as a share of the visible diagonal; beside it that of the infrared
frame's corners in the visible frame, most of which lie outside of what both cameras see.
"""

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from text2pixels.data.images import read_gray, read_rgb
from text2pixels.fusion.colour import luminance, quantise
from text2pixels.registration.estimate import estimate
from text2pixels.registration.frames import corner_error, corners, transform


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--simulated", type=int, default=0, help="this many simulated pairs instead")
    parser.add_argument("--misalign", type=float, default=0.04, help="corner displacement, share of the diagonal")
    arguments = parser.parse_args()
    if arguments.folder is None and not arguments.simulated:
        parser.error("give a folder, or --simulated NUMBER")
    cv2.setNumThreads(1)
    given = arguments.folder is not None
    pairs = on_disk(arguments.folder) if given else simulated(arguments.simulated, arguments.misalign)
    print("pair                   error %  infrared frame %  residual %  peak  margin  CPU s  status", flush=True)
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
        rows.append((error, beyond, seconds, found.status))
        print(
            f"{name:22} {error:7.2f} {beyond:17.2f} {share * found.residual_px:11.2f} {found.peak:5.1f} "
            f"{found.margin:7.2f} {seconds:6.1f}  {found.status}",
            flush=True,
        )
    errors = np.array([row[0] for row in rows])
    good = np.array([row[0] for row in rows if row[3] == "good"])
    print(f"median {np.median(errors):.3f} % (infrared frame {np.median([row[1] for row in rows]):.3f} %)")
    for limit in (0.5, 1.0, 2.0):
        print(
            f"under {limit} %: {(errors < limit).sum()} of {len(rows)}; of good {(good < limit).sum()} of {len(good)}"
        )
    worst, seconds = good.max(initial=0), np.mean([row[2] for row in rows])
    print(f"largest error reported good: {worst:.2f} %; CPU seconds a pair {seconds:.1f}")


def on_disk(folder: Path) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    for name, entry in json.loads((folder / "homographies.json").read_text()).items():
        visible = quantise(luminance(read_rgb(folder / "visible" / f"{name}.jpg")))
        truth = np.array(entry["infrared_to_visible"], dtype=np.float64)
        yield name, read_gray(folder / "infrared" / f"{name}.png"), visible, truth


def simulated(count: int, misalign: float) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    from text2pixels.data.simulator import simulate

    for index in range(count):
        scene = simulate(index, width=640, height=512, seed=1, misalign=misalign)
        yield scene.name, scene.infrared, quantise(luminance(scene.visible)), scene.homography


if __name__ == "__main__":
    main()
