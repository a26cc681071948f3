"""Every command under every circumstance: wrong input, no service, no peers, no terminal, narrow and wide ones, closed pipes, full disks."""

import json
import os
import re
import signal
import subprocess

from kit import Skipped, check, safe, wait

HASH = object()  # of something that b shares
NOT_RUN = None   # takes a terminal or a browser, and has cases of its own

# What each command is run with beside two services, and its exit status.
GOOD = {
    "search": (["silicon"], 0), "get": (["cap", "table"], 0), "download": ([HASH], 0), "link": ([HASH], 0), "view": (["config"], 0),
    "set": (["limit-up", "0"], 0), "status": ([], 0), "peers": ([], 0), "downloads": ([], 0), "pause": (["f" * 64], 1),
    "resume": (["f" * 64], 1), "cancel": (["f" * 64], 1), "hash": (["file"], 0), "log": ([], 0), "want": (["apricot"], 0), "wants": ([], 0),
    "unwant": (["99"], 1), "help": ([], 0), "completion": (["bash"], 0), "share": (["--skipped"], 0),
    "start": NOT_RUN, "play": NOT_RUN, "stop": NOT_RUN, "doctor": NOT_RUN, "web": NOT_RUN, "watch": NOT_RUN,
}
NEED_NO_SERVICE = {"start", "view", "set", "hash", "log", "help", "completion", "doctor", "share"}


def commands(box):
    return re.findall(r"^  ([a-z]+)", box.run("--help").out, re.M)


def told(done, code):
    """One line that says what, and perhaps one what to do; nothing among the results."""
    lines = done.err.splitlines()
    check(done.code == code and lines and lines[0].startswith("iwanto: ") and len(lines) <= 2 and not done.out, done)
    safe(done.err)


def case_sweep_alone(w):
    """Every command: wrong input is exit 2, without a service exit 3, each with its line"""
    box = w.box("a")
    box.write("file", b"x")
    names = sorted(set(commands(box)))
    check(not set(names) - set(GOOD), f"new commands: add them to GOOD: {set(names) - set(GOOD)}")
    for name in names:
        told(box.run(name, "--nonsense"), 2)
        told(box.run(name, "--timeout", "x", "--color", "blue"), 2)
        if name in NEED_NO_SERVICE or not GOOD[name]:
            continue
        args = ["0" * 64 if x is HASH else x for x in GOOD[name][0]]
        for form in ([], ["--json"]):
            told(box.run(name, *args, *form), 3)
        shown = box.terminal(name, *args, columns=20)
        check(shown.code == 3 and "does not run" in shown.out and "\x1b" not in shown.out, shown)
    for word in ("play", "stop", "web"):
        told(box.run(word, *(["0" * 64] if word == "play" else [])), 3)
    check(not os.path.exists(box.state), "nothing is made by asking")


def run_into(box, args, stdout):
    p = subprocess.run([*box.world.prefix, box.world.program, *args], env=box.env(), cwd=box.home, stdin=subprocess.DEVNULL, stdout=stdout,
                       stderr=subprocess.PIPE, timeout=120)
    return p.returncode, p.stderr.decode()


def head(box, args):
    """As before `| head -0`: nobody reads."""
    r, wr = os.pipe()
    os.close(r)
    try:
        return run_into(box, args, wr)
    finally:
        os.close(wr)


def case_sweep(w):
    """Every command with services: in a pipe, as JSON, on terminals, into closed pipes and full disks"""
    if not os.path.exists("/dev/full"):
        raise Skipped("no /dev/full")
    a, _ = w.pair()
    a.write("file", b"x")
    hash_ = a.run("search", "--json", "cap table").rows()[0]["hash"]
    check(a.run("download", hash_).code == 0 and a.run("want", "nothing yet").code == 0, "something to list")
    for name, good in GOOD.items():
        if not good or name not in commands(a):
            continue
        args, code = [name] + [hash_ if x is HASH else x for x in good[0]], good[1]
        plain = a.run(*args)
        check(plain.code == code, plain)
        safe(plain.out + plain.err)
        check("\x1b" not in plain.out + plain.err, plain)
        if name == "want":
            a.run("unwant", "apricot")
        quiet = a.run(*args, "-q")
        # what is here already may be done before anybody has told of its holders
        same = [re.sub(r"^([0-9a-f]{64}\t\d+)\t[01]\t", r"\1\t?\t", x.out) for x in (quiet, plain)]
        check(same[0] == same[1] or name in ("log", "link", "status", "peers", "downloads"), (plain, quiet))
        check(code or not quiet.err, quiet)
        if name == "want":
            a.run("unwant", "apricot")
        if name not in ("help", "completion"):
            for line in a.run(*args, "--json").out.splitlines():
                check(line.startswith("{") and json.loads(line), (args, line))
        for columns in (20, 200):
            if name == "want":
                a.run("unwant", "apricot")
            shown = a.terminal(*args, columns=columns, env={"NO_COLOR": "1"})
            check(shown.code == code and "\x1b" not in shown.out, shown)
            safe(shown.out)
        if name == "want":
            a.run("unwant", "apricot")
        with open("/dev/full", "wb") as full:
            got, err = run_into(a, args, full)
        check((got, err.splitlines()[-1:]) == (7, ["iwanto: cannot write the results: disk full or closed pipe"]) if plain.out and not code
              else got == code, (args, got, err))
        if name == "want":
            a.run("unwant", "apricot")
        got, err = head(a, args)
        check(got in (-signal.SIGPIPE, 7) if plain.out else got == code, (args, got, err))


def case_sweep_no_peers(w):
    """Every command with a service that is alone: it leads, and nothing is found"""
    a = w.box("a")
    a.start()
    wait("it leads", lambda: (a.status()["leader"] or {}).get("self"))
    a.write("list", b"0" * 64 + b"  x\n")
    for args, code in ((["search", "x"], 1), (["get", "x"], 1), (["download", "0" * 64], 1), (["download", "000000"], 1), (["play", "0" * 64], 1),
                       (["link", "0" * 64], 1), (["pause", "f" * 64], 1), (["unwant", "x"], 1), (["log"], 1), (["download", "@1"], 2)):
        told(a.run(*args), code)
    sums = a.run("download", "--sums", "list")
    check(sums.code == 1 and not sums.out and sums.err == "nobody has  0000000000  x\nof 1: 1 that nobody has\n", sums)
    for args in (["status"], ["peers"], ["downloads"], ["wants"], ["want", "x"], ["view", "config"]):
        check(a.run(*args).code == 0, args)
