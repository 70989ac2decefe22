"""Serves reports/site over http, as a browser follows no link from Prefect's UI to a file on disk."""

import base64
import hmac
import io
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import BinaryIO

from text2pixels import layout


class _Handler(SimpleHTTPRequestHandler):
    """Serves the files below one folder, to requests under one of the server's own names."""

    def __init__(self, *rest: object, hosts: frozenset[str], auth: str | None, directory: str) -> None:
        self._hosts, self._auth = hosts, auth
        super().__init__(*rest, directory=directory)  # type: ignore[arg-type]

    def send_head(self) -> io.BytesIO | BinaryIO | None:
        """Refuse requests under another host name (DNS rebinding) and, on a network, without the password."""
        if self.headers.get("Host", "") not in self._hosts:
            self.send_error(403, "this server has another name")
            return None
        if self._auth is not None and not self._is_known():
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="text2pixels"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None
        return super().send_head()

    def _is_known(self) -> bool:
        expected = "Basic " + base64.b64encode((self._auth or "").encode()).decode()
        return hmac.compare_digest(self.headers.get("Authorization", "").encode(), expected.encode())

    def end_headers(self) -> None:
        """Have the browser ask again: the next run writes other pages under the same names."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def list_directory(self, path: object) -> None:
        """Show no listings."""
        self.send_error(404, "no such page")

    def log_message(self, *words: object) -> None:
        """Log nothing: the terminal is for messages of the runs."""


def serve_report(host: str, port: int, names: list[str], auth: str | None) -> ThreadingHTTPServer:
    """Serve the report in a thread of this process, until `shutdown` of the returned server.

    Args:
        host: address to listen on.
        port: on it.
        names: of this machine that a browser may use.
        auth: `USER:PASSWORD` to ask for; None: no password.
    """
    hosts = frozenset(f"{name}:{port}" for name in names)
    handler = partial(_Handler, hosts=hosts, auth=auth, directory=str(layout.SITE.absolute()))
    server = ThreadingHTTPServer((host, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
