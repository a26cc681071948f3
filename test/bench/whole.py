"""Search through the whole path: a real leader that knows a million files of other peers, the command in front of it, and beside it,
over the same names, fzf, plocate and SQLite's FTS5 (trigrams).

The names come from bench_peer: templates of paths filled with words that this machine has at hand (names of Debian packages and of the
files of installed ones), by a fixed seed. Queries are two or three words of a file's name; of the misspelt ones one has an error. A
query is met when one of the first ten rows has all the words that were meant: whoever gives that row.
"""

import http.client
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import threading
import time

from lan import Failed, Lan, wait

FILES = int(os.environ.get("IWANT_BENCH_FILES", "1000000"))
ADDED = int(os.environ.get("IWANT_BENCH_ADDED", "1000000"))  # of the peer that comes in later; 0: none
PEER_FILES = 1000000
QUERIES = int(os.environ.get("IWANT_BENCH_QUERIES", "300"))
TOOL_S = float(os.environ.get("IWANT_BENCH_TOOL_S", "25"))  # for each of the other tools
MIB = 1 << 20


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def times(values):
    return f"{percentile(values, 50) * 1e3:.1f} / {percentile(values, 99) * 1e3:.1f} / {max(values) * 1e3:.1f} ms"


# ---- names and queries ----

def words_at_hand(path):
    """Frequent ones first, every word in few letters or many, as far as this machine has any."""
    count = {}
    texts = [subprocess.run(["apt-cache", "pkgnames"], capture_output=True, text=True).stdout] if shutil.which("apt-cache") else []
    info = "/var/lib/dpkg/info"
    for name in sorted(os.listdir(info)) if os.path.isdir(info) else []:
        if name.endswith(".list"):
            with open(os.path.join(info, name), errors="replace") as f:
                texts.append(f.read())
    for text in texts:
        for word in re.findall("[a-z]{3,14}", text.lower()):
            count[word] = count.get(word, 0) + 1
    if len(count) < 1000:
        raise Failed("no words at hand: neither apt-cache nor dpkg has any")
    with open(path, "w") as f:
        f.writelines(w + "\n" for w in sorted(count, key=lambda w: (-count[w], w)))
    return len(count)


