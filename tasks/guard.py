"""The guard: a process beside every flow run that ends what the run started, however the flow itself ends.

The guard holds the working tree for the run. Its standard input is a pipe from the flow, which closes even when the
flow is killed. Then, or when the run's worker or server is gone, the guard ends the stages and restores params.yaml,
dvc.lock and the last good outputs. Programs of a run inherit the environment variable `T2P_RUN`, which identifies them.
"""

import argparse
import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil

from tasks.restore import check_out, keep_parameters, mend_rwlock, missing_outs, put_parameters_back
from text2pixels.errors import InputError
from text2pixels.pipeline.working_tree import LOCK, RUN, hold, keep_lock, mend_lock

READY = "ready"

_ROOT = Path(__file__).resolve().parents[1]  # where the package of this file is found

_LOOK = 0.5  # seconds between two looks
_GRACE = 10  # seconds that a stage may take to end before it is killed
# Seconds that DVC may take after its stage: to note the failure and, where the stage was done, to write its lock.
_DVC_GRACE = 30
_SILENCE = 30  # seconds without an answer after which the server counts as gone


@contextlib.contextmanager
def guarded(
    what: str, say: Callable[[str], None], flow_run: str | None = None, server: str | None = None
) -> Iterator[str]:
    """Hold the working tree for a run and guard it; yield the run's name, the value of `RUN` for what it starts.

    Args:
        what: what runs, in a few words, for others who must wait.
        say: takes the guard's messages: what it waits for, and what it mended.
        flow_run: Prefect's identifier of the run, by which `flows.sweep` sees that the run has a process.
        server: address of the API; the run ends when it no longer answers. None: no server is watched.

    Raises:
        InputError: the guard itself ended.
    """
    run = secrets.token_hex(6)
    command = [sys.executable, "-m", "tasks.guard", run, what, "--flow", str(os.getpid())]
    if worker := _worker():
        command += ["--worker", str(worker)]
    if flow_run:
        command += ["--flow-run", flow_run]
    if server:
        command += ["--server", server]
    # A session of its own: a signal to the flow's process group must not end the guard.
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(_ROOT), os.environ.get("PYTHONPATH", "")])},
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        for line in map(str.rstrip, process.stdout):
            if line == READY:
                break
            say(line)
        else:
            raise InputError(f"the guard of the run ended with code {process.wait()}: its words are on standard error")
        yield run
    finally:
        process.stdin.close()
        for line in map(str.rstrip, process.stdout):
            say(line)
        process.wait()


def _worker() -> int | None:
    """Return the process of the Prefect worker that started this one, or None."""
    for parent in psutil.Process().parents():
        with contextlib.suppress(psutil.Error):
            if {"worker", "start"} <= set(parent.cmdline()):
                return int(parent.pid)
    return None


def main() -> None:
    """Guard one run: see the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run")
    parser.add_argument("what")
    parser.add_argument("--flow", type=int, required=True)
    parser.add_argument("--worker", type=int)
    parser.add_argument("--flow-run")
    parser.add_argument("--server")
    given = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):  # the guard ends after the flow, never before
        signal.signal(number, signal.SIG_IGN)
    over = threading.Event()
    threading.Thread(target=_wait_for_end_of_input, args=(over,), daemon=True).start()
    if given.worker or given.server:
        threading.Thread(target=_watch, args=(given.worker, given.server, given.flow, over), daemon=True).start()
    with contextlib.ExitStack() as held:
        if not _take(given.run, given.what, held, over):
            return
        for line in filter(None, (put_parameters_back(), mend_lock(), mend_rwlock())):
            _say(line)
        keep_lock()
        keep_parameters()
        absent = set(missing_outs())
        _say(READY)
        _keep_copies(over)
        _end_all(given.run)
        for line in filter(None, (mend_lock(), mend_rwlock(), check_out(absent), put_parameters_back())):
            _say(line)


def _say(line: str) -> None:
    """Write a line to the flow or, if the flow is gone, to standard error, which it had inherited."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115, PTH123  (or the interpreter complains at its end)
        with contextlib.suppress(OSError):
            print(line, file=sys.stderr, flush=True)


def _wait_for_end_of_input(over: threading.Event) -> None:
    sys.stdin.buffer.read()
    over.set()


def _watch(worker: int | None, server: str | None, flow: int, over: threading.Event) -> None:
    """End the run where its worker is gone, or its server does not answer."""
    heard = time.monotonic()
    while not over.wait(_LOOK):
        why = "worker" if worker is not None and not psutil.pid_exists(worker) else ""
        if server is not None and not why:
            try:
                with urlopen(f"{server}/health", timeout=_SILENCE):
                    heard = time.monotonic()
            except HTTPError:  # the server is there, whatever it answers
                heard = time.monotonic()
            except (URLError, OSError):
                why = "server" if time.monotonic() - heard > _SILENCE else ""
            over.wait(2)
        if why:
            _say(f"the {why} of this run is gone: the run ends")
            with contextlib.suppress(ProcessLookupError):
                os.kill(flow, signal.SIGTERM)
            over.set()


def _take(run: str, what: str, held: contextlib.ExitStack, over: threading.Event) -> bool:
    """Wait until no other run is at work here, and hold the working tree; False where the run ended meanwhile."""
    told = ""
    while not over.is_set():
        message = _others()
        if not message:
            try:
                held.enter_context(hold(what, run, patience=_LOOK))
            except InputError as error:
                message = str(error).partition(" is at work")[0]
            else:
                if not (message := _others()):
                    return True
                held.pop_all().close()
        if message != told:
            _say(f"waiting for {message}, which is at work in this folder")
            told = message
        over.wait(_LOOK)
    return False


def _others() -> str:
    """Return the DVC command that somebody runs by hand in this folder; "" where there is none."""
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if "repro" not in words and not {"exp", "run"} <= set(words):
            continue
        with contextlib.suppress(psutil.Error):
            if _is_dvc(words) and RUN not in process.environ() and Path(process.cwd()) == Path.cwd():
                return f"{' '.join(['dvc', *words[2:]])} (process {process.pid})"
    return ""


def _is_dvc(words: list[str]) -> bool:
    return any(Path(word).name == "dvc" for word in words[:2])


def _keep_copies(over: threading.Event) -> None:
    """Until the run is over, keep every dvc.lock that is whole."""
    seen = 0
    while not over.wait(_LOOK):
        with contextlib.suppress(FileNotFoundError):
            if (now := LOCK.stat().st_mtime_ns) != seen:
                seen = now
                keep_lock()


def _end_all(run: str) -> None:
    """End the run's stages, and let DVC itself finish: killed while it writes dvc.lock, it would leave it empty."""
    began, asked, quiet = time.monotonic(), set[int](), 0
    alone_since: float | None = None
    while quiet < 2:
        members = list(_members(run))
        stages = [process for process, words in members if not _is_dvc(words)]
        for process in stages:
            with contextlib.suppress(psutil.NoSuchProcess):
                if time.monotonic() - began > _GRACE:
                    process.kill()
                elif process.pid not in asked:
                    asked.add(process.pid)
                    process.terminate()
        if stages or not members:
            alone_since = None
        else:
            alone_since = alone_since or time.monotonic()
            if time.monotonic() - alone_since > _DVC_GRACE:
                for process, _ in members:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
        quiet = 0 if members else quiet + 1
        time.sleep(0.1)


def _members(run: str) -> Iterator[tuple[psutil.Process, list[str]]]:
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            # A zombie has no environment any more, so it is not among them.
            if process.pid != os.getpid() and process.environ().get(RUN) == run:
                yield process, process.cmdline()


if __name__ == "__main__":
    main()
