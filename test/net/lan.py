"""Hosts as network namespaces on a bridge, with the real program on each.

    with Lan(build) as lan:
        a, b = lan.host("a"), lan.host("b")
        a.start(share=folder)
        rows = b.search("slicon valey")

Needs root. Everything it makes (namespaces, processes, folders) is named after this process and gone at the end.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time


class Failed(Exception):
    pass


def wait(what, probe, seconds=20.0, every=0.05):
    """Until probe() gives something true, which is returned. A test never asserts on a time: the limit is generous."""
    end = time.monotonic() + seconds
    last = None
    while time.monotonic() < end:
        try:
            last = probe()
        except Failed as e:
            last = e
        else:
            if last:
                return last
        time.sleep(every)
    raise Failed(f"waited {seconds:.0f} s in vain for {what}; last: {last!r}")


def sh(*args, check=True):
    done = subprocess.run(args, capture_output=True, text=True)
    if check and done.returncode:
        raise Failed(f"{' '.join(args)}: {done.stderr.strip()}")
    return done.stdout


class Done:
    """A finished command."""

    def __init__(self, p):
        self.code, self.out, self.err = p.returncode, p.stdout, p.stderr

    def __repr__(self):
        return f"exit {self.code}\n{self.out}{self.err}"

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Host:
    def __init__(self, lan, name, number, v4=True, v6=True):
        self.lan, self.name, self.number = lan, name, number
        self.ns = f"iw{os.getpid()}-{name}"
        self.ip = f"10.77.{number // 250}.{number % 250 + 1}"
        self.dir = os.path.join(lan.dir, name)
        self.home = os.path.join(self.dir, "home")
        self.share = os.path.join(self.dir, "share")
        self.downloads = os.path.join(self.dir, "downloads")
        self.process = None
        for d in (self.home, self.share, self.downloads):
            os.makedirs(d)
        self.port = f"v{os.getpid() % 100000}{name}"[:15]
        sh("ip", "netns", "add", self.ns)
        sh("ip", "-n", lan.ns, "link", "add", self.port, "type", "veth", "peer", "name", "eth0", "netns", self.ns)
        sh("ip", "-n", lan.ns, "link", "set", self.port, "master", "br0", "up")
        sh("ip", "-n", self.ns, "link", "set", "lo", "up")
        if not v6:
            self.sysctl("net.ipv6.conf.all.disable_ipv6=1")
        elif not v4:  # without waiting for a double of the address: all are told apart by their MAC
            self.sysctl("net.ipv6.conf.eth0.accept_dad=0")
        if v4:
            sh("ip", "-n", self.ns, "addr", "add", f"{self.ip}/16", "dev", "eth0")
        sh("ip", "-n", self.ns, "link", "set", "eth0", "up")

    # -- the network --

    def sysctl(self, setting):
        sh("ip", "netns", "exec", self.ns, "sysctl", "-qw", setting)

    def cable(self, plugged):
        sh("ip", "-n", self.lan.ns, "link", "set", self.port, "up" if plugged else "down")

    def plug_into(self, bridge):
        """Into another switch than br0, made when it is not there yet."""
        if bridge not in sh("ip", "-n", self.lan.ns, "-o", "link", "show", "type", "bridge"):
            sh("ip", "-n", self.lan.ns, "link", "add", bridge, "type", "bridge", "mcast_snooping", "0")
            sh("ip", "-n", self.lan.ns, "link", "set", bridge, "up")
        sh("ip", "-n", self.lan.ns, "link", "set", self.port, "master", bridge)

    def multicast(self, passes):
        """Whether the switch hands multicast on to this host."""
        sh("ip", "netns", "exec", self.lan.ns, "bridge", "link", "set", "dev", self.port, "mcast_flood",
           "on" if passes else "off")

    def address(self, ip, gateway=None):
        """Another IPv4 address, in a /16, instead of the one that it has."""
        sh("ip", "-n", self.ns, "-4", "addr", "flush", "dev", "eth0")
        sh("ip", "-n", self.ns, "addr", "add", f"{ip}/16", "dev", "eth0")
        if gateway:
            sh("ip", "-n", self.ns, "route", "replace", "default", "via", gateway)
        self.ip = ip

    def knows(self, **names):
        """Names and their addresses, in this host's /etc/hosts."""
        os.makedirs(f"/etc/netns/{self.ns}", exist_ok=True)
        with open(f"/etc/netns/{self.ns}/hosts", "w") as f:
            f.write("127.0.0.1 localhost\n" + "".join(f"{ip} {name}\n" for name, ip in names.items()))

    def log_text(self):
        with open(os.path.join(self.home, ".iwant.log"), errors="replace") as f:
            return f.read()

    def rate(self, rate):
        """Shape both directions, e.g. "1gbit"."""
        for ns, dev in ((self.ns, "eth0"), (self.lan.ns, self.port)):
            sh("ip", "netns", "exec", ns, "tc", "qdisc", "replace", "dev", dev, "root",
               "tbf", "rate", rate, "burst", "256k", "latency", "50ms")

    # -- the program --

    def env(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("IWANT_", "XDG_"))}
        env.update(HOME=self.dir, IWANT_HOME=self.home, LC_ALL="C.UTF-8", **self.lan.env)
        return env

    def command(self, *args):
        return ["ip", "netns", "exec", self.ns, self.lan.program, *args]

    def run(self, *args, timeout=60, stdin=None, env=None):
        try:
            return Done(subprocess.run(self.command(*args), env={**self.env(), **(env or {})}, capture_output=True,
                                       text=True, timeout=timeout, stdin=stdin or subprocess.DEVNULL))
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: iwanto {' '.join(args)} did not end in {timeout} s")

    def popen(self, *args, env=None, **kw):
        p = subprocess.Popen(self.command(*args), env={**self.env(), **(env or {})}, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **kw)
        self.lan.processes.append(p)
        return p

    def spawn(self, *words, env=None):
        """Any program on this host."""
        p = subprocess.Popen(["ip", "netns", "exec", self.ns, *words], env={**self.env(), **(env or {})},
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.lan.processes.append(p)
        return p

    def start(self, *args, share=None, env=None, ready=True):
        assert not self.process
        self.log = open(os.path.join(self.dir, "start.err"), "a")
        self.process = subprocess.Popen(
            self.command("start", "--share", share or self.share, "--downloads", self.downloads, "--name", self.name,
                         *args),
            env={**self.env(), **(env or {})}, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.lan.processes.append(self.process)
        if ready:
            wait(f"{self.name} to answer", lambda: self.alive() and self.run("status", "--json").code == 0)
        return self

    def said(self):
        """What its services wrote on stderr so far."""
        path = os.path.join(self.dir, "start.err")
        if not os.path.exists(path):
            return ""
        with open(path, errors="replace") as f:
            return f.read()

    def alive(self):
        if self.process.poll() is not None:
            raise SystemExit(f"{self.name}: the service ended with {self.process.returncode}: {self.said()[-2000:]}")
        return True

    def kill(self, sig=signal.SIGKILL):
        """The service itself: `ip netns exec` replaces itself by it."""
        p, self.process = self.process, None
        p.send_signal(sig)
        try:
            return p.wait(20)
        except subprocess.TimeoutExpired:
            raise Failed(f"{self.name}: the service did not end")

    def stop(self):
        return self.kill(signal.SIGTERM)

    # -- what it says --

    def status(self):
        done = self.run("status", "--json")
        if done.code:
            raise Failed(f"{self.name}: status: {done}")
        return json.loads(done.out)

    def ask(self, path, seconds=20.0):
        """One question over the owner's socket: (status, object). No process is started: about a millisecond."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(os.path.join(self.home, "iwant.sock"))
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: iwant\r\nConnection: close\r\n\r\n".encode())
            data = b""
            while chunk := s.recv(65536):
                data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        return int(head.split()[1]), json.loads(body)

    def told(self):
        """Its status by the same road; {} when it does not answer."""
        try:
            return self.ask("/v1/status")[1]
        except (OSError, ValueError, IndexError):
            return {}

    def leader(self):
        leader = self.status().get("leader")
        return leader["name"] if leader else None

    def peers(self):
        return sorted(p["name"] for p in self.run("peers", "--json").rows())

    def search(self, *words):
        return self.run("search", "--json", "--timeout", "10", *words).rows()

    def find(self, *words, holders=1, name=None):
        """The first row, once it is there with so many holders."""
        def probe():
            for row in self.search(*words):
                if len(row["holders"]) >= holders and (name is None or row["name"] == name):
                    return row
        return wait(f"{self.name} to find {' '.join(words)}", probe)


class Lan:
    def __init__(self, build, env=None):
        self.program = os.path.abspath(os.path.join(build, "iwanto"))
        self.env = env or {}
        self.ns = f"iw{os.getpid()}-bridge"
        self.hosts, self.processes = [], []

    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="iwant-net-", dir=os.environ.get("IWANT_TEST_DIR"))
        try:
            sh("ip", "netns", "add", self.ns)
            sh("ip", "-n", self.ns, "link", "add", "br0", "type", "bridge", "mcast_snooping", "0")
            sh("ip", "-n", self.ns, "link", "set", "br0", "up")
        except Failed:
            self.clean_up(True)
            raise
        return self

    def host(self, name, **kw):
        self.hosts.append(Host(self, name, len(self.hosts), **kw))
        return self.hosts[-1]

    def settled(self, *hosts, seconds=20):
        """All follow one leader and it knows them all; gives the leader."""
        names = sorted(h.name for h in hosts)

        def probe():
            leaders = {h.leader() for h in hosts}
            if len(leaders) != 1 or None in leaders:
                return None
            leader = next(h for h in hosts if h.name in leaders)
            return leader if leader.peers() == names else None
        return wait(f"{' '.join(names)} to agree", probe, seconds)

    def end_well(self):
        """Whoever still runs ends when told to, and none has said what it never should."""
        for h in self.hosts:
            if h.process and h.process.poll() is None:
                code = h.stop()
                if code:
                    raise Failed(f"{h.name}: told to stop, the service ended with {code}: {h.said()[-1000:]}")
            for bad in ("Sanitizer", "runtime error:", "Assertion"):
                if bad in h.said():
                    raise Failed(f"{h.name}: {h.said()[-4000:]}")

    def __exit__(self, kind, value, trace):
        try:
            if not kind:
                self.end_well()
        finally:
            self.clean_up(kind)
        return False

    def clean_up(self, failed):
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        for h in self.hosts:
            sh("ip", "netns", "del", h.ns, check=False)
            shutil.rmtree(f"/etc/netns/{h.ns}", ignore_errors=True)
        sh("ip", "netns", "del", self.ns, check=False)
        if failed and os.environ.get("IWANT_TEST_KEEP"):
            print(f"  kept {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)
