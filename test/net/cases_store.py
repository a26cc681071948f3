"""The index of a host is lost or damaged: what others tell of it stays true."""

import glob
import os

from cases_story import check, sha256, write
from lan import wait


def told(leader, host):
    """{hash: name} of what a search finds of host's files; all have this word."""
    return {r["hash"]: r["name"] for r in leader.search("marzipan", "--type", "document", "--limit", "100")}


def truth(host):
    return {sha256(p): os.path.basename(p) for p in glob.glob(f"{host.share}/*.txt")}


def agree(leader, host, when):
    wait(f"the leader's copy {when}", lambda: told(leader, host) == truth(host), 30)
    check("copy-differs" not in leader.log_text(), leader.log_text()[-2000:])


def put(host, name, text):
    write(f"{host.share}/marzipan {name}.txt", text.encode())


def case_index_lost(lan):
    """A host's index is deleted, or not one at all: made anew, said, and the leader's copy is right"""
    a, b = lan.host("a"), lan.host("b")
    for name in ("one", "two", "three"):
        put(b, name, name)
    a.start()
    wait("a to lead", lambda: a.leader() == "a")
    b.start()
    agree(a, b, "at first")
    b.stop()
    for old in glob.glob(f"{b.home}/iwant.db*"):
        os.unlink(old)
    put(b, "one", "another one")
    b.start()
    agree(a, b, "after a loss")
    b.stop()
    with open(f"{b.home}/iwant.db", "r+b") as f:
        f.seek(0)
        f.write(b"no index at all" * 1000)
    put(b, "two", "another two")
    b.start()
    agree(a, b, "after damage")
    check("made anew" in b.status()["shared"]["trouble"] and "set aside" in b.said(), b.status())
    check(glob.glob(f"{b.home}/iwant.db.damaged-*"), "the damaged one is kept")