def misspell(rng, word):
    at = rng.randrange(1, len(word) - 1)
    return rng.choice([word[:at] + word[at + 1:], word[:at] + word[at] + word[at:],
                       word[:at] + word[at + 1] + word[at] + word[at + 2:],
                       word[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + word[at + 1:]])


def make_queries(listed, count, seed=3):
    """Pairs of what is asked and the words meant; the first half as they are, the others with an error in one word."""
    rng = random.Random(seed)
    with open(listed) as f:
        paths = f.read().splitlines()
    queries = []
    while len(queries) < 2 * count:
        path = rng.choice(paths)
        words = list(dict.fromkeys(w.lower() for w in re.findall("[A-Za-z]{4,}", os.path.splitext(os.path.basename(path))[0])))
        words = [w for w in words if w not in ("hdtv", "lol")]
        if len(words) < 2:
            continue
        meant = rng.sample(words, min(len(words), rng.choice([2, 2, 3])))
        asked = list(meant)
        if len(queries) >= count:
            at = max(range(len(asked)), key=lambda i: len(asked[i]))
            asked[at] = misspell(rng, asked[at])
            if asked[at] == meant[at] or len(meant[at]) < 5:
                continue
        queries.append((" ".join(asked), meant))
    return queries[:count], queries[count:]


def met(rows, meant):
    return any(all(w in row.lower() for w in meant) for row in rows[:10])


# ---- ways to search ----

def command(program, home):
    """The command as a user has it, from its start to its end."""
    env = {"HOME": os.path.dirname(home), "IWANT_HOME": home, "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}

    def ask(query):
        out = run([program, "search", "--limit", "10", *query.split()], env)
        return [line.split("\t")[4] for line in out.splitlines()]
    return ask


def run(args, env=None, stdin=None, lines=None):
    """Without a shell and without Python's own way to start processes, which takes longer than some searches."""
    r, w = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    source = os.open(stdin, os.O_RDONLY) if stdin else null
    pid = os.posix_spawnp(args[0], args, env or os.environ,
                          file_actions=[(os.POSIX_SPAWN_DUP2, source, 0), (os.POSIX_SPAWN_DUP2, w, 1), (os.POSIX_SPAWN_DUP2, null, 2)])
    os.close(w)
    os.close(null)
    if stdin:
        os.close(source)
    out = b""
    while more := os.read(r, 1 << 16):
        out += more
        if lines and out.count(b"\n") >= lines:
            break
    os.close(r)
    if lines:
        os.kill(pid, 9)
    os.waitpid(pid, 0)
    return out.decode(errors="replace")


class UnixHTTP(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("iwant")
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def over_socket(home):
    """What the command asks, over a connection that stays."""
    http_to = UnixHTTP(os.path.join(home, "iwant.sock"))

    def ask(query):
        http_to.request("GET", f"/v1/search?limit=10&q={query.replace(' ', '+')}")
        answer = http_to.getresponse().read()
        return [row["path"] for row in json.loads(answer)["rows"]]
    return ask


def with_fzf(listed):
    def ask(query):
        return run(["fzf", "--filter", query, "-i"], stdin=listed, lines=10).splitlines()
    return ask, 0


def with_plocate(listed, folder):
    plain, db = os.path.join(folder, "plain"), os.path.join(folder, "plocate.db")
    with open(listed) as f, open(plain, "w") as to:
        to.writelines("/" + line for line in f)
    build = shutil.which("plocate-build") or "/usr/sbin/plocate-build"
    subprocess.run([build, "-p", "-l", "no", plain, db], check=True, capture_output=True)

    def ask(query):
        return run(["plocate", "-d", db, "-i", "-l", "10", *query.split()]).splitlines()
    return ask, os.path.getsize(db)


def with_fts5(listed, folder):
    path = os.path.join(folder, "fts5.db")
    db = sqlite3.connect(path)
    db.execute("pragma journal_mode = off")
    db.execute("pragma synchronous = off")
    db.execute("create virtual table t using fts5(p, tokenize = 'trigram')")
    with open(listed) as f:
        db.executemany("insert into t values(?)", ((line.rstrip("\n"),) for line in f))
    db.commit()

    def ask(query):
        grams = list(dict.fromkeys(w[i:i + 3] for w in query.split() for i in range(len(w) - 2)))
        return [row[0] for row in db.execute("select p from t where t match ? order by rank limit 10",
                                             (" OR ".join(f'"{g}"' for g in grams),))]
    return ask, os.path.getsize(path)


def measured(ask, exact, wrong, seconds=None):
    """Times of all, and the shares met; both kinds in turn, until the time is over."""
    took, hits, counts = [], [0, 0], [0, 0]
    end = time.monotonic() + seconds if seconds else None
    ask(exact[0][0])
    for pair in zip(exact, wrong):
        for kind, (asked, meant) in enumerate(pair):
            begin = time.perf_counter()
            rows = ask(asked)
            took.append(time.perf_counter() - begin)
            hits[kind] += met(rows, meant)
            counts[kind] += 1
        if end and time.monotonic() > end:
            break
    return took, hits[0] / counts[0], hits[1] / counts[1]


def told(name, took, exact, wrong, index, note=""):
    print(f"| {name} | {times(took)} | {exact:.3f} | {wrong:.3f} | {index} | {len(took)} queries{note} |", flush=True)


# ---- the LAN ----

class Sharer:
    """bench_peer on a host of its own."""

    def __init__(self, lan, program, words, name, first, count):
        host = lan.host(name)
        self.process = subprocess.Popen(["ip", "netns", "exec", host.ns, program, "share", words, str(first), str(count), host.home, name, "eth0"],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=open(os.path.join(lan.dir, name + ".err"), "w"),
                                        text=True)
        lan.processes.append(self.process)

    def ready(self):
        line = self.process.stdout.readline()
        if not line.startswith("ready "):
            raise Failed(f"bench_peer said {line!r}")
        return int(line.split()[1])

    def join(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()


def catalog(host):
    return host.status().get("catalog") or {"files": 0}


def rss(host, key="VmRSS"):
    with open(f"/proc/{host.process.pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith(key + ":"))


def joined(leader, sharers, files, seconds=600):
    """All of them in, as fast as the leader takes them."""
    begin = time.monotonic()
    for s in sharers:
        s.join()
    wait("the files to be searchable", lambda: catalog(leader)["files"] >= files, seconds, every=0.1)
    return time.monotonic() - begin


def adding(lan, program, leader, words, ask, queries, files):
    """A peer with a million files comes in, while somebody searches without a pause."""
    before = [timed(ask, q) for q, _ in queries[:100]]
    s = Sharer(lan, program, words, "late", FILES, ADDED)
    added = s.ready()
    took, stop = [], threading.Event()

    def search():
        while not stop.is_set():
            for q, _ in queries:
                took.append(timed(ask, q))
                if stop.is_set():
                    break
    other = threading.Thread(target=search)
    other.start()
    seconds = joined(leader, [s], files + added)
    stop.set()
    other.join()
    print(f"\nA peer with {added:,} files comes in beside {files:,}: {seconds:.1f} s until all are found. Searches meanwhile "
          f"(`iwanto search`, one after the other, {len(took)}) p50 / p99 / max {times(took)}; just before {times(before)}.", flush=True)


def timed(ask, query):
    begin = time.perf_counter()
    ask(query)
    return time.perf_counter() - begin


def beside(lan, listed, exact, wrong):
    """The other tools, over the same names."""
    for name, package, make in (("fzf --filter", "fzf", lambda: with_fzf(listed)),
                                ("plocate -i", "plocate", lambda: with_plocate(listed, lan.dir)),
                                ("SQLite FTS5, trigrams", None, lambda: with_fts5(listed, lan.dir))):
        if package and not shutil.which(package):
            print(f"| {name} | skipped: no {package} | | | | |", flush=True)
            continue
        begin = time.monotonic()
        ask, size = make()
        built = time.monotonic() - begin
        took, e, w = measured(ask, exact, wrong, TOOL_S)
        told(name, took, e, w, f"{size / MIB:.0f} MiB" if size else "none", f"; index built in {built:.0f} s" if size else "; reads the list each time")


def part_search(build):
    """Search through the whole path beside other tools"""
    program = os.path.join(os.path.dirname(os.path.abspath(build)), "bench", "bench_peer")
    with Lan(build) as lan:
        words, listed = os.path.join(lan.dir, "words"), os.path.join(lan.dir, "list")
        different = words_at_hand(words)
        begin = time.monotonic()
        peers = max(4, -(-FILES // PEER_FILES))
        share = FILES // peers
        sharers = [Sharer(lan, program, words, f"p{i}", i * share, share) for i in range(peers)]
        with open(listed, "w") as f:
            subprocess.run([program, "list", words, "0", str(share * peers)], stdout=f, check=True)
        files = sum(s.ready() for s in sharers)
        a, c = lan.host("a"), lan.host("c")
        a.start()
        wait("a to lead", lambda: a.leader() == "a")
        c.start()
        empty = rss(a)
        made = time.monotonic() - begin
        seconds = joined(a, sharers, files)
        time.sleep(1)
        st = catalog(a)
        exact, wrong = make_queries(listed, QUERIES)
        print(f"\n### Search through the whole path, {files:,} files\n\n{peers} peers, {different:,} words to make names of (setup {made:.0f} s); all were searchable "
              f"{seconds:.1f} s after they had joined at once.\n")
        print("| over the same names | p50 / p99 / max | exact words, met in ten | misspelt, met in ten | index | |\n|---|---|---|---|---|---|")
        ask = command(lan.program, a.home)
        took, e, w = measured(ask, exact, wrong)
        told("**`iwanto search`** on the leader, from start to end of the process", took, e, w, f"{st['memory_bytes'] / MIB:.0f} MiB",
             f"; {st['hash_memory_bytes'] / MIB:.0f} MiB of it content hashes")
        took, e, w = measured(over_socket(a.home), exact, wrong)
        told("the same over the leader's socket alone", took, e, w, "")
        took, e, w = measured(command(lan.program, c.home), exact, wrong)
        told("`iwanto search` on another host, over TLS", took, e, w, "")
        idle = [timed(lambda q: run([lan.program, "--version"]), "") for _ in range(100)]
        print(f"| `iwanto --version`: start of the process alone | {times(idle)} | | | | |", flush=True)
        beside(lan, listed, exact, wrong)
        rows = files + st.get("folders", 0)
        print(f"\nLeader: {rss(a):.0f} MiB resident ({empty:.0f} before anyone had joined; {rss(a, 'VmHWM'):.0f} at most), the catalog {st['memory_bytes'] / MIB:.0f} MiB, "
              f"{(st['memory_bytes'] - st['hash_memory_bytes']) / rows:.0f} bytes a file and {st['hash_memory_bytes'] / rows:.0f} for content hashes.", flush=True)
        if ADDED:
            adding(lan, program, a, words, ask, exact + wrong, files)
        for s in sharers:
            s.process.stdin.close()
