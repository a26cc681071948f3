#!/usr/bin/env python3
"""The command line of the real program, in a pipe and on a terminal: run.py BUILDDIR [CASE ...]

What a command says is compared with test/cli/*.out, where folders of this run are written DIR;
IWANT_TEST_STORE=1 writes those files anew. Ends with `N passed, N failed[, N skipped]`.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import traceback

from cases_get import *
from cases_completion import *
from cases_doctor import *
from cases_install import *
from cases_progress import *
from cases_log import *
from cases_sweep import *
from cases_want import *
from cases_web import *
from cases_search import *
from kit import Failed, Skipped, World, check, here, safe, sha256, stored, top, transcript, wait


# ---- without a service ----

def case_help(w):
    """Help of the program and of every command"""
    box = w.box("a")
    done = box.run("--help")
    check(done.code == 0 and not done.err, done)
    commands = re.findall(r"^  ([a-z]+)", done.out, re.M)
    check({"start", "search", "download", "share", "view", "stop", "status", "peers", "hash"} <= set(commands), commands)
    stored(w, "help", transcript(box, ["--version"], ["--help"], ["help", "download"], ["search", "-h"],
                                 ["help", "exit-codes"]))
    for name in commands:
        check(box.run("help", name).code == 0, name)
    nothing = box.run()
    check(nothing.code == 2 and not nothing.out and nothing.err == done.out, nothing)


def manual(name):
    with open(os.path.join(top, "man", name)) as f:
        return f.read()


def case_manual_codes(w):
    """The manual's exit codes are the program's"""
    said = [tuple(line.split(None, 1)) for line in w.box("a").run("help", "exit-codes").out.splitlines()]
    section = manual("iwanto.1").split(".Sh EXIT STATUS")[1].split(".El")[0]
    written = re.findall(r"^\.It (\d+)\n(.*)$", section, re.M)
    check(said == written, f"{said}\n{written}")


def case_manual_settings(w):
    """The manual's settings are the program's, with their flags and variables; and start knows the flags"""
    text = manual("iwant.conf.5")
    rows = w.box("a").run("view", "config", "--json").rows()
    start = w.box("b").run("help", "start").out
    section, written = None, []
    for line in text.splitlines():
        if line.startswith(".Ss Section "):
            section = line.split()[2]
        m = re.match(r"\.It Cm (\S+) No = .* Pq Fl -(\S+) , Ev (\S+)$", line)
        if m:
            written.append((section, *m.groups()))
    check(written == [(r["section"], r["name"], r["flag"], r["env"]) for r in rows], written)
    for r in rows:
        check(f"--{r['flag']}" in start, r)


def case_manual_commands(w):
    """The manual tells every command and every option"""
    text = manual("iwanto.1")
    box = w.box("a")
    commands = re.findall(r"^  ([a-z]+)", box.run("--help").out, re.M)
    check(len(commands) > 10, commands)
    for name in commands:
        check(re.search(rf"\bCm .*\b{name}\b", text), name)
        if name == "start":
            continue
        for option in re.findall(r"--([a-z-]+)", box.run("help", name).out):
            check(option == "version" or f"Fl -{option}" in text, option)


def case_manual_protocol(w):
    """iwant-protocol(7) has every datagram and route of doc/PROTOCOL.md, and none more"""
    text = manual("iwant-protocol.7")
    with open(os.path.join(top, "doc", "PROTOCOL.md")) as f:
        doc = f.read()
    types = re.findall(r"^\| (\d+) ([A-Z]+) \| (signed|)", doc, re.M)
    check(len(types) >= 20, types)
    check(re.findall(r"^\.It (\d+) Ta ([A-Z]+) Ta (signed|)", text, re.M) == types, types)
    section = doc.split("\n## Routes")[1].split("\n## ")[0]
    routes = {r.split("?")[0] for row in re.findall(r"^\| (`.*?) \|", section, re.M) for r in re.findall(r"(/v1/[^`, ?]+)", row)}
    written = {r.split("?")[0] for line in re.findall(r"^\.It (?:GET|POST).*", text, re.M) for r in re.findall(r"(/v1/\S+)", line)}
    check(routes == written, f"{routes ^ written}")


def case_usage(w):
    """Wrong usage: exit 2, one line, and what to try"""
    box = w.box("a")
    stored(w, "usage", transcript(
        box, ["serch", "x"], ["frobnicate"], ["\x1b[2J"], ["search"], ["search", "--lagrer", "1G", "x"],
        ["search", "--larger", "many", "x"], ["search", "--limit", "20000", "x"], ["--color", "blue", "status"],
        ["download"], ["download", "xyz"], ["download", "12345"], ["download", "@1"], ["download", "@x"],
        ["download", "to"], ["download", "--exce", "x", "123456"], ["download", "--limit-rate", "x", "123456"],
        ["share", "--add"], ["share", "a", "b"], ["view"], ["view", "files"], ["status", "x"], ["pause"], ["hash"],
        ["help", "nothing"], ["start", "now"], ["start", "--port", "0"], ["start", "--limit-up", "x"]))


def case_no_service(w):
    """What needs the service says that it does not run: exit 3"""
    box = w.box("a")
    for args in (["status"], ["peers"], ["search", "x"], ["stop"], ["downloads"], ["download", "0" * 64], ["pause", "0" * 64]):
        done = box.run(*args)
        check(done.code == 3 and not done.out, done)
        check(done.err == "iwanto: cannot reach the service: it does not run\nstart it with: iwanto start -d\n", done)
    check(not os.path.exists(box.state), "nothing is made by asking")


def case_view(w):
    """view config: defaults, file, environment; in a pipe, as JSON, on a terminal"""
    box = w.box("a")
    box.write(".iwant/.iwant.conf", b"# mine\n[Network]\nname = eva\nport = 77\n[Transfers]\nlimit-up = 1048576\n")
    env = {"IWANT_PORT": "78", "IWANT_HIDDEN": "yes", "IWANT_SHARE": "/srv/a folder with a long name",
           "IWANT_DOWNLOADS": "/srv/in"}
    stored(w, "view", transcript(box, ["view", "config"], env=env))
    rows = {r["name"]: r for r in box.run("view", "config", "--json", env=env).rows()}
    check(rows["port"]["value"] == "78" and rows["port"]["source"] == "environment", rows["port"])
    check(rows["limit-up"]["value"] == "1M" and rows["limit-up"]["source"] == "file", rows["limit-up"])
    check(rows["passphrase-file"]["value"] is None, rows)
    stored(w, "view-terminal", box.terminal("view", "config", env=env, columns=60).out)


def case_bad_file(w):
    """A wrong settings file: exit 2, the line is named"""
    box = w.box("a")
    text = ""
    for conf in (b"[Paths]\nshar = /x\n", b"[Path]\n", b"port = 1\n", b"[Network]\nport = 1\nport = 2\n",
                 b"[Network]\nport = no\n", b"[Network]\nwhat\n", b"[Network]\nname = \x1b[2J\n"):
        box.write(".iwant/.iwant.conf", conf)
        text += transcript(box, ["view", "config"])
        check(box.run("start").code == 2, conf)
    box.write(".iwant/.iwant.conf", b"")
    text += transcript(box, ["view", "config"], env={"IWANT_PORT": "no"})
    stored(w, "bad-file", text)


def case_folders(w):
    """share and download to without a service: checked and saved, comments stay"""
    box = w.box("a")
    box.write(".iwant/.iwant.conf", b"# mine\n[Network]\nname = eva\n")
    for d in ("Films/deep", "incoming", ".hidden"):
        os.makedirs(os.path.join(box.home, d))
    box.write("file", b"")
    stored(w, "folders", transcript(
        box, ["share", "Films"], ["download", "to", "incoming"], ["share", "incoming"], ["share", "."],
        ["share", "nothing"], ["share", "file"], ["share", "/"], ["share", "/etc"], ["share", "/usr"], ["share", ".iwant"],
        ["download", "to", "Films/deep"], ["download", "to", ".hidden"], ["view", "config"]))
    with open(os.path.join(box.state, ".iwant.conf")) as f:
        check(f.read() == f"# mine\n[Network]\nname = eva\n\n[Paths]\nshare = {box.home}/Films\n"
              f"download = {box.home}/incoming\n", "the file")
    check(box.run("start", "--share", "Films", "--downloads", "Films/deep").code == 2, "one inside the other")
    os.makedirs(os.path.join(box.home, "Music: live"))
    stored(w, "more-folders", transcript(
        box, ["share"], ["share", "--add", "Music: live"], ["share", "--add", "Films"], ["share", "--add", "Films/deep"],
        ["share", "--add", "incoming"], ["share", "--add", "/etc"], ["share"], ["share", "--json"], ["download", "to", "Music: live"],
        ["share", "--remove", "Films"], ["share", "--remove", "Films"], ["view", "config"], ["share", "--remove", "Music: live"],
        ["share"], ["share", "--skipped"], ["share", "Films"]))
    check(box.run("share", "/usr/share").code == 0, "a folder below a system folder")


def case_skipped(w):
    """share --skipped: what is not shared, and why; in a pipe, on a terminal, as JSON"""
    box = w.box("a")
    for name in ("Films/ok.mkv", "Films/.hidden", "Films/x.part", "Films/id_rsa", "Films/tmp/a", "Films/tmp/keep", "Films/out/b"):
        box.write(name, b"x")
    box.write("Films/.iwantignore", b"/out/\ntmp/*\n!keep\n")
    os.symlink("ok.mkv", os.path.join(box.home, "Films/link"))
    check(box.run("share", "Films").code == 0, "share")
    stored(w, "skipped", transcript(box, ["share", "--skipped"], ["share", "--skipped", "--json"], ["share", "--skipped", "x"],
                                    ["share", "--skipped", "--limit", "1"]))
    stored(w, "skipped-terminal", box.terminal("share", "--skipped", columns=60).out)
    one, two = box.run("hash", "Films/tmp").out, box.run("hash", "Films").out
    os.remove(os.path.join(box.home, "Films/out/b"))
    check(box.run("hash", "Films").out == two, "what is ignored does not count in a folder's hash")
    check(one != two, "folders")


def case_hash(w):
    """hash: of a file what sha256sum prints, of equal folders the same"""
    box = w.box("a")
    data = os.urandom(3 << 20)
    box.write("one/sub/file", data)
    box.write("two/sub/file", data)
    done = box.run("hash", "one/sub/file")
    check(done.out == f"{sha256(data)}\t{len(data)}\tfile\tone/sub/file\n", done)
    one, two = box.run("hash", "--json", "one", "two").rows()
    check(one["hash"] == two["hash"] and one["type"] == "dir" and one["size"] == len(data), one)
    inner = f"{sha256(data)} {len(data)} f file\n".encode()
    check(one["hash"] == sha256(f"{sha256(inner)} {len(data)} d sub\n".encode()), "the manifest's hash")
    done = box.run("hash", "nothing", "one")
    check(done.code != 0 and "nothing" in done.err and done.out.split()[0] == one["hash"], done)


def case_full_disk(w):
    """Results that can't be written are an error: exit 7"""
    if not os.path.exists("/dev/full"):
        raise Skipped("no /dev/full")
    with open("/dev/full", "wb") as full:
        done = w.box("a").run("view", "config", stdout=full)
    check(done.code == 7 and done.err.startswith("iwanto: cannot write"), done)


