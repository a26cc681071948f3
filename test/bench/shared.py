"""The shared folder: first index, restart, memory, disk, changes.   make bench PART=shared

IWANT_BENCH_FILES=1000000 small files (20000 unless given), IWANT_BENCH_MIB=6144 of large ones besides (256 unless given, half of it sparse),
IWANT_BENCH_DIR where they are made (else the system's folder for temporary files). One run of each; nothing but the processor's time and ratios says
much on a machine that does other work.
"""

import os
import random
import resource
import shutil
import subprocess
import time

from lan import Lan, wait

MIB = 1 << 20
FILES = int(os.environ.get("IWANT_BENCH_FILES", "20000"))
LARGE = int(os.environ.get("IWANT_BENCH_MIB", "256")) * MIB
CHANGES = 20
LIMIT_S = max(120, FILES / 500)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid, key):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(key + ":"))


def make_small(top, count):
    """100 files in each folder, 100 folders in each above; every content another."""
    rng, noise = random.Random(1), random.Random(2).randbytes(MIB)
    for d in range((count + 99) // 100):
        folder = f"{top}/shelf {d // 100}/box {d}"
        os.makedirs(folder)
        for i in range(d * 100, min(count, d * 100 + 100)):
            at = rng.randrange(MIB // 2)
            with open(f"{folder}/leaf {rng.randrange(10 ** 6)} {i:07d}.txt", "wb") as f:
                f.write(b"%d\n" % i + noise[at:at + rng.randrange(100, 4000)])
    return count


def make_large(top, size):
    """Half of it random, in files of 4 to 64 MiB; the other half two sparse ones."""
    rng, left, count = random.Random(3), size // 2, 0
    os.makedirs(top)
    while left > 0:
        n = min(left, rng.randrange(4, 65) * MIB)
        with open(f"{top}/film {count}.mkv", "wb") as f:
            for _ in range(n // MIB):
                f.write(rng.randbytes(MIB))
        left, count = left - n, count + 1
    for i in range(2):
        with open(f"{top}/image {i}.raw", "wb") as f:
            f.truncate(size // 4)
    return count + 2


def timed(*command, cwd=None):
    """(seconds, seconds of the processor) of a command line."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, shell=True, cwd=cwd, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - begin, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def sums(tree):
    return timed("find . -type f -print0 | xargs -0 -P2 sha256sum", cwd=tree)


def index(host, tree, files):
    """Start, until all is indexed: (seconds, seconds of the processor)."""
    begin = time.monotonic()
    host.start(share=tree, ready=False)

    def done():
        shared = host.alive() and host.told().get("shared", {})
        return shared.get("files") == files and not shared.get("indexing")

    wait("the index", done, LIMIT_S, every=0.02)
    return time.monotonic() - begin, cpu_s(host.process.pid)


def row(what, figure, how):
    print(f"| {what} | {figure} | {how} |", flush=True)


def ratio(ours, theirs):
    return f"**{ours[0] / theirs[0]:.2f}** ({ours[0]:.1f} / {theirs[0]:.1f} s); CPU {ours[1] / theirs[1]:.2f} ({ours[1]:.1f} / {theirs[1]:.1f} s)"


def part_shared(build):
    """A shared folder of IWANT_BENCH_FILES small files: index, restart, memory, disk, changes"""
    base = os.environ.get("IWANT_BENCH_DIR")
    if base:
        os.makedirs(base, exist_ok=True)
        os.environ["IWANT_TEST_DIR"] = base
    with Lan(build) as lan:
        other, a = lan.host("other"), lan.host("a")
        large, small = f"{a.dir}/large", f"{a.dir}/small"
        other.start()
        wait("a leader", lambda: other.leader() == "other")
        count = make_large(large, LARGE)
        sums(large)
        theirs = sums(large)
        row(f"first index of {LARGE // MIB:,} MiB in {count} files, half of it sparse / `find \\| xargs -P2 sha256sum`", ratio(index(a, large, count), theirs),
            "warm; start of the service included")
        a.stop()
        shutil.rmtree(large)
        shutil.rmtree(a.home)
        os.makedirs(a.home)
        make_small(small, FILES)
        sums(small)
        small_files(lan, a, other, small)


def small_files(lan, a, other, tree):
    theirs = sums(tree)
    ours = index(a, tree, FILES)
    row(f"first index of {FILES:,} small files / `find \\| xargs -P2 sha256sum`", ratio(ours, theirs), "warm; another host leads")
    a.stop()
    disk = os.path.getsize(f"{a.home}/iwant.db")
    row("index on disk, bytes a file", f"{disk / FILES:.0f}", f"{disk / MIB:.1f} MiB, after the end of the service")
    walk = timed("find . -printf '%s %T@ %C@ %i %p\\n'", cwd=tree)
    ours = index(a, tree, FILES)
    read = a.told()["shared"]["hashed"]
    row("start again, nothing changed / `find -printf`", ratio(ours, walk), f"{read} of {FILES:,} files read")
    time.sleep(5)
    row("resident, anonymous, bytes a file", f"{memory(a.process.pid, 'RssAnon') / FILES:.0f}",
        f"{memory(a.process.pid, 'RssAnon') / MIB:.1f} MiB in all; another host has the catalog")
    used = cpu_s(a.process.pid)
    time.sleep(20)
    row("processor time while idle", f"{(cpu_s(a.process.pid) - used) / 20 * 100:.2f} % of a core", "20 s")
    changes(lan, a, other, tree)


def found(host, words):
    """What a search on host gives, over its socket."""
    return host.ask(f"/v1/search?q={words.replace(' ', '+')}&limit=5")[1].get("rows", [])


def until_search(host, words, wanted):
    begin = time.monotonic()
    wait(words, lambda: wanted(found(host, words)), 60, every=0.005)
    return (time.monotonic() - begin) * 1000


def spread(times):
    times = sorted(times)
    return f"p50 {times[len(times) // 2]:.0f}, p99 {times[min(len(times) - 1, int(len(times) * .99))]:.0f} ms"


def changes(lan, a, other, tree):
    new, changed, renamed, removed = [], [], [], []
    for i in range(CHANGES):
        folder = f"{tree}/shelf {i % max(1, FILES // 10000)}"
        path = f"{folder}/xylophone{i}.txt"
        with open(path, "wb") as f:
            f.write(b"%d" % i)
        new.append(until_search(other, f"xylophone{i}", lambda rows: any(r["name"] == f"xylophone{i}.txt" for r in rows)))
        key = found(other, f"xylophone{i}")[0]["hash"]
        with open(path, "ab") as f:
            f.write(b"more")
        changed.append(until_search(other, f"xylophone{i}", lambda rows: rows and rows[0]["hash"] != key))
        os.rename(path, f"{folder}/quagmire{i}.txt")
        renamed.append(until_search(other, f"quagmire{i}", lambda rows: any(r["name"] == f"quagmire{i}.txt" for r in rows)))
        os.unlink(f"{folder}/quagmire{i}.txt")
        removed.append(until_search(other, f"quagmire{i}", lambda rows: all(r["name"] != f"quagmire{i}.txt" for r in rows)))
    for what, times in (("new", new), ("changed", changed), ("renamed", renamed), ("removed", removed)):
        row(f"{what} file, closed, to the search on another host", spread(times), f"{CHANGES} files in the folder of {FILES:,}; asked every 5 ms")
    size = min(10000, FILES // 2)
    make_small(f"{a.dir}/outside", size)
    total = FILES + size
    begin = time.monotonic()
    os.rename(f"{a.dir}/outside", f"{tree}/moved in")
    wait("the tree", lambda: a.told()["shared"]["files"] == total and not a.told()["shared"]["indexing"], 120, every=0.02)
    wait("the search", lambda: found(other, f"leaf {size - 1:07d}"), 60, every=0.02)
    row(f"a tree of {size:,} files moved in, to the search on another host", f"{time.monotonic() - begin:.2f} s", "read and hashed: it was not known")
    rename_tree(a, tree)


def rename_tree(a, tree):
    shelves = sorted(os.listdir(tree))[:max(1, min(10, FILES // 10000))]
    os.makedirs(f"{a.dir}/hold")
    for s in shelves:
        os.rename(f"{tree}/{s}", f"{a.dir}/hold/{s}")
    count = sum(len(files) for _, _, files in os.walk(f"{a.dir}/hold"))
    rest = sum(len(files) for _, _, files in os.walk(tree))
    wait("the tree to go", lambda: a.told()["shared"]["files"] == rest, LIMIT_S)
    os.rename(f"{a.dir}/hold", f"{tree}/hold")
    settled = lambda: a.told()["shared"]["files"] == rest + count and not a.told()["shared"]["indexing"]  # noqa: E731
    wait("the tree to come", settled, LIMIT_S)
    time.sleep(3)
    read, begin = a.told()["shared"]["hashed"], time.monotonic()
    os.rename(f"{tree}/hold", f"{tree}/renamed")
    wait("the new name", lambda: settled() and listed(a, "renamed"), LIMIT_S, every=0.2)
    now = a.told()["shared"]["hashed"]
    row(f"a folder of {count:,} files renamed", f"{time.monotonic() - begin:.1f} s, {now - read} files read", "until all of it is announced anew")


def listed(host, name):
    rows = host.run("share", "--list", "--json").rows()
    return sum(r["path"].startswith(name + "/") and r["type"] == "file" for r in rows) > 0 and not any(r["path"].startswith("hold/") for r in rows)
