"""Those who stand by: a copy that is kept up, and what moves when the leader changes."""

import os
import signal
import time

from cases_story import check, write
from lan import sh, wait


def catalog(host):
    return host.status()["catalog"]


def fill(host, count):
    for i in range(count):
        write(f"{host.share}/{host.name} files/{i % 13}/{host.name} number {i:04}.txt", b"%d of %s" % (i, host.name.encode()))


def on_bridge(lan, bridge, hosts):
    """Move the hosts' cables to another switch, which may be new."""
    if bridge not in sh("ip", "-n", lan.ns, "-br", "link"):
        sh("ip", "-n", lan.ns, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
        sh("ip", "-n", lan.ns, "link", "set", bridge, "up")
    for h in hosts:
        sh("ip", "-n", lan.ns, "link", "set", h.port, "master", bridge)


def all_warm(leader, *others, files):
    """Two stand by with all of the leader's rows (one, where there is only one)."""
    def probe():
        warm = [h for h in others if catalog(h)["warm"] and catalog(h)["files"] == files and not catalog(h)["awaited"]]
        return warm if len(warm) == min(2, len(others)) else None
    wait(f"the leader to have {files} files", lambda: catalog(leader)["files"] == files)
    return wait("the stand-bys to have them too", probe)


def settled_rows(host):
    """Until no row has come for a second: folders are hashed after their files."""
    def probe():
        was = catalog(host)["pulled_rows"]
        time.sleep(1)
        return was == catalog(host)["pulled_rows"]
    wait("rows to settle", probe)


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
    for h in warm:
        settled_rows(h)
    before = {h.name: catalog(h)["pulled_bytes"] for h in warm}
    first.kill()
    second = lan.settled(*others)
    check(second in warm, f"{second.name} leads, but {[h.name for h in warm]} stood by")
    wait("the dead one's files to go", lambda: catalog(second)["files"] == 901)
    check(len(second.search("mango")) == 1, "found")
    after = catalog(second)
    check(after["pulled_bytes"] == before[second.name], f"{after['pulled_bytes'] - before[second.name]} bytes moved")


def case_leader_stopped(lan):
    """While the leader stands still for 2 s every search is answered, and nobody loses a row"""
    hosts = [lan.host(n) for n in ("a", "b", "c", "d")]
    for h in hosts:
        fill(h, 30)
        h.start()
    first = lan.settled(*hosts)
    others = [h for h in hosts if h is not first]
    warm = all_warm(first, *others, files=120)
    asker = next(h for h in others if h not in warm)
    asker.search("number 0007")
    for seconds in (0.5, 2):
        leader = lan.settled(*hosts)
        all_warm(leader, *[h for h in hosts if h is not leader], files=120)
        searchers = [h for h in hosts if h is not leader]
        stopped = leader.process.pid
        os.kill(stopped, signal.SIGSTOP)
        try:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                for h in searchers:
                    rows = h.search("number 0007", "--limit", "10")
                    check(len(rows) >= 3, f"{h.name}: {len(rows)} rows")
        finally:
            os.kill(stopped, signal.SIGCONT)
    leader = lan.settled(*hosts)
    wait("all files to be there again", lambda: catalog(leader)["files"] == 120)


def case_absence(lan):
    """A service that was stopped, killed or away and is back sends what is new of its files, and no more"""
    hosts = [lan.host(n) for n in ("a", "b", "c")]
    fill(hosts[2], 2000)
    for h in hosts:
        h.start()
    first = lan.settled(*hosts)
    other = next(h for h in hosts[:2] if h is not first)
    far = hosts[2] if first is not hosts[2] else None
    if not far:  # the one with the files leads: the next one is to
        first.stop()
        first = lan.settled(*hosts[:2])
        far, other = hosts[2], next(h for h in hosts[:2] if h is not first)
        far.start()
        check(lan.settled(*hosts) is first, "the leader stays")
    wait("all files", lambda: catalog(first)["files"] == 2000)
    for sig in (signal.SIGTERM, signal.SIGKILL):
        far.kill(sig)
        wait("its files to go", lambda: not catalog(first)["files"])
        check(not other.search("number 0012"), "hidden at once")
        write(f"{far.share}/news of {int(sig)}.txt", b"new")
        was = catalog(first)["pulled_bytes"]
        far.start()
        wait("its files to be back", lambda: other.search(f"news of {int(sig)}") and other.search("number 0012"))
        moved = catalog(first)["pulled_bytes"] - was
        check(moved < 20000, f"{moved} bytes moved for one file")
    settled_rows(first)
    far.cable(False)
    wait("its files to go", lambda: not catalog(first)["files"], 30)
    was = catalog(first)["pulled_rows"]
    far.cable(True)
    wait("its files to be back", lambda: catalog(first)["files"] == 2002, 30)
    moved = catalog(first)["pulled_rows"] - was
    check(not moved, f"{moved} rows moved; {catalog(first)}")


def case_halves_rejoined(lan):
    """Two halves of a cut LAN that meet again move no row of what did not change"""
    hosts = [lan.host(n) for n in ("a", "b", "c", "d")]
    for h in hosts:
        fill(h, 500)
        h.start()
    first = lan.settled(*hosts)
    all_warm(first, *[h for h in hosts if h is not first], files=2000)
    settled_rows(first)
    mates = [h for h in hosts if h is not first]
    far = mates[1:]
    on_bridge(lan, "br1", far)
    lan.settled(*far)
    wait("each half to have its own", lambda: catalog(first)["files"] == 1000, 30)
    write(f"{far[0].share}/written apart.txt", b"apart")
    wait("the news within the half", lambda: far[1].search("written apart"))
    settled_rows(first)
    was = {h.name: catalog(h) for h in hosts}
    on_bridge(lan, "br0", far)
    leader = lan.settled(*hosts, seconds=30)
    wait("all files", lambda: catalog(leader)["files"] == 2001, 30)
    moved = catalog(leader)["pulled_rows"] - was[leader.name]["pulled_rows"]
    check(moved <= 4, f"{moved} rows moved")


def case_failed_download(lan):
    """A holder that a download cannot reach leaves the search; a healthy one that is reported stays"""
    hosts = [lan.host(n) for n in ("a", "b", "c", "d")]
    for h in hosts:
        h.start()
    first = lan.settled(*hosts)
    dead, mute, asker = [h for h in hosts if h is not first]
    for holder, name in ((dead, "lone plum.txt"), (mute, "lone quince.txt")):
        write(f"{holder.share}/{name}", name.encode())
        row = asker.find(name)
        if holder is dead:
            holder.kill()  # its machine refuses
        else:
            holder.cable(False)  # nobody answers
        failed_ms(asker, row["hash"], name)
    asker.search("anything")
    check(first.name in asker.peers() and asker.name in asker.peers(), "the others stay")


def failed_ms(asker, digits, name):
    """Fetch from who is gone, and see its file leave the search. Told, not asserted: how long after the failure."""
    p = asker.popen("download", "--json", digits)
    began = time.monotonic()
    wait(f"{name} to go", lambda: not asker.search(name), 20, every=0.01)
    print(f"  {name}: out of the search {1000 * (time.monotonic() - began):.0f} ms after the download began", flush=True)
    p.kill()
