"""A headless Chromium, driven over its own debugging pipe: the standard library is enough."""

import base64
import fcntl
import json
import os
import select
import signal
import subprocess
import time

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
PATIENCE = 60  # seconds that one answer may take


class Chromium:
    """One tab, with what went wrong in it and which addresses it asked for."""

    def __init__(self, profile):
        # The pipe is file descriptors 3 and 4 of the browser. Ours are moved out of their way.
        to_read, self._write = os.pipe()
        self._read, to_write = os.pipe()
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (to_read, to_write)]
        pipe = f'exec "$@" 3<&{ends[0]} 4>&{ends[1]}'
        self._process = subprocess.Popen(
            ["bash", "-c", pipe, "bash", "chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=ends,
            start_new_session=True,  # a group of its own, so that its children end with it
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (to_read, to_write, *ends):
            os.close(end)
        self._unread, self._number, self._session, self._loaded = b"", 0, {}, False
        self.problems, self.addresses = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self._session = {"sessionId": session}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        """End the browser; it is asked first, and not for long."""
        self._session = {}
        os.write(self._write, json.dumps({"id": 0, "method": "Browser.close"}).encode() + b"\0")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._read)
        os.close(self._write)

    def call(self, method, **params):
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, f"{method}: {answer['error']['message']}"
        return answer["result"]

    def _next(self):
        end = time.monotonic() + PATIENCE
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            piece = os.read(self._read, 1 << 20) if ready else b""
            assert piece, "Chromium does not answer" if not ready else "Chromium has ended"
            self._unread += piece
        message, _, self._unread = self._unread.partition(b"\0")
        return json.loads(message)

    def _note(self, event):
        method, params = event["method"], event["params"]
        if method == "Page.loadEventFired":
            self._loaded = True
        elif method == "Network.requestWillBeSent":
            self.addresses.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.problems.append(params["exceptionDetails"])
        elif (method == "Log.entryAdded" and params["entry"]["level"] == "error") or (
            method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning")
        ):
            self.problems.append(params)

    def open(self, path, fragment=""):
        self._loaded = False
        failed = self.call("Page.navigate", url=path.as_uri() + fragment).get("errorText")
        assert not failed, f"{path}: {failed}"
        self.wait_for_load()

    def wait_for_load(self):
        while not self._loaded:
            self._note(self._next())

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def texts(self, selector):
        return self.value(f"[...document.querySelectorAll({selector!r})].map((one) => one.textContent.trim())")

    def place(self, selector, x=0.5, y=0.5):
        """Scroll to an element and return the point at those shares of its width and height."""
        frame = self.value(
            f"(() => {{ const one = document.querySelector({selector!r}); one.scrollIntoView({{ block: 'center' }});"
            "const { left, top, width, height } = one.getBoundingClientRect(); return [left, top, width, height] })()"
        )
        return {"x": frame[0] + x * frame[2], "y": frame[1] + y * frame[3]}

    def click(self, selector):
        self._loaded = False
        self.drag(self.place(selector))

    def drag(self, start, end=None):
        press = {"button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mousePressed", **start, **press)
        if end:
            self.call("Input.dispatchMouseEvent", type="mouseMoved", **end, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", **(end or start), **press)

    def wheel(self, place, down):
        self.call("Input.dispatchMouseEvent", type="mouseWheel", **place, deltaX=0, deltaY=down)

    def key(self, name):
        text = {"text": name} if len(name) == 1 else {}
        text |= {"text": "\r"} if name == "Enter" else {}
        codes = {"ArrowRight": 39, "Enter": 13, "Tab": 9}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=codes.get(name, 0), **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=codes.get(name, 0))

    def look(self, width, height=900, dark=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def screenshot(self, path):
        picture = self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(picture["data"]))
