"""How long the metrics take per image, and each one's share.

    python benchmarks/metrics.py [--width 640 --height 480 --threads 2 --repeats 7]

On a smooth random scene; the content matters little. What metrics share (histograms, moments,
gradients) is charged to the first that asks for it. Processor seconds are printed beside the wall
clock because they hold on a busy machine.
"""

import argparse
import os
import time

import cv2
import numpy as np

from text2pixels.metrics import HEADLINE, METRICS, Triple

LIMITS = {"the nine of published tables": (HEADLINE, 0.18), "all": (tuple(METRICS), 0.5)}  # seconds on two cores


def scene(width: int, height: int) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    infrared, visible = (
        cv2.resize(rng.integers(0, 256, (height // 8, width // 8), dtype=np.uint8), (width, height)) for _ in range(2)
    )
    noisy = np.clip(visible + rng.normal(0, 3, visible.shape), 0, 255).astype(np.uint8)
    fused = np.maximum(infrared, noisy)
    return [fused, infrared, noisy]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    cv2.setNumThreads(arguments.threads)
    images = scene(arguments.width, arguments.height)
    wall = {name: [] for name in METRICS}
    cpu = {name: [] for name in METRICS}
    for _ in range(arguments.repeats + 1):
        triple = Triple(*images)
        for name, metric in METRICS.items():
            started, spent = time.perf_counter(), time.process_time()
            metric(triple)
            wall[name].append(time.perf_counter() - started)
            cpu[name].append(time.process_time() - spent)
    # The first run warms up; the best of the others is the least disturbed.
    wall_ms = {name: 1e3 * min(values[1:]) for name, values in wall.items()}
    cpu_ms = {name: 1e3 * min(values[1:]) for name, values in cpu.items()}
    total = sum(wall_ms.values())
    size = f"{arguments.width}x{arguments.height}"
    print(f"{size}, {arguments.threads} threads, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores, best of runs")
    print(f"{'metric':14}{'wall ms':>9}{'cpu ms':>9}{'share':>8}")
    for name in METRICS:
        print(f"{name:14}{wall_ms[name]:9.1f}{cpu_ms[name]:9.1f}{wall_ms[name] / total:8.1%}")
    for title, (names, limit) in LIMITS.items():
        seconds = sum(wall_ms[name] for name in names) / 1e3
        busy = sum(cpu_ms[name] for name in names) / 1e3
        print(f"{title}: {seconds:.3f} s wall, {busy:.3f} s processor (aim {limit} s at 640x480 on 2 cores)")


if __name__ == "__main__":
    main()
