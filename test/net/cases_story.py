"""The main job: hosts find each other, search and download, whatever fails meanwhile."""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import time

from lan import Failed, sh, wait

MIB = 1 << 20
BIG = int(os.environ.get("IWANT_TEST_BIG_MIB", "384")) * MIB


def write(path, data=b""):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    return path


def noise(path, size, seed=1):
    """size bytes that no compression or sparse file could stand for."""
    rng = random.Random(seed)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        while size:
            n = min(size, 4 * MIB)
            f.write(rng.randbytes(n))
            size -= n
    return path


def sha256(path):
    h = hashlib.sha256()
    with open(path, "rb") as f:
        while block := f.read(4 * MIB):
            h.update(block)
    return h.hexdigest()


def same(a, b):
    if sha256(a) != sha256(b):
        raise Failed(f"{a} and {b} differ")


def same_tree(a, b):
    done = subprocess.run(["diff", "-r", a, b], capture_output=True, text=True)
    if done.returncode:
        raise Failed(f"diff -r: {done.stdout[:500]}")


def check(true, what):
    if not true:
        raise Failed(str(what))


def events(popen):
    for line in popen.stdout:
        yield json.loads(line)


def until(popen, probe):
    """Read events until probe(event); gives that event."""
    last = None
    for last in events(popen):
        if probe(last):
            return last
        if last["event"] in ("done", "failed"):
            break
    raise Failed(f"the download ended too early: {last}; {popen.stderr.read()}")


def finish(popen):
    last = None
    for last in events(popen):
        pass
    code = popen.wait(120)
    if code or not last or last["event"] != "done":
        raise Failed(f"download: exit {code}, last event {last}, {popen.stderr.read()}")
    return last


def case_find(lan):
    """Two fresh hosts find each other; a third finds Silicon Valley with typing errors"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    name = "Silicon Valley S01E01 Minimum Viable Product.mkv"
    write(f"{a.share}/Shows/{name}", b"pilot" * 1000)
    write(f"{b.share}/copy/{name}", b"pilot" * 1000)
    for h in (a, b, c):
        h.start()
    lan.settled(a, b, c)
    row = c.find("slicon valey", holders=2)
    check(row["name"] == name and sorted(row["holders"]) == ["a", "b"], row)
    check(row["hash"] == sha256(f"{a.share}/Shows/{name}"), row)
    for words in (["valley", "silicon"], ["SILICON-VALLEY"], ["silicon", "valley", "1x01"]):
        check(c.search(*words)[0]["hash"] == row["hash"], words)
    check(c.run("search", "nothing of the kind").code == 1, "exit 1 when nothing is found")


def case_name(lan):
    """A content with several names is fetched under the one that the row showed, made safe; by hash under a holder's"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    write(f"{a.share}/quince marmalade.txt", b"the same")
    write(f"{b.share}/pear compote.txt", b"the same")
    for h in (a, b, c):
        h.start()
    lan.settled(a, b, c)
    for words in ("quince marmalade", "pear compote"):
        row = c.find(words, holders=2, name=words + ".txt")
        done = c.run("download", "@1")
        check(done.code == 0 and os.path.exists(f"{c.downloads}/{words}.txt"), f"{done} {os.listdir(c.downloads)}")
        os.unlink(f"{c.downloads}/{words}.txt")
    check(c.run("download", row["hash"]).code == 0 and len(os.listdir(c.downloads)) == 1, os.listdir(c.downloads))


def case_change(lan):
    """New, changed, renamed, moved-in and removed files show in the search"""
    a, b = lan.host("a"), lan.host("b")
    for h in (a, b):
        h.start()
    lan.settled(a, b)
    write(f"{a.share}/alpha report.txt", b"one")
    first = b.find("alpha report")
    write(f"{a.share}/alpha report.txt", b"two, longer")
    wait("the changed content", lambda: b.find("alpha report")["hash"] != first["hash"])
    os.rename(f"{a.share}/alpha report.txt", f"{a.share}/omega letter.txt")
    row = b.find("omega letter")
    check(row["hash"] == sha256(f"{a.share}/omega letter.txt"), row)
    wait("the old name to go", lambda: not b.search("alpha report"))
    os.unlink(f"{a.share}/omega letter.txt")
    wait("the file to go", lambda: not b.search("omega letter"))
    for i in range(300):
        write(f"{a.dir}/outside/tree/level {i % 7}/kiwi {i}.txt", b"%d" % i)
    os.rename(f"{a.dir}/outside/tree", f"{a.share}/tree")
    wait("300 files of a tree moved in", lambda: b.status() and len(b.search("kiwi", "--limit", "200")) >= 200)
    b.find("kiwi 299")
    shutil.move(f"{a.share}/tree", f"{a.dir}/outside/again")
    wait("the tree to go", lambda: not b.search("kiwi"))


