"""The seam, on a tiny pipeline of its own: one Prefect harness for all tests of this file."""

import logging
import os
import shutil
import subprocess
import threading
import time

import pytest
import typer
import zc.lockfile
from prefect import get_client
from prefect.testing.utilities import prefect_test_harness
from typer.testing import CliRunner

from flows.reproduce import main, reproduce
from tasks import dvc as dvc_task
from tasks.dvc import Slots
from tasks.graph import Graph, read_changed, read_graph
from tasks.restore import environment

PIPELINE = """
stages:
  a:
    cmd: echo 1 > a
    params: [x]
    outs: [a]
  b:
    matrix: {n: [1, 2]}
    cmd:
      - "test ! -f broken-${item.n}"
      - "cp a b-${item.n}"
    deps: [a]
    outs: ["b-${item.n}"]
    meta: {gpu: 1}
  c:
    cmd: cat b-1 b-2 > c
    deps: [b-1, b-2]
    outs: [c]
    meta: {alone: 1}
"""


def test_a_stage_that_is_timed_has_all_threads_and_the_others_share():
    run = dvc_task.Run("r", Graph({"a": frozenset(), "cost": frozenset()}, alone=frozenset({"cost"})), Slots(2), 1, 0)
    assert (run.threads_of("a"), run.threads_of("cost")) == (1, os.cpu_count())


@pytest.mark.parametrize(
    ("line", "done", "total"),
    [
        ("train ours: epoch 3 of 12, lower 0.534, 41 s left", 3, 12),
        ("retrain ddcgan: step 1,000 of 2,000, generator 0.534, 41 s left", 1000, 2000),
    ],
)
def test_progress_is_read_from_lines_of_epochs_and_of_steps(line, done, total, monkeypatch):
    told = []
    monkeypatch.setattr(dvc_task, "create_progress_artifact", lambda percent, **_: told.append(percent))
    dvc_task.Progress("method@ours").read(line)
    dvc_task.Progress("method@ours").read("train ours: resumes after epoch 3 of 12 (.cache/train/x)")
    assert told == [100 * done / total]


@pytest.fixture(scope="module")
def harness():
    with prefect_test_harness(server_startup_timeout=600):
        yield


