"""Swarms and several holders, for run.py: `make bench PART=swarm`. Rates are scaled down so that two processors carry all hosts;
every figure is a ratio to what iperf3 moves over the same link in the same run. Takes about five minutes; "swarms" or "four" in
IWANT_BENCH_SWARM_ONLY takes one half.

IWANT_BENCH_LEECHES="8 24" IWANT_BENCH_SWARM_RATE=60 IWANT_BENCH_SWARM_MIB=150 change the swarms.
"""

import json
import os
import shutil
import signal
import subprocess
import threading
import time

import cases_story as story
import cases_swarm
import others
from lan import Failed, Lan, wait

MIB = 1 << 20


def iperf(a, b, seconds=4):
    """Goodput from a to b, bytes a second."""
    server = subprocess.Popen(["ip", "netns", "exec", b.ns, "iperf3", "-s", "-1"], stdout=subprocess.DEVNULL)
    time.sleep(0.4)
    out = subprocess.run(["ip", "netns", "exec", a.ns, "iperf3", "-c", b.ip, "-t", str(seconds), "-J"], capture_output=True, text=True).stdout
    server.wait(10)
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 8


def processors():
    """Seconds that all processors worked, and were there."""
    with open("/proc/stat") as f:
        t = [int(x) for x in f.readline().split()[1:9]]
    return sum(t) - t[3] - t[4], sum(t)


class Fetching:
    """Downloads that run beside each other, and when each is done."""

    def __init__(self):
        self.begin, self.took, self.threads, self.bytes = time.monotonic(), {}, [], {}

    def start(self, host, digest):
        p, since = host.popen("download", "--json", digest), time.monotonic()

        def follow():
            for e in story.events(p):
                self.bytes[host] = e.get("bytes", 0)
                if e["event"] == "done":
                    self.took[host] = time.monotonic() - since, e["path"]
        self.threads.append(threading.Thread(target=follow))
        self.threads[-1].start()

    def all_have(self, size, hosts):
        """Wait until these have that much."""
        wait("half of it", lambda: all(self.bytes.get(h, 0) >= size for h in hosts), 300)

    def finish(self, path, hosts):
        """Seconds of the last of these; what they have is the source."""
        for t in self.threads:
            t.join()
        missing = [h.name for h in hosts if h not in self.took]
        if missing:
            raise Failed(f"{missing} did not get it")
        for h in hosts:
            story.same(path, self.took[h][1])
            os.unlink(self.took[h][1])
        return max(self.took[h][0] for h in hosts)


def swarm(build, n, mbit, mib, beside):
    with Lan(build) as lan:
        size = mib * MIB
        seeder, hosts, path, digest = cases_swarm.swarm(lan, n, f"{mbit}mbit", size)
        bound = size / iperf(seeder, hosts[0])
        up, before, cpu = cases_swarm.sent(seeder), processors(), sum(others.cpu_s(h.process.pid) for h in lan.hosts)
        all_of_them = Fetching()
        for h in hosts:
            all_of_them.start(h, digest)
        wall = all_of_them.finish(path, hosts)
        after = processors()
        cpu = (sum(others.cpu_s(h.process.pid) for h in lan.hosts) - cpu) / (n * size / 2**30)
        used = 100 * (after[0] - before[0]) / (after[1] - before[1])
        left = sum(h.log_text().count("parent-left") for h in hosts)
        up = (cases_swarm.sent(seeder) - up) / size
        print(f"| {mib} MiB, 1 holder -> {n}, {mbit} Mbit/s each way: last one done / bound (at most 1.15) | **{wall / bound:.2f}** ({wall:.1f} / {bound:.1f} s) "
              f"| the holder uploaded **{up:.2f}** times the file (at most 1.3), TLS and TCP included; CPU {cpu:.1f} s for each GiB and host; parents left: {left}; "
              f"processors {used:.0f} % busy (with all else that ran) |", flush=True)
        python = beside and others.torrent_python()
        if python:
            took = others.torrent_swarm(lan, python, seeder, hosts, path)
            print(f"| the same by libtorrent, plain, all know all | {took / bound:.2f} ({took:.1f} s) | |", flush=True)


