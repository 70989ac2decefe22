"""Who may use the server: whoever knows the string that is made at its first start, from its own pages alone."""

import os
import secrets
import socket
from pathlib import Path

from text2pixels.errors import InputError

FILE = Path(".prefect/auth")  # "operator:" and the password, for its owner's eyes
_LOCAL = {"127.0.0.1", "localhost", "::1"}


def auth_string() -> str:
    """Return what opens the server, `USER:PASSWORD`; it is made once and kept with mode 600.

    Raises:
        InputError: the file that keeps it can be read by others, or holds no such string.
    """
    if not FILE.exists():
        FILE.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(f"operator:{secrets.token_urlsafe(18)}\n")
    if FILE.stat().st_mode & 0o077:
        raise InputError(f"{FILE} can be read by others: chmod 600 {FILE}, or remove it for a new password")
    found = FILE.read_text().strip()
    user, colon, password = found.partition(":")
    if not (user and colon and password):
        raise InputError(f"{FILE} should hold USER:PASSWORD: remove it for a new one")
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
    """Return the environment of the server and of what talks to it.

    The server refuses whoever lacks the string, and a change that does not carry its token against forged
    requests. It tells browsers to show its answers to its own pages alone.
    """
    return {
        "PREFECT_API_URL": f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}/api",
        "PREFECT_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_AUTH_STRING": auth,
        "PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS": ",".join(f"http://{name}:{port}" for name in names(host)),
        # Of SQLite, for a lock: ten, Prefect's own, are too few where stages keep every core busy.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        "PREFECT_SERVER_UI_API_URL": "/api",  # whichever of its names the browser has called
        # What is done here is nobody else's business, and the pages sell nothing.
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    }
