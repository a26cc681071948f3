"""A folder of very many files, for run.py: `make bench PART=folder`. About two minutes for 100,000.

Resident memory of both services and of the command at their peaks; the result is compared with the source.
IWANT_BENCH_TREE_FILES=100000 files of 1 KiB, half of a hundredth of them larger, in folders of 250.
"""

import os
import random
import shutil
import time

import cases_story as story
from lan import Lan, wait

FILES = int(os.environ.get("IWANT_BENCH_TREE_FILES", "100000"))


def peak_mib(pid, key="VmHWM"):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(key))


def part_folder(build):
    """Memory and time of a folder of very many files"""
    if os.path.isdir("/dev/shm"):
        os.environ["IWANT_TEST_DIR"] = "/dev/shm"
    with Lan(build) as lan:
        a, c = lan.host("a"), lan.host("c")
        rng, size = random.Random(1), 0
        for i in range(FILES):
            n = 300_000 if i % 1000 == 999 else 1024
            story.write(f"{a.share}/tree/{i // 250}/file {i}.txt", rng.randbytes(n))
            size += n
        a.start()
        c.start()
        lan.settled(a, c)
        wait("the index", lambda: a.status()["shared"]["files"] == FILES and not a.status()["shared"]["indexing"], 300, every=0.2)
        digest = c.find("tree", "--type", "dir")["hash"]
        before = peak_mib(c.process.pid), peak_mib(a.process.pid)
        begin = time.monotonic()
        p = c.popen("download", "--json", digest)
        command = 0
        for event in story.events(p):
            try:
                command = max(command, peak_mib(p.pid))
            except (OSError, StopIteration):  # it has ended
                pass
        wall = time.monotonic() - begin
        story.check(p.wait(60) == 0 and event["event"] == "done" and event["files_done"] == FILES, event)
        after = peak_mib(c.process.pid), peak_mib(a.process.pid)
        story.same_tree(f"{a.share}/tree", event["path"])
        print(f"| a folder of {FILES:,} files, {size / 1e6:.0f} MB: peak resident memory, receiver / sender / command | **{after[0]:.0f} / {after[1]:.0f} / {command:.0f} MiB** "
              f"| {wall:.1f} s; before it {before[0]:.0f} / {before[1]:.0f} MiB |", flush=True)
        shutil.rmtree(event["path"])
    os.environ.pop("IWANT_TEST_DIR", None)
