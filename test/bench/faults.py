"""What failing holders and failing hosts cost, for run.py: `make bench PART=faults`. About two minutes.

Four holders of 100 Mbit/s each and one that fetches; one of the four fails. Its lost share is what the other three have to bring in
its place, at the rate of the undisturbed download in the same run: the least that a failure costs. Then a downloader that is killed
(kill -9) at random moments. Real daemons, every result compared with the source.

IWANT_BENCH_SWARM_MIB=200 IWANT_BENCH_KILLS=10 IWANT_BENCH_SEED=1 change it.
"""

import os
import random
import shutil
import signal
import statistics
import subprocess
import time

import cases_story as story
import cases_swarm
from lan import Lan, wait

MIB = 1 << 20
MBIT = 100


def fetch(one, digest, path, at=0, act=None):
    """(wall seconds, bytes that were there when act was called): of a download; act once at bytes are there."""
    begin, had = time.monotonic(), 0
    p = one.popen("download", "--json", digest)
    if act:
        had = story.until(p, lambda e: e.get("bytes", 0) >= at)["bytes"]
        act()
    done = story.finish(p)
    wall = time.monotonic() - begin
    (story.same_tree if os.path.isdir(path) else story.same)(path, done["path"])
    (shutil.rmtree if os.path.isdir(path) else os.unlink)(done["path"])
    return wall, had


def row(what, wall, plain, missed, size):
    """missed: bytes that the failing one would have brought a quarter of, by three instead of four."""
    lost = missed / 3 * plain / size
    print(f"| {what}: extra wall / lost share (at most 1.5) | **{(wall - plain) / lost:.2f}** | {wall:.1f} s; undisturbed {plain:.1f}, lost share {lost:.1f} |",
          flush=True)


def one_fails(build, mib):
    with Lan(build) as lan:
        cases_swarm.SIZE = size = mib * MIB
        holders, one, path = cases_swarm.four(lan)
        for h in holders:
            h.rate(f"{MBIT}mbit")
        one.rate("1gbit")
        liar = f"{lan.dir}/liar.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", liar,
                        os.path.join(os.path.dirname(cases_swarm.__file__), "liar.c")], check=True)
        digest = cases_swarm.start_four(lan, holders, one, {"LD_PRELOAD": liar, "LIAR_ON": f"{lan.dir}/lie"})
        plain = statistics.median(fetch(one, digest, path)[0] for _ in range(3))
        story.write(f"{lan.dir}/lie")
        row("one of 4 lies in every piece", fetch(one, digest, path)[0], plain, size, size)
        os.unlink(f"{lan.dir}/lie")
        stopped = next(h for h in holders[1:3] if h.leader() != h.name)
        for what, at in (("from the start", 0), ("after a third", size // 3)):
            if at:
                wall, had = fetch(one, digest, path, at, lambda: stopped.process.send_signal(signal.SIGSTOP))
            else:
                stopped.process.send_signal(signal.SIGSTOP)
                wall, had = fetch(one, digest, path)
            row(f"one of 4 stands still for ever {what}", wall, plain, size - had, size)
            stopped.process.send_signal(signal.SIGCONT)
            wait("four again", lambda: one.find("swarm.bin", holders=4))
        wall, had = fetch(one, digest, path, size // 3, stopped.kill)
        row("one of 4 killed after a third", wall, plain, size - had, size)


def folder_fails(build):
    """Small files from two holders, one of which stands still from the start."""
    with Lan(build) as lan:
        hosts, one = [lan.host(n) for n in "ab"], lan.host("one")
        rng = random.Random(3)
        for i in range(5000):
            story.write(f"{hosts[0].share}/tree/{i % 20}/{i}", rng.randbytes(4096))
        shutil.copytree(f"{hosts[0].share}/tree", f"{hosts[1].share}/tree", copy_function=shutil.copy2)
        for h in (*hosts, one):
            h.start()
        lan.settled(*hosts, one)
        digest = one.find("tree", "--type", "dir", holders=2)["hash"]
        path = f"{hosts[0].share}/tree"
        plain = statistics.median(fetch(one, digest, path)[0] for _ in range(3))
        stopped = next(h for h in hosts if h.leader() != h.name)
        stopped.process.send_signal(signal.SIGSTOP)
        wall, _ = fetch(one, digest, path)
        stopped.process.send_signal(signal.SIGCONT)
        print(f"| 5,000 x 4 KiB from 2 holders, one stands still from the start | {wall:.1f} s | undisturbed {plain:.1f} s |", flush=True)


def received(host):
    """Bytes that came over the host's interface."""
    return int(subprocess.run(["ip", "netns", "exec", host.ns, "cat", "/sys/class/net/eth0/statistics/rx_bytes"],
                              capture_output=True, text=True, check=True).stdout)


def downloader_killed(build, mib, kills):
    again, rnd, size = [], random.Random(int(os.environ.get("IWANT_BENCH_SEED", "1"))), mib * MIB
    with Lan(build) as lan:
        a, c = lan.host("a"), lan.host("c")
        path = story.noise(f"{a.share}/disc.iso", size)
        a.rate("1gbit")
        a.start()
        c.start()
        lan.settled(a, c)
        digest = c.find("disc")["hash"]
        before = received(c)
        fetch(c, digest, path)
        whole = received(c) - before
        for _ in range(kills):
            before, at = received(c), rnd.uniform(0.05, 0.9) * size
            p = c.popen("download", "--json", digest)
            story.until(p, lambda e: e.get("fetched", 0) >= at)
            time.sleep(rnd.uniform(0, 0.2))
            c.kill()
            p.kill()
            p.wait()
            c.start()
            lan.settled(a, c)
            done = story.finish_or_skip(c.popen("download", "--json", digest))
            story.same(path, done["path"])
            again.append(max(0, received(c) - before - whole) * size / whole)
            os.unlink(done["path"])
    print(f"| downloader killed (kill -9) at {kills} random moments of {mib} MiB: fetched again (at most 16 MiB) | **median {statistics.median(again) / MIB:.1f}, most {max(again) / MIB:.1f} MiB** "
          "| by the interface's counter; a piece has 1 MiB, a holder 2 connections |", flush=True)


def part_faults(build):
    """One of several holders fails, the downloader is killed"""
    if os.path.isdir("/dev/shm"):
        os.environ["IWANT_TEST_DIR"] = "/dev/shm"
    mib = int(os.environ.get("IWANT_BENCH_SWARM_MIB", "200"))
    one_fails(build, mib)
    folder_fails(build)
    downloader_killed(build, mib, int(os.environ.get("IWANT_BENCH_KILLS", "10")))
    os.environ.pop("IWANT_TEST_DIR", None)
