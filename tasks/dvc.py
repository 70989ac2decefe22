"""The seam between Prefect and DVC: DVC owns the graph, Prefect runs its stages one task each."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.concurrency.sync import concurrency
from prefect.states import Completed, Failed

from text2pixels.errors import InputError

GPU_LIMIT = "text2pixels-gpu"

_EDGE = re.compile(r'^"([^"]+)"(?: -> "([^"]+)")?;$')
# DVC's words for a stage whose dependencies, parameters and outputs are what dvc.lock says.
_UNCHANGED = re.compile(r"didn't change, skipping|is cached - skipping run")
_BUSY = re.compile(r"is busy, it is being blocked by")  # a path that another process reads or writes
_PATIENCE = 5  # seconds between two tries


@dataclass(frozen=True)
class Graph:
    """The expanded pipeline: for each stage, in a topological order, the stages it waits for."""

    upstream: dict[str, frozenset[str]]
    gpu: frozenset[str]  # stages that take a GPU slot
    alone: frozenset[str]  # stages that are timed, so nothing runs beside them

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
        return Graph({s: up for s, up in self.upstream.items() if s in wanted}, self.gpu & wanted, self.alone & wanted)


def environment() -> dict[str, str]:
    """Return the environment of DVC: this interpreter's programs first on the path."""
    return os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def read_graph() -> Graph:
    """Ask DVC for the graph of the working directory's dvc.yaml and params.yaml.

    Raises:
        InputError: DVC cannot read them; the message is DVC's own.
    """
    answer = subprocess.run(["dvc", "dag", "--dot"], capture_output=True, text=True, env=environment(), check=False)
    if answer.returncode:
        raise InputError(" ".join((answer.stderr or answer.stdout).split()))
    upstream: dict[str, set[str]] = {}
    for match in filter(None, map(_EDGE.match, answer.stdout.splitlines())):
        before, after = match.groups()
        upstream.setdefault(before, set())
        if after:
            upstream.setdefault(after, set()).add(before)
    definitions: dict[str, dict[str, Any]] = yaml.safe_load(Path("dvc.yaml").read_text())["stages"]

    def marked(key: str) -> frozenset[str]:
        groups = {name for name, stage in definitions.items() if stage.get("do", stage).get("meta", {}).get(key)}
        return frozenset(stage for stage in upstream if stage.split("@")[0] in groups)

    ordered = {stage: frozenset(upstream[stage]) for stage in _topological(upstream)}
    return Graph(ordered, gpu=marked("gpu"), alone=marked("alone"))


def _topological(upstream: dict[str, set[str]]) -> Iterator[str]:
    left = dict(upstream)
    while left:
        ready = [stage for stage, before in left.items() if not before & left.keys()]
        assert ready, "DVC's graph has no cycles"
        for stage in ready:
            del left[stage]
        yield from ready


class Slots:
    """How many stages run at the same time; a stage that is timed takes all slots."""

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._changed = threading.Condition()

    @contextmanager
    def take(self, alone: bool = False) -> Iterator[None]:
        """Wait for a slot, or for all of them, and hold it."""
        wanted = self._count if alone else 1
        with self._changed:
            self._changed.wait_for(lambda: self._free >= wanted)
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()


@task(name="stage", task_run_name="{stage}", cache_policy=NO_CACHE)
def reproduce_stage(stage: str, graph: Graph, slots: Slots, threads: int, force: bool = False) -> State[Any]:
    """Run one stage with DVC, its output as log lines; end Completed, Unchanged or Failed.

    DVC has the cache and the skipping; Prefect's own caching is off. A stage with ``meta: {gpu: 1}``
    also waits for a slot of the global limit that the flow has made (``strict``: without it, an error).
    """
    with ExitStack() as held:
        held.enter_context(slots.take(alone=stage in graph.alone))
        if stage in graph.gpu:
            held.enter_context(concurrency(GPU_LIMIT, occupy=1, strict=True))
        return _reproduce(stage, threads, force)


def _reproduce(stage: str, threads: int, force: bool) -> State[Any]:
    code, unchanged, reason = _run(stage, threads, force)
    while code and _BUSY.search(reason):
        # DVC waits for its own lock, but not for a stage of another run that writes what this one reads.
        get_run_logger().info("waiting for another run of DVC: %s", reason)
        time.sleep(_PATIENCE)
        code, unchanged, reason = _run(stage, threads, force)
    if code:
        return Failed(message=f"{stage}: {reason}")
    return Completed(name="Unchanged") if unchanged else Completed()


def _run(stage: str, threads: int, force: bool) -> tuple[int, bool, str]:
    """Run a stage once; return DVC's exit code, whether nothing had changed, and the reason of a failure."""
    logger = get_run_logger()
    # Without --wait-for-lock, before the sub-command, stages that start together fail.
    command = ["dvc", "--wait-for-lock", "repro", "--single-item", *(["--force"] if force else []), stage]
    # A session of its own, so that cancelling the task run also ends what DVC has started.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment() | {"OMP_NUM_THREADS": str(threads)},
        start_new_session=True,
    )
    unchanged, reason = False, ""
    try:
        assert process.stdout is not None
        for line in filter(None, map(str.rstrip, process.stdout)):
            logger.info(line)
            unchanged = unchanged or bool(_UNCHANGED.search(line))
            if line.startswith(("error: ", "ERROR: ")) and not reason.startswith("error: "):
                reason = line  # the stage's own words, where it has any, say more than DVC's
        code = process.wait()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait()
    return code, unchanged, reason
