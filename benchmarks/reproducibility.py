"""Does another machine train the same network: one seed, several processors, the validation losses beside each other.

    python benchmarks/reproducibility.py [--variant ours]      in a folder where the stage `method` could run

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
from typing import NamedTuple

import pyarrow.parquet as pq

from text2pixels import layout
from text2pixels.network import checkpoint

ONE = {"OMP_NUM_THREADS": "1"}
NARROW = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
MACHINES = {
    "one thread": ONE,
    "one thread, again": ONE,
    "one thread, AVX2": ONE | NARROW,
    "two threads": {"OMP_NUM_THREADS": "2"},
}
READ = ("params.yaml", "data", layout.detector())


class Run(NamedTuple):
    """The epoch that training kept, and (epoch, level) -> validation loss."""

    best: int
    losses: dict[tuple[int, str], float]


def train(variant: str, environment: dict[str, str]) -> Run:
    """Train in a scratch folder."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        for path in READ:
            (scratch / path).parent.mkdir(parents=True, exist_ok=True)
            (scratch / path).symlink_to(Path(path).resolve())
        command = f"from text2pixels.pipeline import method; method.run({variant!r})"
        subprocess.run([sys.executable, "-c", command], cwd=scratch, env=os.environ | environment, check=True)
        return read(scratch / layout.model(variant))


def read(model: Path) -> Run:
    """Return the run behind a trained model."""
    rows = pq.read_table(model / "history.parquet").to_pylist()
    losses = {(row["epoch"], row["level"]): row["value"] for row in rows if row["name"] == "validation_loss"}
    return Run(checkpoint.read(model).metadata["epoch"], losses)


def table(runs: dict[str, Run]) -> list[str]:
    """Return the lines that compare the runs with the first of them."""
    reference = next(iter(runs.values()))
    last = max(epoch for epoch, _ in reference.losses)
    levels = sorted({level for _, level in reference.losses})
    moments = [(when, level) for when in ("best", "last") for level in levels]
    lines = [f"{'machine':20}{'best epoch':>12}" + "".join(f"{f'{level}, {when}':>24}" for when, level in moments)]
    for name, run in runs.items():
        line = f"{name:20}{run.best:12}"
        for when, level in moments:
            here, there = (each.losses[each.best if when == "best" else last, level] for each in (run, reference))
            line += f"{here:14.5f} ({here / there - 1:+7.3%})"
        lines.append(line)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", default="ours")
    parser.add_argument("--machines", nargs="+", choices=MACHINES, default=list(MACHINES), metavar="NAME")
    chosen = parser.parse_args()
    runs: dict[str, Run] = {}
    for name in chosen.machines:
        runs[name] = train(chosen.variant, MACHINES[name])
        print("\n".join(table(runs)), flush=True)


if __name__ == "__main__":
    main()