@pytest.fixture
def pipeline(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    subprocess.run(["git", "init", "-q", "."], check=True)
    subprocess.run(["dvc", "init", "-q"], check=True, env=environment())
    subprocess.run(["dvc", "config", "core.analytics", "false"], check=True, env=environment())
    (tmp_path / ".gitignore").write_text("/.cache/\n")
    (tmp_path / "dvc.yaml").write_text(PIPELINE)
    (tmp_path / "params.yaml").write_text("x: 1\n")
    return tmp_path


def test_the_graph_is_dvcs_expanded_one(pipeline):
    graph = read_graph()
    assert graph.upstream == {"a": frozenset(), "b@1": {"a"}, "b@2": {"a"}, "c": {"b@1", "b@2"}}
    assert [stage for stage in graph.upstream if "@" not in stage] == ["a", "c"]
    assert graph.gpu == {"b@1", "b@2"}
    assert graph.alone == {"c"}


def test_targets_bring_what_they_need_and_nothing_else():
    graph = Graph({"a": frozenset(), "b@1": frozenset({"a"}), "c": frozenset({"b@1"})})
    assert set(graph.ancestry(["b"]).upstream) == {"a", "b@1"}
    with pytest.raises(ValueError, match="no stage 'd'"):
        graph.ancestry(["d"])


def test_a_graph_that_dvc_cannot_read_is_told_in_its_words(pipeline):
    (pipeline / "dvc.yaml").write_text("stages: [")
    with pytest.raises(ValueError, match=r"dvc\.yaml"):
        read_graph()


@pytest.mark.slow
def test_first_run_completes_second_is_unchanged_and_a_failure_skips_its_dependants(pipeline, harness):
    first = reproduce(return_state=True)
    assert first.name == "Completed", first.message
    assert (pipeline / "c").read_text() == "1\n1\n"

    second = reproduce(return_state=True)
    assert second.name == "Unchanged"
    assert "4 unchanged" in second.message

    (pipeline / "broken-2").touch()
    third = reproduce(force=True, return_state=True)
    assert third.is_failed()
    assert "failed: b@2" in third.message
    assert "skipped because of that: c" in third.message
    with get_client(sync_client=True) as client:
        names = {run.name.partition("-")[0] for run in client.read_task_runs()}
    assert names == {"a", "b@1", "b@2", "c"}, "skipped ones, too, are named after their stage"

    wrong = reproduce(profile="nowhere", return_state=True)
    assert wrong.is_failed()
    assert "unknown profile 'nowhere'" in wrong.message


def test_slots_limit_stages_and_one_that_is_timed_runs_alone():
    slots, running, seen, lock = Slots(2), [], [], threading.Lock()

    def stage(alone):
        with slots.take(alone):
            with lock:
                running.append(alone)
                seen.append(list(running))
            time.sleep(0.02)
            with lock:
                running.remove(alone)

    threads = [threading.Thread(target=stage, args=(index % 3 == 0,)) for index in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=10)
    assert len(seen) == 9
    assert all(len(together) <= 2 for together in seen)
    assert all(together == [True] for together in seen if True in together)


def test_stages_find_this_interpreters_programs():
    path = environment()["PATH"]
    assert shutil.which("dvc", path=path)
    assert path.endswith(os.environ["PATH"])


@pytest.mark.slow
def test_a_stage_waits_for_another_run_that_holds_its_files(pipeline, harness, monkeypatch):
    """As when somebody runs dvc repro by hand: DVC's own --wait-for-lock does not wait for that."""
    monkeypatch.setattr(dvc_task, "_PATIENCE", 0.5)
    (pipeline / "dvc.yaml").write_text("stages:\n  slow:\n    cmd: sleep 6; echo 1 > slow\n    outs: [slow]\n")
    by_hand = subprocess.Popen(["dvc", "repro"], env=environment(), stdout=subprocess.PIPE, text=True)
    assert by_hand.stdout is not None
    for line in by_hand.stdout:
        if "Running stage" in line:
            break
    ended = reproduce(return_state=True)
    assert by_hand.wait() == 0
    assert ended.name == "Unchanged", ended.message


def test_a_stage_need_not_run_where_nothing_before_it_runs():
    upstream = {"a": frozenset(), "b": frozenset({"a"}), "c": frozenset({"b"}), "d": frozenset()}
    assert Graph(upstream, changed=frozenset({"b"})).unchanged == {"a", "d"}
    assert Graph(upstream).unchanged == {"a", "b", "c", "d"}
    assert Graph(upstream, changed=frozenset({"a"})).unchanged == {"d"}


def test_dvc_tells_what_has_changed(pipeline):
    assert read_graph().changed == {"a", "b@1", "b@2", "c"}
    subprocess.run(["dvc", "repro", "--quiet", "a"], check=True, env=environment())
    graph = read_graph()
    assert graph.changed == {"b@1", "b@2", "c"}
    assert graph.unchanged == {"a"}
    assert read_changed("c")
    assert not read_changed("a")


@pytest.mark.slow
def test_a_stage_that_the_system_killed_is_tried_once_more(pipeline, harness, monkeypatch):
    monkeypatch.setattr(dvc_task, "_PATIENCE", 0.1)
    (pipeline / "dvc.yaml").write_text(
        "stages:\n"
        "  once: {cmd: 'echo >> tries; test $(wc -l < tries) -gt 1 || kill -9 $$; echo 1 > once', outs: [once]}\n"
        "  always: {cmd: 'echo >> all; kill -9 $$', outs: [always]}\n"
        "  wrong: {cmd: 'echo >> wrongs; exit 1', outs: [wrong]}\n"
    )
    ended = reproduce(return_state=True)
    assert ended.is_failed()
    assert "failed: " in ended.message
    assert "once" not in ended.message
    counts = {name: len((pipeline / name).read_text().splitlines()) for name in ("tries", "all", "wrongs")}
    assert counts == {"tries": 2, "all": 2, "wrongs": 1}


def test_a_run_that_has_nothing_to_do_starts_no_server(pipeline, monkeypatch):
    subprocess.run(["dvc", "repro", "--quiet"], check=True, env=environment())
    monkeypatch.setattr("flows.reproduce.reproduce", None)
    answer = CliRunner().invoke(app(), [])
    assert answer.exit_code == 0, answer.output
    assert answer.output.startswith("Unchanged: 4 stages")
    assert CliRunner().invoke(app(), ["nowhere"]).exit_code == 2
    assert CliRunner().invoke(app(), ["--profile", "typo"]).exit_code == 2


def app():
    command = typer.Typer()
    command.command()(main)
    return command


def test_closed_slots_let_no_stage_begin():
    slots = Slots(1)
    slots.close()
    with pytest.raises(ValueError, match="the run has ended"), slots.take():
        pass


@pytest.mark.slow
def test_a_gpu_slot_is_waited_for_with_a_word_and_not_by_unchanged_stages(pipeline, harness, monkeypatch, caplog):
    from prefect.concurrency.sync import concurrency

    monkeypatch.setattr("flows.reproduce._gpus", lambda: 1)
    monkeypatch.setattr(dvc_task, "get_run_logger", lambda: logging.getLogger("stages"))
    caplog.set_level(logging.INFO, "stages")
    with get_client(sync_client=True) as client:
        client.upsert_global_concurrency_limit_by_name(dvc_task.GPU_LIMIT, limit=1)

    def run_beside(another):
        """Hold the slot until the other run waits for it or has ended, however busy the machine is."""
        end = time.monotonic() + 120
        with concurrency(dvc_task.GPU_LIMIT, strict=True):
            another.start()
            while another.is_alive() and "waiting for a GPU slot" not in caplog.text and time.monotonic() < end:
                time.sleep(0.2)

    first = threading.Thread(target=reproduce, kwargs={"return_state": True})
    run_beside(first)
    first.join(120)
    assert "waiting for a GPU slot" in caplog.text
    assert (pipeline / "c").read_text() == "1\n1\n"

    caplog.clear()
    second = threading.Thread(target=reproduce, kwargs={"return_state": True})
    run_beside(second)
    assert not second.is_alive(), "nothing had changed"
    assert "waiting" not in caplog.text


def test_asking_dvc_waits_for_a_lock_that_another_stage_holds(pipeline):
    subprocess.run(["dvc", "repro", "-q", "a"], check=True, env=environment())
    lock = zc.lockfile.LockFile(".dvc/tmp/lock")
    threading.Timer(5, lock.close).start()  # DVC itself gives up after three seconds
    assert not read_changed("a")