def case_holder_killed(lan):
    """A big file comes whole although one of its two holders is killed half-way"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    noise(f"{a.share}/big movie.mkv", BIG)
    os.link(f"{a.share}/big movie.mkv", f"{b.share}/the same.mkv")
    for h in (a, b, c):
        h.rate("1gbit")
        h.start()
    lan.settled(a, b, c)
    row = c.find("big movie", holders=2)
    check(row["hash"] == sha256(f"{a.share}/big movie.mkv"), row)
    p = c.popen("download", "--json", row["hash"])
    until(p, lambda e: e.get("bytes", 0) > BIG // 2)
    b.kill()
    done = finish(p)
    same(f"{a.share}/big movie.mkv", done["path"])
    check(int(os.stat(done["path"]).st_mtime) == int(os.stat(f"{a.share}/big movie.mkv").st_mtime), "time restored")
    check(not [f for f in os.listdir(c.downloads) if "iwant-part" in f], os.listdir(c.downloads))


def case_folder(lan):
    """A folder of 5,000 files comes whole, times, empty files and folders included"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    rng = random.Random(5)
    for i in range(5000):
        write(f"{a.share}/Photo archive/{i % 40:02}/{i // 400}/picture {i:05}.jpg", rng.randbytes(rng.choice((0, 1, 900, 5000, 40000))))
    noise(f"{a.share}/Photo archive/video.mp4", 9 * MIB + 17, 3)
    os.makedirs(f"{a.share}/Photo archive/empty folder")
    os.chmod(write(f"{a.share}/Photo archive/run me.sh", b"#!/bin/sh\n"), 0o755)
    shutil.copytree(f"{a.share}/Photo archive", f"{b.share}/Photos", copy_function=shutil.copy2)
    for h in (a, b, c):
        h.start()
    lan.settled(a, b, c)
    row = c.find("photo archive", "--type", "dir", holders=2)
    hashed = a.run("hash", f"{a.share}/Photo archive").out.split()[0]
    check(hashed == row["hash"], f"iwanto hash says {hashed}, the search {row['hash']}")
    done = finish(c.popen("download", "--json", row["hash"]))
    same_tree(f"{a.share}/Photo archive", done["path"])
    check(os.access(f"{done['path']}/run me.sh", os.X_OK), "executable bit restored")
    name = "00/0/picture 00000.jpg"
    check(int(os.stat(f"{done['path']}/{name}").st_mtime) == int(os.stat(f"{a.share}/Photo archive/{name}").st_mtime)
          or int(os.stat(f"{done['path']}/{name}").st_mtime) == int(os.stat(f"{b.share}/Photos/{name}").st_mtime), "times restored")
    again = finish_or_skip(c.popen("download", "--json", row["hash"]))
    check(again["event"] == "skipped" and again["path"] == done["path"], again)
    other = finish(c.popen("download", "--json", "--rename", row["hash"]))
    check(other["path"] == done["path"] + " (2)", other)
    same_tree(done["path"], other["path"])


def finish_or_skip(popen):
    last = None
    for last in events(popen):
        pass
    check(popen.wait(120) == 0 and last["event"] in ("done", "skipped"), last)
    return last


