"""search: what is asked, how rows look in a pipe, as JSON and on terminals of any width, what is kept for @N."""

import json
import os
import re
import unicodedata

from kit import check, safe, sha256, stored, transcript, wait


def library(w):
    """Two services; b shares names of all kinds, a has one content too, under another name."""
    a, b = w.box("a"), w.box("b")
    b.write("Public/Shows/Silicon Valley/Silicon Valley S01E01 Minimum Viable Product.mkv", b"pilot" * 1000)
    b.write("Public/Shows/Silicon Valley/Silicon Valley S01E02 The Cap Table.mkv", b"two" * 1000)
    b.write("Public/odd/song \x1b[31mred\u202e\tand\nnew.txt", b"odd")
    b.write("Public/Musik/宇多田ヒカル/First Love 初恋 (acoustic version).flac", b"love" * 300)
    b.write("Public/Musik/Cafe\u0301 del Mar/01 - Se\u00f1orita.mp3", b"mar" * 700)
    b.write("Public/Musik/Ga\u0308rten.mp3", b"garden")
    b.write("Public/docs/\u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd.txt", b"hello world")
    b.write(b"Public/docs/caf\xe9 menu.txt", b"menu")
    for i in range(1, 8):
        b.write(f"Public/docs/report {i}.pdf", b"r" * i)
    a.write("Public/old pilot.mkv", b"pilot" * 1000)
    a.start()
    b.start()
    wait("both to meet", lambda: a.status()["peers"] == 2 and b.status()["peers"] == 2
         and a.status()["leader"] and a.status()["leader"]["name"] == b.status()["leader"]["name"])
    wait("all files", lambda: len(a.run("search", "--json", "--limit", "200", "--larger", "1").rows()) == 22)
    return a, b


def shown(text):
    """As it may be stored: what switches colours is written so."""
    return text.replace("\x1b", "ESC")


def case_search(w):
    """search: in a pipe, as JSON, on a terminal; what is not found, misspelt, or named to deceive"""
    a, _ = library(w)
    stored(w, "search", transcript(
        a, ["search", "slicon valey minimum"], ["search", "silicon", "-table"], ["search", '"cap table"'],
        ["search", '"table cap"'], ["search", "song", "red", "and", "new"], ["search", "cafe del mar"],
        ["search", "garten"], ["search", "שלום"], ["search", "初恋"], ["search", "zyxwvut"], ["search", "silicoon", "--type", "audio"],
        ["search", "slicn", "--ext", "pdf"], ["search", "--type", "video"], ["search", "--", "---", "!!!"], ["search", "-q", "zyxwvut"],
        ["search", "--limit", "2", "--in", "shows", "silicon"], ["search", "report", "--offset", "50"],
        ["search", "report", "--offset", "50000"]))
    raw = a.run("search", "-0", "song red and new").out
    check(raw.endswith("odd/song \x1b[31mred\u202e\tand\nnew.txt\0"), repr(raw))
    latin = a.run("search", b"caf\xe9", env={"LC_ALL": "C"})
    check("caf\\xe9 menu.txt" in latin.out and "Cafe\u0301 del Mar" in latin.out, latin)
    check(a.run("search", "café", env={"LC_ALL": "de_DE.ISO-8859-1"}).out == latin.out, "whatever the locale")
    long = a.run("search", "silicon valley " * 1000)
    check(long.code == 0 and "first 300 bytes" in long.err, long)
    binary = a.run("search", b"\x80\x81\x01")
    check(binary.code == 1 and "no letter or digit" in binary.err, binary)


def case_search_json(w):
    """search --json: every field, rows numbered over pages, ASCII; -v adds what was found in all"""
    a, _ = library(w)
    row = a.run("search", "--json", "silicon minimum").rows()[0]
    check(set(row) == {"hash", "root", "path", "name", "size", "type", "modified", "holders", "holders_count",
                       "other_names", "score", "row"}, row)
    check(row["holders_count"] == 2 and sorted(row["holders"]) == ["a", "b"] and row["other_names"] == 1, row)
    check(row["row"] == 1 and row["type"] == "video" and row["hash"] == sha256(b"pilot" * 1000), row)
    check("Minimum Viable" in row["name"], "the best name is shown")
    rows = a.run("search", "--json", "-v", "--limit", "3", "--offset", "3", "report").rows()
    check([r.get("row") for r in rows] == [4, 5, 6, None], rows)
    told = {k: v for k, v in rows[3].items() if k not in ("term", "version", "lag_ms")}
    check(told == {"rows": 3, "offset": 3, "about": 7, "corrected": None, "nearest": None}, rows[3])
    check(rows[3]["term"] >= 1 and rows[3]["lag_ms"] >= 0, "how fresh the answer is")
    some = [r["hash"] for n in range(0, 8, 2) for r in a.run("search", "--json", "--limit", "2", "--offset", str(n), "report").rows()]
    check(some == [r["hash"] for r in a.run("search", "--json", "--limit", "1000", "report").rows()], "pages join")
    check(a.run("search", "--json", "song red").out.isascii(), "ASCII")
    nothing = a.run("search", "--json", "-v", "silicoon", "--ext", "pdf")
    check(nothing.code == 1 and nothing.rows()[-1]["rows"] == 0, nothing)


