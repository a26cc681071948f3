"""What moves when the leader changes, when somebody was away and when two halves meet: part "standby" of run.py."""

import os
import signal
import time

from cases_standby import all_warm, catalog, on_bridge, settled_rows
from lan import Lan, wait

FILES = int(os.environ.get("IWANT_BENCH_FILES", "100000"))  # of each of four hosts


def fill(host):
    for i in range(FILES):
        folder = f"{host.share}/{host.name} collection/shelf {i // 1000:03}"
        if i % 1000 == 0:
            os.makedirs(folder)
        with open(f"{folder}/{host.name} document number {i:06}.txt", "wb") as f:
            f.write(b"%d of %s" % (i, host.name.encode()))


def pulled(host):
    c = catalog(host)
    return c["pulls"], c["pulled_rows"], c["pulled_bytes"]


def row(what, was, now, how):
    pulls, rows, size = (b - a for a, b in zip(was, now))
    print(f"| {what} | {rows:,} rows, {size / 1024:,.1f} KiB in {pulls} answers | {how} |", flush=True)


def part_standby(build):
    """Rows and bytes that move at a takeover, after an absence, at a merge"""
    with Lan(build) as lan:
        hosts = [lan.host(n) for n in ("a", "b", "c", "d")]
        for h in hosts:
            fill(h)
            h.start(ready=False)
        wait("all to answer", lambda: all(h.run("status", "--json").code == 0 for h in hosts), 120)
        first = lan.settled(*hosts, seconds=60)
        others = [h for h in hosts if h is not first]
        total = 4 * FILES
        wait("the leader to have all", lambda: catalog(first)["files"] == total, 400, every=0.5)
        wait("two warm stand-bys", lambda: len([h for h in others if catalog(h)["warm"] and catalog(h)["files"] == total]) == 2, 200, every=0.5)
        warm = all_warm(first, *others, files=total)
        settled_rows(first)
        spare = next(h for h in others if h not in warm)
        how = f"4 hosts, {FILES:,} files each"
        row("the copy of a stand-by, at first", (0, 0, 0), pulled(warm[0]), how)

        for sig, what in ((signal.SIGTERM, "stopped and started again"), (signal.SIGKILL, "killed and started again")):
            was = pulled(first)
            spare.kill(sig)
            wait("its files to go", lambda: catalog(first)["files"] == total - FILES, 60)
            spare.start(ready=False)
            wait("its files to be back", lambda: catalog(first)["files"] == total, 120)
            settled_rows(first)
            row(f"a peer {what}, at the leader", was, pulled(first), "nothing changed meanwhile")
        was = pulled(first)
        spare.kill()
        wait("its files to go", lambda: catalog(first)["files"] == total - FILES, 60)
        with open(f"{spare.share}/new while away.txt", "wb") as f:
            f.write(b"new")
        spare.start(ready=False)
        wait("its files to be back", lambda: catalog(first)["files"] == total + 1, 120)
        settled_rows(first)
        row("a peer killed, one file more at its start, at the leader", was, pulled(first), "buckets of 1/256 of its rows")
        total += 1

        far = [spare, warm[1]]
        near = [first, warm[0]]
        on_bridge(lan, "br1", far)
        wait("each half alone", lambda: catalog(first)["files"] < total - FILES and any(catalog(h)["leading"] for h in far), 60)
        time.sleep(2)
        was = {h.name: pulled(h) for h in hosts}
        on_bridge(lan, "br0", far)
        leader = lan.settled(*hosts, seconds=60)
        wait("all files", lambda: catalog(leader)["files"] == total, 120)
        row("two halves joined again, at the leader", was[leader.name], pulled(leader), "nothing changed meanwhile")

        others = [h for h in hosts if h is not leader]
        wait("two warm stand-bys", lambda: len([h for h in others if catalog(h)["warm"] and not catalog(h)["awaited"]]) == 2, 120)
        was = {h.name: pulled(h) for h in hosts}
        leader.kill()
        second = lan.settled(*others, seconds=60)
        wait("the others' files", lambda: total - FILES - 1 <= catalog(second)["files"] <= total - FILES, 60)
        row("the leader killed, at the next one", was[second.name], pulled(second), f"{len(near)} + {len(far)} hosts before")