def case_resume(lan):
    """Killed with kill -9 at a random moment, the same command goes on and fetches again at most some pieces"""
    a, c = lan.host("a"), lan.host("c")
    size = BIG // 2
    noise(f"{a.share}/disc image.iso", size)
    a.rate("1gbit")
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("disc image")
    p = c.popen("download", "--json", row["hash"])
    had = until(p, lambda e: e.get("bytes", 0) > random.Random(time.time()).uniform(0.2, 0.7) * size)["bytes"]
    c.kill()
    p.wait(20)
    check(not os.path.exists(f"{c.downloads}/disc image.iso"), "no final name before it is whole")
    c.start()
    done = finish(c.popen("download", "--json", row["hash"]))
    same(f"{a.share}/disc image.iso", done["path"])
    again = had + done["fetched"] - size
    # What was written is found in the partial file; only requests that were under way begin again.
    check(again <= 16 * MIB, f"{again / MIB:.0f} MiB fetched again of {had / MIB:.0f}")
    print(f"     had {had / MIB:.0f} MiB, fetched again {max(again, 0) / MIB:.1f} MiB")


def case_ctrl_c(lan):
    """Ctrl-C stops showing, the service goes on; the same command shows it again"""
    a, c = lan.host("a"), lan.host("c")
    noise(f"{a.share}/slow song.flac", 48 * MIB)
    a.rate("200mbit")
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("slow song")
    p = c.popen("download", "--json", row["hash"])
    until(p, lambda e: e.get("bytes", 0) > 4 * MIB)
    p.send_signal(signal.SIGINT)
    check(p.wait(20) == 130, f"exit {p.returncode}")
    check("goes on" in p.stderr.read(), "says that it goes on")
    wait("the download to end by itself", lambda: os.path.exists(f"{c.downloads}/slow song.flac"))
    same(f"{a.share}/slow song.flac", f"{c.downloads}/slow song.flac")


def case_liar(lan):
    """A holder that sends wrong bytes is found, dropped, and the file comes from the other"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    liar = f"{lan.dir}/liar.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", liar,
                    os.path.join(os.path.dirname(os.path.abspath(__file__)), "liar.c")], check=True)
    noise(f"{a.share}/truth.bin", 48 * MIB)
    shutil.copy2(f"{a.share}/truth.bin", f"{b.share}/truth.bin")
    a.start()
    b.start(env={"LD_PRELOAD": liar, "LIAR_ON": f"{lan.dir}/lie", "ASAN_OPTIONS": "verify_asan_link_order=0"})
    c.start()
    lan.settled(a, b, c)
    row = c.find("truth", holders=2)
    write(f"{lan.dir}/lie")
    p = c.popen("download", "--json", row["hash"])
    seen = list(events(p))
    check(p.wait(60) == 0 and seen[-1]["event"] == "done", f"{seen[-3:]} {p.stderr.read()}")
    check([e for e in seen if e["event"] == "piece-bad"], "the bad piece is told")
    same(f"{a.share}/truth.bin", seen[-1]["path"])


def case_only_liars(lan):
    """Nobody but a liar: nothing wrong is ever given a final name; exit 6"""
    b, c = lan.host("b"), lan.host("c")
    liar = f"{lan.dir}/liar.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", liar,
                    os.path.join(os.path.dirname(os.path.abspath(__file__)), "liar.c")], check=True)
    noise(f"{b.share}/truth.bin", 8 * MIB)
    b.start(env={"LD_PRELOAD": liar, "LIAR_ON": f"{lan.dir}/lie", "ASAN_OPTIONS": "verify_asan_link_order=0"})
    c.start()
    lan.settled(b, c)
    row = c.find("truth")
    write(f"{lan.dir}/lie")
    done = c.run("download", row["hash"])
    check(done.code == 6, done)
    check(not os.path.exists(f"{c.downloads}/truth.bin"), "no file")


def case_downloader_serves(lan):
    """A downloader serves the pieces it has: with the holder gone, a third gets what the second has"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    noise(f"{a.share}/shared.bin", 96 * MIB)
    a.rate("300mbit")
    for h in (a, b, c):
        h.start()
    lan.settled(a, b, c)
    row = c.find("shared.bin")
    p = b.popen("download", "--json", row["hash"])
    until(p, lambda e: e.get("bytes", 0) > 64 * MIB)
    a.cable(False)
    wait("b or c to lead", lambda: c.leader() in ("b", "c") and c.leader() == b.leader(), 30)
    q = c.popen("download", "--json", row["hash"])
    got = until(q, lambda e: e.get("bytes", 0) > 32 * MIB)
    check(got["bytes"] > 32 * MIB, got)
    a.cable(True)
    finish(p)
    done = finish(q)
    same(f"{a.share}/shared.bin", done["path"])


