"""A working tree with a pipeline of three tiny stages, and what is needed to operate it with real processes."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import yaml

from tasks.restore import environment
from text2pixels.pipeline.working_tree import RUN

ROOT = Path(__file__).parents[2]
# `slow` trains for as many half seconds as train.epochs says, and goes on where it was stopped, as ours does.
PIPELINE = """
stages:
  first:
    cmd: echo ${seed} > first
    params: [seed]
    outs: [first]
  slow:
    cmd: sh train.sh ${train.epochs}
    deps: [first, train.sh]
    params: [train]
    outs: [slow]
    meta: {gpu: 1}
  last:
    cmd: cat first slow > last
    deps: [first, slow]
    outs: [last]
"""
TRAIN = """
mkdir -p .cache; touch .cache/state-$1; echo begun >> .cache/begun
while [ $(wc -l < .cache/state-$1) -lt $1 ]; do
    sleep 0.5; echo x >> .cache/state-$1
    echo "train: epoch $(wc -l < .cache/state-$1) of $1, loss 0.5, 3 s left"
done
cp .cache/state-$1 slow
"""


class OperatedTree:
    """The folder, and what happens in it."""

    def __init__(self, path: Path) -> None:
        self.path, self.port = path, _free_port()
        self._started: list[subprocess.Popen[bytes]] = []
        for name in ("flows", "tasks", "profiles"):
            (path / name).symlink_to(ROOT / name)
        for name in ("prefect.yaml", "pyproject.toml", "params.yaml"):
            shutil.copy(ROOT / name, path / name)
        (path / "dvc.yaml").write_text(PIPELINE)
        (path / "train.sh").write_text(TRAIN)
        (path / ".gitignore").write_text("/.cache/\n/.prefect/\n/flows\n/tasks\n/profiles\n/*.log\n")
        self.set("train.epochs", 4)
        self.call("git", "init", "-q", ".")
        self.call("dvc", "init", "-q")
        self.call("dvc", "config", "core.analytics", "false")
        self.commit("the pipeline")

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in environment().items() if not key.startswith("PREFECT_")}
        return kept | {"PYTHONPATH": str(self.path), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}

    def set(self, key: str, value: object) -> None:
        file = self.path / "params.yaml"
        content = yaml.safe_load(file.read_text())
        section, _, leaf = key.partition(".")
        if leaf:
            content[section][leaf] = value
        else:
            content[section] = value
        file.write_text(yaml.safe_dump(content, sort_keys=False))

    def call(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command, cwd=self.path, env=self.environment, capture_output=True, text=True, check=False, timeout=500
        )
        assert not (check and done.returncode), f"{command}: {done.stdout}{done.stderr}"
        return done

    def commit(self, title: str) -> None:
        self.call("git", "add", "-A")
        self.call("git", "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "-m", title)

    def start(self, *arguments: str, log: str = "run.log") -> subprocess.Popen[bytes]:
        """Start a module of the project, in a group of its own as a terminal does."""
        return self.start_command(sys.executable, "-m", *arguments, log=log)

    def start_command(self, *command: str, log: str = "run.log") -> subprocess.Popen[bytes]:
        with (self.path / log).open("ab") as stream:
            process = subprocess.Popen(
                command, cwd=self.path, env=self.environment, stdout=stream, stderr=stream, start_new_session=True
            )
        self._started.append(process)
        return process

    def end(self) -> None:
        """End what was started and is still there, however the test went."""
        for process in self._started:
            if process.poll() is None:
                process.terminate()
                process.wait(120)
        for left in self.members():
            left.kill()

    def hashes(self) -> dict[str, str]:
        """Return what dvc.lock says of the outputs."""
        lock = yaml.safe_load((self.path / "dvc.lock").read_text())
        return {out["path"]: out["md5"] for stage in lock["stages"].values() for out in stage["outs"]}

    def begun(self) -> int:
        file = self.path / ".cache/begun"
        return len(file.read_text().splitlines()) if file.exists() else 0

    def members(self) -> list[psutil.Process]:
        """Return what belongs to a run in this tree, or guards one."""
        found = []
        for process in psutil.process_iter():
            try:
                if Path(process.cwd()) == self.path and (
                    RUN in process.environ() or "tasks.guard" in process.cmdline() or "dvc" in process.name()
                ):
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def words(self, log: str = "run.log") -> str:
        return (self.path / log).read_text(errors="replace")


def until(condition, seconds: float = 240, what: str = "") -> None:
    """Wait for a condition; machines are slow at times."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.1)


def interrupt(process: subprocess.Popen[bytes]) -> None:
    """Press Ctrl-C: the whole foreground group gets the signal."""
    os.killpg(process.pid, signal.SIGINT)


def password(tree: OperatedTree) -> str:
    return (tree.path / ".prefect/auth").read_text().strip()


def said(text: str, pattern: str) -> bool:
    return re.search(pattern, text) is not None


def _free_port() -> int:
    for port in range(4600, 4690, 2):
        try:
            for number in (port, port + 1):
                with socket.socket() as trial:
                    trial.bind(("127.0.0.1", number))
        except OSError:
            continue
        return port
    raise AssertionError("no free port")
