"""Those who stand by: a copy that is kept up, and what moves when the leader changes."""

import os
import signal
import time

from cases_story import check, write
from lan import Failed, wait


def catalog(host):
    return host.status()["catalog"]


def fill(host, count):
    for i in range(count):
        write(f"{host.share}/{host.name} files/{i % 13}/{host.name} number {i:04}.txt", b"%d of %s" % (i, host.name.encode()))


def all_warm(leader, *others, files):
    """Two stand by with all of the leader's rows (one, where there is only one)."""
    def probe():
        warm = [h for h in others if catalog(h)["warm"] and catalog(h)["files"] == files and not catalog(h)["awaited"]]
        return warm if len(warm) == min(2, len(others)) else None
    wait(f"the leader to have {files} files", lambda: catalog(leader)["files"] == files)
    return wait("the stand-bys to have them too", probe)


def case_warm_takeover(lan):
    """After the leader was killed no row moves: whoever stood by has them all"""
    hosts = [lan.host(n) for n in ("a", "b", "c", "d")]
    for h in hosts:
        fill(h, 300)
        h.start()
    first = lan.settled(*hosts)
    others = [h for h in hosts if h is not first]
    warm = all_warm(first, *others, files=1200)
    write(f"{others[0].share}/late mango.txt", b"late")
    warm = all_warm(first, *others, files=1201)
    before = {h.name: catalog(h)["pulled_bytes"] for h in warm}
    first.kill()
    second = lan.settled(*others)
    check(second in warm, f"{second.name} leads, but {[h.name for h in warm]} stood by")
    wait("the dead one's files to go", lambda: catalog(second)["files"] == 901)
    check(len(second.search("mango")) == 1, "found")
    after = catalog(second)
    check(after["pulled_bytes"] == before[second.name], f"{after['pulled_bytes'] - before[second.name]} bytes moved")
