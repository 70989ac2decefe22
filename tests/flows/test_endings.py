"""However a run ends, its stages end, nothing is lost, and one command then brings the same result.

With real processes: minutes, so only by `python -m pytest -m processes tests/flows`.
"""

import subprocess
import sys

import psutil
import pytest
from support.operated_tree import OperatedTree, interrupt, password, until

pytestmark = pytest.mark.processes


@pytest.fixture
def tree(tmp_path):
    made = OperatedTree(tmp_path)
    yield made
    made.end()


def expected(tree, epochs):
    """Make the last good result, and return what an undisturbed run with other parameters gives."""
    tree.set("train.epochs", epochs)
    tree.call("dvc", "repro")
    wanted = tree.hashes()
    tree.set("train.epochs", 4)
    tree.call("dvc", "repro")
    tree.call("dvc", "gc", "--workspace", "--force")
    (tree.path / f".cache/state-{epochs}").unlink()
    tree.call("rm", "-rf", ".dvc/cache/runs")
    return wanted


def test_one_ctrl_c_ends_a_flow_without_a_server(tree):
    """tests/tasks/test_guard.py has the other endings, without Prefect; here Prefect handles the signal, too."""
    wanted = expected(tree, 30)
    good, params, begun = (tree.path / "slow").read_text(), (tree.path / "params.yaml").read_bytes(), tree.begun()
    flow = tree.start("flows.reproduce", "--set", "train.epochs=30")
    until(lambda: tree.begun() > begun, what="the stage runs")
    interrupt(flow)
    assert flow.wait(120) == 130
    until(lambda: not tree.members(), 60, "stages and guard end")
    assert (tree.path / "params.yaml").read_bytes() == params
    assert (tree.path / "slow").read_text() == good
    assert "Traceback" not in tree.words()

    assert tree.start("flows.reproduce", "--set", "train.epochs=30", log="again.log").wait(400) == 0
    assert tree.hashes() == wanted


def test_the_server_the_worker_and_the_ui(tree):
    """One server for all, as its start takes longest."""
    wanted = expected(tree, 30)
    good, params = (tree.path / "slow").read_text(), (tree.path / "params.yaml").read_bytes()
    ui = tree.start("flows.ui", "--port", str(tree.port), log="ui.log")
    until(lambda: "stop with Ctrl-C" in tree.words("ui.log"), what="the UI starts")
    ended = []

    def api(code):
        """Run statements with a client of the server, `c`, and return what they print."""
        lines = ["from prefect import get_client", "from uuid import UUID", "with get_client(sync_client=True) as c:"]
        done = subprocess.run(
            [sys.executable, "-c", "\n ".join(["\n".join(lines), *code.splitlines()])],
            env=tree.environment
            | {"PREFECT_API_URL": f"http://127.0.0.1:{tree.port}/api", "PREFECT_API_AUTH_STRING": password(tree)},
            cwd=tree.path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start():
        begun = tree.begun()
        run = api(
            "d = c.read_deployment_by_name('reproduce/pipeline')\n"
            "r = c.create_flow_run_from_deployment(d.id, parameters={'settings': {'train_epochs': 900}})\n"
            "print(r.id)"
        )
        until(lambda: tree.begun() > begun, what=tree.words("ui.log"))
        return run

    def state(run):
        return api(f"print(c.read_flow_run(UUID('{run}')).state.name)")

    def find(*words):
        return next(p for p in psutil.process_iter(["cmdline"]) if set(words) <= set(p.info["cmdline"] or []))

    def check(name, run, states):
        until(lambda: not tree.members(), 90, f"{name}: stages and guard end")
        assert (tree.path / "params.yaml").read_bytes() == params, name
        assert (tree.path / "slow").read_text() == good, name
        if states:
            until(lambda: state(run) in states, 90, f"{name}: the run is {states}")
        ended.append(name)

    run = start()
    api(f"from prefect.states import Cancelling\nc.set_flow_run_state(UUID('{run}'), Cancelling())")
    check("cancelled from the UI", run, {"Cancelled"})

    run = start()
    flow = next(p for p in psutil.process_iter() if p.name().startswith("python") and _flow_run(p) == run)
    flow.kill()
    check("kill -9 of the flow", run, {"Crashed"})

    run = start()
    find("worker", "start", "text2pixels", "--pool").kill()
    check("kill -9 of the worker", run, {"Crashed"})
    assert ui.poll() is None, "a dead worker does not take the server down"

    run = start()
    find("server", "start", "--port", str(tree.port)).kill()
    check("kill -9 of the server", run, set())
    assert ui.wait(120) == 2
    assert "the server ended with code -9" in tree.words("ui.log")

    ui = tree.start("flows.ui", "--port", str(tree.port), log="ui2.log")
    until(lambda: "stop with Ctrl-C" in tree.words("ui2.log"), what="the UI starts again")
    until(lambda: state(run) == "Crashed", 60, "what has no process is marked")
    run = start()
    interrupt(ui)
    assert ui.wait(120) == 0
    check("Ctrl-C of make ui", run, set())
    assert "Traceback" not in tree.words("ui2.log").split("stop with Ctrl-C")[1]

    assert tree.start("flows.reproduce", "--set", "train.epochs=30", log="again.log").wait(300) == 0
    assert tree.hashes() == wanted
    assert len(ended) == 5


def _flow_run(process):
    try:
        return process.environ().get("PREFECT__FLOW_RUN_ID")
    except psutil.Error:
        return None
