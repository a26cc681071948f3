#!/usr/bin/env python3
"""The page in a real browser: run.py BUILDDIR [CASE ...]

Three services on the loopback interface of a namespace, and Chromium there. Without Chromium every case is skipped.
IWANT_PICTURES=DIR keeps what the page looks like at several widths, light and dark. Ends with
`N passed, N failed[, N skipped]`.
"""

import json
import os
import signal
import struct
import subprocess
import sys
import time
import traceback
import zlib

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(os.path.dirname(here), "cli")]

from browser import Browser, Wrong, missing  # noqa: E402
from kit import Failed, World, check, wait  # noqa: E402

IMG = "<img src=x onerror=document.title='owned'>.txt"
RTL = "song \x1b[31m\u202egpj.exe\tand\nnew.txt"
PORT_OTHER = 4711
WIDTHS = (320, 390, 1280)


def png(width, height):
    """A picture: a gradient."""
    rows = b"".join(b"\0" + bytes(v for x in range(width) for v in (x * 255 // width, y * 255 // height, 128)) for y in range(height))
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) + \
        chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def wav(seconds):
    """Silence."""
    data = bytes(8000 * seconds)
    return b"RIFF" + struct.pack("<I", 36 + len(data)) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 8000, 8000, 1, 8) + \
        b"data" + struct.pack("<I", len(data)) + data


class Page:
    """The owner's page in a browser, and the services behind it."""

    def __init__(self, world, browser, me, eva):
        self.world, self.b, self.me, self.eva = world, browser, me, eva

    def open(self):
        """By a new URL; with nothing typed."""
        self.b.screen(1280, 860)
        self.b.go("about:blank")
        url = self.me.run("web").out.strip()
        check(url.startswith("http://127.0.0.1:"), url)
        self.origin = url.split("/#")[0]
        self.b.go(url)
        self.b.wait("the page", lambda: self.b.text("#where"))
        self.b.fill("#words", "")
        return url

    def search(self, words):
        """The names of what is found."""
        self.b.fill("#words", words)
        self.b.wait(f"an answer to {words}", lambda: self.b.run("return found.length && last.includes(query(0).get('q').split(' ')[0])"))
        return self.b.texts("#rows > li > div > .name")

    def held(self):
        """Names in the download folder."""
        return sorted(os.listdir(self.me.downloads))


# ---- cases ----

def case_search(p):
    """Results come as one types, typing errors forgiven, sought letters marked, filters, keys"""
    b = p.b
    p.open()
    check("Type roughly" in b.text("#hello"), "empty page")
    b.type("#words", "slicon valey")
    b.wait("rows", lambda: len(b.all("#rows > li")) >= 4)
    check("silicon valley" in b.text("#said"), b.text("#said"))
    check(b.texts("#rows > li:first-child mark")[:2] == ["Silicon", "Valley"], b.texts("#rows mark"))
    check(any("eva, tom" in m for m in b.texts("#rows .meta")), b.texts("#rows .meta"))
    b.run("const s = document.querySelector('[name=type]'); s.value = 'video'; s.dispatchEvent(new Event('change', {bubbles: true}))")
    b.wait("videos only", lambda: len(b.all("#rows > li")) == 2 and not b.texts("#rows > li:first-child .name")[0].endswith("/"))
    b.click("#clear")
    b.wait("all again", lambda: len(b.all("#rows > li")) >= 4)
    b.fill("[name=ext]", ".pdf")
    b.wait("by its ending", lambda: b.texts("#rows > li > div > .name") == ["Valley of the Kings.pdf"])
    b.click("#clear")
    b.fill("#words", "qqzzxv")
    b.wait("nothing", lambda: "Nothing found" in b.text("#nothing"))
    # keys
    b.press("escape")
    b.wait("an empty box", lambda: b.run("return document.querySelector('#words').value") == "")
    b.type("#words", "valley")
    b.wait("rows", lambda: len(b.all("#rows > li")) >= 4)
    b.press("down")
    b.press("down")
    check(b.run("return document.activeElement === document.querySelectorAll('#rows > li')[1]"), "the arrows")
    b.press("up")
    b.press("up")
    check(b.run("return document.activeElement.id") == "words", "back up")
    b.press("down")
    b.press("escape")
    check(b.run("return document.activeElement.id") == "words", "Escape")
    b.press("down")
    b.press("/")
    check(b.run("return document.activeElement.id") == "words", "slash")
    # a folder
    b.click("#rows button[aria-expanded]")
    b.wait("what is inside", lambda: len(b.all("#rows .inside li")) == 2)
    # who shares what
    b.click("[data-view=network]")
    b.wait("the peers", lambda: len(b.all("#peers li")) == 3)
    check(any("this computer" in t for t in b.texts("#peers .name")), b.texts("#peers .name"))
    b.run("[...document.querySelectorAll('#peers li')].find(l => l.innerText.startsWith('tom')).querySelector('button').click()")
    b.wait("tom's files", lambda: "only from tom" in b.text("#only") and any("debian" in t for t in b.texts("#rows .name")))
    check(all("tom" in m for m in b.texts("#rows > li > div > .meta")), b.texts("#rows .meta"))


def case_download(p):
    """By Enter and by click into the download folder, progress and queue shown, paused, resumed, cancelled"""
    b = p.b
    p.open()
    check(p.search("valley kings")[0] == "Valley of the Kings.pdf", b.texts("#rows .name"))
    b.type("#words", "\ue015")  # down
    b.press("enter")
    b.wait("the file", lambda: "Valley of the Kings.pdf" in p.held())
    b.wait("Done", lambda: b.text("#rows .act") == "Done")
    p.me.run("set", "limit-down", "2M")
    check("debian-12.8.0-amd64-netinst.iso" in p.search("debian iso"), b.texts("#rows .name"))
    b.click("#rows .act")
    b.wait("the count", lambda: b.text("#running") == "1")
    b.click("[data-view=downloads]")
    b.wait("two rows", lambda: len(b.all("#queue > li")) == 2)
    b.wait("progress", lambda: b.run("const p = document.querySelector('#queue progress'); return p && p.value > 0"))
    check("They go to" in b.text("#into"), b.text("#into"))
    b.click("#queue [aria-label^=Pause]")
    b.wait("paused", lambda: "Paused" in b.text("#queue > li:first-child .meta"))
    b.click("#queue [aria-label^=Resume]")
    b.wait("on again", lambda: b.all("#queue [aria-label^=Pause]"))
    b.click("#queue [aria-label^=Cancel]")
    b.wait("gone", lambda: len(b.all("#queue > li")) == 1)
    p.me.run("set", "limit-down", "0")
    check(p.held() == ["Valley of the Kings.pdf"], p.held())
    # the tab keeps its session
    b.call("POST", "/refresh")
    b.wait("the page", lambda: b.text("#where"))
    check(b.run("return document.querySelector('#alert').hidden"), b.text("#alert"))


def case_play(p):
    """A picture is shown and a sound played in the page while they download; a jump is a Range"""
    b = p.b
    p.open()
    check("summit at sunrise.png" in p.search("summit sunrise"), b.texts("#rows .name"))
    b.click("#rows [aria-label^=View]")
    b.wait("the picture", lambda: b.run("const i = document.querySelector('#stage img'); return i && i.complete && i.naturalWidth") == 320)
    b.click("#close")
    check("long song.wav" in p.search("long song"), b.texts("#rows .name"))
    b.type("#words", "\ue015")
    b.press("p")
    b.wait("sound", lambda: b.run("const a = document.querySelector('#stage audio'); return a && a.duration") == 1200)
    b.run("document.querySelector('#stage audio').currentTime = 900")
    b.wait("the jump", lambda: b.run("const a = document.querySelector('#stage audio'); return a.currentTime > 900 && a.readyState > 2"))
    b.press("escape")
    b.wait("closed", lambda: not b.run("return document.querySelector('#player').open"))
    check(not b.all("#stage > *"), "the player is empty")


def case_names(p):
    """Hostile names are text: no script runs, no element comes of them, directions and controls are visible"""
    b = p.b
    p.open()
    b.run("window.alerted = 0; window.alert = () => { window.alerted++ }")
    names = p.search("onerror document")
    check(IMG in names, names)
    check(not b.all("#rows img, #rows script, #rows iframe"), "an element of a name")
    names = p.search("gpj exe")
    check(any("U+202E" in n and "U+000A" in n and "U+001B" in n for n in names), names)
    check(not any(set("\u202e\x1b\n") & set(n) for n in names), names)
    b.click("#rows .act")
    b.click("[data-view=downloads]")
    b.wait("its row", lambda: any("gpj" in t and "\u202e" not in t for t in b.texts("#queue .name")))
    b.click("[data-view=search]")
    p.search("onerror document")
    b.click("#rows .act")
    b.click("[data-view=downloads]")
    b.wait("its row", lambda: any("onerror" in t for t in b.texts("#queue .name")))
    check(b.run("return document.title") == "iwant" and not b.run("return window.alerted"), "a script ran")


def case_alone(p):
    """No request goes to another host, and what the policy forbids does not run"""
    b = p.b
    b.logged("performance")
    p.open()
    p.search("valley")
    b.click("[data-view=network]")
    urls = [m["params"]["request"]["url"] for m in (json.loads(e["message"])["message"] for e in b.logged("performance"))
            if m["method"] == "Network.requestWillBeSent"]
    other = [u for u in urls if not u.startswith((p.origin + "/", "about:", "chrome", "data:"))]
    check(len(urls) > 5 and not other, other)
    said = [e["message"] for e in b.logged() if e["level"] == "SEVERE"]
    check(not said, said)
    b.run("try { const s = document.createElement('script'); s.append('window.ran = 1'); document.body.append(s) } catch (e) {}")
    check(not b.run("return window.ran"), "an inline script ran")
    check(b.run("try { document.body.innerHTML = '<b>x'; return 'taken' } catch (e) { return 'refused' }") == "refused", "innerHTML")
    check(b.run("return fetch('http://127.0.0.1:1/').then(() => 'sent', () => 'refused')") == "refused", "another port")
    used = p.open()
    b.run("sessionStorage.clear()")
    b.go("about:blank")
    b.go(used)
    b.wait("that it was used", lambda: "used before" in b.text("#alert"))


EVIL = """<!doctype html><title>evil</title><body><script>
const at = %r, wants = JSON.stringify({wants: [{hash: %r}], detach: true});
window.tries = (async () => {
  const said = [];
  for (const [path, how] of [["/v1/downloads", {method: "POST", body: wants, mode: "no-cors"}],
      ["/v1/downloads", {method: "POST", body: wants, headers: {"Content-Type": "application/json"}}],
      ["/v1/downloads", {method: "POST", body: wants, headers: {Authorization: "Bearer 00000000000000000000000000000000"}}],
      ["/v1/status", {}], ["/page.js", {mode: "no-cors"}]])
    said.push(await fetch(at + path, {credentials: "include", ...how}).then(r => r.type + r.status, () => "refused"));
  const f = document.createElement("iframe");
  f.src = at + "/";
  document.body.append(f);
  await new Promise(r => { f.onload = f.onerror = r; setTimeout(r, 2000); });
  try { said.push(f.contentDocument ? "inside" : "shut"); } catch (e) { said.push("shut"); }
  const i = new Image();
  i.src = at + "/icon.svg";
  said.push(await new Promise(r => { i.onload = () => r("shown"); i.onerror = () => r("refused"); }));
  return said;
})();
</script>"""


def case_strangers(p):
    """Another page in the same browser gets nothing done and sees nothing (CSRF), another name neither (DNS rebinding)"""
    b = p.b
    p.open()
    before = p.held()
    rows = p.me.run("search", "--json", "debian iso").rows()
    folder = os.path.join(p.world.dir, "evil")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "index.html"), "w") as f:
        f.write(EVIL % (p.origin, rows[0]["hash"]))
    server = subprocess.Popen([*p.world.prefix, sys.executable, "-m", "http.server", str(PORT_OTHER), "--directory", folder],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    p.world.processes.append(server)
    for name in (f"http://evil.example:{PORT_OTHER}/", f"http://127.0.0.1:{PORT_OTHER}/"):
        def there():
            try:
                b.go(name)
                return b.run("return document.title") == "evil"
            except Wrong:
                return False
        b.wait("the other page", there)
        said = b.run("return window.tries")
        check(said[0] in ("refused", "opaque0") and set(said[1:4]) == {"refused"} and said[4] == "refused"
              and said[5] == "shut" and said[6] == "refused", said)
    port = p.origin.rsplit(":", 1)[1]
    b.go(f"http://evil.example:{port}/")
    check("not under this name" in b.text("body"), b.text("body"))
    check(b.run("return fetch('/v1/status').then(r => r.status)") == 421, "another name")
    check(p.held() == before and not [d for d in p.me.run("downloads", "--json").rows() if d["hash"] == rows[0]["hash"]], "a download began")


def case_gone(p):
    """The service goes and comes back, or ends: the page says so, and what to do"""
    b = p.b
    p.open()
    p.search("valley")
    b.devtools("Network.enable")
    b.devtools("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    b.wait("that it is gone", lambda: "does not answer" in b.text("#alert"))
    b.devtools("Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    b.wait("that it is back", lambda: b.run("return document.querySelector('#alert').hidden"))
    check(p.search("kings")[0] == "Valley of the Kings.pdf", "search again")
    check(p.me.run("web", "--stop").code == 0, "web --stop")
    b.wait("that it is gone", lambda: "does not answer" in b.text("#alert"))
    url = p.me.run("web").out.strip()
    b.wait("that it has ended", lambda: "iwanto web" in b.text("#alert"))
    b.go("about:blank")
    b.go(url)
    b.wait("a new page", lambda: b.text("#where"))


def case_widths(p):
    """From 320 pixels up nothing is wider than the screen, light and dark; what is tapped is large enough"""
    b = p.b
    p.open()
    keep = os.environ.get("IWANT_PICTURES")

    def look(what):
        for width in WIDTHS:
            for dark in (False, True):
                b.screen(width, 740 if width < 500 else 800, dark, width < 500)
                wide = b.run("return document.scrollingElement.scrollWidth")
                check(wide <= width, f"{what} at {width}: {wide} wide")
                small = b.run("return [...document.querySelectorAll('main button, nav button, .button')].filter(e => e.offsetParent"
                              " && e.getBoundingClientRect().height < 26).map(e => e.outerHTML)")
                check(not small, small)
                if keep:
                    time.sleep(0.2)
                    b.picture(os.path.join(keep, f"{what}-{width}-{'dark' if dark else 'light'}.png"))

    look("hello")
    p.search("slicon valey")
    look("rows")
    p.search("odd long name")
    look("odd")
    b.fill("#words", "qqzzxv")
    b.wait("nothing", lambda: "Nothing found" in b.text("#nothing"))
    look("nothing")
    for view in ("downloads", "network"):
        b.click(f"[data-view={view}]")
        b.wait("its rows", lambda: view == "downloads" or len(b.all("#peers li")) == 3)
        look(view)
    b.screen(1280, 860)


def case_reader(p):
    """What a screen reader is told: every control has a name, states are live regions, nothing is hidden by mistake"""
    b = p.b
    p.open()
    p.search("valley")
    b.devtools("Accessibility.enable")
    nodes = b.devtools("Accessibility.getFullAXTree")["nodes"]
    seen = [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in nodes if not n["ignored"]]
    for role in ("button", "link", "textbox", "searchbox", "combobox"):
        check(all(name for r, name in seen if r == role), [s for s in seen if s[0] == role])
    for role in ("banner", "main", "navigation", "search", "status", "list"):
        check(any(r == role for r, _ in seen), f"{role}: {sorted({r for r, _ in seen})}")
    check(any(name.startswith("Download ") and len(name) > 10 for r, name in seen if r == "button"), seen)
    check(sum(r == "listitem" for r, _ in seen) >= 4, seen)


def case_guest(p):
    """The guests' page on a phone: search, a picture, a file and a folder saved, no part of the owner's; its end is told"""
    b = p.b
    command = p.me.popen("web", "--lan", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    url = command.stdout.readline().strip()
    check(url.startswith("http://10.88.0.1:"), url)
    b.screen(390, 740, phone=True)
    b.go("about:blank")
    b.go(url)
    b.wait("whose guest", lambda: "guest of desk" in b.text("#where"))
    check("not encrypted" in b.text("#guest"), b.text("#guest"))
    check(not b.run("return document.querySelector('#tabs').offsetParent"), "the owner's parts")
    b.fill("#words", "sumit sunrise")
    b.wait("a row", lambda: any("summit" in t for t in b.texts("#rows .name")))
    check(b.all("#rows mark"), "marks")
    b.click("#rows [aria-label^=View]")
    b.wait("the picture", lambda: b.run("const i = document.querySelector('#stage img'); return i && i.complete && i.naturalWidth") == 320)
    b.click("#close")
    b.fill("#words", "long song")
    b.wait("a row", lambda: any("long song" in t for t in b.texts("#rows .name")))
    b.click("#rows [aria-label^=Play]")
    b.wait("sound", lambda: b.run("const a = document.querySelector('#stage audio'); return a && a.duration") == 1200)
    b.run("document.querySelector('#stage audio').currentTime = 900")
    b.wait("the jump", lambda: b.run("const a = document.querySelector('#stage audio'); return a.currentTime > 900 && a.readyState > 2"))
    b.click("#close")
    b.devtools("Browser.setDownloadBehavior", behavior="allow", downloadPath=os.path.join(b.folder, "saved"))
    saved = lambda name: os.path.exists(os.path.join(b.folder, "saved", name))
    b.click("#rows a.act")
    b.wait("the file", lambda: saved("long song.wav"))
    b.fill("#words", "odd")
    b.wait("the folder", lambda: any(t.startswith("odd/") for t in b.texts("#rows .name")))
    b.click("#rows [aria-label='odd as zip']")
    b.wait("the archive", lambda: saved("odd.zip"))
    if os.environ.get("IWANT_PICTURES"):
        b.picture(os.path.join(os.environ["IWANT_PICTURES"], "guest-390.png"))
    p.me.run("web", "--stop")
    check(command.wait(20) == 0, "the command ends")
    b.fill("#words", "valley")
    b.wait("that it is gone", lambda: "does not answer" in b.text("#alert"))


def world(w):
    for words in ("add lan0 type veth peer name lan1", "set lan0 up", "set lan1 up"):  # what guests are told as an address
        subprocess.run(["ip", "-n", w.ns, "link", *words.split()], check=True)
    subprocess.run(["ip", "-n", w.ns, "addr", "add", "10.88.0.1/24", "dev", "lan0"], check=True)
    me, eva, tom = w.box("desk"), w.box("eva"), w.box("tom")
    pilot = os.urandom(3 << 20)
    eva.write("Public/Shows/Silicon Valley/Silicon Valley S01E01 Minimum Viable Product.mkv", pilot)
    tom.write("Public/tv/silicon.valley.s01e01.mkv", pilot)
    eva.write("Public/Shows/Silicon Valley/Silicon Valley S01E02 The Cap Table.mkv", os.urandom(2 << 20))
    eva.write("Public/docs/Valley of the Kings.pdf", os.urandom(270000))
    tom.write("Public/isos/debian-12.8.0-amd64-netinst.iso", os.urandom(60 << 20))
    tom.write("Public/photos/Alps 2024/summit at sunrise.png", png(320, 200))
    tom.write("Public/music/long song.wav", wav(1200))
    eva.write("Public/odd/" + IMG, b"x")
    eva.write("Public/odd/" + RTL, b"odd")
    eva.write("Public/odd/" + "very long name " * 15 + ".txt", b"o")
    me.write("Public/notes/valley walk.md", b"note")
    for box in (eva, tom, me):
        box.start()
    wait("all to meet", lambda: me.status()["peers"] == 3)
    for words, rows in (("valley", 5), ("odd", 4), ("debian iso", 1), ("long song", 1)):
        wait(f"the rows of {words}", lambda: len(me.run("search", "--json", words).rows()) >= rows)
    return me, eva


def ended(number, frame):
    """Told to stop: the browser, the services and their namespace go first."""
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, ended)
    build, wanted = sys.argv[1], sys.argv[2:]
    cases = [(n, f) for n, f in globals().items() if n.startswith("case_") and (not wanted or n[5:] in wanted)]
    why = missing() or (os.geteuid() and "needs root (a network namespace)")
    if why:
        print(f"web: {why}: {len(cases)} cases skipped")
        print(f"0 passed, 0 failed, {len(cases)} skipped")
        return 0
    passed = failed = 0
    with World(build) as w:
        me, eva = world(w)
        with Browser(w.prefix, os.path.join(w.dir, "browser"), args=["--host-resolver-rules=MAP evil.example 127.0.0.1"]) as b:
            p = Page(w, b, me, eva)
            for name, fn in cases:
                begin = time.monotonic()
                try:
                    fn(p)
                    passed += 1
                    print(f"ok   {name[5:]} ({time.monotonic() - begin:.1f} s): {fn.__doc__}", flush=True)
                except (Exception, SystemExit) as e:
                    failed += 1
                    print(f"FAIL {name[5:]}: {fn.__doc__}")
                    if isinstance(e, Failed):
                        print(f"  {e}", flush=True)
                    else:
                        traceback.print_exc(file=sys.stdout)
                    if os.environ.get("IWANT_PICTURES"):
                        b.picture(os.path.join(os.environ["IWANT_PICTURES"], f"failed-{name[5:]}.png"))
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
