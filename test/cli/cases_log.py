"""log, --exec and on-download: what was transferred is told, and commands of the owner's run."""

import os
import signal
import subprocess

from kit import check, safe, sha256, wait


def case_log(w):
    """log: who fetched what from here, what was fetched here; filters, follow, every form"""
    a, b = w.pair()
    none = a.run("log")
    check(none.code == 1 and none.err == "iwanto: no transfer was written down yet\n", none)
    follow = b.popen("log", "-f", "--json", stdout=subprocess.PIPE)
    for words in ("cap table", "minimum viable", "song red"):
        check(a.run("get", "--first", words).code == 0, words)
    got = wait("three lines", lambda: (r := a.run("log", "--json").rows()) and len(r) == 3 and r)
    check([r["way"] for r in got] == ["from"] * 3 and all(r["whole"] and r["names"] == ["b"] for r in got), got)
    gave = wait("three lines", lambda: (r := b.run("log", "--json").rows()) and len(r) == 3 and r)
    check(all(r["way"] == "to" and r["name"] == "a" and r["whole"] and len(r["peer"]) == 32 for r in gave), gave)
    two = sha256(b"two" * 1000)
    check({r["hash"] for r in gave} == {r["hash"] for r in got} and two in {r["hash"] for r in gave}, gave)
    check(len(b.run("log", "--to", "--peer", "A").out.splitlines()) == 3 and b.run("log", "--from").code == 1, "filters")
    check(b.run("log", "--peer", gave[0]["peer"][:7], "silicon", "CAP").out.split("\t")[6:] ==
          [two, "Shows/Silicon Valley/Silicon Valley S01E02 The Cap Table.mkv\n"], "words")
    check(b.run("log", "--since", "1h", "--limit", "1").out.count("\n") == 1 and b.run("log", "--since", "2999-01-01").code == 1, "since")
    for columns in (20, 60, 200):
        shown = b.terminal("log", columns=columns, env={"NO_COLOR": "1"})
        check(shown.code == 0 and "Silicon" in shown.out, shown)
        safe(shown.out)
    for bad in (["--since", "never"], ["--to", "--from"], ["--peer", ""], ["-x"]):
        check(b.run("log", *bad).code == 2, bad)
    lines = [follow.stdout.readline() for _ in range(3)]
    follow.send_signal(signal.SIGINT)
    check(follow.wait(30) == 130 and all(b'"way":"to"' in x for x in lines), lines)
    path = os.path.join(b.state, "transfers")
    check(os.stat(path).st_mode & 0o777 == 0o600, "its mode")
    with open(path, "a") as f:
        f.write("damaged\n{}\n[]\n{\"way\":7,\"names\":[1]}\nhalf")
    check(b.run("log", "--to").out.count("\n") == 3 and b.run("log").code == 0, "damaged lines are nothing")
    b.run("stop")
    b.running = False
    check(b.run("log").code == 0, "without a service")


def case_exec(w):
    """--exec and on-download: run once, with path and variables; names are no commands"""
    a, b = w.pair()
    evil = "$(touch evil); `touch evil` & 'x' \"y\".txt"
    b.write("Public/" + evil, b"evil")
    wait("the file", lambda: a.run("search", "evil touch").code == 0)
    check(a.run("set", "on-download", 'printf "%s %s\\n" "$IWANT_HOOK_HASH" "$1" >> "$HOME/all"').code == 0, "set")
    done = a.run("get", "--first", "evil touch", "--exec", 'printf "%s" "$1|$IWANT_HOOK_NAME|$IWANT_HOOK_SIZE" > "$HOME/one"')
    check(done.code == 0, done)

    def text(name):
        path = os.path.join(a.home, name)
        return open(path).read() if os.path.exists(path) else None
    wait("the command", lambda: text("one") == f"{a.downloads}/{evil}|{evil}|4")
    wait("the one for all", lambda: text("all") == f"{sha256(b'evil')} {a.downloads}/{evil}\n")
    check(not os.path.exists(os.path.join(a.home, "evil")) and not os.path.exists("evil"), "names are no commands")
    os.remove(os.path.join(a.home, "one"))
    check(a.run("download", sha256(b"evil"), "--exec", "mv", "-o", evil).code == 0, "there already")
    a.run("download", sha256(b"evil"), "--exec", 'touch "$HOME/one"')
    wait("its own command again", lambda: text("one") == "")
    check(text("all").count("\n") == 1, "nothing was downloaded")
    log = os.path.join(a.state, ".iwant.log")
    wait("the failure in the log", lambda: "hook failed what=download status=1" in open(log).read())
    check(a.run("set", "on-download", "no").code == 0, "none")
    check(a.run("download", sha256(b"evil"), "--exec", "").code == 2, "no command")
