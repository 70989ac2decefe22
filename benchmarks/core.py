"""What fusing costs with the core (ONNX Runtime) and with torch, in one run: start, speed, memory.

    python benchmarks/core.py

Cold: whole processes, from their start to their end, the two engines in turn, medians of --repeats; memory is a
process's peak. Warm: frames a second through `Fuser.fuse`, colour included, the engines in
turn; memory of each in a process of its own. The pairs are simulated night streets.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from text2pixels_simulator import simulate

ENGINES = ("onnx", "torch")
PROMPT = "a person; a car; at night"
SIZES = ((640, 480), (1024, 768))
SMALL = (160, 120)

_PEAK = "; import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
_WARM = """
import sys, time
import numpy as np
import text2pixels
frames = int(sys.argv[2])
infrared, visible = np.load("infrared.npy"), np.load("visible.npy")
fusers = [text2pixels.load(device="cpu", engine=name) for name in sys.argv[1].split(",")]
seconds = [[] for _ in fusers]
for _ in range(frames + 2):  # in turn, so that a busy moment hits all alike
    for fuser, row in zip(fusers, seconds, strict=True):
        start = time.perf_counter()
        fuser.fuse(infrared, visible)
        row.append(time.perf_counter() - start)
for row in seconds:
    print(sorted(row[2:])[frames // 2])
import resource; print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
_VERB = "import sys; from text2pixels.cli import app; sys.argv = {!r}; app(standalone_mode=False)" + _PEAK


def write_pair(folder: Path, width: int, height: int) -> None:
    """Draw a pair, as files and as arrays."""
    scene = simulate(0, width=width, height=height)
    for name, image in (("infrared", scene.infrared), ("visible", scene.visible)):
        cv2.imwrite(str(folder / f"{name}.png"), image if image.ndim == 2 else image[..., ::-1])
        np.save(folder / f"{name}.npy", image)


def process(code: str, folder: Path, *arguments: object) -> tuple[float, list[float]]:
    """Return the seconds that a Python process takes, and the numbers in the last lines it prints."""
    start = time.perf_counter()
    command = [sys.executable, "-c", code, *map(str, arguments)]
    answer = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    lines = answer.split("\n")
    return time.perf_counter() - start, [float(line) for line in lines if line.replace(".", "", 1).isdigit()]


def medians(runs: dict[str, str], folder: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Return seconds and megabytes of each code, all of them in turn, so that a busy minute hits all alike."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for code in runs.values():  # files into the system's cache
        process(code, folder)
    for _ in range(repeats):
        for name, code in runs.items():
            seconds, (peak,) = process(code, folder)
            found[name].append((seconds, peak / 1024))
    return {name: tuple(map(statistics.median, zip(*rows, strict=True))) for name, rows in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="cold processes of each kind")
    parser.add_argument("--frames", type=int, default=15, help="warm frames of each size")
    options = parser.parse_args()
    table = Table(title="median seconds and peak memory of a process; warm: frames a second")
    for column in ("what", *ENGINES, "torch : onnx"):
        table.add_column(column, justify="left" if column == "what" else "right")

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pair(folder, *SMALL)
        bare = {"python": "pass" + _PEAK, "import": "import text2pixels" + _PEAK}
        found = medians(bare, folder, options.repeats)
        table.add_row("import text2pixels, s", f"{found['import'][0] - found['python'][0]:.3f}", "", "")
        for what, more in (("cold t2p fuse", []), ("cold t2p fuse, prompt", ["--prompt", PROMPT])):
            verb = ["t2p", "fuse", "infrared.png", "visible.png", "-o", "fused.png", *more, "--device", "cpu"]
            found = medians({e: _VERB.format([*verb, "--engine", e]) for e in ENGINES}, folder, options.repeats)
            row(table, f"{what} {SMALL[0]}x{SMALL[1]}, s", [found[e][0] for e in ENGINES], "{:.2f}")
            row(table, "    memory, MB", [found[e][1] for e in ENGINES], "{:.0f}")
        for width, height in SIZES:
            write_pair(folder, width, height)
            *seconds, _ = process(_WARM, folder, ",".join(ENGINES), options.frames)[1]
            row(table, f"warm {width}x{height}, frames/s", [1 / each for each in seconds], "{:.1f}")
            peaks = [process(_WARM, folder, engine, 1)[1][-1] for engine in ENGINES]
            row(table, "    memory, MB", [peak / 1024 for peak in peaks], "{:.0f}")
    Console(width=100).print(table)


def row(table: Table, what: str, values: list[float], form: str) -> None:
    table.add_row(what, *map(form.format, values), f"{values[1] / values[0]:.2f}")


if __name__ == "__main__":
    main()
