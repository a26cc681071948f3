"""Figures of election and membership, from real daemons in namespaces. Part of run.py: PART=election.

Sizes by environment or option: IWANT_BENCH_KILLS (--kills, 200), IWANT_BENCH_HOG_S (--hog-seconds, 60 with a CPU hog on every host),
IWANT_BENCH_HOSTS (--hosts, 64, the largest LAN). About six minutes in all.
"""

import glob
import json
import os
import re
import statistics
import subprocess
import sys
import time
from datetime import datetime, timezone

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "net"))

from lan import Failed, Lan, sh, wait  # noqa: E402
import cases_story as story  # noqa: E402

CHANGE = re.compile(r"^(\S+) info lan leader peer=(\w+) addr=(\S+) term=(\d+)", re.M)


def number(name, fallback):
    return int(os.environ.get("IWANT_BENCH_" + name, fallback))


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def spread(ms, unit="ms"):
    return f"p50 {statistics.median(ms):.0f}, p99 {percentile(ms, 99):.0f}, max {max(ms):.0f} {unit}"


def row(what, figure, how):
    print(f"| {what} | {figure} | {how} |", flush=True)


def ask(host, path):
    return host.ask(path)


def status(host):
    return host.told()


def settled(hosts, seconds=60, warm_s=2.0):
    """All follow one leader who knows all; stand-bys are waited for for a moment longer, until they have their copy."""
    begin = time.monotonic()

    def probe():
        all_of_them = [status(h) for h in hosts]
        if any(s.get("peers") != len(hosts) or not s.get("leader") for s in all_of_them):
            return None
        leaders = {s["leader"]["peer"] for s in all_of_them}
        lead = next((h for h, s in zip(hosts, all_of_them) if s["leader"]["self"]), None)
        warm = all(x["warm"] for x in all_of_them[0]["standbys"])
        if len(leaders) == 1 and lead and (warm or time.monotonic() - begin > warm_s):
            return lead
        return None
    return wait("the hosts to agree", probe, seconds, every=0.02)