# ---- with services ----

def case_start(w):
    """start -d: says what is shared, answers when it returns; a second one is refused; stop ends it"""
    box = w.box("a")
    done = box.start()
    check(done.out == "", done)
    check(done.err.startswith(f"sharing {box.public} (0 files) with anyone on this LAN (open network); "
                              f"downloads go to {box.downloads}; change it with: iwanto share PATH\n"), done.err)
    check(os.stat(box.state).st_mode & 0o777 == 0o700, "mode of the state folder")
    check(os.stat(os.path.join(box.state, "iwant.sock")).st_mode & 0o777 == 0o600, "mode of the socket")
    check(os.path.getsize(os.path.join(box.state, ".iwant.log")) > 0, "a log is written")
    for args in (["start"], ["start", "-d"]):
        again = box.run(*args)
        check(again.code == 2 and "already runs" in again.err, again)
    check(box.run("stop").code == 0, "stop")
    check(box.run("stop").code == 3, "stopped")
    box.running = False
    check(not os.path.exists(os.path.join(box.state, "iwant.sock")), "the socket is gone")


def case_list(w):
    """share --list: what is announced, with its hashes, while a service runs and after; in a pipe and as JSON"""
    box = w.box("a")
    done = box.run("share", "--list")
    check(done.code == 1 and "nothing is indexed yet" in done.err, done)
    box.write("Public/Films/one.mkv", b"one")
    box.write("Public/x\ny", b"two")
    box.start()
    want = sorted([[sha256(b"one"), "3", "file", "Films/one.mkv"], [sha256(b"two"), "3", "file", "x\\x0ay"],
                   box.run("hash", "Public/Films").out.split()[:3] + ["Films"], box.run("hash", "Public").out.split()[:3] + ["."]])
    wait("the list", lambda: sorted(line.split("\t") for line in box.run("share", "--list").out.splitlines()) == want)
    check(box.run("stop").code == 0, "stop")
    box.running = False
    rows = box.run("share", "--list", "--json").rows()
    check(sorted([r["hash"], str(r["size"]), r["type"]] for r in rows) == [w[:3] for w in want], rows)
    check("x\ny" in [r["path"] for r in rows], rows)
    check(len(box.run("share", "--list", "--limit", "1").out.splitlines()) == 1, "--limit")
    check(box.run("share", "--list", "--skipped").code == 2, "one of them")


