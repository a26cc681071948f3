#!/usr/bin/env python3
"""Figures for doc/BENCHMARKS.md: run.py BUILDDIR [PART ...]   (root; nginx, openssl, curl)

Parts: first change rate index memory swarm faults folder shared, and search (fzf, plocate; IWANT_BENCH_FILES=10000000 for ten million), and by name only
election, which takes six minutes, page (what is typed there, over a million files; chromium), and standby (IWANT_BENCH_FILES files on each of four hosts, else 100000), which takes three.
Every figure that depends on the machine is given as a ratio to what the machine does with
a well-known program in the same run. Prints Markdown.
"""

import argparse
import hashlib
import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "net"))
sys.path.insert(0, here)

from lan import Failed, Lan, wait  # noqa: E402
import cases_story as story  # noqa: E402
from election import part_election  # noqa: E402,F401
from faults import part_faults  # noqa: E402, F401
from folder import part_folder  # noqa: E402, F401
from shared import part_shared  # noqa: E402, F401
from play import part_play  # noqa: E402, F401
from swarm import part_swarm  # noqa: E402, F401
from standby import part_standby  # noqa: E402,F401
from page import part_page  # noqa: E402,F401
from whole import part_search  # noqa: E402,F401

MIB = 1 << 20
GIB2 = int(os.environ.get("IWANT_BENCH_MIB", "2048")) * MIB
RUNS = int(os.environ.get("IWANT_BENCH_RUNS", "3"))


def percentile(values, p):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * p / 100))]


def proc(host, key):
    with open(f"/proc/{host.process.pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1]) / 1024
    raise Failed(key)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def part_first(build):
    """Start of a second host until its first search result from the first"""
    times = []
    for _ in range(5):
        with Lan(build) as lan:
            a, b = lan.host("a"), lan.host("b")
            story.write(f"{a.share}/Silicon Valley S01E01.mkv", b"x" * 1000)
            a.start()
            wait("a to lead", lambda: a.leader() == "a")
            begin = time.monotonic()
            b.start(ready=False)
            wait("a row", lambda: [r for r in b.run("search", "--json", "slicon valey").out.splitlines()], every=0.01)
            times.append(time.monotonic() - begin)
    print(f"| start of a host to its first search result (leader present) | {statistics.median(times):.2f} s (max {max(times):.2f}) | 5 runs, poll of the command included |")
    times = []
    for _ in range(5):
        with Lan(build) as lan:
            a, b = lan.host("a"), lan.host("b")
            story.write(f"{a.share}/Silicon Valley S01E01.mkv", b"x" * 1000)
            begin = time.monotonic()
            a.start(ready=False)
            b.start(ready=False)
            wait("a row", lambda: [r for r in b.run("search", "--json", "slicon valey").out.splitlines()], every=0.01)
            times.append(time.monotonic() - begin)
    print(f"| both hosts started at once, to the first search result | {statistics.median(times):.2f} s (max {max(times):.2f}) | 5 runs |", flush=True)


def part_change(build):
    """A closed file until the search on another host shows it"""
    with Lan(build) as lan:
        a, b = lan.host("a"), lan.host("b")
        for i in range(10000):
            story.write(f"{a.share}/tree {i % 100}/leaf {i}.txt", b"%d" % i)
        a.start()
        b.start()
        lan.settled(a, b)
        b.find("leaf 9999")
        wait("idle", lambda: not a.status()["shared"]["indexing"])
        one = []
        for i in range(20):
            begin = time.monotonic()
            b.search("leaf 5000")
            one.append(time.monotonic() - begin)
        times = []
        for i in range(50):
            path = f"{a.share}/tree {i}/fresh{i}quince.txt"
            begin = time.monotonic()
            story.write(path, b"fresh %d" % i)
            wait("the change", lambda: b.search(f"fresh{i}quince"), every=0.005)
            times.append(time.monotonic() - begin)
        print(f"| closed file to search on another host, folder of 10,000 files | p50 {statistics.median(times) * 1000:.0f} ms, p99 {percentile(times, 99) * 1000:.0f} ms "
              f"| 50 files; one `iwanto search` takes {statistics.median(one) * 1000:.0f} ms of it |", flush=True)


def nginx_tls(lan, host, folder):
    d = os.path.join(lan.dir, "nginx")
    os.makedirs(d, exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=bench",
                    "-keyout", f"{d}/key.pem", "-out", f"{d}/cert.pem"], check=True, capture_output=True)
    with open(f"{d}/nginx.conf", "w") as f:
        f.write(f"""daemon off; master_process off; pid {d}/pid; error_log {d}/error.log;
events {{ worker_connections 64; }}
http {{ access_log off; sendfile on; client_body_temp_path {d}; proxy_temp_path {d}; fastcgi_temp_path {d}; uwsgi_temp_path {d}; scgi_temp_path {d};
 server {{ listen 8443 ssl; ssl_certificate {d}/cert.pem; ssl_certificate_key {d}/key.pem; ssl_protocols TLSv1.3;
  ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256; root "{folder}"; }} }}
""")
    p = subprocess.Popen(["ip", "netns", "exec", host.ns, "nginx", "-p", d, "-c", f"{d}/nginx.conf"], stderr=subprocess.DEVNULL)
    lan.processes.append(p)
    time.sleep(0.5)
    return p