def changes(host):
    """Each leader that it was told of: (seconds since 1970, peer, term)."""
    out = []
    for when, peer, _, term in CHANGE.findall(host.log_text()):
        at = datetime.strptime(when, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()
        out.append((at, peer, int(term)))
    return out


def cpu_ns(host):
    """Of all its threads, by the scheduler's own count."""
    total = 0
    for path in glob.glob(f"/proc/{host.process.pid}/task/*/schedstat"):
        with open(path) as f:
            total += int(f.read().split()[0])
    return total


def make(lan, count):
    hosts = [lan.host(f"h{i:02}") for i in range(count)]
    for h in hosts:
        story.write(f"{h.share}/song of {h.name}.ogg", h.name.encode() * 10)
    return hosts


def start_all(hosts):
    for h in hosts:
        h.start(ready=False)


def kills(build):
    """kill -9 of the leader, again and again; a search on another host at that moment"""
    count, hosts_count = number("KILLS", 200), 5
    answered, known, empty, failed = [], [], 0, 0
    with Lan(build) as lan:
        hosts = make(lan, hosts_count)
        start_all(hosts)
        for i in range(count):
            lead = settled(hosts)
            rest = [h for h in hosts if h is not lead]
            asker, holder = rest[i % len(rest)], rest[(i + 1) % len(rest)]
            before = {h: len(changes(h)) for h in rest}
            wall, begin = time.time(), time.monotonic()
            lead.process.kill()
            while True:
                code, answer = ask(asker, f"/v1/search?q=song%20of%20{holder.name}&timeout_ms=5000")
                if code != 200:
                    failed += 1
                elif any(r["name"] == f"song of {holder.name}.ogg" for r in answer["rows"]):
                    break
                else:
                    empty += 1
                if time.monotonic() - begin > 20:
                    raise Failed("no answer for 20 s")
            answered.append((time.monotonic() - begin) * 1000)
            wait("all to know the new one", lambda: all(len(changes(h)) > before[h] for h in rest), every=0.01)
            known.append((max(changes(h)[-1][0] for h in rest) - wall) * 1000)
            lead.process.wait()
            lead.process = None
            lead.start(ready=False)
        settled(hosts)
    row("kill -9 of the leader until a search started at that moment is answered in full", f"**{spread(answered)}**",
        f"{count} kills, {hosts_count} hosts, asked over the owner's socket; {failed} failed, {empty} were answered without the row first")
    row("... until all know the new leader", spread(known), "the same kills, by the services' logs")


def cold(build):
    """Eight hosts started at once"""
    first, runs = [], 10
    with Lan(build) as lan:
        hosts = make(lan, 8)
        for _ in range(runs):
            wall = time.time()
            start_all(hosts)
            settled(hosts, warm_s=0)
            ready = max(ready_at(h) for h in hosts)
            leaders = [c[0] for h in hosts for c in changes(h) if c[0] >= wall]
            first.append((min(leaders) - min(ready_at(h) for h in hosts)) * 1000)
            del ready
            for h in hosts:
                h.stop()
    row("cold start of 8 hosts at once: the first to be ready until the first leader", spread(first), f"{runs} starts")


def ready_at(host):
    """When its sockets were open, last time."""
    when = re.findall(r"^(\S+) info lan interfaces", host.log_text(), re.M)
    started = re.findall(r"^(\S+) info service started", host.log_text(), re.M)
    before = [w for w in when if w <= started[-1]]
    return datetime.strptime(before[-1], "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=timezone.utc).timestamp()


def merge(build):
    """Two halves of a switch, joined again; and power lost at a follower"""
    joined, gone, runs = [], [], 8
    with Lan(build) as lan:
        hosts = make(lan, 8)
        start_all(hosts)
        settled(hosts)
        for h in hosts[4:]:
            h.plug_into("br1")
        sh("ip", "-n", lan.ns, "link", "add", "j0", "type", "veth", "peer", "name", "j1")
        for port, bridge in (("j0", "br0"), ("j1", "br1")):
            sh("ip", "-n", lan.ns, "link", "set", port, "master", bridge, "up")
        lead = settled(hosts)
        for _ in range(runs):
            sh("ip", "-n", lan.ns, "link", "set", "j0", "down")
            settled(hosts[4:] if lead in hosts[:4] else hosts[:4], warm_s=0)
            before = {h: len(changes(h)) for h in hosts}
            wall = time.time()
            sh("ip", "-n", lan.ns, "link", "set", "j0", "up")
            lead = settled(hosts, warm_s=0)
            told = [c[0] for h in hosts for c in changes(h)[before[h]:]]
            joined.append((max(told) - wall) * 1000)
        asker = next(h for h in hosts if h is not lead)
        for h in [h for h in hosts if h not in (lead, asker)][-4:]:
            h.cable(False)
            begin = time.monotonic()
            wait("the dead one's file to go", lambda: not [r for r in ask(asker, f"/v1/search?q=song%20of%20{h.name}")[1]["rows"]
                                                           if r["name"] == f"song of {h.name}.ogg"], 60, every=0.05)
            gone.append((time.monotonic() - begin) * 1000)
        for h in lan.hosts:
            h.cable(True)
    row("two halves of 4 hosts, joined: until the last has moved to the one leader", spread(joined), f"{runs} joins")
    row("power lost at a member: until its files are out of the search", spread(gone), f"{len(gone)} members, one after the other")


SNIFF = """
import socket, struct, sys, time
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(("br0", 0))
s.settimeout(0.2)
end, total = time.monotonic() + float(sys.argv[1]), 0
while time.monotonic() < end:
    try:
        d = s.recv(2048)
    except TimeoutError:
        continue
    four = d[12:14] == b"\\x08\\x00" and d[23] == 17 and d[36:38] == b"\\x04\\xd3"
    six = d[12:14] == b"\\x86\\xdd" and d[20] == 17 and d[56:58] == b"\\x04\\xd3"
    if d[0] & 1 and (four or six):
        total += len(d)
print(total)
"""


def calm(build):
    """Traffic and processor time of hosts with nothing to do"""
    sizes = sorted({2, 8, number("HOSTS", 64)})
    for count in sizes:
        with Lan(build) as lan:
            hosts = make(lan, count)
            start_all(hosts)
            lead = settled(hosts, 120)
            seconds = 20 if count == 8 else 10
            time.sleep(6)
            place = [x["name"] for x in status(lead)["standbys"]]
            used = {h: cpu_ns(h) for h in hosts}
            total = int(subprocess.run(["ip", "netns", "exec", lan.ns, sys.executable, "-c", SNIFF, str(seconds)],
                                       capture_output=True, text=True, check=True).stdout)
            share = {h: (cpu_ns(h) - n) / seconds / 1e7 for h, n in used.items()}
            by = [h for h in hosts if h.name in place]
            rest = [h for h in hosts if h is not lead and h not in by]
            row(f"multicast on the LAN, {count} hosts", f"{total / seconds:.0f} bytes/s", f"{seconds} s, Ethernet included")
            row(f"processor time of an idle peer, {count} hosts: leader / stand-by / other member",
                f"{share[lead]:.2f} / {statistics.mean(share[h] for h in by):.2f} / "
                + (f"{statistics.mean(share[h] for h in rest):.2f}" if rest else "-") + " % of a core", "the same time, by the scheduler's count")
            if count == 8:
                flood(lan, lead, hosts)


def flood(lan, lead, hosts):
    """100,000 invalid datagrams a second at the leader's port and at the group"""
    group = next(line.split()[-1] for line in sh("ip", "netns", "exec", lead.ns, "ip", "maddr", "show", "dev", "eth0").splitlines()
                 if "inet  239.255." in line)
    tag = "%02x%02x" % tuple(int(x) for x in group.split(".")[2:])
    attacker = lan.host("flood")
    program = os.path.join("build", "bench", "flood")
    for kind, where in (("junk", lead.ip), ("foreign", group), ("sealed", lead.ip), ("sealed", group)):
        before = sum(len(changes(h)) for h in hosts)
        used, seconds = cpu_ns(lead), 6
        sh("ip", "-n", attacker.ns, "route", "replace", "239.0.0.0/8", "dev", "eth0")
        sent = int(sh("ip", "netns", "exec", attacker.ns, program, where, "1235", "100000", str(seconds), kind, tag))
        share = (cpu_ns(lead) - used) / seconds / 1e7
        settled(hosts, warm_s=0)
        moved = sum(len(changes(h)) for h in hosts) - before
        row(f"{sent / seconds:,.0f} invalid datagrams a second ({kind}) at the {'group' if where == group else 'leader'}",
            f"{share:.1f} % of a core at the leader, {moved} changes of leader", f"{seconds} s, {len(hosts)} hosts")


def hog(build):
    """A CPU hog on every host"""
    seconds, nice = number("HOG_S", 60), number("HOG_NICE", 0)
    with Lan(build) as lan:
        hosts = make(lan, number("HOG_HOSTS", 8))
        start_all(hosts)
        settled(hosts)
        before = {h: len(changes(h)) for h in hosts}
        hogs = [subprocess.Popen(["ip", "netns", "exec", h.ns, "nice", "-n", str(nice), "sh", "-c", "while :; do :; done"]) for h in hosts]
        loads, begin = [], time.monotonic()
        try:
            while (left := begin + seconds - time.monotonic()) > 0:
                time.sleep(min(left, 30))
                loads.append(os.getloadavg()[0])
            after = {h: changes(h)[n:] for h, n in before.items()}
        finally:
            for p in hogs:
                p.kill()
                p.wait()
        settled(hosts)
    for h, told in after.items():
        for at, peer, term in told:
            print(f"{h.name} was told of {peer}, term {term}, at {at - time.time():.1f} s", file=sys.stderr)
    row(f"changes of leader without a fault, a CPU hog on each of {len(hosts)} hosts", f"{sum(len(t) for t in after.values())}",
        f"{seconds} s, {os.cpu_count()} cores, load {statistics.median(loads):.0f}, most {max(loads):.0f}" + (f"; hogs at nice {nice}" if nice else ""))


def part_election(build):
    """Election and membership"""
    load = os.getloadavg()[0]
    only = os.environ.get("IWANT_BENCH_ONLY", "kills cold merge calm hog").split()
    for part in (kills, cold, merge, calm, hog):
        if part.__name__ in only:
            part(build)
    print(f"\nLoad of the machine before: {load:.1f}", flush=True)