def case_start_fails(w):
    """start -d tells why it could not, with the child's exit status"""
    box = w.box("a")
    done = box.run("start", "-d", "--interface", "nosuch0")
    check(done.code == 2 and "nosuch0" in done.err, done)
    done = box.run("start", "-d", "--network", "family")
    check(done.code == 2 and "passphrase" in done.err, done)
    done = box.run("start", "-d", "--network", "family", "--passphrase-file", "nosuch")
    check(done.code == 2 and "nosuch: No such file" in done.err and "its first line is the passphrase" in done.err, done)
    check(box.run("status").code == 3, "nothing runs")


def case_foreground(w):
    """start in the foreground: a status line on a terminal; Ctrl-C and SIGTERM end it well"""
    box = w.box("a")
    for number in (signal.SIGINT, signal.SIGTERM):
        sent = []

        def act(text, p):
            if "no other peer" in text and not sent:
                sent.append(p.send_signal(number))
        done = box.terminal("start", "--interface", "lo", on_text=act)
        check(done.code == 0, done)
        check("sharing " in done.out and "no other peer heard yet" in done.out, done)
        safe(re.sub(r"\x1b\[(K|J|\d+A)", "", done.out))  # what takes the line away
    p = box.popen("start", "--interface", "lo", "-q", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait("an answer", lambda: box.run("status").code == 0)
    p.terminate()
    out, err = p.communicate(timeout=60)
    check((p.returncode, out, err) == (0, b"", b""), (p.returncode, out, err))


def case_status(w):
    """status and peers in every form"""
    a, b = w.pair()
    s = a.status()
    check(set(s) >= {"name", "peer", "network", "leader", "peers", "shared", "version", "port", "pid"}, s)
    check(s["name"] == "a" and s["peers"] == 2 and s["open"] is True, s)
    check(set(s["leader"]) == {"peer", "name", "self"}, s["leader"])
    peers = a.run("peers", "--json").rows()
    check(sorted(p["name"] for p in peers) == ["a", "b"], peers)
    check(len([p for p in peers if p["leader"]]) == 1, peers)
    check([p["name"] for p in peers if p["self"]] == ["a"], peers)
    check(all(p["addr"] for p in peers), peers)
    fields = dict(line.split("\t") for line in a.run("status").out.splitlines())
    check(fields["name"] == "a" and fields["peers"] == "2", fields)
    rows = [line.split("\t") for line in a.run("peers").out.splitlines()]
    check([len(r) for r in rows] == [9, 9] and sorted(r[8] for r in rows) == ["a", "b"], rows)
    check({r[8]: r[7] for r in rows}[s["leader"]["name"]] == "leader" and {r[7] for r in rows} <= {"leader", "standby"}, rows)
    check(s["role"] in ("leader", "standby") and s["term"] > 0 and s["member_ms"] >= 0, s)
    check(s["leader_changes"] >= 1 and s["leader_changed_why"], s)
    check([x["name"] for x in s["standbys"]] == [n for n in "ab" if n != s["leader"]["name"]], s["standbys"])
    check("leader-changed-why" in a.run("status", "-v").out and "leader-changed-why" not in a.run("status").out, "-v")
    text = a.terminal("status")
    check("2, this one included" in text.out and "anyone on this LAN" in text.out, text)
    safe(text.out)
    table = a.terminal("peers", env={"NO_COLOR": "1"}).out
    check(table.splitlines()[0].split() == ["NAME", "ADDRESS", "FILES", "SIZE", "MEMBER", "LOSS", "HEARD"], table)
    check("\x1b[1m" in a.terminal("peers").out and "\x1b" not in a.terminal("peers", env={"TERM": "dumb"}).out, "colour")


def case_download(w):
    """download: by row, prefix, sum; results on stdout; events as JSON; a bar on a terminal"""
    a, b = w.pair()
    big = os.urandom(24 << 20)
    b.write("Public/big file.bin", big)
    wait("the big file", lambda: a.run("search", "big file").code == 0)
    a.run("search", "silicon minimum viable")
    done = a.run("download", "@1")
    row = done.out.rstrip("\n").split("\t")
    path = os.path.join(a.downloads, "Silicon Valley S01E01 Minimum Viable Product.mkv")
    check(done.code == 0 and row[0] == sha256(b"pilot" * 1000) and row[1] == "5000" and row[3:] == ["file", path], done)
    check(done.err == "", done)
    events = a.run("download", "--json", "sha256:" + sha256(big)).rows()
    check(events[-1]["event"] == "done" and events[-1]["bytes"] == len(big), events[-1])
    with open(events[-1]["path"], "rb") as f:
        check(f.read() == big, "content")
    done = a.run("download", sha256(big)[:12].upper())
    check(done.code == 0 and done.out.startswith(sha256(big)), done)
    shown = a.terminal("download", "--limit-rate", "16M", "-o", "again.bin", "--rename", sha256(big))
    check(shown.code == 0 and "again.bin" in shown.out and " % " in shown.out and "/s" in shown.out, shown)
    check(os.path.getsize(os.path.join(a.downloads, "again.bin")) == len(big), "-o")
    safe(re.sub("\x1b\\[[0-9;]*m", "", shown.out))
    odd = a.run("search", "--json", "song red and new").rows()[0]["hash"]
    shown = a.terminal("download", odd, env={"NO_COLOR": "1"})
    check(shown.code == 0, shown)
    safe(shown.out)
    check(a.run("download", "0" * 64).code == 1, "nobody has it")
    check(a.run("download", "abcdef0123").code == 1, "nobody has one that begins so")
    check(a.run("download", "-o", "../x", sha256(big)).code == 2, "outside of the folder")
    wait("no partial file", lambda: not [f for f in os.listdir(a.downloads) if "iwant-part" in f])


def case_queue(w):
    """The queue: a slow download is listed, paused, resumed, interrupted, timed out, cancelled"""
    a, b = w.pair()
    big = os.urandom(32 << 20)
    b.write("Public/slow file.bin", big)
    wait("the file", lambda: a.run("search", "slow file").code == 0)
    key = sha256(big)
    late = a.run("download", "--timeout", "1", "--limit-rate", "1M", key)
    check(late.code == 9 and "the service goes on" in late.err, late)
    rows = a.run("downloads", "--json").rows()
    check([r["hash"] for r in rows if r["event"] not in ("done", "skipped")] == [key], rows)
    line = a.run("downloads").out.rstrip("\n").split("\t")
    check(line[0] == key and line[4] == "slow file.bin", line)
    check("slow file.bin" in a.terminal("downloads").out, "table")
    check(a.run("pause", key[:8]).code == 0 and a.run("resume", key[:8]).code == 0, "pause, resume")
    p = a.popen("download", key, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(1)
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=60)
    check(p.returncode == 130 and b"the service goes on" in err and f"iwanto cancel {key[:10]}".encode() in err, err)
    queued = a.run("download", "--detach", key)
    check(queued.code == 0 and queued.out == "" and "queued" in queued.err, queued)
    check(a.run("cancel", key).code == 0, "cancel")
    wait("no partial file", lambda: not os.listdir(a.downloads))
    for act in ("pause", "resume", "cancel"):
        check(a.run(act, "f" * 64).code == 1, act)


def case_change(w):
    """share and download to while the service runs: at once, checked, saved; flags in force show"""
    a, b = w.pair()
    a.write("Other/apricot.txt", b"apricot")
    os.makedirs(os.path.join(a.home, "In"))
    done = a.run("share", "Other")
    check(done.code == 0 and done.err == f"sharing {a.home}/Other\n", done)
    wait("the new folder", lambda: b.run("search", "apricot").code == 0)
    check(a.run("download", "to", "In").code == 0, "download to")
    b.run("search", "silicon minimum")
    hash_ = a.run("search", "--json", "silicon minimum").rows()[0]["hash"]
    done = a.run("download", "--json", hash_).rows()[-1]
    check(os.path.dirname(done["path"]) == os.path.join(a.home, "In"), done)
    a.write("More/blackberry.txt", b"blackberry")
    check(a.run("share", "--add", "More").err == f"sharing as well {a.home}/More\n", "one more")
    wait("the folder beside it", lambda: b.run("search", "blackberry").code == 0)
    check(a.run("share").out == f"{a.home}/Other\t\there\n{a.home}/More\tMore\there\n", a.run("share"))
    check(b.run("search", "--json", "blackberry").rows()[0]["path"] == "More/blackberry.txt", "its path")
    check(a.run("share", "--remove", "More").code == 0, "taken away")
    wait("its files gone", lambda: b.run("search", "blackberry").code == 1)
    for bad in (["share", "In"], ["share", "nothing"], ["share", "/etc"], ["download", "to", "Other"]):
        refused = a.run(*bad)
        check(refused.code == 2 and refused.err.startswith("iwanto: cannot "), refused)
    check(a.status()["shared"]["folder"] == f"{a.home}/Other", "the old one stays")
    rows = {r["name"]: r for r in a.run("view", "config", "--json").rows()}
    check(rows["share"]["value"] == f"{a.home}/Other" and rows["share"]["source"] == "file", rows["share"])
    check(rows["name"]["value"] == "a" and rows["name"]["source"] == "flag", rows["name"])
    with open(os.path.join(a.state, ".iwant.conf")) as f:
        check(f.read() == f"[Paths]\nshare = {a.home}/Other\ndownload = {a.home}/In\nalso = \n", "saved")


def case_disk(w):
    """A shared disk: it can be unmounted; back under another device number nothing of it is read again"""
    if os.geteuid() or not shutil.which("nsenter") or not os.path.exists("/sbin/mkfs.ext4"):
        raise Skipped("needs root, nsenter and mkfs.ext4")
    a, b = w.pair()
    image, at = os.path.join(w.dir, "disk.img"), os.path.join(a.home, "Disk")
    os.makedirs(at)
    pid = str(a.status()["pid"])

    def sh(text):  # where the service sees mounts; nobody else does
        return subprocess.run(["nsenter", "-t", pid, "-m", "/bin/sh", "-c", f"PATH=$PATH:/sbin; cd {at}/.. && " + text],
                              capture_output=True, text=True)

    def found(n):
        return len(b.run("search", "--json", "--limit", "100", "blackberry", "--ext", "txt").rows()) == n

    with open(image, "wb") as f:
        f.truncate(16 << 20)
    if sh(f"mkfs.ext4 -q {image} && mount -o loop {image} Disk").returncode:
        raise Skipped("cannot mount a file")
    check(sh("mkdir Disk/d && for n in $(seq 30); do echo $n >Disk/d/blackberry$n.txt; done").returncode == 0, "files")
    check(a.run("share", "--add", "Disk").code == 0, "share --add")
    wait("the disk's files", lambda: found(30))
    wait("calm", lambda: not a.status()["shared"]["indexing"])
    read, device = a.status()["shared"]["hashed"], sh("stat -c %d Disk").stdout
    wait("the unmounting", lambda: sh("umount Disk").returncode == 0)
    wait("its files to go", lambda: found(0))
    check("is gone" in a.status()["shared"]["trouble"], a.status()["shared"])
    check("Disk\taway" in a.run("share").out, a.run("share"))
    check(sh(f"dd if=/dev/zero of=x bs=1M count=1 && mkfs.ext4 -q x && mkdir X && mount -o loop x X &&"
             f" mount -o loop {image} Disk").returncode == 0, "another disk takes the number")
    check(sh("stat -c %d Disk").stdout != device, "another number")
    wait("its files back", lambda: found(30))
    wait("calm", lambda: not a.status()["shared"]["indexing"])
    check(a.status()["shared"]["hashed"] == read and not a.status()["shared"]["trouble"], a.status()["shared"])


def case_events_lost(w):
    """More happens than the system keeps events for: everything is looked through, nothing is missed, little is read"""
    a, b = w.pair()
    os.makedirs(os.path.join(a.public, "many"))
    a.write("Public/keep.txt", b"keep")
    wait("the first file", lambda: a.status()["shared"]["files"] == 1 and not a.status()["shared"]["indexing"])
    pid = a.status()["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        for n in range(9000):  # two events each, of 16384
            with open(os.path.join(a.public, "many", f"f{n}"), "w"):
                pass
        a.write("Public/many/blackberry.txt", b"last")
    finally:
        os.kill(pid, signal.SIGCONT)
    wait("the last file", lambda: b.run("search", "blackberry").code == 0)
    wait("calm", lambda: not a.status()["shared"]["indexing"], 60)
    check(a.status()["shared"]["files"] == 9002, a.status()["shared"])
    with open(os.path.join(a.state, ".iwant.log")) as f:
        check("events lost" in f.read(), "the queue was not full")
    check(a.status()["shared"]["hashed"] == 9002, a.status()["shared"])


def case_watch_limit(w):
    """Fewer watches than folders: said with the command that mends it; changes are found all the same"""
    if os.geteuid() or subprocess.run(["unshare", "-U", "--map-root-user", "true"], capture_output=True).returncode:
        raise Skipped("needs root and user namespaces")
    a = w.box("a")
    for n in range(12):
        a.write(f"Public/d{n}/old{n}.txt", b"old %d" % n)
    enter = subprocess.Popen(["unshare", "-U", "--map-root-user", "sh", "-c",
                              "echo 5 >/proc/sys/user/max_inotify_watches && echo ready && exec sleep 600"],
                             stdout=subprocess.PIPE, text=True)
    w.processes.append(enter)
    check(enter.stdout.readline() == "ready\n", "a namespace of users")
    inside = w.prefix
    w.prefix = w.prefix + ["nsenter", "-t", str(enter.pid), "-U", "--preserve-credentials"]
    a.start()
    shared = lambda: a.status()["shared"]
    wait("what is there", lambda: shared()["files"] == 12 and shared()["watch_limit"])
    check(shared()["unwatched"] == 8 and shared()["watch_need"] == 524288, shared())
    text = a.terminal("status", columns=250).out
    check("8 folders are not watched" in text and "sysctl fs.inotify.max_user_watches=524288" in text, text)
    for n in range(12):
        a.write(f"Public/d{n}/new{n}.txt", b"new %d" % n)
    a.write("Public/d11/deep/new.txt", b"new")
    wait("what is new", lambda: shared()["files"] == 25)
    check(shared()["hashed"] == 25, shared())
    subprocess.run([*inside, "nsenter", "-t", str(enter.pid), "-U", "--preserve-credentials", "sh", "-c",
                    "echo 50 >/proc/sys/user/max_inotify_watches"], check=True)
    wait("all to be watched", lambda: not shared()["watch_limit"] and not shared()["unwatched"])


def case_other_user(w):
    """Another user's service: exit 3 and one line"""
    if os.geteuid() or not shutil.which("setpriv"):
        raise Skipped("needs root and setpriv")
    box = w.box("a")
    box.start()
    for d in (w.dir, box.home):
        os.chmod(d, 0o755)
    p = subprocess.run([*w.prefix, "setpriv", "--reuid", "65534", "--clear-groups", w.program, "status"],
                       env=box.env(), capture_output=True, text=True, cwd="/")
    check(p.returncode == 3 and p.stdout == ""
          and p.stderr == "iwanto: cannot talk to the service of another user\n", p)


def main():
    build, wanted = sys.argv[1], sys.argv[2:]
    cases = [(n[5:], f) for n, f in globals().items() if n.startswith("case_") and (not wanted or n[5:] in wanted)]
    passed = failed = skipped = 0
    for name, fn in cases:
        begin = time.monotonic()
        try:
            with World(build) as w:
                fn(w)
            passed += 1
            print(f"ok   {name} ({time.monotonic() - begin:.1f} s)", flush=True)
        except Skipped as e:
            skipped += 1
            print(f"skip {name}: {e}", flush=True)
        except Exception as e:
            failed += 1
            print(f"FAIL {name}: {fn.__doc__}")
            if isinstance(e, Failed):
                print(f"  {e}", flush=True)
            else:
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
