"""The web page as an operator uses it, and as a hostile page attacks it; with a real server and a real browser.

Minutes, so only by `python -m pytest -m processes tests/flows`. Screenshots are left in artifacts/ui.
"""

import base64
import http.server
import json
import shutil
import threading
import urllib.request
from pathlib import Path
from urllib.error import HTTPError

import pytest
from support.headless_chromium import Chromium
from support.operated_tree import OperatedTree, interrupt, password, until

pytestmark = pytest.mark.processes

SCREENSHOTS = Path(__file__).parents[2] / "artifacts/ui"
# What a hostile page, open in the operator's browser, tries against the server.
ATTEMPTS = """
<title>elsewhere</title><script>
async function attempt(path, options) {
    try { const r = await fetch("API" + path, options); return r.status + " " + (await r.text()).length }
    catch (e) { return "refused" }
}
const json = { method: "POST", headers: { "Content-Type": "application/json" }, body: "{}" }
const plain = { method: "POST", mode: "no-cors", headers: { "Content-Type": "text/plain" }, body: '{"name": "theirs"}' }
Promise.all([attempt("/admin/version"), attempt("/deployments/filter", json), attempt("/flows/", json),
    attempt("/csrf-token?client=x"), attempt("/flows/", plain)]).then((all) => { window.answers = all })
</script>
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    tree = OperatedTree(tmp_path_factory.mktemp("tree"))
    (tree.path / "reports/site").mkdir(parents=True)
    (tree.path / "reports/site/index.html").write_text("<h1>the report</h1>")
    ui = tree.start("flows.ui", "--port", str(tree.port), log="ui.log")
    until(lambda: "stop with Ctrl-C" in tree.words("ui.log"), 400, "the UI starts")
    yield tree
    interrupt(ui)
    ui.wait(120)


def call(tree, path, body=None, *, known=True, port=None, method=None):
    """Call the server as its own page does; return status and content."""
    headers = {"Content-Type": "application/json"}
    if known:
        headers["Authorization"] = "Basic " + base64.b64encode(password(tree).encode()).decode()
        if body is not None:
            token = call(tree, "/api/csrf-token?client=test")[1]["token"]
            headers |= {"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": "test"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port or tree.port}{path}", data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
            return answer.status, json.loads(text) if text.startswith(("[", "{")) else text
    except HTTPError as error:
        return error.code, error.read().decode()


def deployment(tree):
    return call(tree, "/api/deployments/name/reproduce/pipeline")[1]["id"]


def test_whoever_lacks_the_password_gets_nothing(served):
    assert call(served, "/api/admin/version", known=False)[0] == 401
    assert call(served, "/api/deployments/filter", {}, known=False)[0] in (401, 403)
    assert call(served, "/api/admin/version")[0] == 200
    assert call(served, "/index.html", port=served.port + 1, known=False) == (200, "<h1>the report</h1>")


def test_a_wrong_value_is_refused_in_the_form(served):
    path = f"/api/deployments/{deployment(served)}/create_flow_run"
    for wrong in ({"settings": {"train_epochs": 0}}, {"profile": "demoo"}, {"stages": ["score"]}):
        status, said = call(served, path, {"parameters": wrong})
        assert status in (409, 422), said
        assert "Traceback" not in str(said)


def test_a_second_server_on_the_port_is_refused_in_one_line(served):
    done = served.start("flows.ui", "--port", str(served.port), log="second.log")
    assert done.wait(120) == 2
    said = served.words("second.log")
    assert f"error: port {served.port} of 127.0.0.1 cannot be used" in said
    assert len(said.strip().splitlines()) == 1


def test_a_schedule_starts_a_run(served):
    schedule = {"schedule": {"interval": 20, "anchor_date": "2020-01-01T00:00:00Z"}, "active": True}
    path = f"/api/deployments/{deployment(served)}/schedules"
    # A server whose database is busy answers 503, and is to be asked again.
    until(lambda: call(served, path, [schedule])[0] in (200, 201), 120, "the schedule is taken")

    def ran():
        chosen = {"flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}}}
        runs = call(served, "/api/flow_runs/filter", chosen)[1]
        return any(run["auto_scheduled"] for run in runs)

    until(ran, 500, "a scheduled run completes")
    for made in call(served, path)[1]:
        gone = f"{path}/{made['id']}"
        until(lambda gone=gone: call(served, gone, {}, method="DELETE")[0] in (204, 404), 120, "the schedule is gone")


@pytest.mark.skipif(not shutil.which("chromium"), reason="chromium is not installed (Debian: apt install chromium)")
def test_the_operator_gets_in_and_a_page_from_elsewhere_does_not(served, tmp_path):
    browser = Chromium(tmp_path / "profile")
    try:
        browser.call("Emulation.setDeviceMetricsOverride", width=1300, height=1500, deviceScaleFactor=1, mobile=False)
        _go(browser, f"http://127.0.0.1:{served.port}/")
        until(lambda: browser.value("Boolean(document.querySelector('input[type=password]'))"), 60, "it asks")
        browser.value("document.querySelector('input[type=password]').focus()")
        browser.call("Input.insertText", text=password(served))
        browser.key("Enter")
        inside = "location.pathname.endsWith('dashboard') && document.body.innerText.includes('Deployments')"
        until(lambda: browser.value(inside), 60, "it lets the operator in")
        _shoot(browser, "dashboard")

        _go(browser, f"http://127.0.0.1:{served.port}/deployments/deployment/{deployment(served)}/run")
        wanted = ("train.epochs", "Passes over the training pairs", "train.strategy", "parallel")
        until(lambda: all(word in browser.value("document.body.innerText") for word in wanted), 60, "the form")
        _shoot(browser, "form")

        (tmp_path / "page.html").write_text(ATTEMPTS.replace("API", f"http://127.0.0.1:{served.port}/api"))
        with _elsewhere(tmp_path) as port:
            _go(browser, f"http://localhost:{port}/page.html")
            until(lambda: browser.value("Boolean(window.answers)"), 60, "the attempts end")
            answers = browser.value("window.answers")
        # The last is sent without asking the server first, and its answer is kept from the page.
        assert answers[:4] == ["refused"] * 4
        assert answers[4] in ("refused", "0 0")
        names = {flow["name"] for flow in call(served, "/api/flows/filter", {})[1]}
        assert names == {"reproduce"}, "and it had no effect"
    finally:
        browser.close()


def _go(browser, address):
    browser._loaded = False
    browser.call("Page.navigate", url=address)
    browser.wait_for_load()


def _shoot(browser, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    picture = browser.call("Page.captureScreenshot", format="png")["data"]
    (SCREENSHOTS / f"{name}.png").write_bytes(base64.b64decode(picture))


class _elsewhere:
    """Another server, which serves one folder."""

    def __init__(self, folder):
        handler = type("Handler", (http.server.SimpleHTTPRequestHandler,), {"log_message": lambda *_: None})
        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), lambda *given: handler(*given, directory=str(folder))
        )

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self.server.server_address[1]

    def __exit__(self, *_):
        self.server.shutdown()
