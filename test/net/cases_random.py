"""Whatever happens to a shared folder and its service: in the end the index is what an independent walk and `sha256sum` say.

IWANT_TEST_SEED=N, IWANT_TEST_SEQUENCES=N: as the failure printed them."""

import json
import os
import random
import signal
import threading
import time

from lan import Failed
from tree import Tree

LIMIT_S = 60  # until the index has to be right; only a loaded machine takes more than one


class Folder:
    """One host, its folder, and the sequences that happen to both."""

    def __init__(self, host, seed):
        self.host, self.seed, self.number = host, seed, 0
        self.rng = random.Random(seed)
        self.tree = Tree(self.rng, host.share, f"{host.dir}/outside")

    def index(self):
        """{path: (hash, size)} as `iwanto share --list` tells."""
        done = self.host.run("share", "--list", "--json")
        if done.code:
            raise Failed(f"share --list: {done}")
        rows = [json.loads(line) for line in done.out.splitlines()]
        told = {os.fsencode(r["path"]): (r["hash"], r["size"]) for r in rows}
        for r in rows:
            path = os.fsencode(r["path"])
            if r["type"] == "file" and (path, r["hash"]) not in self.tree.ever:
                raise Failed(f"announced with a content that it never had: {path} {r['hash']}")
        return told

    def settle(self):
        """The index becomes the truth; and what status counts, too."""
        truth = self.tree.truth()
        files = {p: row for p, row in truth.items() if not os.path.isdir(os.path.join(self.tree.shared, p))}
        end = time.monotonic() + LIMIT_S
        while True:
            index, shared = self.index(), self.host.told().get("shared", {})
            if index == truth and shared.get("files") == len(files) and shared.get("bytes") == sum(s for _, s in files.values()):
                return
            if time.monotonic() > end:
                wrong = {p: (index.get(p), truth.get(p)) for p in {*index, *truth} if index.get(p) != truth.get(p)}
                raise Failed(f"told, true: {wrong or shared}")
            time.sleep(0.03)

    def overflow(self):
        """More events than the system keeps, while the service does not look."""
        self.host.process.send_signal(signal.SIGSTOP)
        names = [os.path.join(self.tree.shared, b"flood %d" % i) for i in range(4000)]
        for _ in range(2):
            for name in names:
                os.close(os.open(name, os.O_CREAT | os.O_WRONLY))
            for name in names:
                os.unlink(name)
        self.tree.done.append("overflow")
        for _ in range(self.rng.randrange(6)):
            self.tree.change()
        self.host.process.send_signal(signal.SIGCONT)

    def away(self):
        """Changes while no service runs; it was killed, or told to stop."""
        how = self.rng.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM])
        self.host.kill(how)
        self.tree.done.append(how.name)
        for _ in range(self.rng.randrange(8)):
            self.tree.change()
        self.host.start(ready=self.rng.random() < 0.7)

    def sequence(self):
        self.number += 1
        self.tree.done.clear()
        happens = self.rng.random()
        for _ in range(self.rng.randrange(1, 20)):
            self.tree.change()
        if happens < 0.10:
            self.away()
        elif happens < 0.13:
            self.overflow()
        if happens < 0.13:
            for _ in range(self.rng.randrange(5)):
                self.tree.change()
        self.settle()


def run(folder, sequences, failed):
    try:
        folder.host.start()
        while folder.number < sequences and not failed:
            folder.sequence()
    except (Exception, SystemExit) as e:
        failed.append(f"IWANT_TEST_SEED={folder.seed} IWANT_TEST_SEQUENCES={folder.number}: {' '.join(folder.tree.done)}\n  {e!r}")


def whatever(lan, count, sequences):
    seed = os.environ.get("IWANT_TEST_SEED")
    seeds = [int(seed)] if seed else [random.SystemRandom().randrange(10 ** 9) for _ in range(count)]
    sequences = int(os.environ.get("IWANT_TEST_SEQUENCES", sequences))
    failed = []
    folders = [Folder(lan.host(f"h{i}"), seed) for i, seed in enumerate(seeds)]
    threads = [threading.Thread(target=run, args=(f, sequences, failed)) for f in folders]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise Failed("\n".join(failed))
    for f in folders:
        if "copy-differs" in f.host.log_text():
            raise Failed(f"IWANT_TEST_SEED={f.seed}: a leader's copy was another than its owner's rows")


def slow_random_short(lan):
    """Random changes of a folder, 48 sequences: the index is what sha256sum says"""
    whatever(lan, 4, 12)


def slow_random(lan):
    """Random changes of a folder, 2,400 sequences: the index is what sha256sum says"""
    whatever(lan, 8, 300)
