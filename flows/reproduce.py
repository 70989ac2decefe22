"""The pipeline as a Prefect flow: one task a stage, in parallel where DVC's graph allows.

python -m flows.reproduce                          everything that is out of date
python -m flows.reproduce score report             some stages, and what they need
python -m flows.reproduce --profile roadscene --set train.epochs=2
"""

import os
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from prefect import flow, get_client, get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.dvc import GPU_LIMIT, Slots, read_graph, reproduce_stage
from text2pixels.errors import InputError
from text2pixels.pipeline.profiles import parse_changes, write_params

REPORT = Path("reports/site/index.html")


@flow(name="reproduce")
def reproduce(
    targets: list[str] | None = None,
    profile: str | None = None,
    parameters: dict[str, Any] | None = None,
    parallel: int = 2,
    force: bool = False,
) -> State[Any]:
    """Bring the pipeline, or some stages and what they need, up to date.

    Args:
        targets: stages or groups of dvc.yaml ("method@ours", "score"); none means all.
        profile: write params.yaml from this file of profiles/ first.
        parameters: values to change in params.yaml, for example {"train.epochs": 2}.
        parallel: stages that may run at the same time; they share the cores.
        force: run the stages even where nothing changed.
    """
    logger = get_run_logger()
    try:
        if profile or parameters:
            # params.yaml stays the one configuration: the form writes it, DVC reads it.
            _, missing = write_params(profile, parameters or {})
            for reason in missing.values():
                logger.warning("not here: %s", reason)
            logger.info("wrote params.yaml: profile %s, changes %s", profile or "as it was", parameters or "none")
        graph = read_graph()
        if targets:
            graph = graph.ancestry(targets)
    except InputError as error:
        return Failed(message=str(error))
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(GPU_LIMIT, limit=_gpus())
    slots = Slots(max(1, parallel))
    threads = max(1, (os.cpu_count() or 1) // max(1, parallel))
    futures: dict[str, Any] = {}
    for stage, upstream in graph.upstream.items():
        waiting = [futures[name] for name in upstream]
        futures[stage] = reproduce_stage.submit(
            stage, graph, slots, threads, force, return_state=False, wait_for=waiting
        )
    for future in futures.values():
        future.wait()
    return _conclude({stage: future.state for stage, future in futures.items()})


def _gpus() -> int:
    """Return the number of slots for GPU stages: the NVIDIA devices; 1 without any, so that training stays serial."""
    return max(1, len(list(Path("/proc/driver/nvidia/gpus").glob("*"))))


def _conclude(states: dict[str, State[Any]]) -> State[Any]:
    """Write the summary artifact and name the flow's end after its stages'."""
    failed = [stage for stage, state in states.items() if state.is_failed() or state.is_crashed()]
    unchanged = [stage for stage, state in states.items() if state.name == "Unchanged"]
    skipped = [stage for stage, state in states.items() if not state.is_final()]  # NotReady: an upstream failed
    rows = [f"| `{stage}` | {_word(state)} | {state.message or ''} |" for stage, state in states.items()]
    report = f"[report]({REPORT.resolve().as_uri()})" if REPORT.is_file() else "no report yet"
    counts = (
        f"{len(states)} stages: {len(states) - len(failed) - len(skipped) - len(unchanged)} run, "
        f"{len(unchanged)} unchanged, {len(failed)} failed, {len(skipped)} skipped"
    )
    table = "\n".join(["| stage | ended | |", "| --- | --- | --- |", *rows])
    create_markdown_artifact(key="reproduce", markdown=f"{counts}; {report}\n\n{table}\n", description=counts)
    if failed:
        because = f"; skipped because of that: {', '.join(skipped)}" if skipped else ""
        return Failed(message=f"failed: {', '.join(failed)}{because}")
    return Completed(name="Unchanged" if len(unchanged) == len(states) else "Completed", message=counts)


def _word(state: State[Any]) -> str:
    return state.name if state.is_final() and state.name else "skipped"


def main(
    targets: Annotated[list[str] | None, typer.Argument(help="Stages or groups of dvc.yaml; none: all.")] = None,
    profile: Annotated[str | None, typer.Option(help="Write params.yaml from this profile first.")] = None,
    change: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change params.yaml.")] = None,
    parallel: Annotated[int, typer.Option(min=1, help="Stages at the same time.")] = 2,
    force: Annotated[bool, typer.Option(help="Run even what did not change.")] = False,
) -> None:
    """Run the pipeline under Prefect and wait for it; exit code 1 where a stage failed."""
    started = time.monotonic()
    try:
        if targets:
            read_graph().ancestry(targets)
        changes = parse_changes(change or [])
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    state = reproduce(targets, profile, changes, parallel, force, return_state=True)
    typer.echo(f"{state.name}: {state.message} ({time.monotonic() - started:.0f} s)")
    if not state.is_completed():
        sys.exit(1)


if __name__ == "__main__":
    typer.run(main)
