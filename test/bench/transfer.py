"""The transfer figures of doc/BENCHMARKS.md: iwanto beside programs that move files, in the same run, between two namespaces.

Each contestant fetches the same random file; every result is compared with the source, outside of the timing. Processor seconds are
those of both ends (user and system, the senders' children too). What is not installed is named and skipped.
"""

import filecmp
import os
import random
import shutil
import statistics
import subprocess
import sys
import textwrap
import time

from lan import Failed, Lan, wait
import cases_story as story

MIB = 1 << 20
SIZE = int(os.environ.get("IWANT_BENCH_MIB", "512")) * MIB
RUNS = int(os.environ.get("IWANT_BENCH_RUNS", "3"))
FILES = int(os.environ.get("IWANT_BENCH_FILES", "20000"))
KILLS = int(os.environ.get("IWANT_BENCH_KILLS", "10"))
GIB = SIZE / 2**30

TORRENT = textwrap.dedent("""
    import libtorrent as lt, sys, time
    what, folder, torrent, addr, *peer = sys.argv[1:]
    s = lt.session({'listen_interfaces': addr + ':6881', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
                    'enable_natpmp': False, 'out_enc_policy': 2, 'in_enc_policy': 2, 'enable_outgoing_utp': False,
                    'enable_incoming_utp': False, 'allow_multiple_connections_per_ip': True})
    p = lt.add_torrent_params()
    p.ti = lt.torrent_info(torrent)
    p.save_path = folder
    if what == 'seed':
        p.flags |= lt.torrent_flags.seed_mode
    h = s.add_torrent(p)
    for host in peer:
        h.connect_peer((host, 6881))
    while what == 'seed' or not h.status().is_seeding:
        time.sleep(0.05)
""")
MAKE_TORRENT = textwrap.dedent("""
    import libtorrent as lt, os, sys
    f = lt.file_storage()
    lt.add_files(f, sys.argv[1])
    t = lt.create_torrent(f)
    lt.set_piece_hashes(t, os.path.dirname(sys.argv[1]))
    open(sys.argv[2], 'wb').write(lt.bencode(t.generate()))
""")


