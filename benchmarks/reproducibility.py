"""Does another machine train the same network: one seed, several processors, the validation losses beside each other.

    python benchmarks/reproducibility.py [--variant ours]      in a folder where the stage `train` could run

A run is a function of its seed on one machine. Another has other kernels, which add the same numbers in
another order; rounding then differs, and hundreds of steps enlarge it. So the variant is trained here several
times, as such machines would: with vector instructions of 256 bits instead of the processor's widest (in
PyTorch, oneDNN and MKL), and with two threads, which split every sum. The same run twice is there to show
that nothing else differs. Each trains in a folder of its own; params.yaml, data and models are only read.

Printed for each: the best epoch, and both levels' validation loss there and after the last epoch, with the
relative difference to the first run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow.parquet as pq

from text2pixels import layout

ONE = {"OMP_NUM_THREADS": "1"}
NARROW = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
MACHINES = {
    "one thread": ONE,
    "one thread, again": ONE,
    "one thread, AVX2": ONE | NARROW,
    "two threads": {"OMP_NUM_THREADS": "2"},
}
READ = ("params.yaml", "data", layout.detector())

Losses = dict[tuple[int, str], float]  # epoch and level -> validation loss


def train(variant: str, environment: dict[str, str]) -> Losses:
    """Train in a scratch folder and return the validation losses."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for path in READ:
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
            (scratch / path).symlink_to(Path(path).resolve())
        command = f"from text2pixels.stages import train; train.run({variant!r})"
        subprocess.run([sys.executable, "-c", command], cwd=scratch, env=os.environ | environment, check=True)
        return validation(scratch / layout.model(variant) / "history.parquet")


def validation(history: Path) -> Losses:
    """Return the validation losses of a training history."""
    rows = pq.read_table(history).to_pylist()
    return {(row["epoch"], row["level"]): row["value"] for row in rows if row["name"] == "validation_loss"}


def best(losses: Losses) -> int:
    """Return the epoch that training keeps: the least sum of both levels, each relative to its first epoch."""
    levels = {level for _, level in losses}
    scores = {
        epoch: sum(losses[epoch, level] / losses[1, level] for level in levels) for epoch in {e for e, _ in losses}
    }
    return min(sorted(scores), key=scores.__getitem__)


def table(runs: dict[str, Losses]) -> list[str]:
    """Return the lines that compare the runs with the first of them."""
    reference = next(iter(runs.values()))
    last = max(epoch for epoch, _ in reference)
    levels = sorted({level for _, level in reference})
    moments = [(when, level) for when in ("best", "last") for level in levels]
    lines = [f"{'machine':20}{'best epoch':>12}" + "".join(f"{f'{level}, {when}':>24}" for when, level in moments)]
    for name, losses in runs.items():
        line = f"{name:20}{best(losses):12}"
        for when, level in moments:
            here, there = (each[best(each) if when == "best" else last, level] for each in (losses, reference))
            line += f"{here:14.5f} ({here / there - 1:+7.3%})"
        lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="ours")
    parser.add_argument("--machines", nargs="+", choices=MACHINES, default=list(MACHINES), metavar="NAME")
    chosen = parser.parse_args()
    runs: dict[str, Losses] = {}
    for name in chosen.machines:
        runs[name] = train(chosen.variant, MACHINES[name])
        print("\n".join(table(runs)), flush=True)


if __name__ == "__main__":
    main()
