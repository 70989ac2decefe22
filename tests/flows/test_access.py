import socket
import stat
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from flows.access import FILE, auth_string, is_local, names, settings
from flows.report_server import serve_report
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
    assert stat.S_IMODE(FILE.stat().st_mode) == 0o600
    FILE.chmod(0o644)
    with pytest.raises(InputError, match="can be read by others: chmod 600"):
        auth_string()


@pytest.mark.parametrize("content", ["", "operator", "operator:", ":word"])
def test_no_server_without_authentication(content):
    FILE.parent.mkdir()
    FILE.touch(0o600)
    FILE.write_text(content)
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


@pytest.fixture(params=[None, "operator:word"])
def report(request, here):
    site = here / "reports/site"
    site.mkdir(parents=True)
    (site / "index.html").write_text("the report")
    (here / "reports/secret").write_text("not for the network")
    server = serve_report("127.0.0.1", 0, [], request.param)
    server.RequestHandlerClass.keywords["hosts"] = frozenset({"own.name"})  # type: ignore[attr-defined]
    yield f"http://127.0.0.1:{server.server_address[1]}", request.param
    server.shutdown()
    server.server_close()


def ask(address, host="own.name", **headers):
    try:
        with urlopen(Request(address, headers={"Host": host} | headers)) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, ""


def test_the_report_is_served_to_those_who_may(report):
    address, auth = report
    known = {"Authorization": "Basic b3BlcmF0b3I6d29yZA=="} if auth else {}
    assert ask(f"{address}/index.html", **known) == (200, "the report")
    assert ask(f"{address}/index.html", host="evil.example", **known)[0] == 403  # a name that leads here all the same
    assert ask(f"{address}/../secret", **known)[0] == 404
    assert ask(f"{address}/nothing.html", **known)[0] == 404
    if auth:
        assert ask(f"{address}/index.html")[0] == 401
        assert ask(f"{address}/index.html", Authorization="Basic wrong")[0] == 401


def test_names_of_a_network():
    assert "localhost" in names("0.0.0.0")
    assert names("192.168.1.5")[-1] == "192.168.1.5"
