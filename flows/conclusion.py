"""How a run of the flow ends: its summary in Prefect's UI, its experiment in DVC, and its state."""

import os
import re
import subprocess
from typing import Any

from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from tasks.restore import environment
from text2pixels import layout

REPORT = layout.SITE / "index.html"
REPORT_URL = "T2P_REPORT_URL"  # environment variable: where flows.ui serves the report


def conclude(states: dict[str, State[Any]], name: str) -> State[Any]:
    """Write the summary, record the experiment where something ran, and return the flow's final state.

    Args:
        states: how each stage ended; a stage whose state is not final was skipped, as one before it failed.
        name: of the run.
    """
    failed = [stage for stage, state in states.items() if state.is_failed() or state.is_crashed()]
    unchanged = [stage for stage, state in states.items() if state.name == "Unchanged"]
    skipped = [stage for stage, state in states.items() if not state.is_final()]
    ran = [stage for stage in states if stage not in {*failed, *unchanged, *skipped}]
    counts = (
        f"{len(states)} stages: {len(ran)} run, {len(unchanged)} unchanged, {len(failed)} failed, "
        f"{len(skipped)} skipped"
    )
    recorded = f"\n\n{_record(name)}" if ran and not failed else ""
    rows = [f"| `{stage}` | {_word(state)} | {_cell(state.message)} |" for stage, state in states.items()]
    table = "\n".join(["| stage | ended | |", "| --- | --- | --- |", *rows])
    report = _report("report" in ran)
    create_markdown_artifact(
        key="reproduce", markdown=f"{counts}; {report}{recorded}\n\n{table}\n", description=f"{name}: {counts}"
    )
    if failed:
        because = f"; skipped because of that: {', '.join(skipped)}" if skipped else ""
        return Failed(message=f"failed: {', '.join(failed)}{because}")
    return Completed(name="Unchanged" if len(unchanged) == len(states) else "Completed", message=counts)


def _word(state: State[Any]) -> str:
    return state.name if state.is_final() and state.name else "skipped"


def _cell(text: str | None) -> str:
    return (text or "").replace("|", "\\|").replace("\n", " ")


def _report(made: bool) -> str:
    """Return where the report is, if this run has made it: a link where it is served, a path otherwise."""
    if not made or not REPORT.is_file():
        return "no report of this run"
    url = os.environ.get(REPORT_URL)
    return f"[report]({url})" if url else f"report: {REPORT}"


def _record(name: str) -> str:
    """Record parameters, metrics and dvc.lock as a DVC experiment under the run's name; return what was done."""
    if subprocess.run(["git", "rev-parse", "-q", "--verify", "HEAD"], capture_output=True, check=False).returncode:
        return "not recorded as an experiment: this folder is no git repository, or has no commit"
    experiment = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")
    command = ["dvc", "--wait-for-lock", "exp", "save", "--force", "--name", experiment]
    answer = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if answer.returncode:
        said = f"not recorded as an experiment: {' '.join(answer.stderr.split())}"
        get_run_logger().warning(said)
        return said
    get_run_logger().info("recorded as the experiment %s: dvc exp show; dvc exp apply %s", experiment, experiment)
    return f"Experiment: `dvc exp apply {experiment}` brings back its parameters and results."
