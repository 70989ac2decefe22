"""Random kills of `dvc repro`, each followed by the same command; in the end the hashes must be those of a quiet run.

    python benchmarks/soak.py --kills 50 [--flow]

A tiny pipeline runs in a clone of this repository's last commit. Once without disturbance: its dvc.lock is what
every later run is compared with. Then it is killed with all its processes at a random moment, by SIGKILL, SIGTERM or
SIGINT, and started again, until it ends by itself; then all is deleted, and the next round begins. With --flow it is
the Prefect flow that is killed. Printed: kills by signal and by the stage at work, runs that did not go on by
themselves and what they said, and outs whose hashes differ (those
that hold measured seconds are left out). Anything lost is an exit code of 1.
"""

import argparse
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
TINY = (
    "datasets.simulator.options.train=6",
    "datasets.simulator.options.val=2",
    "datasets.simulator.options.test=2",
    "datasets.simulator.options.width=96",
    "datasets.simulator.options.height=96",
    "train.epochs=2",
    "train.crop=64",
    "train.batch=3",
    "detect.pretrain_epochs=1",
    "detect.epochs=1",
    "detect.image_size=96",
    "report.bootstrap=100",
)
METHODS = ("average", "ours")
MADE = ("data/interim", "data/processed", "data/prompts", "data/embeddings", "data/fused", "data/params-checked")
MEASURED = ("reports/cost", "reports/site", "reports/plots", "reports/metrics.json")  # seconds are never the same
LEFT = (*MADE, "models", "reports/scores", "reports/detections", "reports/cost", "reports/site", ".cache", ".dvc/cache")


@dataclass
class Tally:
    """What happened."""

    signals: Counter[str] = field(default_factory=Counter)
    stages: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    refused: list[str] = field(default_factory=list)  # a run that failed although nobody killed it
    other: list[str] = field(default_factory=list)  # outs whose hash is not that of the quiet run


def prepare(folder: Path) -> None:
    """Clone the last commit, and write a params.yaml of two methods and ten pairs."""
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], check=True)
    run(folder, "t2p", "params", "demo", *(word for change in TINY for word in ("--set", change))).check_returncode()
    path = folder / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["methods"] = {name: params["methods"][name] for name in METHODS}
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which the clone's own code runs."""
    places = {"PYTHONPATH": str(folder / "src"), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    return os.environ | places | {"OMP_NUM_THREADS": "1", "PREFECT_HOME": str(folder / ".cache/prefect")}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env=environment(folder), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def hashes(folder: Path) -> dict[str, str]:
    """Return the hash of every out in dvc.lock, but for those that hold measured seconds."""
    stages = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
    outs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", [])}
    return {path: md5 for path, md5 in outs.items() if not path.startswith(MEASURED)}


def disturbed(folder: Path, command: list[str], seconds: float, how: signal.Signals) -> tuple[int | None, str]:
    """Run a command, and kill its group after some seconds; return its code, None if killed, and its output."""
    log = folder.parent / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            command, cwd=folder, env=environment(folder), stdout=out, stderr=out, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            code = None
            os.killpg(process.pid, how)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return code, log.read_text()


def soak(folder: Path, command: list[str], kills: int, seed: int) -> Tally:
    """Kill a number of runs; return what happened."""
    dice, tally = random.Random(seed), Tally()
    start = time.perf_counter()
    quiet = run(folder, *command)
    assert quiet.returncode == 0, quiet.stdout[-2000:]
    length, expected = time.perf_counter() - start, hashes(folder)
    print(f"a quiet run: {length:.0f} s, {len(expected)} outs", flush=True)
    clean(folder)
    failures, begun = 0, time.perf_counter()
    while tally.signals.total() < kills:
        how = dice.choice(SIGNALS)
        code, said = disturbed(folder, command, dice.uniform(0.02, 0.4) * length, how)
        stage = ["", *re.findall(r"Running stage '([^']+)'", said)][-1].partition("@")[0]
        if code is None:
            tally.signals[how.name] += 1
            tally.stages[stage or "(before the first)"] += 1
            failures = 0
            print(f"{tally.signals.total():3} {how.name:8} {stage}", flush=True)
        elif code == 0:
            tally.rounds += 1
            other = differing(expected, hashes(folder))
            tally.other += other
            print(f"    round {tally.rounds} ended: {f'other hashes of {other}' if other else 'the same'}", flush=True)
            # The machine may have been busier with the quiet run: a round must be long enough to be killed in.
            length, begun = min(length, time.perf_counter() - begun), time.perf_counter()
            clean(folder)
        else:
            tally.refused.append(said.strip()[-300:])
            print(f"    refused: {said.strip()[-300:]}", flush=True)
            failures += 1
            if failures == 3:  # it does not come back: the next round begins
                clean(folder)
    last = run(folder, *command)
    if last.returncode:
        tally.refused.append(last.stdout.strip()[-300:])
    else:
        tally.rounds += 1
        tally.other += differing(expected, hashes(folder))
    return tally


def differing(expected: dict[str, str], found: dict[str, str]) -> list[str]:
    """Return the outs that only one run has, or that differ."""
    return [path for path in expected | found if expected.get(path) != found.get(path)]


def clean(folder: Path) -> None:
    """Delete all that the pipeline made."""
    for name in LEFT:
        shutil.rmtree(folder / name, ignore_errors=True)
        if (folder / name).is_file():
            (folder / name).unlink()
    for path in (folder / "dvc.lock", folder / "reports/metrics.json"):
        path.unlink(missing_ok=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--flow", action="store_true", help="kill the Prefect flow in place of dvc repro")
    options = parser.parse_args()
    command = [sys.executable, "-m", "flows.reproduce"] if options.flow else ["dvc", "repro"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "clone"
        prepare(folder)
        tally = soak(folder, command, options.kills, options.seed)
        litter = [str(path.relative_to(folder)) for path in folder.rglob("*.part")]
    print(f"kills: {tally.signals.total()} ({', '.join(f'{n} {c}' for n, c in tally.signals.most_common())})")
    print(f"at work: {', '.join(f'{name} {count}' for name, count in tally.stages.most_common())}")
    print(f"rounds to the end: {tally.rounds}; outs with another hash: {len(tally.other)} {sorted(set(tally.other))}")
    print(f"runs that did not go on by themselves: {len(tally.refused)}")
    print(f"litter after the last run: {len(litter)} {litter[:5]}")
    return 1 if tally.other or tally.refused or litter else 0


if __name__ == "__main__":
    sys.exit(main())