def case_search_terminal(w):
    """search on terminals: what was sought is marked, tables fit, nothing foreign gets through"""
    a, _ = library(w)
    text = ""
    for columns, words in ((100, ["slicon valey minimum"]), (72, ["silicon"]), (40, ["silicon"]), (80, ["love"]), (44, ["cafe", "senorita"]),
                           (60, ["שלום"]), (80, ["song", "red", "and", "new"]), (80, ["report", "--limit", "2"]), (80, ["zyxwvut"])):
        done = a.terminal("search", *words, columns=columns)
        text += f"$ iwanto search {' '.join(words)} [{columns} columns]\n{shown(done.out)}"
    stored(w, "search-terminal", text)
    for columns in (1, 20, 25, 30, 36, 48, 55, 66, 79, 120, 200):
        for words in ("silicon", "love", "cafe", "song red", "report"):
            done = a.terminal("search", words, columns=columns)
            check(done.code == 0, done)
            bare = re.sub("\x1b\\[[0-9;]*m", "", done.out)
            safe(bare)
            for line in bare.splitlines():
                if line.startswith(("@", " ")):
                    check(width(line) <= max(columns, 20), (columns, line))
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        check("\x1b" not in a.terminal("search", "silicon", env=env).out, env)
    check("\x1b" not in a.terminal("search", "--color=never", "silicon").out, "never")
    check("\x1b" in a.terminal("search", "--color=always", "silicon", env={"NO_COLOR": "1"}).out, "always")
    check("\x1b" not in a.run("search", "--color=always", "silicon").out, "a pipe's rows are never coloured")


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def case_search_rows(w):
    """@N of the last search, over its pages; another search begins anew"""
    a, _ = library(w)
    first = a.run("search", "--json", "--limit", "3", "report").rows()
    second = a.run("search", "--json", "--limit", "3", "--offset", "3", "report").rows()
    for n, row in ((2, first[1]), (5, second[1])):
        done = a.run("download", f"@{n}")
        check(done.code == 0 and done.out.split("\t")[0] == row["hash"], done)
        check(os.path.basename(done.out.rstrip("\n").split("\t")[4]) == row["name"], done)
    missing = a.run("download", "@7")
    check(missing.code == 2 and missing.err == "iwanto: there is no @7: the last search showed @1 to @6\n", missing)
    a.run("search", "silicon")
    check("showed @1 to @3" in a.run("download", "@5").err, "anew")
    path = os.path.join(a.state, "last-search")
    check(os.stat(path).st_mode & 0o777 == 0o600, "its mode")
    for bad in ("", "{", "[]", '{"search":"x","rows":{"1":["zz","n"]}}', '{"rows":{"1":7}}'):
        with open(path, "w") as f:
            f.write(bad)
        done = a.run("download", "@1")
        check(done.code == 2 and "search again" in done.err, done)
    check(a.run("search", "silicon").code == 0 and a.run("download", "@1").code == 0, "mended by the next search")


def case_search_filters(w):
    """Filters, and what is wrong with them"""
    a, b = library(w)
    old = os.path.join(b.public, "docs/report 1.pdf")
    os.utime(old, (1e9, 1e9))
    wait("the old time", lambda: a.run("search", "--json", "report 1").rows()[0]["modified"] == 10**9)

    def names(*args):
        return sorted(r["name"] for r in a.run("search", "--json", *args).rows())
    reports = [f"report {i}.pdf" for i in range(1, 8)]
    check(names("report") == reports, names("report"))
    for newer in ("2001-09-10", "2001-09-09 12:00", "1h", "2w"):
        check(names("report", "--newer", newer) == reports[1:], newer)
    check(names("report", "--newer", "2001-09-08") == reports and names("report", "--newer", "2001-09-08T10:30") == reports, "a day before")
    check(names("report", "--newer", "2999-01-01") == [], "to come")
    check(names("report", "--larger", "3", "--smaller", "5b") == reports[2:5], "sizes")
    check(names("--larger", "1.5K", "--smaller", "2.1K") == ["01 - Se\u00f1orita.mp3", "Cafe\u0301 del Mar"], names("--larger", "1.5K", "--smaller", "2.1K"))
    check(names("--ext", ".PDF") == reports and names("report", "-7") == reports[:6], "ext, -word")
    check(names("--peer", "A") == ["Silicon Valley S01E01 Minimum Viable Product.mkv"] or names("--peer", "A") == ["old pilot.mkv"], names("--peer", "A"))
    check(names("--type", "dir", "--in", "musik") == ["Cafe\u0301 del Mar", "宇多田ヒカル"], names("--type", "dir", "--in", "musik"))
    stored(w, "search-filters", transcript(
        a, *[["search", *bad, "x"] for bad in (
            ["--newer", "2020-02-30"], ["--newer", "yesterday"], ["--newer", "0"], ["--newer", "2020-01-01T25:00"], ["--newer", "1960-01-01"],
            ["--larger", "-7"], ["--larger", "1,5G"], ["--larger", "many"], ["--larger", "2G", "--smaller", "1G"], ["--type", "movie"],
            ["--type", ""], ["--type"], ["--peer", "nobody"], ["--peer", "\x1b[2J"], ["--offset", "-7"], ["--limit", "0"],
            ["--limit", "20000"], ["--timeout", "0"], ["--in", "y" * 256])]))