def cpu_s(pid):
    """User and system, its ended children included."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


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
        self.python = next((p for p in ("/usr/bin/python3", sys.executable) if os.path.exists(p) and
                            not subprocess.run([p, "-c", "import libtorrent"], capture_output=True).returncode), None)
        if not self.python:
            return False
        subprocess.run([self.python, "-c", MAKE_TORRENT, f"{self.a.share}/big.bin", f"{self.state}/t"], check=True)
        self.pid["libtorrent"] = self.spawn(self.a, self.python, "-c", TORRENT, "seed", self.a.share, f"{self.state}/t", self.a.ip)
        self.open(6881)
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
        if not filecmp.cmp(path, f"{self.a.share}/big.bin", shallow=False):
            raise Failed(f"{path} is not the source")
        os.unlink(path)

    def iwanto(self, row):
        s, r, begin = cpu_s(self.a.process.pid), cpu_s(self.c.process.pid), time.monotonic()
        done = story.finish(self.c.popen("download", "--json", row["hash"]))
        wall = time.monotonic() - begin
        sender, receiver = cpu_s(self.a.process.pid) - s, cpu_s(self.c.process.pid) - r
        self.compare(done["path"])
        return wall, sender, receiver

    def contestants(self, row):
        to, url = f"{self.out}/big.bin", f"https://{self.a.ip}:8443/big.bin"
        ssh = ["-q", "-P", "8022", "-i", f"{self.state}/user", "-c", "aes128-gcm@openssh.com", "-o", "StrictHostKeyChecking=no", "-o",
               "UserKnownHostsFile=/dev/null"]
        self.start_nginx()
        yield "iwanto", lambda: self.iwanto(row)
        yield "curl, nginx, TLS", lambda: self.timed("nginx", "curl", "-sk", "-o", to, url, check=to)
        yield "the same, then openssl sha256", lambda: self.timed("nginx", "sh", "-c", f"curl -sk -o '{to}' {url} && openssl dgst -sha256 '{to}'", check=to)
        if shutil.which("aria2c"):
            yield "aria2c -x8, nginx, TLS", lambda: self.timed(
                "nginx", "aria2c", "-q", "-x8", "-s8", "-k1M", "--file-allocation=none", "--check-certificate=false", "-d", self.out, url, check=to)
        if self.start_rsync():
            yield "rsync daemon, plain", lambda: self.timed("rsync", "rsync", "-W", f"rsync://{self.a.ip}:8730/share/big.bin", to, check=to)
        if self.start_ssh():
            yield "scp, aes128-gcm", lambda: self.timed("scp", "scp", *ssh, f"root@{self.a.ip}:{self.a.share}/big.bin", to, check=to)
        if self.start_torrent():
            yield "libtorrent, plain", lambda: self.timed(
                "libtorrent", self.python, "-c", TORRENT, "get", self.out, f"{self.state}/t", self.c.ip, self.a.ip, check=to)


def iperf(arena):
    """Goodput of one stream, bytes a second."""
    if not shutil.which("iperf3"):
        return None
    arena.spawn(arena.a, "iperf3", "-s", "-p", "8520", "-1")
    arena.open(8520)
    out = subprocess.run(["ip", "netns", "exec", arena.c.ns, "iperf3", "-c", arena.a.ip, "-p", "8520", "-R", "-t", "4", "-J"],
                         capture_output=True, text=True, check=True).stdout
    import json
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 8


def middle(runs, i):
    return statistics.median([r[i] for r in runs])


def table(title, goodput, runs):
    print(f"\n{title}\n\n| who | wall s | MiB/s | of iperf3 | CPU s/GiB | sender | receiver |\n|---|---|---|---|---|---|---|")
    for name, r in runs.items():
        wall, s, c = middle(r, 0), middle(r, 1) / GIB, middle(r, 2) / GIB
        share = f"{SIZE / wall / goodput * 100:.1f} %" if goodput else ""
        print(f"| {name} | {wall:.2f} | {SIZE / wall / MIB:.0f} | {share} | {s + c:.2f} | {s:.2f} | {c:.2f} |", flush=True)


def race(arena, row, only=None):
    entries = [(n, f) for n, f in arena.contestants(row) if not only or n in only]
    runs = {n: [] for n, _ in entries}
    for _ in range(RUNS):
        for name, fetch in entries:
            runs[name].append(fetch())
    return runs


def ratio(runs, other, what):
    return statistics.median([what(x) / what(y) for x, y in zip(runs["iwanto"], runs[other])])


def name_the_missing(runs):
    others = {"aria2c -x8, nginx, TLS": "aria2", "rsync daemon, plain": "rsync", "scp, aes128-gcm": "openssh-server", "libtorrent, plain": "python3-libtorrent"}
    missing = [package for name, package in others.items() if name not in runs]
    print(f"\nSkipped, not installed: {', '.join(missing)}." if missing else "", flush=True)


def one_file(build, nginx, rate, only=None):
    with Lan(build) as lan:
        arena = Arena(lan, nginx)
        story.noise(f"{arena.a.share}/big.bin", SIZE)
        if rate:
            arena.a.rate(rate)
            arena.c.rate(rate)
        arena.a.start()
        arena.c.start()
        lan.settled(arena.a, arena.c)
        row = arena.c.find("big.bin")
        goodput = iperf(arena)
        runs = race(arena, row, only)
        table(f"{SIZE // MIB} MiB, {rate or 'unshaped veth'}, median of {RUNS}" + (f"; iperf3 {goodput / MIB:.0f} MiB/s" if goodput else ""), goodput, runs)
        if not only:
            name_the_missing(runs)
        both, wall = lambda r: r[1] + r[2], lambda r: r[0]
        print("\n| goal | figure |\n|---|---|")
        if goodput:
            print(f"| rate / iperf3 | {SIZE / middle(runs['iwanto'], 0) / goodput * 100:.1f} % |")
        for name in runs:
            if name != "iwanto":
                print(f"| CPU of both ends / {name} | {ratio(runs, name, both):.2f} |")
        print(f"| rate / curl, nginx, TLS | {1 / ratio(runs, 'curl, nginx, TLS', wall):.2f} |")
        print(f"| CPU of the sender / nginx, TLS | {ratio(runs, 'curl, nginx, TLS', lambda r: r[1]):.2f} |")
        print(f"| peak resident: receiver / sender | {peak_mib(arena.c.process.pid):.0f} / {peak_mib(arena.a.process.pid):.0f} MiB |", flush=True)


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
        ours, others, cpu = [], [], []
        for _ in range(RUNS):
            used, begin = cpu_s(arena.a.process.pid) + cpu_s(arena.c.process.pid), time.monotonic()
            done = story.finish(arena.c.popen("download", "--json", row["hash"]))
            ours.append(time.monotonic() - begin)
            cpu.append(cpu_s(arena.a.process.pid) + cpu_s(arena.c.process.pid) - used)
            if subprocess.run(["diff", "-rq", f"{arena.a.share}/many", done["path"]], capture_output=True).returncode:
                raise Failed("the tree is not the source")
            shutil.rmtree(done["path"])
            if theirs:
                others.append(arena.timed("rsync", "rsync", "-rtW", f"rsync://{arena.a.ip}:8730/share/many", arena.out)[0])
                shutil.rmtree(f"{arena.out}/many")
        beside = f"{statistics.median([x / y for x, y in zip(ours, others)]):.2f} of rsync daemon (plain, {statistics.median(others):.2f} s)" if theirs else "rsync is not here"
        print(f"| {FILES:,} x 4 KiB | {statistics.median(ours):.2f} s, {beside}; CPU {statistics.median(cpu):.2f} s; "
              f"peak resident: receiver {peak_mib(arena.c.process.pid):.0f}, sender {peak_mib(arena.a.process.pid):.0f} MiB |", flush=True)


def received(host):
    """Bytes that came over the host's interfaces."""
    text = subprocess.run(["ip", "netns", "exec", host.ns, "cat", "/proc/net/dev"], capture_output=True, text=True, check=True).stdout
    rows = [line.split(":") for line in text.splitlines() if ":" in line]
    return sum(int(r[1].split()[0]) for r in rows if r[0].strip() != "lo")


