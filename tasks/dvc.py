"""The seam between Prefect and DVC: DVC owns the graph, Prefect runs the stages that are out of date, one task each."""

import logging
import os
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import create_progress_artifact, update_progress_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.concurrency.sync import concurrency
from prefect.states import Completed, Failed

from tasks.graph import Graph, read_changed
from tasks.restore import environment
from text2pixels.errors import InputError
from text2pixels.pipeline.working_tree import RUN

GPU_LIMIT = "text2pixels-gpu"

# DVC's words for a stage whose dependencies, parameters and outputs are what dvc.lock says.
_UNCHANGED = re.compile(r"didn't change, skipping|is cached - skipping run")
_BUSY = re.compile(r"is busy, it is being blocked by")  # a path that another process reads or writes
_KILLED = re.compile(r"exited with (?:-9|137)\b")
_BLOCKER = re.compile(r"^\s*(\(PID \d+\): .*)$")
_LEVELS = (("error", logging.ERROR), ("warning", logging.WARNING))  # how lines of DVC and of the stages begin
_PATIENCE = 5  # seconds between two tries
_LEASE = 60  # seconds after which the slot of a flow that was killed is free again
# "train ours: epoch 3 of 12, lower 0.534, …, 41 s left": what text2pixels.progress.report prints.
_EPOCH = re.compile(r"(?:epoch|step) ([\d,]+) of ([\d,]+), ")
_RARELY = 2  # seconds between two updates: an epoch of a small run takes less


class Slots:
    """How many stages run at the same time; a stage that is timed takes all slots."""

    def __init__(self, count: int) -> None:
        self._count = self._free = count
        self._changed = threading.Condition()
        self._closed = False

    @contextmanager
    def take(self, alone: bool = False) -> Iterator[None]:
        """Wait for a slot, or for all of them, and hold it.

        Raises:
            InputError: the run has ended meanwhile.
        """
        wanted = self._count if alone else 1
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._free >= wanted)
            if self._closed:
                raise InputError("the run has ended")
            self._free -= wanted
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the run has ended."""
        return self._closed

    def close(self) -> None:
        """Let no further stage begin."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@dataclass(frozen=True)
class Run:
    """What the stages of one run of the flow have in common."""

    name: str  # the value of the environment variable `RUN` for what it starts
    graph: Graph
    slots: Slots
    threads: int  # of one stage, where others run beside it
    gpus: int  # in this machine
    force: bool = False

    def threads_of(self, stage: str) -> int:
        """Return a stage's threads: what is timed has the machine for itself, as when DVC runs it without a flow."""
        return (os.cpu_count() or 1) if stage in self.graph.alone else self.threads


class Progress:
    """How far a stage that trains has come, as an artifact in Prefect's UI, from the line that it prints each epoch.

    The artifact is made with the first epoch, so a stage that trains nothing has none.
    """

    def __init__(self, stage: str) -> None:
        self._key = "progress-" + re.sub(r"[^a-z0-9]+", "-", stage.lower()).strip("-")
        self._artifact: UUID | None = None
        self._updated = 0.0

    def read(self, line: str) -> None:
        """Bring the artifact up to date where the line tells of an epoch."""
        found = _EPOCH.search(line)
        if found is None:
            return
        done, total = (int(number.replace(",", "")) for number in found.groups())
        if self._artifact is None:
            self._artifact = create_progress_artifact(100 * done / total, key=self._key, description=line)  # type: ignore[assignment]
        elif done == total or time.monotonic() - self._updated > _RARELY:
            update_progress_artifact(self._artifact, 100 * done / total, description=line)
        else:
            return
        self._updated = time.monotonic()


@task(name="stage", task_run_name="{stage}", cache_policy=NO_CACHE)
def reproduce_stage(stage: str, run: Run) -> State[Any]:
    """Run one stage with DVC, its output as log lines; end Completed, Unchanged or Failed.

    DVC caches and skips; Prefect's own caching is off. On a machine with GPUs a stage with ``meta: {gpu: 1}`` also
    waits for a slot of the global limit that the flow has made (``strict``: an error where there is no such limit). A
    stage that need not run takes no slot.
    """
    on_gpu = stage in run.graph.gpu and run.gpus > 0
    alone = stage in run.graph.alone
    try:
        # Asking DVC takes a second, so only for stages that others may have to wait for.
        if (on_gpu or alone) and not run.force and not read_changed(stage):
            return Completed(name="Unchanged")
        with ExitStack() as held:
            held.enter_context(run.slots.take(alone))
            if on_gpu:
                _take_gpu(held)
            return _reproduce(stage, run)
    except InputError as error:
        return Failed(message=f"{stage}: {error}")


def _take_gpu(held: ExitStack) -> None:
    logger = get_run_logger()
    try:
        held.enter_context(concurrency(GPU_LIMIT, strict=True, timeout_seconds=1, lease_duration=_LEASE))
    except TimeoutError:
        logger.info("waiting for a GPU slot: other runs hold all of '%s'", GPU_LIMIT)
        held.enter_context(concurrency(GPU_LIMIT, strict=True, lease_duration=_LEASE))


def _reproduce(stage: str, run: Run) -> State[Any]:
    code, unchanged, reason = _run(stage, run)
    while code and _BUSY.search(reason) and not run.slots.closed:
        # DVC waits for its own lock, but fails where a stage of another run writes what this one reads.
        get_run_logger().info("waiting for another run of DVC: %s", reason)
        time.sleep(_PATIENCE)
        code, unchanged, reason = _run(stage, run)
    if code and _KILLED.search(reason) and not run.slots.closed:
        # A second try can help only here: memory was too small for this stage and those beside it. Training goes on
        # after its last epoch.
        get_run_logger().warning("%s: the system killed it, perhaps for want of memory; once more", reason)
        time.sleep(_PATIENCE)
        code, unchanged, reason = _run(stage, run)
    if code:
        return Failed(message=f"{stage}: {reason or f'dvc ended with code {code}'}")
    return Completed(name="Unchanged") if unchanged else Completed()


def _run(stage: str, run: Run) -> tuple[int, bool, str]:
    """Run a stage once; return DVC's exit code, whether nothing had changed, and the reason of a failure."""
    logger, progress = get_run_logger(), Progress(stage)
    # Without --wait-for-lock, before the sub-command, stages that start together fail.
    command = ["dvc", "--wait-for-lock", "repro", "--single-item", *(["--force"] if run.force else []), stage]
    # A session of its own: a signal to the flow's process group must not end DVC while it writes dvc.lock. The guard of
    # the run ends the stage, which it finds by the environment variable.
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment() | {"OMP_NUM_THREADS": str(run.threads_of(stage)), RUN: run.name},
        start_new_session=True,
    )
    unchanged, reason = False, ""
    assert process.stdout is not None
    for line in filter(None, map(str.rstrip, process.stdout)):
        level = next((level for word, level in _LEVELS if line.lower().startswith(f"{word}: ")), logging.INFO)
        logger.log(level, line)
        progress.read(line)
        unchanged = unchanged or bool(_UNCHANGED.search(line))
        if level == logging.ERROR and not reason.startswith("error: "):
            reason = line  # the stage's own message says more than DVC's
        elif _BUSY.search(reason) and (blocker := _BLOCKER.match(line)):
            reason = f"{reason} {blocker[1]}"
    return process.wait(), unchanged, reason
