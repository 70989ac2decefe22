"""Prefect's server: who may use it, and how it and other programs are started so that they end with this process.

Its password is made at the first start and kept in `AUTH_FILE`. Pages of other servers in the same browser cannot use
it.
"""

import atexit
import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
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

from tasks.restore import environment
from text2pixels.errors import InputError

AUTH_FILE = Path(".prefect/auth")  # "operator:" and the password, readable by its owner alone
_LOCAL = {"127.0.0.1", "localhost", "::1"}

PREFECT = [sys.executable, "-m", "prefect"]
_START = 600  # seconds that the server may take to answer on a busy machine
_LOOK = 0.3  # seconds between two tries


def auth_string() -> str:
    """Return the server's `USER:PASSWORD`; it is made once and kept with mode 600.

    Raises:
        InputError: the file that keeps it can be read by others, or holds no such string.
    """
    if not AUTH_FILE.exists():
        AUTH_FILE.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(AUTH_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(f"operator:{secrets.token_urlsafe(18)}\n")
    if AUTH_FILE.stat().st_mode & 0o077:
        raise InputError(f"{AUTH_FILE} can be read by others: chmod 600 {AUTH_FILE}, or remove it for a new password")
    found = AUTH_FILE.read_text().strip()
    user, colon, password = found.partition(":")
    if not (user and colon and password):
        raise InputError(f"{AUTH_FILE} should hold USER:PASSWORD: remove it for a new one")
    return found


def is_local(host: str) -> bool:
    """Tell whether only this machine reaches what listens on the address."""
    return host in _LOCAL


def names(host: str) -> list[str]:
    """Return the names under which a browser may reach what listens on the address."""
    if is_local(host):
        return ["127.0.0.1", "localhost"]
    return ["127.0.0.1", "localhost", socket.gethostname(), *([host] if host != "0.0.0.0" else [])]


def settings(host: str, port: int, auth: str) -> dict[str, str]:
    """Return the environment of the server and of the programs that talk to it.

    The server refuses requests without the password, and changes without its token against forged requests (CSRF). It
    tells browsers to show its answers only to its own pages (CORS).
    """
    return {
        "PREFECT_API_URL": f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/api",
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{port}" for name in names(host)),
        # Seconds to wait for SQLite's lock: Prefect's ten are too few while stages keep every core busy.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_SERVER_UI_API_URL": "/api",  # relative, as a browser may call the server by several names
        # No usage statistics to others, no advertisements in the pages.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }


@contextlib.contextmanager
def running(
    command: list[str], scope: dict[str, str], patience: float, *, quiet: bool = False
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program for the length of the block.

    It has a session of its own, so that Ctrl-C reaches this process alone, which then ends the program.

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
    """Have Linux end this process with its parent, even one that is killed by kill -9; and react to SIGINT again.

    A background job of a shell ignores SIGINT, and its children inherit that. Prefect's worker stops itself by SIGINT.
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
    """Start a server for this process alone, which ends with it; nothing where the environment names a server.

    The server that Prefect itself would start belongs to the terminal's process group: Ctrl-C ends it together with
    the flow, which then tries for two minutes to report its end. Nor does it ask for a password.

    Raises:
        InputError: the server does not start.
    """
    if PREFECT_API_URL.value():
        return
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    PREFECT_HOME.value().mkdir(parents=True, exist_ok=True)  # the server makes only the last folder of the path
    own = settings("127.0.0.1", port, f"operator:{secrets.token_urlsafe(18)}")
    command = [*PREFECT, "server", "start", "--no-ui", "--no-scheduler", "--host", "127.0.0.1", "--port", str(port)]
    # Closed at the interpreter's exit, as Prefect sends its last log lines there.
    started = contextlib.ExitStack()
    atexit.register(started.close)
    wait_for(own["PREFECT_API_URL"], started.enter_context(running(command, environment() | own, 20, quiet=True)))
    told = {PREFECT_API_URL: own["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: own["PREFECT_API_AUTH_STRING"]}
    started.enter_context(temporary_settings(told | {PREFECT_UI_URL: ""}))  # it has no pages to point to