def killed(build, nginx):
    """kill -9 at random moments: what came over the wire beyond what an undisturbed download takes."""
    again, rnd = [], random.Random(int(os.environ.get("IWANT_BENCH_SEED", "1")))
    with Lan(build) as lan:
        arena = Arena(lan, nginx)
        a, c = arena.a, arena.c
        story.noise(f"{a.share}/big.bin", SIZE)
        a.rate("1gbit")
        c.rate("1gbit")
        a.start()
        c.start()
        lan.settled(a, c)
        row = c.find("big.bin")
        before = received(c)
        arena.compare(story.finish(c.popen("download", "--json", row["hash"]))["path"])
        whole = received(c) - before
        for _ in range(KILLS):
            before, at = received(c), rnd.uniform(0.05, 0.9) * SIZE
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
            again.append(max(0, (received(c) - before - whole) * SIZE / whole))
            arena.compare(done["path"])
    print(f"| kill -9 at {KILLS} random moments: fetched again | median {statistics.median(again) / MIB:.1f}, most {max(again) / MIB:.1f} MiB "
          f"(by the interface's counter) |", flush=True)


def run(build, nginx):
    shm = os.statvfs("/dev/shm")
    os.environ["IWANT_TEST_DIR"] = "/dev/shm" if shm.f_bavail * shm.f_frsize > 4 * SIZE else "/tmp"
    one_file(build, nginx, "1gbit")
    one_file(build, nginx, None, ("iwanto", "curl, nginx, TLS", "the same, then openssl sha256"))
    print("\n| what | figure |\n|---|---|")
    small_files(build, nginx)
    killed(build, nginx)
    os.environ.pop("IWANT_TEST_DIR", None)
