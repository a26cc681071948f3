"""Chromium, driven by chromedriver: a small client of the WebDriver protocol (W3C), with the standard library only.

    with Browser(prefix, folder) as b:
        b.go("http://127.0.0.1:1237/")
        b.wait("a row", lambda: b.all("#rows > li"))

prefix: what stands before each command, as `ip netns exec NAME`. Everything that it writes lies in folder.
"""

import base64
import http.client
import json
import os
import shutil
import signal
import subprocess
import time

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
KEYS = {"enter": "\ue007", "escape": "\ue00c", "down": "\ue015", "up": "\ue013", "tab": "\ue004", "space": " ",
        "home": "\ue011", "end": "\ue010"}
CHROME = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--mute-audio",
          "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server",
          "--autoplay-policy=no-user-gesture-required", "--force-color-profile=srgb", "--hide-scrollbars"]


def missing():
    """None, or what is not installed."""
    for program in ("chromium", "chromedriver"):
        if not shutil.which(program):
            return f"needs the command {program} (packages chromium and chromium-driver)"
    return None


class Wrong(Exception):
    pass


class Browser:
    def __init__(self, prefix, folder, port=9515, args=()):
        self.prefix, self.folder, self.port, self.args = list(prefix), folder, port, list(args)
        self.session = None

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
        env.update(HOME=self.folder, TMPDIR=self.folder)
        self.log = open(os.path.join(self.folder, "driver.log"), "w")
        self.driver = subprocess.Popen([*self.prefix, "chromedriver", f"--port={self.port}"], env=env, stdin=subprocess.DEVNULL,
                                       stdout=self.log, stderr=self.log, start_new_session=True)
        try:
            self.wait("chromedriver", self.ready)
            options = {"args": [*CHROME, f"--user-data-dir={self.folder}/profile", *self.args],
                       "binary": shutil.which("chromium"),
                       "prefs": {"download.default_directory": os.path.join(self.folder, "saved")}}
            answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
                "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"}}}})
            self.session = f"/session/{answer['sessionId']}"
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *what):
        if self.session:
            try:
                self.call("DELETE", "")
            except (OSError, Wrong):
                pass
        try:
            os.killpg(self.driver.pid, signal.SIGKILL)  # the group that was begun for it
        except ProcessLookupError:
            pass
        self.driver.wait()
        self.log.close()
        return False

    # -- the protocol --

    def connect(self):
        """A connection to the driver; in its namespace, when it has one."""
        ns = self.prefix[-1] if self.prefix[:3] == ["ip", "netns", "exec"] else None
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        if not ns:
            c.connect()
            return c
        with open(f"/run/netns/{ns}") as there, open("/proc/thread-self/ns/net") as here:
            libc = __import__("ctypes").CDLL(None, use_errno=True)
            if libc.setns(there.fileno(), 0x40000000):
                raise OSError("setns")
            try:
                c.connect()
            finally:
                libc.setns(here.fileno(), 0x40000000)
        return c

    def ready(self):
        try:
            return self.call("GET", "/status")["ready"]
        except OSError:
            return False

    def call(self, method, path, body=None):
        c = self.connect()
        c.request(method, (self.session or "") + path, json.dumps(body if body is not None else {}) if method == "POST" else None,
                  {"Content-Type": "application/json"})
        value = json.loads(c.getresponse().read())["value"]
        c.close()
        if isinstance(value, dict) and value.get("error"):
            raise Wrong(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def devtools(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    # -- what a user does --

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def run(self, script, *args):
        """Script's value; it may be a promise."""
        return self.call("POST", "/execute/sync", {"script": script, "args": args})

    def all(self, css):
        return [e[ELEMENT] for e in self.call("POST", "/elements", {"using": "css selector", "value": css})]

    def one(self, css):
        return self.wait(css, lambda: self.all(css))[0]

    def click(self, css):
        self.call("POST", f"/element/{self.one(css)}/click")

    def type(self, css, text):
        self.call("POST", f"/element/{self.one(css)}/value", {"text": text})

    def fill(self, css, text):
        self.call("POST", f"/element/{self.one(css)}/clear")
        self.type(css, text)

    def press(self, *keys):
        """Where the focus is."""
        acts = [a for k in keys for a in ({"type": "keyDown", "value": KEYS.get(k, k)}, {"type": "keyUp", "value": KEYS.get(k, k)})]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": acts}]})

    def text(self, css):
        """As it is seen; '' when it is not there."""
        return self.run("const e = document.querySelector(arguments[0]); return e ? e.innerText : ''", css)

    def texts(self, css):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.innerText)", css)

    def screen(self, width, height, dark=False, phone=False):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        self.devtools("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def picture(self, path):
        with open(path, "wb") as f:
            f.write(base64.b64decode(self.call("GET", "/screenshot")))

    def logged(self, kind="browser"):
        return self.call("POST", "/se/log", {"type": kind})

    def wait(self, what, probe, seconds=30):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            last = probe()
            if last:
                return last
            time.sleep(0.05)
        raise Wrong(f"waited in vain for {what}; last: {last!r}")