def case_leader_killed(lan):
    """The leader is killed: another leads and the search works again"""
    hosts = [lan.host(n) for n in "abcd"]
    for h in hosts:
        write(f"{h.share}/song of {h.name}.ogg", h.name.encode())
        h.start()
    leader = lan.settled(*hosts)
    check(leader.name == "a", f"the oldest leads, not {leader.name}")
    rest = [h for h in hosts if h is not leader]
    leader.kill()
    begin = time.monotonic()
    rest[0].find("song of d")
    print(f"     searched again after {time.monotonic() - begin:.2f} s")
    lan.settled(*rest)
    wait("the dead one's files to go", lambda: not [r for r in rest[1].search("song") if r["name"] == f"song of {leader.name}.ogg"])


def case_leader_leaves(lan):
    """The leader stops: it says goodbye and one that stood by leads at once"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    for h in (a, b, c):
        write(f"{h.share}/song of {h.name}.ogg", h.name.encode())
        h.start()
    lan.settled(a, b, c)
    check(a.run("stop").code == 0, "stop")
    wait("the service to end", lambda: a.process.poll() == 0)
    # Which of two that came at once is the older one hangs on their datagrams; the simulator proves the order.
    leader = lan.settled(b, c)
    (b if leader is c else c).find(f"song of {leader.name}")


def case_split(lan):
    """A cut cable: each side has a leader and searches itself; mended, they are one again"""
    hosts = [lan.host(n) for n in "abcd"]
    a, b, c, d = hosts
    for h in hosts:
        write(f"{h.share}/song of {h.name}.ogg", h.name.encode())
        h.start()
    lan.settled(*hosts)
    a.cable(False)
    lan.settled(b, c, d, seconds=30)
    c.find("song of d")
    wait("a to lead itself", lambda: a.leader() == "a" and a.peers() == ["a"], 30)
    a.find("song of a")
    a.cable(True)
    lan.settled(*hosts, seconds=30)
    a.find("song of d")
    d.find("song of a")


def case_private(lan):
    """A private network: members find each other, a wrong passphrase and the open network see nothing"""
    a, b, c, d = (lan.host(n) for n in "abcd")
    right = write(f"{lan.dir}/right", b"correct horse battery staple\n")
    wrong = write(f"{lan.dir}/wrong", b"incorrect horse battery staple\n")
    for h in (a, b, c, d):
        write(f"{h.share}/secret of {h.name}.txt", h.name.encode())
    for h, phrase in ((a, right), (b, right), (c, wrong)):
        os.chmod(phrase, 0o600)
        h.start("--network", "family", "--passphrase-file", phrase)
    d.start()
    lan.settled(a, b)
    b.find("secret of a")
    for h in (c, d):
        check(h.peers() == [h.name], f"{h.name} sees {h.peers()}")
        check([r["name"] for r in h.search("secret")] == [f"secret of {h.name}.txt"], h.search("secret"))
    port = a.status()["port"]
    script = f"exec 3<>/dev/tcp/{a.ip}/{port}; printf 'GET /v1/peers HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' >&3; timeout 3 cat <&3"
    plain = subprocess.run(["ip", "netns", "exec", d.ns, "bash", "-c", script], capture_output=True)
    check(b"HTTP" not in plain.stdout, plain.stdout)
    tls = subprocess.run(["ip", "netns", "exec", d.ns, "curl", "-sk", "-m", "5", "-o", "-", "-w", "%{http_code}",
                          f"https://{a.ip}:{port}/v1/peers"], capture_output=True, text=True)
    check(tls.returncode != 0 and tls.stdout == "000", tls)


def case_other_user(lan):
    """Another user of the computer can't command the service"""
    a = lan.host("a")
    a.start()
    os.chmod(lan.dir, 0o755)
    done = subprocess.run(a.command("status")[:3] + [a.ns] + ["setpriv", "--reuid", "65534", "--clear-groups", lan.program, "status"],
                          env=a.env(), capture_output=True, text=True)
    check(done.returncode == 3 and done.stdout == "" and done.stderr.startswith("iwanto: "), done)


