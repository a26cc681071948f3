"""play: from the command to the first byte, and from a seek to the next one. `make bench PART=play`, under a minute."""

import json
import os
import statistics
import subprocess
import sys
import time

from lan import Failed, Lan

MIB = 1 << 20
SIZE = 400 * MIB
ROUNDS = 10
SEEKS = 12
READER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net", "reader.py")


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def one_round(c, path, key, number):
    """Milliseconds from the start of `iwanto play` to the first verified byte, and after each seek."""
    begin = time.monotonic()
    p = c.popen("play", key)
    url = p.stdout.readline().strip()
    done = subprocess.run(["ip", "netns", "exec", c.ns, sys.executable, READER, url, path, str(number), "0", *["?"] * SEEKS],
                          capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    if len(rows) != SEEKS + 1 or not all(r["ok"] for r in rows):
        raise Failed(f"play: {rows} {done.stderr}")
    p.terminate()
    p.wait()
    c.run("cancel", key)
    return (rows[0]["clock"] - begin) * 1000, [r["ms"] for r in rows[1:]]


def part_play(build):
    """A film over 100 Mbit/s: first byte and seeks"""
    with Lan(build) as lan:
        a, c = lan.host("a"), lan.host("c")
        path = f"{a.share}/film.mkv"
        with open(path, "wb") as f:
            for _ in range(SIZE // MIB):
                f.write(os.urandom(MIB))
        a.rate("100mbit")
        c.rate("100mbit")
        a.start()
        c.start()
        lan.settled(a, c)
        key = c.find("film")["hash"]
        first, seeks = [], []
        for n in range(ROUNDS):
            ms, more = one_round(c, path, key, n)
            first.append(ms)
            seeks += more
        print(f"| play over 100 Mbit/s: from the command to the first verified byte | p50 {statistics.median(first):.0f} ms, p99 {percentile(first, 99):.0f} ms "
              f"| {ROUNDS} times, a Python interpreter's start included |")
        print(f"| the same, from a seek to what is not there yet to its first verified byte | p50 {statistics.median(seeks):.0f} ms, p99 {percentile(seeks, 99):.0f} ms "
              f"| {len(seeks)} seeks, the download going on between them; a piece of 1 MiB alone takes 88 ms |", flush=True)
