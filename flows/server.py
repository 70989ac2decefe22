"""Starts Prefect's server and other programs, so that they end with this process, and not before."""

import atexit
import contextlib
import ctypes
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import typer
from prefect.settings import (
    PREFECT_API_AUTH_STRING,
    PREFECT_API_URL,
    PREFECT_HOME,
    PREFECT_UI_URL,
    temporary_settings,
)

from flows.access import settings
from tasks.restore import environment
from text2pixels.errors import InputError

PREFECT = [sys.executable, "-m", "prefect"]
_START = 600  # seconds that the server may take to answer, on a machine where everybody computes
_LOOK = 0.3  # seconds between two tries


@contextlib.contextmanager
def running(
    command: list[str], scope: dict[str, str], patience: float, *, quiet: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the length of the block.

    It has a session of its own, so that one Ctrl-C reaches this process alone.

    Args:
        command: of the program.
        scope: its environment.
        patience: seconds that it may take to end when it is asked to.
        quiet: leave out its standard output.
    """
    process = subprocess.Popen(
        command,
        env=scope,
        stdout=subprocess.DEVNULL if quiet else None,
        start_new_session=True,
        preexec_fn=_end_with_parent,
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            typer.echo(f"{command[3]} did not end within {patience} s and is killed", err=True)
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """Have the system end this process where its parent ends, by kill -9 too (Linux); and hear Ctrl-C again.

    A shell's background job ignores it, and so would the worker, which ends itself by it.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG


def wait_for(api: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server that was just started answers.

    Raises:
        InputError: it ended, refuses, or does not answer.
    """
    request = Request(f"{api}/health")
    end = time.monotonic() + _START
    while time.monotonic() < end:
        if server.poll() is not None:
            raise InputError(f"the server ended with code {server.returncode}: its words are above")
        try:
            with urlopen(request, timeout=5):
                return
        except HTTPError as error:
            raise InputError(f"the server answers {error.code} where it should say that it is well") from error
        except (URLError, OSError):
            time.sleep(_LOOK)
    raise InputError(f"the server did not answer at {request.full_url} within {_START} s")


def serve_this_process() -> None:
    """Start a server for this process alone, which ends with it, where it has been told of none.

    The one that Prefect itself would start belongs to the terminal's group: Ctrl-C ends it together with the flow,
    which then tries for two minutes to tell it of its end. And it answers whoever asks.

    Raises:
        InputError: the server does not start.
    """
    if PREFECT_API_URL.value():
        return
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    PREFECT_HOME.value().mkdir(parents=True, exist_ok=True)  # the server makes no more than the last folder of it
    own = settings("127.0.0.1", port, f"operator:{secrets.token_urlsafe(18)}")
    command = [*PREFECT, "server", "start", "--no-ui", "--no-scheduler", "--host", "127.0.0.1", "--port", str(port)]
    # Until the interpreter's very end: Prefect sends its last log lines after everything else.
    started = contextlib.ExitStack()
    atexit.register(started.close)
    wait_for(own["PREFECT_API_URL"], started.enter_context(running(command, environment() | own, 20, quiet=True)))
    told = {PREFECT_API_URL: own["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: own["PREFECT_API_AUTH_STRING"]}
    started.enter_context(temporary_settings(told | {PREFECT_UI_URL: ""}))  # it has no pages to point to