def case_disk_full(lan):
    """Too small a disk: told before the first byte; full in mid-download: exit 7, goes on when there is room"""
    a, c = lan.host("a"), lan.host("c")
    noise(f"{a.share}/large.bin", 64 * MIB)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", c.downloads], check=True)
    try:
        a.start()
        c.start()
        lan.settled(a, c)
        row = c.find("large.bin")
        done = c.run("download", row["hash"])
        check(done.code == 7 and "needed" in done.err, done)
        check(os.listdir(c.downloads) == [], os.listdir(c.downloads))
        subprocess.run(["mount", "-o", "remount,size=100m", c.downloads], check=True)
        done = c.run("download", row["hash"])
        check(done.code == 0, done)
        same(f"{a.share}/large.bin", f"{c.downloads}/large.bin")
    finally:
        c.stop()
        subprocess.run(["umount", c.downloads])


def case_damaged_database(lan):
    """A damaged database is set aside, rebuilt, and said; what is shared is found again"""
    a, b = lan.host("a"), lan.host("b")
    for i in range(200):
        write(f"{a.share}/melon {i}.txt", b"%d" % i)
    a.start()
    b.start()
    b.find("melon 199")
    a.stop()
    with open(f"{a.home}/iwant.db", "r+b") as f:
        f.write(random.Random(3).randbytes(8192))
    for extra in ("-wal", "-shm"):
        if os.path.exists(f"{a.home}/iwant.db{extra}"):
            os.unlink(f"{a.home}/iwant.db{extra}")
    a.start()
    lan.settled(a, b)
    b.find("melon 199")
    check([f for f in os.listdir(a.home) if f.startswith("iwant.db.damaged")], os.listdir(a.home))
    check("damaged" in a.said(), "said")


def case_damaged_partial(lan):
    """A partial file that was damaged behind our back is found; the result is right all the same"""
    a, c = lan.host("a"), lan.host("c")
    noise(f"{a.share}/disc.iso", 96 * MIB)
    a.rate("400mbit")
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("disc.iso")
    p = c.popen("download", "--json", row["hash"])
    until(p, lambda e: e.get("bytes", 0) > 70 * MIB)
    c.stop()
    p.wait(20)
    part = [f for f in os.listdir(c.downloads) if f.endswith(".iwant-part")]
    check(len(part) == 1, os.listdir(c.downloads))
    with open(f"{c.downloads}/{part[0]}", "r+b") as f:
        for at in range(0, 90 * MIB, 7 * MIB):
            f.seek(at)
            f.write(b"damaged!")
    c.start()
    done = finish(c.popen("download", "--json", row["hash"]))
    same(f"{a.share}/disc.iso", done["path"])


def case_never_over(lan):
    """A download never lands on an existing file; equal content is skipped"""
    a, c = lan.host("a"), lan.host("c")
    write(f"{a.share}/letter.txt", b"from a")
    write(f"{c.downloads}/letter.txt", b"mine")
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("letter")
    for _ in range(2):
        check(c.run("download", row["hash"]).code == 0, "download")
    with open(f"{c.downloads}/letter.txt", "rb") as f:
        check(f.read() == b"mine", "the file that was there")
    with open(f"{c.downloads}/letter (2).txt", "rb") as f:
        check(f.read() == b"from a", "the download")
    check(sorted(os.listdir(c.downloads)) == ["letter (2).txt", "letter.txt"], os.listdir(c.downloads))
    check(c.run("download", "--rename", row["hash"]).code == 0, "rename")
    with open(f"{c.downloads}/letter (3).txt", "rb") as f:
        check(f.read() == b"from a", "equal content under another name when told so")
    check(c.run("download", "--overwrite", row["hash"]).code == 0, "overwrite")
    with open(f"{c.downloads}/letter.txt", "rb") as f:
        check(f.read() == b"from a", "overwritten when told so")


def twins(digits):
    """Two contents whose hashes begin alike."""
    seen = {}
    for i in range(10**6):
        data = b"twin %d" % i
        start = hashlib.sha256(data).hexdigest()[:digits]
        if start in seen:
            return seen[start], data, start
        seen[start] = data
    raise Failed("no twins")


