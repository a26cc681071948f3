"""The transfer figures of doc/BENCHMARKS.md: iwanto beside programs that move files, in the same run, between two namespaces.

Each contestant fetches the same random file; every result is compared with the source, outside of the timing. Processor seconds are
those of both ends (user and system, the senders' children too). What is not installed is named and skipped. About four minutes:
those that the goals are about run IWANT_BENCH_RUNS times in turns, the others once.
"""

import filecmp
import json
import os
import random
import shutil
import statistics
import subprocess
import time

from lan import Failed, Lan, wait
import cases_story as story
import others
from others import cpu_s

MIB = 1 << 20
SIZE = int(os.environ.get("IWANT_BENCH_MIB", "1024")) * MIB
RUNS = int(os.environ.get("IWANT_BENCH_RUNS", "3"))
FILES = int(os.environ.get("IWANT_BENCH_FILES", "20000"))
KILLS = int(os.environ.get("IWANT_BENCH_KILLS", "10"))
CURL, OPENSSL, COREUTILS = "curl, nginx, TLS", "the same, then `openssl dgst`", "the same, then `sha256sum`"


def peak_mib(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))


class Arena:
    """A sender and a receiver, and the daemons of those that compete."""

    def __init__(self, lan, build_nginx):
        self.lan, self.a, self.c = lan, lan.host("a"), lan.host("c")
        self.state = os.path.join(lan.dir, "peers")
        os.makedirs(self.state)
        self.out = os.path.join(self.c.dir, "others")
        os.makedirs(self.out)
        self.nginx = build_nginx
        self.source = f"{self.a.share}/big.bin"
        self.pid = {}

    def spawn(self, host, *argv):
        p = subprocess.Popen(["ip", "netns", "exec", host.ns, *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.lan.processes.append(p)
        return p.pid

    def run(self, host, *argv):
        subprocess.run(["ip", "netns", "exec", host.ns, *argv], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def open(self, port):
        wait(f"port {port}", lambda: f":{port} " in subprocess.run(["ip", "netns", "exec", self.a.ns, "ss", "-ltn"],
                                                                  capture_output=True, text=True).stdout)

    # Each start_NAME makes its sender; False: the program is not here.

    def start_nginx(self):
        self.pid["nginx"] = self.nginx(self.lan, self.a, self.a.share).pid

    def start_rsync(self):
        if not shutil.which("rsync"):
            return False
        conf = f"{self.state}/rsyncd.conf"
        with open(conf, "w") as f:
            f.write(f"use chroot = no\npid file = {self.state}/rsyncd.pid\n[share]\npath = {self.a.share}\nread only = yes\n")
        self.pid["rsync"] = self.spawn(self.a, "rsync", "--daemon", "--no-detach", "--port=8730", f"--config={conf}")
        self.open(8730)
        return True

    def start_ssh(self):
        sshd = shutil.which("sshd") or "/usr/sbin/sshd"
        if not os.path.exists(sshd):
            return False
        os.makedirs("/run/sshd", exist_ok=True)
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{self.state}/{name}"], check=True)
        shutil.copy(f"{self.state}/user.pub", f"{self.state}/keys")
        self.pid["scp"] = self.spawn(self.a, sshd, "-D", "-f", "/dev/null", "-p", "8022", "-h", f"{self.state}/host", "-o",
                                     f"AuthorizedKeysFile={self.state}/keys", "-o", "StrictModes=no", "-o", "UsePAM=no",
                                     "-o", "Subsystem=sftp internal-sftp", "-o", f"PidFile={self.state}/sshd.pid")
        self.open(8022)
        return True

    def start_torrent(self):
        self.python = others.torrent_python()
        if not self.python:
            return False
        others.make_torrent(self.python, self.source, f"{self.state}/t")
        self.pid["libtorrent"] = others.seed_torrent(self.lan, self.python, self.a, self.a.share, f"{self.state}/t").pid
        return True

    # fetching: the processor seconds of the receiver come from the children that ended

    def timed(self, sender, *argv, check=None):
        before, cpu, begin = os.times(), cpu_s(self.pid[sender]), time.monotonic()
        self.run(self.c, *argv)
        wall = time.monotonic() - begin
        after = os.times()
        receiver = after.children_user + after.children_system - before.children_user - before.children_system
        time.sleep(0.1)  # a forked sender is reaped
        sender = cpu_s(self.pid[sender]) - cpu
        if check:
            self.compare(check)
        return wall, sender, receiver

    def compare(self, path):
        if not filecmp.cmp(path, self.source, shallow=False):
            raise Failed(f"{path} is not the source")
        os.unlink(path)

    def iwanto(self, row):
        s, r, begin = cpu_s(self.a.process.pid), cpu_s(self.c.process.pid), time.monotonic()
        done = story.finish(self.c.popen("download", "--json", row["hash"]))
        wall = time.monotonic() - begin
        sender, receiver = cpu_s(self.a.process.pid) - s, cpu_s(self.c.process.pid) - r
        self.compare(done["path"])
        return wall, sender, receiver

    def daemons(self, fetch, part=1):
        """others.syncthing or others.transmission; of a slow one a part-th of the file, by which its figures are multiplied."""
        to, source = f"{self.out}/{fetch.__name__}", self.source
        if part > 1:
            source = story.noise(f"{self.state}/part.bin", SIZE // part)
        took = fetch(self.lan, self.a, self.c, source, to)
        if not filecmp.cmp(f"{to}/{os.path.basename(source)}", source, shallow=False):
            raise Failed(f"{fetch.__name__}: not the source")
        shutil.rmtree(to)
        return tuple(x * part for x in took)

    def main(self, row):
        """Those that the goals are about: name, fetch."""
        to, url = f"{self.out}/big.bin", f"https://{self.a.ip}:8443/big.bin"
        self.start_nginx()
        yield "iwanto", lambda: self.iwanto(row)
        yield CURL, lambda: self.timed("nginx", "curl", "-sk", "-o", to, url, check=to)
        for name, tool in ((OPENSSL, "openssl dgst -sha256"), (COREUTILS, "sha256sum")):
            yield name, lambda tool=tool: self.timed("nginx", "sh", "-c", f"curl -sk -o '{to}' {url} && {tool} '{to}'", check=to)

    def others(self):
        """The rest: name, Debian package, fetch or None when it is not here."""
        to, url = f"{self.out}/big.bin", f"https://{self.a.ip}:8443/big.bin"
        ssh = ["-q", "-P", "8022", "-i", f"{self.state}/user", "-c", "aes128-gcm@openssh.com", "-o", "StrictHostKeyChecking=no", "-o",
               "UserKnownHostsFile=/dev/null"]
        yield "aria2c -x8, nginx, TLS", "aria2", shutil.which("aria2c") and (lambda: self.timed(
            "nginx", "aria2c", "-q", "-x8", "-s8", "-k1M", "--file-allocation=none", "--check-certificate=false", "-d", self.out, url, check=to))
        yield "rsync daemon, plain", "rsync", self.start_rsync() and (lambda: self.timed(
            "rsync", "rsync", "-W", f"rsync://{self.a.ip}:8730/share/big.bin", to, check=to))
        yield "scp, aes128-gcm", "openssh-server", self.start_ssh() and (lambda: self.timed(
            "scp", "scp", *ssh, f"root@{self.a.ip}:{self.source}", to, check=to))
        yield "libtorrent, plain", "python3-libtorrent", self.start_torrent() and (lambda: self.timed(
            "libtorrent", self.python, "-c", others.TORRENT, "get", self.out, f"{self.state}/t", self.c.ip, self.a.ip, check=to))
        yield "syncthing, TLS", "syncthing", others.has_syncthing() and (lambda: self.daemons(others.syncthing))
        yield "transmission, plain (a 16th of the file)", "transmission-cli transmission-daemon", others.has_transmission() and (
            lambda: self.daemons(others.transmission, 16))


def iperf(arena):
    """Goodput of one stream, bytes a second."""
    if not shutil.which("iperf3"):
        return None
    arena.spawn(arena.a, "iperf3", "-s", "-p", "8520", "-1")
    arena.open(8520)
    out = subprocess.run(["ip", "netns", "exec", arena.c.ns, "iperf3", "-c", arena.a.ip, "-p", "8520", "-R", "-t", "4", "-J"],
                         capture_output=True, text=True, check=True).stdout
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 8


def middle(runs, i):
    return statistics.median([r[i] for r in runs])


def table(title, size, goodput, runs):
    print(f"\n{title}\n\n| who | wall s | MiB/s | {'of iperf3 | ' if goodput else ''}CPU s/GiB | sender | receiver |\n|---|---|---|---|---|---|{'---|' if goodput else ''}")
    for name, r in runs.items():
        wall, s, c = middle(r, 0), middle(r, 1) / (size / 2**30), middle(r, 2) / (size / 2**30)
        share = f" {size / wall / goodput * 100:.1f} % |" if goodput else ""
        print(f"| {name} | {wall:.2f} | {size / wall / MIB:.0f} |{share} {s + c:.2f} | {s:.2f} | {c:.2f} |", flush=True)


def ratio(runs, other, what):
    """Ours / theirs: of each turn, where both had one, else of the medians."""
    if len(runs[other]) == len(runs["iwanto"]):
        return statistics.median([what(x) / what(y) for x, y in zip(runs["iwanto"], runs[other])])
    return statistics.median(map(what, runs["iwanto"])) / statistics.median(map(what, runs[other]))


def warm(folder, size):
    """The first who writes into new memory would pay for what the others find: a virtual machine gets it page by page."""
    with open(f"{folder}/warm", "wb") as f:
        for _ in range(size // MIB):
            f.write(bytes(MIB))
    os.unlink(f"{folder}/warm")


def arena_with(lan, nginx, size, rate):
    arena = Arena(lan, nginx)
    story.noise(arena.source, size)
    warm(arena.out, size)
    for host in (arena.a, arena.c):
        if rate:
            host.rate(rate)
        host.start()
    lan.settled(arena.a, arena.c)
    return arena, arena.c.find("big.bin")


def peaks(arena):
    print(f"| peak resident: receiver / sender (most 48 MiB) | {peak_mib(arena.c.process.pid):.0f} / {peak_mib(arena.a.process.pid):.0f} MiB |", flush=True)


def both(run):
    return run[1] + run[2]


def unshaped(build, nginx):
    """Who costs how much: the processors are what bounds it."""
    with Lan(build) as lan:
        arena, row = arena_with(lan, nginx, SIZE, None)
        entries, missing = list(arena.main(row)), []
        runs = {name: [] for name, _ in entries}
        for _ in range(RUNS):
            for name, fetch in entries:
                runs[name].append(fetch())
        for name, package, fetch in arena.others():
            if fetch:
                runs[name] = [fetch()]
            else:
                missing.append(package)
        table(f"{SIZE // MIB} MiB, unshaped veth; the first four {RUNS} times in turns (median), the others once", SIZE, None, runs)
        if missing:
            print(f"\nSkipped, not installed: {', '.join(missing)}.")
        print("\n| goal: iwanto / the other, the smaller the better | wanted at most | figure |\n|---|---|---|")
        for name, most, what, how in ((CURL, "1.6", both, "CPU of both ends, theirs not verified"), (COREUTILS, "1.1", both, "CPU of both ends"),
                                      (OPENSSL, "1.1", both, "CPU of both ends"), ("libtorrent, plain", "0.45", both, "CPU of both ends"),
                                      ("syncthing, TLS", "0.65", both, "CPU of both ends"), ("scp, aes128-gcm", "0.9", both, "CPU of both ends"),
                                      (CURL, "1.05", lambda r: r[1], "CPU of the sender"), (CURL, "1.18", lambda r: r[0], "wall, theirs not verified")):
            if name in runs:
                print(f"| {how}: {name} | {most} | **{ratio(runs, name, what):.2f}** |")
        peaks(arena)


def shaped(build, nginx):
    """One peer at 1 Gbit/s: what the line carries."""
    size = SIZE // 2
    with Lan(build) as lan:
        arena, row = arena_with(lan, nginx, size, "1gbit")
        goodput = iperf(arena)
        entries = [e for e in arena.main(row) if e[0] in ("iwanto", CURL)]
        runs = {name: [] for name, _ in entries}
        for _ in range(RUNS):
            for name, fetch in entries:
                runs[name].append(fetch())
        table(f"{size // MIB} MiB, 1 Gbit/s each way (tbf), {RUNS} times in turns" + (f"; iperf3 {goodput / MIB:.0f} MiB/s" if goodput else ", no iperf3 here"),
              size, goodput, runs)
        print("\n| goal | wanted | figure |\n|---|---|---|")
        if goodput:
            print(f"| rate / iperf3 | at least 97 % | **{size / middle(runs['iwanto'], 0) / goodput * 100:.1f} %** |")
        print(f"| CPU of both ends / {CURL} | at most 1.6 | {ratio(runs, CURL, both):.2f} |")
        print(f"| CPU of the sender / nginx, TLS | at most 1.05 | {ratio(runs, CURL, lambda r: r[1]):.2f} |")
        peaks(arena)


def small_files(build, nginx):
    with Lan(build) as lan:
        arena = Arena(lan, nginx)
        rnd, folders = random.Random(5), 40
        for d in range(folders):
            os.makedirs(f"{arena.a.share}/many/{d}")
            for i in range(FILES // folders):
                story.write(f"{arena.a.share}/many/{d}/{i}", rnd.randbytes(4096))
        os.makedirs(f"{arena.a.share}/many/empty")
        arena.a.start()
        arena.c.start()
        lan.settled(arena.a, arena.c)
        wait("the index", lambda: arena.a.status()["shared"]["files"] >= FILES and not arena.a.status()["shared"]["indexing"], 300)
        row = wait("the folder", lambda: [r for r in arena.c.search("--type", "dir", "many") if r["name"] == "many"], 60)[0]
        theirs = arena.start_rsync()
        ours, rsync, cpu = [], [], []
        for _ in range(RUNS):
            used, begin = cpu_s(arena.a.process.pid) + cpu_s(arena.c.process.pid), time.monotonic()
            done = story.finish(arena.c.popen("download", "--json", row["hash"]))
            ours.append(time.monotonic() - begin)
            cpu.append(cpu_s(arena.a.process.pid) + cpu_s(arena.c.process.pid) - used)
            if subprocess.run(["diff", "-rq", f"{arena.a.share}/many", done["path"]], capture_output=True).returncode:
                raise Failed("the tree is not the source")
            shutil.rmtree(done["path"])
            if theirs:
                rsync.append(arena.timed("rsync", "rsync", "-rtW", f"rsync://{arena.a.ip}:8730/share/many", arena.out)[0])
                shutil.rmtree(f"{arena.out}/many")
        beside = (f"**{statistics.median([x / y for x, y in zip(ours, rsync)]):.2f}** ({statistics.median(ours):.2f} / {statistics.median(rsync):.2f} s)" if theirs
                  else f"{statistics.median(ours):.2f} s; rsync is not here")
        print(f"| {FILES:,} x 4 KiB, verified, TLS: our wall / rsync daemon's, plain (at most 1.0; below 1 we are faster) | {beside}; CPU {statistics.median(cpu):.2f} s; "
              f"peak resident: receiver {peak_mib(arena.c.process.pid):.0f}, sender {peak_mib(arena.a.process.pid):.0f} MiB |", flush=True)


def received(host):
    """Bytes that came over the host's interfaces."""
    text = subprocess.run(["ip", "netns", "exec", host.ns, "cat", "/proc/net/dev"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(":") for line in text.splitlines() if ":" in line]
    return sum(int(r[1].split()[0]) for r in rows if r[0].strip() != "lo")


def killed(build, nginx):
    """kill -9 at random moments: what came over the wire beyond what an undisturbed download takes."""
    again, rnd, size = [], random.Random(int(os.environ.get("IWANT_BENCH_SEED", "1"))), SIZE // 4
    with Lan(build) as lan:
        arena, row = arena_with(lan, nginx, size, "1gbit")
        a, c = arena.a, arena.c
        before = received(c)
        arena.compare(story.finish(c.popen("download", "--json", row["hash"]))["path"])
        whole = received(c) - before
        for _ in range(KILLS):
            before, at = received(c), rnd.uniform(0.05, 0.9) * size
            p = c.popen("download", "--json", row["hash"])
            for event in story.events(p):
                if event.get("fetched", 0) >= at:
                    break
            time.sleep(rnd.uniform(0, 0.2))
            c.kill()
            p.kill()
            p.wait()
            c.start()
            lan.settled(a, c)
            done = story.finish_or_skip(c.popen("download", "--json", row["hash"]))
            again.append(max(0, (received(c) - before - whole) * size / whole))
            arena.compare(done["path"])
    print(f"| kill -9 at {KILLS} random moments of {size // MIB} MiB: fetched again (at most 16 MiB) | median {statistics.median(again) / MIB:.1f}, most {max(again) / MIB:.1f} MiB "
          f"(by the interface's counter) |", flush=True)


def run(build, nginx):
    shm = os.statvfs("/dev/shm")
    os.environ["IWANT_TEST_DIR"] = "/dev/shm" if shm.f_bavail * shm.f_frsize > 4 * SIZE else "/tmp"
    unshaped(build, nginx)
    shaped(build, nginx)
    print("\n| what | figure |\n|---|---|")
    small_files(build, nginx)
    killed(build, nginx)
    os.environ.pop("IWANT_TEST_DIR", None)
