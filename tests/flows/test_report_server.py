"""The report over http: to those who may see it, and nothing else of the folder."""

from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from flows.report_server import serve_report


@pytest.fixture(params=[None, "operator:word"])
def report(request, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    site = tmp_path / "reports/site"
    site.mkdir(parents=True)
    (site / "index.html").write_text("the report")
    (tmp_path / "reports/secret").write_text("not for the network")
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