def case_hash_unknown(lan):
    """An unknown hash: exit 1; an ambiguous prefix: exit 2; a unique one downloads"""
    a, c = lan.host("a"), lan.host("c")
    one, two, start = twins(6)
    write(f"{a.share}/twin one.txt", one)
    write(f"{a.share}/twin two.txt", two)
    write(f"{a.share}/one.txt", b"one")
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("one.txt")
    check(c.run("download", "0" * 64).code == 1, "unknown hash")
    check(c.run("download", "000000").code == 1, "unknown prefix")
    check(c.run("download", "12345").code == 2, "too short a prefix")
    wait("both twins", lambda: len(c.search("twin", "--type", "document")) == 2)
    done = c.run("download", start)
    check(done.code == 2 and len(done.err.splitlines()) <= 2 and start in done.err, done)
    check(c.run("download", hashlib.sha256(two).hexdigest()[:16]).code == 0, "a longer prefix")
    check(c.run("download", row["hash"][:10]).code == 0, "prefix")
    c.search("one.txt")
    done = c.run("download", "@1")
    check(done.code == 0, done)
    done = c.run("download", "sha256:" + row["hash"])
    check(done.code == 0, done)


def case_port_taken(lan):
    """The port is taken: another one serves, is announced, and nobody notices"""
    a, b = lan.host("a"), lan.host("b")
    squatter = subprocess.Popen(["ip", "netns", "exec", a.ns, "python3", "-c",
                                 "import socket, time; s = socket.socket(); s.bind(('', 1235)); s.listen(); print(1, flush=True); time.sleep(600)"],
                                stdout=subprocess.PIPE)
    lan.processes.append(squatter)
    squatter.stdout.readline()
    write(f"{a.share}/plum.txt", b"plum")
    a.start()
    b.start()
    lan.settled(a, b)
    check(a.status()["port"] not in (0, 1235), a.status())
    check(b.run("download", b.find("plum")["hash"]).code == 0, "download")


def case_no_interface(lan):
    """No network at first: the service runs and says so; when the cable comes, it is found"""
    a, b = lan.host("a"), lan.host("b")
    write(f"{a.share}/plum.txt", b"plum")
    sh("ip", "-n", a.ns, "link", "set", "eth0", "down")
    done = a.run("start", "--interface", "nosuch0", "--share", a.share, "--downloads", a.downloads)
    check(done.code == 2 and "nosuch0" in done.err and "eth0" in done.err, done)
    a.start()
    b.start()
    check("none" in a.run("status").out, a.run("status"))
    wait("b alone", lambda: b.leader() == "b" and b.peers() == ["b"])
    sh("ip", "-n", a.ns, "link", "set", "eth0", "up")
    lan.settled(a, b)
    b.find("plum")


def case_folder_changed(lan):
    """Another shared folder while the service runs; a folder that goes away is withdrawn, and back when it returns"""
    a, b = lan.host("a"), lan.host("b")
    write(f"{a.share}/old plum.txt", b"old")
    write(f"{a.dir}/other/new pear.txt", b"new")
    a.start()
    b.start()
    lan.settled(a, b)
    b.find("old plum")
    check(a.run("share", f"{a.dir}/other").code == 0, "share")
    b.find("new pear")
    wait("the old folder's file to go", lambda: not b.search("old plum"))
    check(a.run("share", f"{a.dir}/nowhere").code == 2, "a folder that is not there")
    b.find("new pear")
    os.rename(f"{a.dir}/other", f"{a.dir}/unplugged")
    wait("the files of the folder to be withdrawn", lambda: not b.search("new pear"), 30)
    os.rename(f"{a.dir}/unplugged", f"{a.dir}/other")
    wait("them to be back", lambda: b.search("new pear"), 30)


def case_usr_share(lan):
    """A real tree of a system, on two hosts, found and fetched from a third"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    tree = "/usr/share/doc" if os.path.isdir("/usr/share/doc") else "/usr/share"
    a.start(share=tree)
    b.start(share=tree)
    c.start()
    lan.settled(a, b, c)
    wait("the tree to be indexed", lambda: all(h.status()["shared"]["files"] > 0 and not h.status()["shared"]["indexing"] for h in (a, b)), 120)
    row = c.find("copyrihgt libc6", holders=2)
    done = finish_or_skip(c.popen("download", "--json", row["hash"]))
    check(sha256(done["path"]) == row["hash"], done)