def part_rate(build):
    """A 2 GiB file from one host: against curl from nginx with TLS, which does not verify, in the same run"""
    shm = "/dev/shm" if os.statvfs("/dev/shm").f_bavail * os.statvfs("/dev/shm").f_frsize > 3 * GIB2 else None
    for rate in (None, "1gbit"):
        os.environ["IWANT_TEST_DIR"] = shm or tempfile.gettempdir()
        with Lan(build) as lan:
            a, c = lan.host("a"), lan.host("c")
            path = story.noise(f"{a.share}/big.bin", GIB2)
            if rate:
                a.rate(rate)
                c.rate(rate)
            a.start()
            c.start()
            lan.settled(a, c)
            row = c.find("big.bin")
            web = nginx_tls(lan, a, a.share)
            ours, curls, ours_cpu, curl_cpu, rss = [], [], [], [], []
            for _ in range(RUNS):
                cpu = cpu_s(a.process.pid) + cpu_s(c.process.pid)
                begin = time.monotonic()
                p = c.popen("download", "--json", row["hash"])
                done = story.finish(p)
                ours.append(GIB2 / (time.monotonic() - begin))
                ours_cpu.append(cpu_s(a.process.pid) + cpu_s(c.process.pid) - cpu)
                rss.append(proc(c, "VmHWM"))
                os.unlink(done["path"])
                cpu = cpu_s(web.pid)
                before = os.times()
                begin = time.monotonic()
                subprocess.run(["ip", "netns", "exec", c.ns, "curl", "-sk", "-o", f"{c.downloads}/curl.bin",
                                f"https://{a.ip}:8443/big.bin"], check=True)
                curls.append(GIB2 / (time.monotonic() - begin))
                after = os.times()
                curl_cpu.append(cpu_s(web.pid) - cpu + after.children_user + after.children_system - before.children_user - before.children_system)
                os.unlink(f"{c.downloads}/curl.bin")
            o, k = statistics.median(ours), statistics.median(curls)
            oc, kc = statistics.median(ours_cpu) / (GIB2 / 2**30), statistics.median(curl_cpu) / (GIB2 / 2**30)
            ratio = statistics.median([x / y for x, y in zip(ours, curls)])
            print(f"| {GIB2 // MIB} MiB, one holder, {'veth shaped to ' + rate if rate else 'unshaped veth'}: iwanto (verified) / curl from nginx, TLS | **{ratio:.2f}** ({o / MIB:.0f} / {k / MIB:.0f} MiB/s) "
                  f"| median of {RUNS} pairs; CPU both ends {oc:.2f} / {kc:.2f} s per GiB; peak RSS of the downloader {max(rss):.0f} MiB |", flush=True)
            del path
    os.environ.pop("IWANT_TEST_DIR", None)


def part_index(build):
    """First indexing of a real tree against sha256sum over the same tree on as many cores"""
    source = os.environ.get("IWANT_BENCH_TREE", "/usr/share")
    with Lan(build) as lan:
        a = lan.host("a")
        tree = f"{a.dir}/tree"
        subprocess.run(["cp", "-a", "--no-preserve=ownership", source, tree], check=True)
        subprocess.run(["find", tree, "-type", "l", "-delete"], check=True)
        subprocess.run(["find", tree, "-name", ".*", "-type", "f", "-delete"], check=True)
        cores = str(os.cpu_count())
        sums, ours, again, walks = [], [], [], []
        files = int(subprocess.run(f"find '{tree}' -type f | wc -l", shell=True, capture_output=True, text=True).stdout)
        for _ in range(RUNS):
            begin = time.monotonic()
            subprocess.run(f"find '{tree}' -type f -print0 | xargs -0 -P{cores} -n 500 sha256sum > /dev/null", shell=True, check=True)
            sums.append(time.monotonic() - begin)
            shutil.rmtree(a.home)
            os.makedirs(a.home)
            begin = time.monotonic()
            a.start(share=tree)
            wait("the index", lambda: a.status()["shared"]["files"] > files * 0.8 and not a.status()["shared"]["indexing"], 300, every=0.1)
            ours.append(time.monotonic() - begin)
            st = a.status()["shared"]
            a.stop()
            begin = time.monotonic()
            subprocess.run(f"find '{tree}' -printf '%s %T@ %C@ %i %p\\n' > /dev/null", shell=True, check=True)
            walks.append(time.monotonic() - begin)
            begin = time.monotonic()
            a.start(share=tree)
            wait("the index", lambda: a.status()["shared"]["files"] > files * 0.8 and not a.status()["shared"]["indexing"], 300, every=0.1)
            again.append(time.monotonic() - begin)
            a.stop()
        ratio = statistics.median([x / y for x, y in zip(ours, sums)])
        print(f"| first index of {st['files']:,} files, {st['bytes'] / MIB:,.0f} MiB: time / `sha256sum` on {cores} cores | **{ratio:.2f}** ({statistics.median(ours):.2f} / {statistics.median(sums):.2f} s) "
              f"| median of {RUNS} pairs, warm cache, start of the service included |")
        print(f"| start again, nothing changed | {statistics.median(again):.2f} s | `find -printf` over the tree: {statistics.median(walks):.2f} s |", flush=True)


