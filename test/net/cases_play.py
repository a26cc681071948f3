"""play and link: what programs that know nothing of iwant get, on real hosts."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.parse

from lan import Failed, wait

MIB = 1 << 20
here = os.path.dirname(os.path.abspath(__file__))


def check(ok, what):
    if not ok:
        raise Failed(str(what)[:2000])


def noise(path, size):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        for at in range(0, size, MIB):
            f.write(os.urandom(min(MIB, size - at)))
    return path


def there(host, *args, **kw):
    """A program in a host's namespace."""
    return subprocess.run(["ip", "netns", "exec", host.ns, *args], capture_output=True, stdin=subprocess.DEVNULL, **kw)


def curl(host, url, *args):
    """Status and body."""
    done = there(host, "curl", "-s", "--path-as-is", "--max-time", "60", "-w", "\n%{http_code}", *args, url)
    body, _, code = done.stdout.rpartition(b"\n")
    return int(code), body


def reader(host, url, path, seed, *places):
    done = there(host, sys.executable, os.path.join(here, "reader.py"), url, path, str(seed), *map(str, places), text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    check(len(rows) == len(places) and all(r["ok"] for r in rows), f"{rows} {done.stderr}")
    return rows


def play(host, what, *args):
    """The command and its URL."""
    p = host.popen("play", *args, what)
    url = p.stdout.readline().strip()
    check(url.startswith("http://127.0.0.1:"), url or p.stderr.read())
    return p, url


def end(p, code=130):
    p.send_signal(signal.SIGINT)
    out, err = p.communicate(timeout=30)
    check(p.returncode == code, f"{p.returncode} {out} {err}")
    return err


def case_play(lan):
    """A file is played while it downloads: every range is right, the URL is the owner's alone, the file stays"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    size = 200 * MIB + 4321
    path = noise(f"{a.share}/Big Film.mkv", size)
    shutil.copy(path, f"{b.share}/same.bin")
    for h in (a, b):
        h.rate("300mbit")
    for h in (a, b, c):
        h.start()
    lan.settled(a, b, c)
    row = c.find("big film", holders=2)
    p, url = play(c, row["hash"])
    reader(c, url, path, 1, 0, -1, "?", "?", size // 2, "?", 4095, "?", -MIB, "?", 0)
    b.kill()  # one of its sources dies
    reader(c, url, path, 2, "?", "?", "?", size - 1, "?", 3 * MIB)
    # what the URL does not do
    check(curl(c, url, "-r", f"{size}-")[0] == 416, "a range behind the end")
    code, head = curl(c, url, "-I")
    check(code == 200 and f"Content-Length: {size}".encode() in head and b"video/x-matroska" in head
          and b"Accept-Ranges: bytes" in head, head)
    check(curl(c, url, "-H", "Host: evil.example")[0] == 421, "another name")
    check(curl(c, url, "-X", "POST", "-d", "x")[0] == 405 and curl(c, url, "-T", path)[0] in (405, 413), "writing")
    at = urllib.parse.urlsplit(url)
    token = at.path.split("/")[1]
    base = f"http://{at.netloc}"
    for bad in ("/", f"/{token}", f"/{token[:-1]}0/x", f"/{'0' * 32}/x", f"/../{token}/x", "//etc/passwd", f"/%2e%2e/{token}/x"):
        if bad != f"/{token[:-1]}0/x" or token[-1] != "0":
            check(curl(c, base + bad)[0] == 404, bad)
    done = there(c, "ss", "-Hltn", f"sport = :{at.port}", text=True)
    check([line.split()[3] for line in done.stdout.splitlines()] == [f"127.0.0.1:{at.port}"], done.stdout)
    # the rest, as one stream
    code, body = curl(c, url)
    with open(path, "rb") as f:
        check(code == 200 and body == f.read(), "the whole")
    wait("the file in the download folder", lambda: os.listdir(c.downloads) == ["Big Film.mkv"])
    reader(c, url, path, 3, "?", -1)
    end(p)
    check(there(c, "curl", "-s", "--max-time", "5", url).returncode != 0 or curl(c, url)[0] == 404, "the URL has ended")
    check(not there(c, "cmp", path, f"{c.downloads}/Big Film.mkv").returncode, "the file")
    # who shares it reads it from there
    p, url = play(a, row["hash"])
    reader(a, url, path, 4, 0, "?", -1)
    end(p)
    check(os.listdir(a.downloads) == [], "nothing was downloaded")


def case_play_slow(lan):
    """A slow source, a player that jumps and is slow, a source that dies and comes back: right, or waiting"""
    a, c = lan.host("a"), lan.host("c")
    path = noise(f"{a.share}/slow song.mp3", 24 * MIB + 7)
    a.rate("40mbit")
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("slow song")
    p, url = play(c, row["hash"])
    reader(c, url, path, 1, 0, 20 * MIB, 3 * MIB, -1, 10 * MIB)
    at = urllib.parse.urlsplit(url)
    lazy = there_popen(c, "curl", "-s", "--limit-rate", "200K", "-r", f"{22 * MIB}-", url)
    a.kill()
    time.sleep(0.5)
    waiting = there_popen(c, "curl", "-s", "--max-time", "60", url)
    time.sleep(1)
    check(waiting.poll() is None, "it waits for the source")
    a.start()
    with open(path, "rb") as f:
        data = f.read()
    check(waiting.communicate(timeout=60)[0] == data, f"what waited, from {at.port}")
    check(lazy.communicate(timeout=60)[0] == data[22 * MIB:], "the slow reader")
    end(p)


def there_popen(host, *args):
    return subprocess.Popen(["ip", "netns", "exec", host.ns, *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def case_play_words(lan):
    """What play is told and tells: a folder's one video, a list to choose from, JSON, a player, errors"""
    a, c = lan.host("a"), lan.host("c")
    film = noise(f"{a.share}/Some Film/film.mkv", 5 * MIB)
    noise(f"{a.share}/Some Film/poster.jpg", 1000)
    for i in (1, 2):
        noise(f"{a.share}/Series/S01E0{i}.mkv", 100000 * i)
    a.start()
    c.start()
    lan.settled(a, c)
    folder = whole_folder(c, "Some Film", 5 * MIB + 1000)
    p, url = play(c, folder["hash"])
    check(url.endswith("/film.mkv"), url)
    reader(c, url, film, 1, 0, "?")
    wait("its file alone", lambda: os.listdir(c.downloads) == ["film.mkv"])
    err = end(p)
    check("downloaded: " in err, err)
    series = whole_folder(c, "Series", 300000)
    done = c.run("play", series["hash"][:12])
    check(done.code == 1 and len(done.out.splitlines()) == 2 and "choose one: iwanto play @N" in done.err, done)
    p = c.popen("play", "--json", "@2")
    first = json.loads(p.stdout.readline())
    check(first["event"] == "play" and first["name"] == "S01E02.mkv" and first["type"] == "video/x-matroska"
          and first["size"] == 200000, first)
    reader(c, first["url"], f"{a.share}/Series/S01E02.mkv", 1, 0, -1)
    events = [first["event"]]
    while events[-1] not in ("done", "skipped", "failed"):
        events.append(json.loads(p.stdout.readline())["event"])
    check(events[-1] == "done", events)
    end(p)
    out = os.path.join(c.dir, "played")
    done = c.run("play", "--player", f"curl -s -o {out}", folder["hash"])
    check(done.code == 0 and done.out == "" and not there(c, "cmp", film, out).returncode, done)
    done = c.run("play", "--player", "false", folder["hash"])
    check(done.code == 7 and "status 1" in done.err, done)
    done = c.run("play", "--player", "nosuchplayer -f", folder["hash"])
    check(done.code == 7 and "the player cannot be started: nosuchplayer -f" in done.err, done)
    check(c.run("play", "f" * 64).code == 1, "nobody has it")
    check(c.run("play").code == 2 and c.run("play", "a", "b").code == 2, "usage")


def whole_folder(host, name, size, holders=1):
    """Its row, once all that is in it has been hashed."""
    return wait(name, lambda: [r for r in host.search("--type", "dir", name)
                               if r["name"] == name and r["size"] == size and len(r["holders"]) == holders])[0]


def media(path):
    """A little film, when there is something to make it with."""
    if not shutil.which("ffmpeg") or not shutil.which("ffprobe"):
        return False
    return not subprocess.run(["ffmpeg", "-loglevel", "error", "-f", "lavfi", "-i", "testsrc=size=640x360:rate=25",
                               "-t", "20", "-c:v", "mpeg2video", "-q:v", "2", "-y", path]).returncode


def case_play_probe(lan):
    """ffprobe reads a film's length through the URL while it downloads (its index lies at the end)"""
    a, c = lan.host("a"), lan.host("c")
    path = f"{a.share}/made.mkv"
    if not media(path):
        print("  no ffmpeg: nothing was tried")
        return
    a.rate("20mbit")
    a.start()
    c.start()
    lan.settled(a, c)
    p, url = play(c, c.find("made")["hash"])
    done = there(c, "ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", url, text=True)
    check(done.returncode == 0 and abs(float(done.stdout) - 20) < 0.2, done)
    end(p)


def document(host, key, path, *args):
    done = host.run("link", "--metalink", *args, key)
    check(done.code == 0 and done.out.startswith("<?xml"), done)
    with open(path, "w") as f:
        f.write(done.out)
    return done


def requests(host):
    return sum(r["requests"] for r in host.run("link", "--list", "--json").rows())


def case_link(lan):
    """A Metalink of three holders, fetched by aria2 from all of them, one of them killed; and what a door refuses"""
    hosts = [lan.host(n) for n in "abcd"]
    *holders, d = hosts
    path = noise(f"{holders[0].share}/image.iso", 120 * MIB + 1)
    for h in holders[1:]:
        shutil.copy(path, f"{h.share}/image.iso")
    noise(f"{holders[0].share}/secret/other.txt", 1000)
    for h in holders:
        h.rate("100mbit")
    for h in hosts:
        h.start()
    lan.settled(*hosts)
    row = d.find("image", holders=3)
    for h in holders:
        check(not there(h, "ss", "-Hltn", "sport = :1236", text=True).stdout, "a door is shut before it is asked for")
    done = document(d, row["hash"], f"{d.dir}/image.meta4")
    check("from 3 holders" in done.err and done.out.count("<url ") == 3, done)
    target = os.path.join(d.dir, "got")
    fetch = there_popen(d, "aria2c", "-q", "-d", target, "--min-split-size=1M", "-s6", f"{d.dir}/image.meta4")
    wait("all three give", lambda: all(requests(h) for h in holders))
    holders[2].kill()
    check(fetch.wait(120) == 0 and not there(d, "cmp", path, f"{target}/image.iso").returncode, "aria2")
    # plain links
    done = d.run("link", "--json", row["hash"])
    answer = done.rows()[0]
    check(len(answer["urls"]) == 2 and answer["holders"] == 2, done)
    url = next(u for u in answer["urls"] if holders[0].ip in u)
    reader(d, url, path, 1, 0, "?", -1)
    at = urllib.parse.urlsplit(url)
    base, token = f"http://{at.netloc}", at.path.split("/")[1]
    check(curl(d, url, "-X", "POST", "-d", "x")[0] == 405 and curl(d, url, "-X", "DELETE")[0] == 405, "writing")
    check(curl(d, url, "-H", "Host: evil.example:1236")[0] == 421, "DNS rebinding")
    wrong = ("0" if token[-1] != "0" else "1")
    for bad in ("/", f"/{token}", f"/{token[:-1]}{wrong}/image.iso", f"/{token}/../secret/other.txt",
                f"/{token}/%2e%2e/secret/other.txt", f"/{token}//etc/passwd", "/v1/catalog", f"/v1/files/{row['hash']}"):
        check(curl(d, base + bad)[0] == 404, bad)
    # slow readers keep nobody out: the door has its own number of connections
    slow = [socket_in(d, at.hostname, at.port) for _ in range(20)]
    check(curl(d, url, "-r", "0-10")[0] in (0, 206), "while others hold connections")
    check(d.run("search", "image").code == 0, "peers are served meanwhile")
    for s in slow:
        s.kill()
        s.wait()
    # taken back
    check(d.run("link", "--remove", row["hash"]).code == 0, "remove")
    wait("shut", lambda: not there(holders[0], "ss", "-Hltn", "sport = :1236", text=True).stdout)
    check(curl(d, url)[0] == 0, "ended")
    check(d.run("link", "--remove").code == 1, "nothing left")
    check(d.run("link", "f" * 64).code == 1, "nobody has it")


def socket_in(host, address, port):
    """A connection that says half a request and then nothing."""
    code = f"import socket, time; s = socket.create_connection(('{address}', {port})); s.send(b'GET /'); time.sleep(60)"
    return there_popen(host, sys.executable, "-c", code)


def case_link_folder(lan):
    """A folder's Metalink names its files, each inside the folder; settings refuse; links end with the service"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    for name in ("one.bin", "sub/two three.txt", "sub/deep/empty"):
        noise(f"{a.share}/Box/{name}", 0 if name.endswith("empty") else 70000)
    noise(f"{a.share}/Box 2/private.txt", 100)
    shutil.copytree(f"{a.share}/Box", f"{b.share}/Box")
    a.start()
    b.start("--links", "own")
    c.start("--links", "no")
    lan.settled(a, b, c)
    box = whole_folder(c, "Box", 140000, holders=2)
    done = c.run("link", box["hash"])
    check(done.code == 2 and "--metalink" in done.err, done)
    done = document(c, box["hash"], f"{c.dir}/box.meta4")
    check("not from b: links are switched off here" in done.err and "from 1 holder" in done.err, done)
    check(done.out.count("<file ") == 3 and done.out.count("<url ") == 3, done.out)
    check(there(c, "aria2c", "-q", "-d", f"{c.dir}/got", f"{c.dir}/box.meta4").returncode == 0, "aria2")
    check(not there(c, "diff", "-r", f"{a.share}/Box", f"{c.dir}/got/Box").returncode, "the folder")
    url = done.out.split("<url priority=\"1\">")[1].split("</url>")[0]
    base = "/".join(url.split("/")[:4])
    for bad in ("", "/", "/sub", "/sub/", "/nothing", "/../Box%202/private.txt", "/sub/../one.bin", "/one.bin/x", "/%00"):
        check(curl(c, base + bad)[0] in (400, 404), bad)
    check(b.run("link", "--metalink", box["hash"]).out.count("<url ") == 6, "b links its own")
    a.stop()
    a.start()
    check(curl(c, url)[0] == 0, "a link does not outlive the service")
    check(a.run("link", "--list").out == "", "none is left")
