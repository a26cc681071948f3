"""download as it is shown: lines on a terminal that never leave anything behind, nothing but results in a pipe."""

import os
import re

from kit import Screen, check, safe, sha256, stored, wait


def pair(w):
    """b shares two files and a folder that has a large file and many small ones."""
    a, b = w.box("a"), w.box("b")
    for name in ("first film.mkv", "second film.mkv"):
        b.write(f"Public/{name}", os.urandom(3 << 20))
    b.write("Public/Album/deep/large picture.raw", os.urandom(3 << 20))
    for i in range(40):
        b.write(f"Public/Album/{i}.txt", b"%d" % i)
    a.start()
    b.start()
    wait("both to meet", lambda: a.status()["peers"] == 2 and a.status()["leader"])
    wait("the files of b", lambda: len(a.run("search", "--json", "film").rows()) == 2
         and len(a.run("search", "--json", "--type", "dir", "album").rows()) == 1)
    hashes = [r["hash"] for r in sorted(a.run("search", "--json", "film").rows(), key=lambda r: r["name"])]
    return a, b, hashes + [a.run("search", "--json", "--type", "dir", "album").rows()[0]["hash"]]


def forget(a):
    for r in a.run("downloads", "--json").rows():
        a.run("cancel", r["hash"])
    for d, _, files in os.walk(a.downloads, topdown=False):
        for f in files:
            os.unlink(os.path.join(d, f))
        if d != a.downloads:
            os.rmdir(d)


def frames(text):
    """Every picture that was drawn, one after the other."""
    return [f for f in re.split("\\r(?:\x1b\\[[0-9]+A)?", text) if f]


def busiest(text):
    """The picture with the most lines, its bars empty and without what stands behind them: that changes with the time."""
    picture = re.sub("\x1b\\[[KJ]", "", max(frames(text), key=lambda f: f.count("\n")))
    picture = re.sub(r"\[[#.]+\]", lambda m: "[" + "." * (len(m.group()) - 2) + "]", picture)
    return re.sub(r"(?m) *[0-9]+ %.*$", "  # %", picture)


def case_progress(w):
    """Progress: a line for each file in work and a total, at any width, also when it changes; quiet in a pipe"""
    a, _, keys = pair(w)
    slow = ["--limit-rate", "4M"]
    out = ""
    for columns in (200, 20):
        shown = a.terminal("download", *slow, *keys, columns=columns, env={"NO_COLOR": "1"})
        check(shown.code == 0, shown)
        picture = busiest(shown.out)
        check(picture.count("\n") == 4, shown)
        if columns == 200:
            check(re.search(r"total .* %  [0-9.]+ [KM]iB/s  [0-9]+:[0-9]+ left", shown.out), shown)
            check(re.search(r"film.* %  [0-9.]+ [KM]iB/s  [0-9]+:[0-9]+ left  1 holder", shown.out), shown)
            check(re.search(r"Album .*  1 holder  40/41 files", shown.out), shown)
        screen = Screen(columns).feed(shown.out)
        left = sorted(screen.text().splitlines()) if columns == 200 else []
        check(columns != 200 or len(left) == 3 and all(line.startswith("done  ") for line in left), screen.text())
        out += f"-- {columns} columns\n" + "\n".join(sorted(picture.splitlines())) + "\n" + "".join(line + "\n" for line in left)
        forget(a)
    stored(w, "progress", out)

    folded = []

    def narrower(text, p):
        if not folded and "total" in text:
            folded.append(len(text.replace("\r\n", "\n")))
            p.resize(50)

    shown = a.terminal("download", *slow, *keys, columns=120, env={"NO_COLOR": "1"}, on_text=narrower)
    check(shown.code == 0 and folded, shown)
    at, left = folded[0], "total"
    for _ in range(3):  # a picture or two may have been drawn before the terminal was narrower
        at = shown.out.find("\r", at + 1)
        if at < 0 or "total" not in left and " % " not in left:
            break
        screen = Screen(120).feed(shown.out[:at])
        screen.fold(50)
        left = screen.feed(shown.out[at:]).text()
    check("total" not in left and " % " not in left, left)
    forget(a)

    low = a.terminal("download", *slow, *keys, rows=3, env={"NO_COLOR": "1"})
    check(all(f.count("\n") <= 2 for f in frames(low.out.split("done  ")[0])) and "more" in low.out, low)
    forget(a)
    dumb = a.terminal("download", *slow, *keys, env={"TERM": "dumb"})
    check(dumb.code == 0 and "\x1b" not in dumb.out and "total" in dumb.out, dumb)
    safe(dumb.out)
    forget(a)

    pipe = a.run("download", *keys, env={"COLUMNS": "20"})
    check(pipe.code == 0 and pipe.err == "" and len(pipe.out.splitlines()) == 3, pipe)
    check(all(len(line.split("\t")) == 5 for line in pipe.out.splitlines()), pipe)
    forget(a)
    events = a.run("download", "--json", *slow, keys[2])
    check(events.err == "" and events.code == 0, events)
    now = [e["now"] for e in events.rows() if e.get("now")]
    check(now and now[0][0]["name"] == "deep/large picture.raw" and now[0][0]["size"] == 3 << 20, events)


def case_copied(w):
    """What is here already is copied, and that is said"""
    a, b, _ = pair(w)
    big = os.urandom(2 << 20)
    b.write("Public/new name.bin", big)
    a.write("Downloads/old name.bin", big)
    wait("the file", lambda: a.run("search", "new name").code == 0)
    text = a.terminal("download", sha256(big), columns=200, env={"NO_COLOR": "1"})
    screen = Screen(200).feed(text.out).text()
    check(screen == f"done  {a.downloads}/new name.bin  (2.0 MiB, copied from {a.downloads}/old name.bin)\n", screen)
    done = a.run("download", "--json", "--rename", sha256(big)).rows()[-1]
    check(done["fetched"] == 0 and done["copied"] == 2 << 20 and done["from"].startswith(a.downloads), done)
