"""Every benchmark that runs on its own runs to its end, on the least that it takes."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = ROOT.parent / "shared"
NEEDS_SHARED = pytest.mark.skipif(
    not (SHARED / "data/TNO").is_dir() or not (SHARED / "weights").is_dir(),
    reason="needs data and weights beside the repository",
)
NEEDS_LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")

# What is run -> what its output says when it got to the end.
COMMANDS = {
    "network.py --only --sizes 64x48 --repeats 1 --threads 1": "targets met",
    "metrics.py --width 64 --height 48 --threads 1 --repeats 1": "the nine of published tables",
    "core.py --repeats 1 --frames 2": "MB",
    "embeddings.py --phrases 20 --prompts 50": "targets met",
    "ingest.py speed 4": "ingest_pairs_per_s",
    "registration.py --simulated 1": "highest peak",
    "report.py 6 --here": "largest_page_kb",
    "sizes.py": "`text2pixels[train]`",
}
ON_SHARED = {
    "baselines.py --shared {shared} --methods sdnet --every 25": "RoadScene",
    "published.py --data {shared}/data --weights {shared}/weights --methods sdnet --lists tno --every 25": "published",
    "wall_time.py --shared {shared} --methods average --every 75": "fusing",
}
# The others take a run of the pipeline, a table of vectors or hours; some have tests of what they compute.
SCRIPTS = {path.name for path in ROOT.glob("benchmarks/*.py") if "argparse" in path.read_text()}
LONG = sorted(SCRIPTS - {line.split()[0] for line in COMMANDS | ON_SHARED})


def run(command: str) -> subprocess.CompletedProcess[str]:
    name, *options = command.format(shared=SHARED).split()
    arguments = [sys.executable, str(ROOT / "benchmarks" / name), *options]
    return subprocess.run(arguments, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.slow
@NEEDS_LINUX
@pytest.mark.parametrize(
    ("command", "end"),
    [*COMMANDS.items(), *(pytest.param(*each, marks=NEEDS_SHARED) for each in ON_SHARED.items())],
    ids=lambda value: value.split()[0],
)
def test_it_runs_to_its_end(command, end):
    done = run(command)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1), done.stderr  # 1: a target is missed, which a busy machine may do
    assert end in done.stdout


@pytest.mark.parametrize("name", LONG)
def test_its_help_says_what_it_measures(name):
    done = run(f"{name} --help")
    assert done.returncode == 0, done.stderr
    assert "usage:" in done.stdout