def part_transfer(build):
    """One peer beside other programs, small files, kill -9; prints tables of its own"""
    import transfer
    transfer.run(build, nginx_tls)


def part_memory(build):
    """Resident memory, idle, with 10,000 files shared"""
    with Lan(build) as lan:
        a, b = lan.host("a"), lan.host("b")
        for i in range(10000):
            story.write(f"{a.share}/tree {i % 100}/leaf {i}.txt", b"%d" % i)
        a.start()
        b.start()
        lan.settled(a, b)
        b.find("leaf 9999")
        time.sleep(10)
        cpu = cpu_s(a.process.pid), cpu_s(b.process.pid)
        time.sleep(30)
        used = [(cpu_s(p) - c) / 30 * 100 for p, c in zip((a.process.pid, b.process.pid), cpu)]
        print(f"| resident memory, idle: leader with 10,000 files shared and in its catalog / follower with none | {proc(a, 'VmRSS'):.1f} / {proc(b, 'VmRSS'):.1f} MiB "
              f"| RssAnon {proc(a, 'RssAnon'):.1f} / {proc(b, 'RssAnon'):.1f} MiB; CPU {used[0]:.2f} / {used[1]:.2f} % of a core |", flush=True)


def part_uploads(build):
    """Resident memory of a sender with 1 to 50 connections that all take from it"""
    with Lan(build) as lan:
        a, b = lan.host("a"), lan.host("b")
        story.noise(f"{a.share}/big.bin", 64 * MIB)
        a.start()
        b.start()
        lan.settled(a, b)
        digest, tls = b.find("big.bin")["hash"], f"{b.home}/tls"
        text = subprocess.run(["openssl", "x509", "-in", f"{tls}/cert.pem", "-noout", "-text"], capture_output=True, text=True, check=True).stdout
        name = re.search(r"DNS:(\S+)", text)[1]
        port = next(int(line.split()[3].rsplit(":", 1)[1]) for line in subprocess.run(
            ["ip", "netns", "exec", a.ns, "ss", "-Hltnp"], capture_output=True, text=True, check=True).stdout.splitlines() if f"pid={a.process.pid}," in line)
        for n in (1, 10, 50):
            urls = [x for i in range(n) for x in ("-o", "/dev/null", f"https://{name}:{port}/v1/files/{digest}")]
            p = subprocess.Popen(["ip", "netns", "exec", b.ns, "curl", "-sS", "-Z", "--parallel-max", "50", "--parallel-immediate", "--limit-rate", "300k", "--cert",
                                  f"{tls}/cert.pem", "--key", f"{tls}/key.pem", "--cacert", f"{tls}/ca.pem", "--resolve", f"{name}:{port}:{a.ip}", *urls], stderr=subprocess.DEVNULL)
            lan.processes.append(p)
            wait(f"{n} connections", lambda: subprocess.run(["ip", "netns", "exec", a.ns, "ss", "-Htn", "sport", "=", f":{port}"], capture_output=True,
                                                            text=True).stdout.count("ESTAB") >= n)
            time.sleep(5)
            print(f"| resident memory of a sender, {n} connections taking 300 kB/s each (at most 48 MiB) | {proc(a, 'VmRSS'):.1f} MiB, peak {proc(a, 'VmHWM'):.1f} MiB "
                  f"| RssAnon {proc(a, 'RssAnon'):.1f} MiB |", flush=True)
            p.kill()
            p.wait()


def ended(number, frame):
    """Told to stop: the namespaces and processes go first."""
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, ended)
    options = argparse.ArgumentParser()
    options.add_argument("build")
    options.add_argument("parts", nargs="*")
    for name, what in (("kills", "election: kills of the leader"), ("hog-seconds", "election: so long under load"),
                       ("hog-hosts", "election: hosts with a hog, else 8"), ("hog-nice", "election: priority of the hogs"),
                       ("hosts", "election: hosts of the largest LAN"), ("only", "election: one of kills cold merge calm hog")):
        options.add_argument("--" + name, help=what)
    given = options.parse_args()
    for name, key in (("kills", "KILLS"), ("hog_seconds", "HOG_S"), ("hog_hosts", "HOG_HOSTS"), ("hog_nice", "HOG_NICE"), ("hosts", "HOSTS"), ("only", "ONLY")):
        if getattr(given, name):
            os.environ["IWANT_BENCH_" + key] = getattr(given, name)
    build, parts = given.build, given.parts or ["first", "change", "rate", "index", "memory", "uploads", "play", "search", "transfer"]
    if parts not in (["search"], ["transfer"]):
        print("| what | figure | how |\n|---|---|---|", flush=True)
    for part in parts:
        globals()[f"part_{part}"](build)


main()
