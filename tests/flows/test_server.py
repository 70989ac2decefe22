"""Prefect's server: its password, its settings, and the server of a flow that has none."""

import contextlib
import socket
import stat

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows import server
from flows.server import AUTH_FILE, auth_string, is_local, names, settings
from flows.ui import _check_ports
from text2pixels.errors import InputError


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_string_is_made_once_and_is_its_owners():
    found = auth_string()
    assert found == auth_string()
    assert found.startswith("operator:")
    assert len(found) > 30
    assert stat.S_IMODE(AUTH_FILE.stat().st_mode) == 0o600
    AUTH_FILE.chmod(0o644)
    with pytest.raises(InputError, match="can be read by others: chmod 600"):
        auth_string()


@pytest.mark.parametrize("content", ["", "operator", "operator:", ":word"])
def test_no_server_without_authentication(content):
    AUTH_FILE.parent.mkdir()
    AUTH_FILE.touch(0o600)
    AUTH_FILE.write_text(content)
    with pytest.raises(InputError, match="USER:PASSWORD"):
        auth_string()


def test_a_server_answers_its_own_pages_alone():
    found = settings("127.0.0.1", 4200, "operator:word")
    assert found["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"] == "http://127.0.0.1:4200,http://localhost:4200"
    assert found["PREFECT_SERVER_API_AUTH_STRING"] == "operator:word"
    assert found["PREFECT_SERVER_API_CSRF_PROTECTION_ENABLED"] == "true"
    assert found["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    for host in ("0.0.0.0", "192.168.1.5"):
        assert settings(host, 4200, "a:b")["PREFECT_SERVER_API_AUTH_STRING"]
        assert not is_local(host)
        assert "*" not in settings(host, 4200, "a:b")["PREFECT_SERVER_API_CORS_ALLOWED_ORIGINS"]


def test_a_port_that_is_taken_is_one_line():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=rf"port {port} of 127.0.0.1 cannot be used .* make ui PORT="):
            _check_ports("127.0.0.1", port)
        with pytest.raises(InputError, match=rf"port {port} "):
            _check_ports("127.0.0.1", port - 1)


def test_names_of_a_network():
    assert "localhost" in names("0.0.0.0")
    assert names("192.168.1.5")[-1] == "192.168.1.5"


def test_the_folder_of_a_server_is_made_with_those_above_it(tmp_path, monkeypatch):
    closers = []
    monkeypatch.setattr(server.atexit, "register", closers.append)
    monkeypatch.setattr(server, "running", lambda *args, **options: contextlib.nullcontext())
    monkeypatch.setattr(server, "wait_for", lambda api, process: None)
    home = tmp_path / "above/home"
    with temporary_settings({PREFECT_HOME: home}, restore_defaults={PREFECT_API_URL}):
        server.serve_this_process()
        assert home.is_dir()
        assert PREFECT_API_URL.value().startswith("http://127.0.0.1:")
        closers[0]()  # as the interpreter's end would
