"""The guard, with real processes of DVC and none of Prefect: a flow is here a script that starts a stage."""

import signal
import subprocess
import sys

import pytest
from support.operated_tree import ROOT, OperatedTree, interrupt, until

from tasks.restore import BEFORE, USED, environment
from text2pixels.pipeline.working_tree import RUN

# As flows/reproduce.py: hold the tree, write params.yaml, run DVC as a task does.
FLOW = f"""
import os, subprocess, sys
sys.path.insert(0, {str(ROOT)!r})
from tasks.guard import guarded
from tasks.restore import environment, note_parameters
from text2pixels import yaml_files
from pathlib import Path

with guarded("a flow", lambda line: print(line, flush=True)) as run:
    content = yaml_files.read_mapping(Path("params.yaml"), "")
    content["train"]["epochs"] = int(sys.argv[1])
    Path("params.yaml").write_text(yaml_files.dump(content))
    note_parameters()
    print("wrote", flush=True)
    subprocess.run(["dvc", "repro"], env=environment() | {{"{RUN}": run}}, start_new_session=True, check=True)
"""
ENDINGS = {
    "Ctrl-C": interrupt,
    "SIGTERM": lambda process: process.send_signal(signal.SIGTERM),
    "kill -9": lambda process: process.kill(),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A tree with a good result of 2 epochs, and the hashes that 12 undisturbed epochs give."""
    tree = OperatedTree(tmp_path_factory.mktemp("tree"))
    tree.set("train.epochs", 12)
    tree.call("dvc", "repro")
    wanted = tree.hashes()
    tree.set("train.epochs", 2)
    tree.call("dvc", "repro")
    yield tree, wanted
    for process in tree.members():
        process.kill()


@pytest.fixture
def tree(made):
    tree, wanted = made
    (tree.path / ".cache/state-12").unlink(missing_ok=True)
    tree.call("rm", "-rf", ".dvc/cache/runs", "run.log")  # or DVC would not run the stage again
    return tree, wanted


def start(tree):
    with (tree.path / "run.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-c", FLOW, "12"],
            cwd=tree.path,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ending", "moment"),
    [
        ("kill -9", "stage"),
        pytest.param("Ctrl-C", "stage", marks=pytest.mark.processes),
        pytest.param("SIGTERM", "stage", marks=pytest.mark.processes),
        pytest.param("kill -9", "start", marks=pytest.mark.processes),
        pytest.param("kill -9", "lock", marks=pytest.mark.processes),
    ],
)
def test_whatever_ends_a_flow(tree, ending, moment):
    tree, wanted = tree
    params, good = (tree.path / "params.yaml").read_bytes(), (tree.path / "slow").read_bytes()
    before, begun = tree.hashes(), tree.begun()
    flow = start(tree)
    if moment == "start":
        until(lambda: "wrote" in tree.words(), what="the flow holds the tree")
    else:
        until(lambda: tree.begun() > begun, what="the stage runs")
    if moment == "lock":
        (tree.path / "dvc.lock").write_text("")  # what a kill leaves that meets DVC while it writes
    ENDINGS[ending](flow)
    flow.wait(60)
    until(lambda: not tree.members(), 90, "stages and guard end")

    assert (tree.path / "params.yaml").read_bytes() == params, "its parameters do not stay"
    assert (tree.path / "slow").read_bytes() == good, "the last good model is there"
    assert tree.hashes() == before, "dvc.lock is whole"
    assert not (tree.path / BEFORE).exists()
    assert not (tree.path / USED).exists()
    # Where it was, or the stage had no time to begin.
    state = tree.path / ".cache/state-12"
    done = len(state.read_text().splitlines()) if state.exists() else 0
    assert done < 12

    tree.set("train.epochs", 12)
    again = tree.call("dvc", "repro")
    assert tree.hashes() == wanted
    if moment == "stage":
        assert f"epoch {done + 1} of 12" in again.stdout, "training goes on where it was"
        assert done == 0 or "epoch 1 of 12" not in again.stdout
    tree.set("train.epochs", 2)
    tree.call("dvc", "repro")


@pytest.mark.processes
def test_runs_queue_for_the_tree_and_a_command_by_hand_counts(tree):
    tree, _ = tree
    tree.set("train.epochs", 12)
    begun = tree.begun()
    by_hand = tree.start_command("dvc", "repro", log="hand.log")
    until(lambda: tree.begun() > begun, what="the stage runs")
    flow = start(tree)
    until(lambda: "waiting for dvc repro (process" in tree.words(), what="the flow waits")
    assert by_hand.wait(120) == 0
    assert flow.wait(120) == 0
    tree.set("train.epochs", 2)
    tree.call("dvc", "repro")


@pytest.fixture
def params(tmp_path, monkeypatch):
    """The params.yaml that a run has written over another one."""
    from tasks.restore import keep_parameters

    monkeypatch.chdir(tmp_path)
    (tmp_path / ".cache/run").mkdir(parents=True)
    path = tmp_path / "params.yaml"
    path.write_text("before")
    keep_parameters()
    path.write_text("of the run")
    return path


def test_parameters_that_somebody_has_changed_meanwhile_stay(params):
    from tasks.restore import note_parameters, put_parameters_back

    note_parameters()
    params.write_text("by hand")
    assert "changed by hand" in (put_parameters_back() or "")
    assert params.read_text() == "by hand"
    assert BEFORE.read_text() == "before"


def test_parameters_of_a_run_that_was_killed_before_it_noted_them_are_kept_as_they_were(params):
    from tasks.restore import put_parameters_back

    assert params.read_text() == "of the run"
    assert str(BEFORE) in (put_parameters_back() or "")
    assert BEFORE.read_text() == "before"


def test_dvcs_list_of_readers_is_removed_where_it_is_half_written(tmp_path, monkeypatch):
    from tasks.restore import RWLOCK, mend_rwlock

    monkeypatch.chdir(tmp_path)
    assert mend_rwlock() is None
    RWLOCK.parent.mkdir(parents=True)
    RWLOCK.write_text("{}")
    assert mend_rwlock() is None
    RWLOCK.write_text("{")
    assert "removed" in (mend_rwlock() or "")
    assert not RWLOCK.exists()
