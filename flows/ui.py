"""A Prefect server with its UI, the deployments of prefect.yaml and a worker: python -m flows.ui."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated
from urllib.error import URLError
from urllib.request import urlopen

import typer

from tasks.dvc import environment

POOL = "text2pixels"


def main(
    port: Annotated[int, typer.Option(help="Port of the server on this machine.")] = 4200,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 opens it to the network.")] = "127.0.0.1",
) -> None:
    """Start the server, deploy what prefect.yaml declares and work its runs until Ctrl-C."""
    api = f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/api"
    # The flows are modules of this folder: a worker's subprocess finds them by PYTHONPATH.
    scope = environment() | {"PREFECT_API_URL": api, "PYTHONPATH": str(Path.cwd())}
    prefect = [sys.executable, "-m", "prefect"]
    server = subprocess.Popen([*prefect, "server", "start", "--host", host, "--port", str(port)], env=scope)
    try:
        _wait_for(f"{api}/health", server)
        subprocess.run(
            [*prefect, "work-pool", "create", POOL, "--type", "process", "--overwrite"], env=scope, check=True
        )
        subprocess.run([*prefect, "--no-prompt", "deploy", "--all"], env=scope, check=True)
        typer.echo(f"\nUI: {api.removesuffix('/api')}   stop with Ctrl-C\n")
        subprocess.run([*prefect, "worker", "start", "--pool", POOL, "--type", "process"], env=scope, check=True)
    except KeyboardInterrupt:
        typer.echo("stopping")
    finally:
        server.terminate()
        server.wait()


def _wait_for(url: str, server: subprocess.Popen[bytes], seconds: int = 120) -> None:
    for _ in range(seconds):
        if server.poll() is not None:
            raise typer.Exit(server.returncode or 1)
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, TimeoutError):
            time.sleep(1)
    raise typer.BadParameter(f"the server did not answer at {url} within {seconds} s")


if __name__ == "__main__":
    typer.run(main)
