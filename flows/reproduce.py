"""The pipeline as a Prefect flow: one task a stage, in parallel where DVC's graph allows.

python -m flows.reproduce                          everything that is out of date
python -m flows.reproduce score report             some stages, and what they need
python -m flows.reproduce --profile roadscene --set train.epochs=2
"""

import logging
import os
import re
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from prefect import flow, get_client, get_run_logger
from prefect.client.schemas.objects import State
from prefect.exceptions import FailedRun
from prefect.futures import PrefectFuture
from prefect.runtime import flow_run
from prefect.settings import PREFECT_API_URL
from prefect.states import Completed, Failed

from flows import form
from flows.conclusion import conclude
from flows.server import serve_this_process
from tasks.dvc import GPU_LIMIT, Run, Slots, reproduce_stage
from tasks.graph import Graph, read_graph
from tasks.guard import guarded
from tasks.restore import note_parameters
from text2pixels.errors import InputError
from text2pixels.params_file import read_profile
from text2pixels.pipeline.profiles import parse_changes, write_params

# Names that Prefect makes up for a run: "Shiny-Walrus", or in its older UI "beta317-napinne-sector".
_MADE_UP = re.compile(r"[a-z]+-[a-z]+|[a-z]+\d+-[a-z]+-[a-z]+", re.IGNORECASE)

# Beginnings of log lines that repeat a failure.
_SAID = ("Task run failed with state: ", "Finished in state NotReady(")


@flow(name="reproduce")
def reproduce(
    profile: form.Profile = form.AS_IT_IS,
    stages: form.Targets = form.NO_STAGES,
    single: form.Only = form.NO_STAGES,
    settings: form.Settings = form.UNCHANGED,
    more: form.More = form.NOTHING,
    parallel: form.Parallel = 2,
    force: form.Force = False,
) -> State[Any]:
    """Bring the pipeline, or some stages and what they need, up to date.

    What the form changes in params.yaml holds for this run: it is recorded as a DVC experiment under the run's
    name, and afterwards params.yaml is as before.

    Args:
        profile: What to start from: params.yaml, or a file of profiles/.
        stages: Stages of dvc.yaml to bring up to date, with what they need; none: all.
        single: Besides or instead, stages of one item, such as method@ours.
        settings: The keys that people change; an empty field stays as params.yaml, or the profile, has it.
        more: Any other keys of params.yaml, such as {"network.channels": 48}.
        parallel: Stages that may run at the same time; they share the cores.
        force: Run the stages even where nothing changed.
    """
    logger = get_run_logger()
    for known in ("prefect.flow_runs", "prefect.task_runs", "prefect.engine"):
        logging.getLogger(known).addFilter(is_news)
    changes = form.changes(settings) | dict(more)
    targets = [*stages, *single]
    start = None if profile == form.AS_IT_IS else profile
    name = _tell_name(start, changes, targets)
    try:
        with guarded(f"the flow run {name}", logger.info, flow_run.get_id(), PREFECT_API_URL.value()) as run:
            if start or changes:
                # params.yaml stays the one configuration: the form writes it, DVC reads it.
                _, missing = write_params(start, changes)
                note_parameters()
                for reason in missing.values():
                    logger.warning("not here: %s", reason)
                logger.info("wrote params.yaml: profile %s, changes %s", start or "as it was", changes or "none")
            graph = read_graph()
            if targets:
                graph = graph.ancestry(targets)
            states = _run(run, graph, parallel, force)
            return conclude(states, name)
    except InputError as error:
        return Failed(message=str(error))


def is_news(record: logging.LogRecord) -> bool:
    """Leave out what Prefect logs after a run or a stage has said in one line how it failed.

    That is a traceback of forty lines for the run, the failure again for the stage, and an error for each stage that
    was skipped because of it, which the end of the run names.
    """
    error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
    return not (isinstance(error, FailedRun) or record.getMessage().startswith(_SAID))


def _run(run: str, graph: Graph, parallel: int, force: bool) -> dict[str, State[Any]]:
    """Run the stages of a graph that are out of date, and return how each ended."""
    unchanged = frozenset() if force else graph.unchanged
    gpus = _gpus()
    if gpus:
        with get_client(sync_client=True) as client:
            client.upsert_global_concurrency_limit_by_name(GPU_LIMIT, limit=gpus)
    slots = Slots(parallel)
    common = Run(run, graph, slots, threads=max(1, (os.cpu_count() or 1) // parallel), gpus=gpus, force=force)
    futures: dict[str, PrefectFuture[Any]] = {}
    try:
        for stage, upstream in graph.upstream.items():
            if stage in unchanged:  # no task: forty of them would take longer than all of DVC's work
                continue
            waiting = [futures[before] for before in upstream - unchanged]
            task = reproduce_stage.with_options(name=stage)  # the name that is shown while it waits or is skipped
            futures[stage] = task.submit(stage, common, return_state=False, wait_for=waiting)
        for future in futures.values():
            future.wait()
    finally:
        slots.close()  # after a cancellation no further stage begins
    return {
        stage: futures[stage].state if stage in futures else Completed(name="Unchanged") for stage in graph.upstream
    }


def _gpus() -> int:
    """Return how many NVIDIA devices this machine has."""
    return len(list(Path("/proc/driver/nvidia/gpus").glob("*")))


def _tell_name(profile: str | None, changes: dict[str, Any], targets: list[str]) -> str:
    """Return the run's name; a name that Prefect made up is replaced by one that says what runs."""
    name, number = str(flow_run.get_name() or "run"), flow_run.get_id()
    if number is None or not _MADE_UP.fullmatch(name):
        return name
    words = [profile, *targets, *(f"{key.rpartition('.')[2]}={value}" for key, value in changes.items())]
    told = " ".join([word for word in words if word] or ["everything"])
    told = f"{told[:60]} {datetime.now():%m-%d %H:%M:%S}"
    with get_client(sync_client=True) as client:
        client.update_flow_run(UUID(number), name=told)
    return told


def _look() -> Graph | None:
    """Return the graph; None where DVC cannot read it, as after a kill: the guard of the run repairs that."""
    try:
        return read_graph()
    except InputError:
        return None


def main(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages or groups of dvc.yaml; none: all.")] = None,
    profile: Annotated[str | None, typer.Option(help="Start from this profile.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a parameter.")] = None,
    parallel: Annotated[int, typer.Option(min=1, max=64, help="Stages at the same time.")] = 2,
    force: Annotated[bool, typer.Option(help="Run even what did not change.")] = False,
) -> None:
    """Run the pipeline under Prefect and wait for it; exit code 1 where a stage failed."""
    started = time.monotonic()
    try:
        changes = parse_changes(change or [])
        if profile:
            read_profile(profile)
        graph = None if profile else _look()
        if graph and targets:
            graph = graph.ancestry(targets)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    if graph and not changes and not force and len(graph.unchanged) == len(graph.upstream):
        # Starting a server would take most of the time of a run that has nothing to do.
        typer.echo(f"Unchanged: {len(graph.upstream)} stages ({time.monotonic() - started:.0f} s)")
        return
    try:
        serve_this_process()
        state = reproduce(
            profile=profile or form.AS_IT_IS,
            single=targets or [],
            more=changes,
            parallel=parallel,
            force=force,
            return_state=True,
        )
    except InputError as error:  # the server does not start
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(130) from None
    typer.echo(f"{state.name}: {state.message} ({time.monotonic() - started:.0f} s)")
    if not state.is_completed():
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
