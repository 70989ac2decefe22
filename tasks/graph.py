"""DVC's graph as the flow runs it: which stages there are, what they wait for, and which of them are out of date.

`python -m tasks.graph` prints it. It runs as a process of its own, because DVC's library caches what it has read. It
uses the library, because the same takes two of DVC's commands, of a second each.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tasks.restore import environment
from text2pixels.errors import InputError


@dataclass(frozen=True)
class Graph:
    """The expanded pipeline: for each stage, in a topological order, the stages it waits for."""

    upstream: dict[str, frozenset[str]]
    gpu: frozenset[str] = frozenset()  # stages that take a GPU slot
    alone: frozenset[str] = frozenset()  # stages that are timed, so nothing runs beside them
    changed: frozenset[str] = frozenset()  # stages that are not as dvc.lock has them

    def ancestry(self, targets: list[str]) -> "Graph":
        """Keep the targets and what they need. A target is a stage, or a group such as "fuse".

        Raises:
            InputError: a target names no stage.
        """
        wanted: set[str] = set()
        for target in targets:
            named = {stage for stage in self.upstream if stage == target or stage.split("@")[0] == target}
            if not named:
                groups = sorted({stage.split("@")[0] for stage in self.upstream})
                raise InputError(f"no stage '{target}' in dvc.yaml; stages: {', '.join(groups)}")
            wanted |= named
        queue = list(wanted)
        while queue:
            for needed in self.upstream[queue.pop()] - wanted:
                wanted.add(needed)
                queue.append(needed)
        return replace(self, upstream={stage: before for stage, before in self.upstream.items() if stage in wanted})

    @property
    def unchanged(self) -> frozenset[str]:
        """The stages that need not run: they are as dvc.lock has them, and so is all before them."""
        found: set[str] = set()
        for stage, upstream in self.upstream.items():
            if stage not in self.changed and upstream <= found:
                found.add(stage)
        return frozenset(found)


def read_graph() -> Graph:
    """Ask DVC for the graph of the working directory's dvc.yaml and params.yaml, and for what has changed.

    Raises:
        InputError: DVC cannot tell; the message is DVC's own.
    """
    paths = [str(Path(__file__).resolve().parents[1]), os.environ.get("PYTHONPATH", "")]
    answer = subprocess.run(
        [sys.executable, "-m", "tasks.graph"],
        capture_output=True,
        text=True,
        env=environment() | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
        check=False,
    )
    if answer.returncode:
        _ask("dag", "--dot")  # raises DVC's own message, where DVC has one
        raise InputError(f"DVC cannot read the pipeline: {' '.join(answer.stderr.split())[-500:]}")
    found = json.loads(answer.stdout.splitlines()[-1])
    upstream = {stage: set(before) for stage, before in found["upstream"].items()}
    definitions: dict[str, dict[str, Any]] = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]

    def marked(key: str) -> frozenset[str]:
        groups = {name for name, stage in definitions.items() if stage.get("do", stage).get("meta", {}).get(key)}
        return frozenset(stage for stage in upstream if stage.split("@")[0] in groups)

    ordered = {stage: frozenset(upstream[stage]) for stage in _topological(upstream)}
    return Graph(ordered, marked("gpu"), marked("alone"), frozenset(found["changed"]))


def read_changed(stage: str) -> bool:
    """Ask DVC whether a stage is not as dvc.lock has it.

    Raises:
        InputError: DVC cannot tell; the message is DVC's own.
    """
    return stage in json.loads(_ask("status", "--json", stage))


def _ask(*command: str) -> str:
    answer = subprocess.run(
        ["dvc", "--wait-for-lock", *command], capture_output=True, text=True, env=environment(), check=False
    )
    if answer.returncode:
        said = " ".join((answer.stderr or answer.stdout).split())
        if "not a git repository" in said:
            said += ": run git init, or tell DVC so: dvc config --local core.no_scm true"
        raise InputError(said)
    return answer.stdout


def _topological(upstream: dict[str, set[str]]) -> Iterator[str]:
    left = dict(upstream)
    while left:
        ready = [stage for stage, before in left.items() if not before & left.keys()]
        assert ready, "DVC's graph has no cycles"
        for stage in ready:
            del left[stage]
        yield from ready


def main() -> None:
    """Print, as one line of JSON, what each stage waits for and which stages have changed."""
    from dvc.repo import Repo

    with Repo() as repo:
        graph = repo.index.graph
        upstream = {
            stage.addressing: sorted(before.addressing for before in graph.successors(stage)) for stage in graph
        }
        print(json.dumps({"upstream": upstream, "changed": sorted(repo.status())}))


if __name__ == "__main__":
    main()
