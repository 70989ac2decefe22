"""Marks runs that the server believes to be running but that have no process any more: python -m flows.sweep.

A worker that was killed cannot report how its runs ended, and they would stay `Running` for ever.
"""

import contextlib
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psutil
import typer
from prefect import get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
from prefect.client.schemas.objects import State, StateType
from prefect.states import Cancelled, Crashed

UNDER_WAY = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]


def sweep(pool: str) -> list[str]:
    """Mark the runs of a pool of this machine that have no process: `Crashed`, or `Cancelled` where that was asked.

    Runs that were started by hand have no pool, and are of this machine as well.

    Returns:
        The names of the runs.
    """
    chosen = FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=UNDER_WAY)))
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=chosen)
        alive = set(_alive())
        lost = [run for run in runs if run.work_pool_name in (None, pool) and run.id not in alive]
        for run in lost:
            cancelled = run.state_type == StateType.CANCELLING
            state: State[Any] = Cancelled() if cancelled else Crashed(message="its process is gone")
            client.set_flow_run_state(run.id, state, force=True)
    return [run.name for run in lost]


def _alive() -> Iterator[UUID]:
    """Yield the runs that have a process: started by a worker, or with a guard."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, ValueError):
            words = process.cmdline()
            if "--flow-run" in words:
                yield UUID(words[words.index("--flow-run") + 1])
            elif number := process.environ().get("PREFECT__FLOW_RUN_ID"):
                yield UUID(number)


if __name__ == "__main__":
    from flows.ui import POOL

    for name in sweep(POOL):
        typer.echo(f"{name}: its process is gone; marked so")
