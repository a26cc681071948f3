"""get and download: words, pasted lines and lists of sums to files."""

import json
import os

from kit import check, safe, sha256, stored, transcript, wait


def library(w):
    a, b = w.box("a"), w.box("b")
    b.write("Public/Shows/Silicon Valley/Silicon Valley S01E01 Minimum Viable Product.mkv", b"pilot" * 1000)
    b.write("Public/Shows/Silicon Valley/Silicon Valley S01E02 The Cap Table.mkv", b"two" * 1000)
    b.write("Public/docs/valley of kings.pdf", b"kings")
    for i in range(1, 4):
        b.write(f"Public/docs/report {i}.pdf", b"r" * i)
    a.start()
    b.start()
    wait("both to meet", lambda: a.status()["peers"] == 2 and b.status()["peers"] == 2
         and a.status()["leader"] and a.status()["leader"]["name"] == b.status()["leader"]["name"])
    wait("all files", lambda: len(a.run("search", "--json", "--larger", "1").rows()) == 9)
    return a, b


def case_get(w):
    """get: what is clear is fetched and told first, else rows and exit 1; --first, filters, @N, prefixes"""
    a, _ = library(w)
    text = transcript(a, ["get", "cap", "tabel"], ["get", "slicon valey"], ["get", "report"], ["get", "zyxwvut"],
                      ["get", "--first", "report", "--smaller", "1"], ["get", "-q", "valley of kings"], ["get", "report", "-1", "-2"],
                      ["get", "kings", "--ext", "mkv"], ["get"], ["get", "--frist", "x"], ["get", "--limit", "1", "report"])
    stored(w, "get", text)
    check(sorted(os.listdir(a.downloads)) == ["Silicon Valley S01E02 The Cap Table.mkv", "report 1.pdf", "report 3.pdf", "valley of kings.pdf"],
          os.listdir(a.downloads))
    events = a.run("get", "--json", "cap table").rows()
    check(events[0]["event"] == "chosen" and events[0]["clear"] and events[-1]["event"] == "skipped", events)
    rows = a.run("get", "--json", "report").rows()
    check([r["row"] for r in rows] == [1, 2, 3] and "event" not in rows[0], rows)
    check(a.run("download", rows[1]["hash"][:6].upper(), "@3", "-o", "two").code == 0 and
          sorted(os.listdir(os.path.join(a.downloads, "two"))) == sorted(r["name"] for r in rows[1:]), "a prefix of the last search, a row")
    shown = a.terminal("get", "minimum viable", columns=20)
    check(shown.code == 0, shown)
    safe(shown.out.replace("\x1b[32m", "").replace("\x1b[0m", ""))
    folder = a.run("get", "--in", "shows", "--type", "dir", "silicon valley")
    check(folder.code == 0 and folder.out.split("\t")[3] == "dir", folder)
    with open(os.path.join(a.state, "last-search"), "w") as f:
        json.dump({"search": "x", "rows": {"1": ["abcdef0" + "0" * 57, "a"], "2": ["abcdef1" + "0" * 57, "b"]}}, f)
    both = a.run("download", "abcdef")
    check(both.code == 2 and both.err == "iwanto: more than one row of the last search begins with abcdef\n"
          "give more digits, or @N for row N\n", both)
    check(a.run("download", "abcdef1").code == 1, "one of them, that nobody has any more")


def case_pasted(w):
    """download takes lines of lists of sums, quoted or not"""
    a, _ = library(w)
    two = sha256(b"two" * 1000)
    for n, args in enumerate(([f"{two}  line {n}.mkv" for n in (0,)], [two, "*line", "-o", "1/"], ["line"], [f"SHA256 (x) = {two}", "-o", "2"])):
        done = a.run("download", *args)
        check(done.code == (2 if n == 2 else 0), done)
    check(sorted(os.listdir(a.downloads)) == ["1", "2", "line 0.mkv"] and os.listdir(os.path.join(a.downloads, "1")) == ["line"],
          os.listdir(a.downloads))
    stored(w, "pasted", transcript(a, ["download", f"{two}  ../x"], ["download", two, "/etc/x"], ["download", "0" * 32 + "  x"],
                                   ["download", two, "a", "b"], ["download", "--sums", "x", two], ["download", "hello world"],
                                   ["download", "--sums"]))


def case_sums(w):
    """--sums: of a list whatever anyone has, under the list's names; a report; what is there is skipped"""
    a, b = library(w)
    two, kings = sha256(b"two" * 1000), sha256(b"kings")
    a.write("SUMS", (f"{two}  pool/cap.mkv\r\n{kings} *k.pdf\r\n{'0' * 64}  gone.iso\r\nSHA256 (again.pdf) = {kings}\r\n"
                     f"\\{sha256(b'r')}  odd\\nname.pdf\r\n# comment\r\n-----BEGIN PGP\r\n{'0' * 32}  md5\r\n{kings}  ../out\r\n{kings}\r\n").encode())
    a.write("Downloads/k.pdf", b"other")
    check(a.run("set", "downloads-at-once", "1").code == 0, "one after the other")
    text = transcript(a, ["download", "--sums", "SUMS"], ["download", "--sums", "SUMS"], ["download", "-q", "--sums", "SUMS", "-o", "in"], ["download", "--sums", "nothing"], ["download", "--sums", "."],
                      ["download", "--sums", "/dev/null"])
    stored(w, "sums", text)
    with open(os.path.join(a.downloads, "k.pdf"), "rb") as f:
        check(f.read() == b"other", "nothing is written over")
    check(sorted(os.listdir(os.path.join(a.downloads, "in"))) == sorted(["pool", "k.pdf", "again.pdf", "odd\nname.pdf", "valley of kings.pdf"]),
          os.listdir(os.path.join(a.downloads, "in")))
    check(not os.path.exists(os.path.join(a.home, "out")), "inside")
    a.write("ALL", f"{two}  all.mkv\n".encode())
    done = a.run("download", "--sums", "ALL")
    check(done.code == 0 and done.err == "of 1: 1 fetched\n", done)
    events = a.run("download", "--sums", "SUMS", "--json").rows()
    check(events[-1] == {"event": "report", "all": 6, "fetched": 0, "here": 5, "queued": 0, "missing": 1, "failed": 0, "refused": 1, "other": 1, "unknown": 1},
          events)
    check(events[-2] == {"event": "missing", "hash": "0" * 64, "name": "gone.iso"}, events)
    queued = a.run("download", "--detach", "--sums", "SUMS", "-o", "later")
    check(queued.code == 5 and "of 6: 3 queued, 1 that nobody has, 2 not asked for yet\n" in queued.err, queued)
    wait("what was queued", lambda: all(d["event"] in ("done", "skipped") for d in a.run("downloads", "--json").rows()))
    check(sorted(os.listdir(os.path.join(a.downloads, "later"))) == ["k.pdf", "odd\nname.pdf", "pool"], os.listdir(os.path.join(a.downloads, "later")))
    check(a.terminal("download", "--sums", "SUMS", columns=20).code == 1, "a narrow terminal")
