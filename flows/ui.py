"""Starts Prefect's server with its UI, the deployments of prefect.yaml and a worker: python -m flows.ui."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from flows.conclusion import REPORT_URL
from flows.report_server import serve_report
from flows.server import AUTH_FILE, PREFECT, auth_string, is_local, names, running, settings, wait_for
from tasks.restore import environment
from text2pixels.errors import InputError

POOL = "text2pixels"
_STOP = 60  # seconds that the worker may take to end its runs


def main(
    port: Annotated[
        int, typer.Option(help="Port of the server; the report is on the next one.", min=1, max=65534)
    ] = 4200,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
) -> None:
    """Start the server, deploy what prefect.yaml declares and work its runs until Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    try:
        _check_ports(host, port)
        auth = auth_string()
        scope = environment() | settings(host, port, auth)
        scope |= {
            "PYTHONPATH": str(Path.cwd()),  # the flows are modules of this folder
            REPORT_URL: f"http://{names(host)[-1] if not is_local(host) else '127.0.0.1'}:{port + 1}/index.html",
        }
        with contextlib.ExitStack() as started:
            report = serve_report(host, port + 1, names(host), None if is_local(host) else auth)
            started.callback(report.shutdown)
            _serve(scope, host, port, started)
    except InputError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(2) from error
    except KeyboardInterrupt:
        typer.echo("stopped")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _check_ports(host: str, port: int) -> None:
    for number in (port, port + 1):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind((host, number))
            except OSError as error:
                raise InputError(
                    f"port {number} of {host} cannot be used ({error.strerror}): another server, perhaps an earlier "
                    f"make ui, has it; stop that, or choose another: make ui PORT={port + 10}"
                ) from error


def _serve(scope: dict[str, str], host: str, port: int, started: contextlib.ExitStack) -> None:
    server = started.enter_context(
        running([*PREFECT, "server", "start", "--host", host, "--port", str(port)], scope, 20)
    )
    wait_for(scope["PREFECT_API_URL"], server)
    _sweep(scope)
    _call(["work-pool", "create", POOL, "--type", "process", "--overwrite"], scope)
    _call(["--no-prompt", "deploy", "--all"], scope)
    typer.echo(
        f"\nUI:     {scope['PREFECT_API_URL'].removesuffix('/api')}\nlogin:  the line in {AUTH_FILE}\n"
        f"report: {scope[REPORT_URL]}\nstop with Ctrl-C\n"
    )
    while True:
        began = time.monotonic()
        with running([*PREFECT, "worker", "start", "--pool", POOL, "--type", "process"], scope, _STOP) as worker:
            while worker.poll() is None:
                if server.poll() is not None:
                    raise InputError(f"the server ended with code {server.returncode}: start it again with make ui")
                time.sleep(0.5)
        if time.monotonic() - began < 20:
            raise InputError(f"the worker ended at once, with code {worker.returncode}: its words are above")
        typer.echo(f"the worker ended with code {worker.returncode}; another one is started", err=True)
        time.sleep(2)  # the guards of the worker's runs need it to end them
        _sweep(scope)


def _call(command: list[str], scope: dict[str, str]) -> None:
    answer = subprocess.run(
        [*PREFECT, *command], env=scope, capture_output=True, text=True, check=False, start_new_session=True
    )
    if answer.returncode:
        raise InputError(f"prefect {' '.join(command)}: {' '.join((answer.stderr or answer.stdout).split())}")


def _sweep(scope: dict[str, str]) -> None:
    """Mark runs that have no process; done in a child process, which has the settings of this server."""
    answer = subprocess.run([sys.executable, "-m", "flows.sweep"], env=scope, check=False, start_new_session=True)
    if answer.returncode:
        raise InputError(f"the runs that lost their process could not be marked: code {answer.returncode}")


if __name__ == "__main__":
    os.umask(0o077)  # the server's database and logs are its owner's
    typer.run(main)