def one_dies(build, n, mbit, mib):
    """A receiver in the middle of the chain is killed when half is there."""
    with Lan(build) as lan:
        size = mib * MIB
        seeder, hosts, path, digest = cases_swarm.swarm(lan, n, f"{mbit}mbit", size)
        bound, up, fetching = size / iperf(seeder, hosts[0]), cases_swarm.sent(seeder), Fetching()
        for h in hosts:
            fetching.start(h, digest)
        fetching.all_have(size // 2, hosts)
        dead = next(h for h in hosts[1:] if h.leader() != h.name)
        dead.kill()
        wall = fetching.finish(path, [h for h in hosts if h is not dead])
        up = (cases_swarm.sent(seeder) - up) / size
        print(f"| {mib} MiB, 1 -> {n}, {mbit} Mbit/s; one receiver killed at half: the last of the others / bound | **{wall / bound:.2f}** ({wall:.1f} / {bound:.1f} s) "
              f"| the holder uploaded {up:.2f} times the file |", flush=True)


def one_late(build, n, mbit, mib):
    """One that begins when the others have half, and one when they have all."""
    with Lan(build) as lan:
        size = mib * MIB
        seeder, hosts, path, digest = cases_swarm.swarm(lan, n, f"{mbit}mbit", size)
        bound, up, fetching = size / iperf(seeder, hosts[0]), cases_swarm.sent(seeder), Fetching()
        for h in hosts[:-1]:
            fetching.start(h, digest)
        fetching.all_have(size // 2, hosts[:-1])
        fetching.start(hosts[-1], digest)
        fetching.finish(path, hosts)
        late, first = fetching.took[hosts[-1]][0], max(fetching.took[h][0] for h in hosts[:-1])
        up = (cases_swarm.sent(seeder) - up) / size
        print(f"| the same, one comes when the {n - 1} others have half: its own time / bound; theirs | **{late / bound:.2f}** ({late:.1f} / {bound:.1f} s); {first / bound:.2f} "
              f"| the holder uploaded {up:.2f} times the file |", flush=True)


def web(lan, host):
    d = os.path.join(host.dir, "web")
    os.makedirs(d, exist_ok=True)
    with open(f"{d}/nginx.conf", "w") as f:
        f.write(f"""daemon off; master_process off; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; client_body_temp_path {d}; proxy_temp_path {d}; fastcgi_temp_path {d}; uwsgi_temp_path {d}; scgi_temp_path {d};
 server {{ listen 8080; root "{host.share}"; }} }}
""")
    p = subprocess.Popen(["ip", "netns", "exec", host.ns, "nginx", "-p", d, "-c", f"{d}/nginx.conf"], stderr=subprocess.DEVNULL)
    lan.processes.append(p)


def fetch(one, digest, path, at=0, act=None):
    """Wall seconds of a download; act(bytes) once that many bytes (at) are there."""
    begin = time.monotonic()
    p = one.popen("download", "--json", digest)
    took = 0
    if act:
        story.until(p, lambda e: e.get("bytes", 0) >= at)
        act()
        took = time.monotonic() - begin
    done = story.finish(p)
    wall = time.monotonic() - begin
    story.same(path, done["path"])
    os.unlink(done["path"])
    return wall, took


def four(build, mbit, mib):
    """Four holders of mbit each and one that fetches; then one killed, one lying, one stopped."""
    with Lan(build) as lan:
        cases_swarm.SIZE = size = mib * MIB
        holders, one, path = cases_swarm.four(lan)
        for h in holders:
            h.rate(f"{mbit}mbit")
        one.rate("1gbit")
        liar = f"{lan.dir}/liar.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", liar, os.path.join(os.path.dirname(cases_swarm.__file__), "liar.c")],
                       check=True)
        digest = cases_swarm.start_four(lan, holders, one, {"LD_PRELOAD": liar, "LIAR_ON": f"{lan.dir}/lie"})
        each = iperf(holders[0], one)
        wall, _ = fetch(one, digest, path)
        print(f"| {mib} MiB from 4 holders of {mbit} Mbit/s each: % of their sum | **{100 * size / wall / (4 * each):.1f}** ({wall:.1f} s) | 100 % = 4 x iperf3 |",
              flush=True)
        if shutil.which("aria2c") and shutil.which("nginx"):
            for h in holders:
                web(lan, h)
            time.sleep(0.5)
            begin = time.monotonic()
            subprocess.run(["ip", "netns", "exec", one.ns, "aria2c", "-q", "-x1", "-s4", "-k1M", "--file-allocation=none", "-d", one.dir, "-o", "aria.bin",
                            *[f"http://{h.ip}:8080/swarm.bin" for h in holders]], check=True)
            aria = time.monotonic() - begin
            print(f"| the same by aria2 from nginx, plain, unverified | {100 * size / aria / (4 * each):.1f} ({aria:.1f} s) | |", flush=True)
        story.write(f"{lan.dir}/lie")
        lied, _ = fetch(one, digest, path)
        os.unlink(f"{lan.dir}/lie")
        three = size / (3 * each)
        print(f"| one of the 4 lies in every piece: wall / 3 honest ones at iperf3's rate | **{lied / three:.2f}** ({lied:.1f} s) | |", flush=True)
        holders[1].process.send_signal(signal.SIGSTOP)
        stalled, _ = fetch(one, digest, path)
        holders[1].process.send_signal(signal.SIGCONT)
        print(f"| one of the 4 stands still from the start (SIGSTOP): the same | **{stalled / three:.2f}** ({stalled:.1f} s) | |", flush=True)
        story.wait("four again", lambda: one.find("swarm.bin", holders=4))
        killed, at = fetch(one, digest, path, size // 3, lambda: holders[2].kill())
        lost = (size * 2 / 3) * (1 / 3 - 1 / 4) / each  # what the other three bring in its place
        print(f"| one of the 4 killed after a third: extra wall / its lost share | **{(killed - wall) / lost:.2f}** ({killed:.1f} s, killed at {at:.1f} s) | |",
              flush=True)


def part_swarm(build):
    """Swarms 1 -> 8 and 1 -> 24, four holders"""
    if os.path.isdir("/dev/shm"):
        os.environ["IWANT_TEST_DIR"] = "/dev/shm"
    mbit, mib = int(os.environ.get("IWANT_BENCH_SWARM_RATE", "60")), int(os.environ.get("IWANT_BENCH_SWARM_MIB", "150"))
    only = os.environ.get("IWANT_BENCH_SWARM_ONLY", "swarms four")
    if "swarms" in only:
        for n in os.environ.get("IWANT_BENCH_LEECHES", "8 24").split():
            swarm(build, int(n), mbit if int(n) <= 8 else mbit * 2 // 3, mib if int(n) <= 8 else mib * 5 // 3, int(n) <= 8)
        one_dies(build, 6, mbit, mib * 2 // 3)
        one_late(build, 6, mbit, mib * 2 // 3)
    if "four" in only:
        four(build, 100, 200)
    os.environ.pop("IWANT_TEST_DIR", None)
