"""The page by plain HTTP, on real hosts: what its servers give, and to whom."""

import io
import json
import os
import re
import shutil
import signal
import subprocess
import tarfile
import zipfile

from cases_play import MIB, check, curl, here, noise, there
from lan import wait

NAMES = ("plain.txt", "<img src=x onerror=alert(1)>.html", "\u202egpj.exe", "new\nline", "back\\slash", "ä漢😀.txt", "n" * 251 + ".txt")


def ask(host, url, *args):
    """Status, headers in lower case, body."""
    code, text = curl(host, url, "-i", *args)
    head, _, body = text.partition(b"\r\n\r\n")
    return code, head.decode("latin1").lower(), body


def owner_page(host):
    """Origin of the owner's page, and the header of a session."""
    url = host.run("web").out.strip()
    origin, ticket = url.split("/#")
    code, body = curl(host, origin + "/session", "-H", f"Origin: {origin}", "-d", ticket)
    check(code == 200, body)
    return origin, ("-H", "Authorization: Bearer " + json.loads(body)["token"])


def case_page(lan):
    """The owner's page: on the loopback only, not without its session, not from elsewhere; search, download, play"""
    a, c = lan.host("a"), lan.host("c")
    path = noise(f"{a.share}/Long Film.mp4", 20 * MIB + 99)
    a.start()
    c.start()
    lan.settled(a, c)
    row = c.find("long film", holders=1)
    listening = there(c, "ss", "-Hltn", text=True).stdout
    check("127.0.0.1" not in listening, listening)  # not before it is asked for
    origin, session = owner_page(c)
    port = origin.rsplit(":", 1)[1]
    check([line.split()[3] for line in there(c, "ss", "-Hltn", f"sport = :{port}", text=True).stdout.splitlines()]
          == [f"127.0.0.1:{port}"], "where it listens")
    check(there(a, "curl", "-s", "--max-time", "5", f"http://{c.ip}:{port}/").returncode != 0, "another host reaches it")
    same, other = ("-H", f"Origin: {origin}"), ("-H", "Origin: http://evil.example")
    wants = json.dumps({"wants": [{"hash": row["hash"]}], "detach": True})
    for path_, args, want in (
            ("/", (), 200), ("/", ("-H", "Host: evil.example"), 421), ("/", ("-H", f"Host: evil.example:{port}"), 421),
            ("/v1/status", (), 401), ("/v1/status", session, 200), ("/v1/status", (*session, *other), 403),
            ("/v1/status", (*session, "-H", "Host: evil.example"), 421), ("/v1/config", session, 400),
            ("/v1/status", ("-H", "Authorization: Bearer " + "0" * 32), 401),
            ("/v1/downloads", ("-d", wants, *same), 401), ("/v1/downloads", ("-d", wants, *session), 403),
            ("/v1/downloads", ("-d", wants, *session, *other), 403), ("/v1/stop", ("-d", "", *session, *same), 400),
            ("/v1/share", ("-d", "/tmp", *session, *same), 400), ("/session", ("-d", "0" * 32, *same), 403),
            ("/", ("-X", "DELETE"), 405), ("/../../etc/passwd", (), 404), ("/.iwant.conf", (), 404)):
        code, head, _ = ask(c, origin + path_, *args)
        check(code == want, f"{path_} {args}: {code}")
        check("default-src 'none'" in head and "nosniff" in head and "access-control" not in head, head)
    check(os.listdir(c.downloads) == [], "a download began")
    code, body = curl(c, origin + "/v1/search?q=lnog+film&marks=1", *session)
    check(code == 200 and json.loads(body)["marks"] == [[0, 4, 5, 9]], body)
    # it plays
    p = subprocess.Popen(["ip", "netns", "exec", c.ns, "curl", "-sN", *session, *same, "-d", json.dumps({"hash": row["hash"]}),
                          origin + "/v1/play"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    lan.processes.append(p)
    url = json.loads(p.stdout.readline())["url"]
    media = origin + "/" + url.split("/", 3)[3]
    with open(path, "rb") as f:
        f.seek(17 * MIB)
        some = f.read(1000)
    code, head, body = ask(c, media, "-r", f"{17 * MIB}-{17 * MIB + 999}")
    check(code == 206 and body == some and "video/mp4" in head and f"bytes {17 * MIB}-{17 * MIB + 999}/{20 * MIB + 99}" in head, head)
    check(ask(c, media, "-r", f"{99 * MIB}-")[0] == 416 and ask(c, media, "-H", "Host: evil.example")[0] == 421, "limits")
    p.kill()
    wait("the file", lambda: os.listdir(c.downloads) == ["Long Film.mp4"])
    check(c.run("web", "--stop").code == 0, "web --stop")
    check(there(c, "curl", "-s", "--max-time", "5", origin).returncode != 0, "it is gone")


def guest_page(host):
    """The command, the origin, and the token."""
    p = host.popen("web", "--lan")
    url = p.stdout.readline().strip()
    check(re.fullmatch(rf"http://{host.ip}:\d+/guest#[0-9a-f]{{32}}", url), url or p.stderr.read())
    return p, *url.split("/guest#")


def case_guests(lan):
    """Guests search and fetch what anybody shares, verified, with Range, folders as zip and tar; they change nothing"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    size = 40 * MIB + 123
    film = noise(f"{a.share}/Album/big film.mp4", size)
    os.makedirs(f"{a.share}/Album/deep/er")
    for i, name in enumerate(NAMES):
        with open(f"{a.share}/Album/deep/er/{name}", "w") as f:
            f.write(f"file {i}\n")
    os.utime(film, (1700000000, 1700000000))
    os.utime(f"{a.share}/Album/deep/er/{NAMES[0]}", (1600000000, 1600000000))
    noise(f"{b.share}/own song.mp3", 3 * MIB)
    a.start()
    b.start()
    lan.settled(a, b)
    b.find("big film", holders=1)
    guest, origin, token = guest_page(b)
    bearer = ("-H", f"Authorization: Bearer {token}")
    check(b.run("web", "--lan").code == 8, "a second one")

    def find(words):
        code, body = curl(c, f"{origin}/v1/search?q={words}", *bearer)
        check(code == 200, body)
        return {r["name"]: r["hash"] for r in json.loads(body)["rows"]}

    found = {**find("big+fimn"), **find("album"), **find("own+song")}
    album, big = found["Album"], found["big film.mp4"]
    # who has no token, or would write
    wrong = ("0" if token[0] != "0" else "1") + token[1:]
    for path, args, want in (
            ("/guest", (), 200), ("/page.js", (), 200), ("/v1/search?q=film", (), 401), ("/v1/status", bearer, 404),
            ("/v1/downloads", bearer, 404), ("/v1/config", bearer, 404), (f"/get/{wrong}/{big}/x", (), 404),
            (f"/get/{token}/{big[:63]}/x", (), 404), (f"/get/{token}/{'0' * 64}/x", (), 404), (f"/zip/{token}/{big}/x", (), 404),
            (f"/get/{token}/{album}/x", (), 404), (f"/{token}/x", (), 404), ("/../../etc/passwd", (), 404),
            ("/guest", ("-H", "Host: evil.example"), 421), (f"/get/{token}/{big}/x", ("-H", "Host: evil.example"), 421),
            (f"/get/{token}/{big}/x", ("-H", "Sec-Fetch-Site: cross-site"), 403),
            ("/v1/search?q=film", (*bearer, "-H", "Origin: http://evil.example"), 403),
            *((path, ("-X", method, "-H", "Content-Length: 0", *bearer, "-H", f"Origin: {origin}"), 405) for method in ("POST", "PUT", "DELETE")
              for path in ("/session", "/v1/downloads", "/v1/web/stop", f"/get/{token}/{big}/x"))):
        code, head, _ = ask(c, origin + path, *args)
        check(code == want, f"{path} {args}: {code}")
        check("default-src 'none'" in head and "nosniff" in head and "access-control" not in head, head)
    # bytes
    with open(film, "rb") as f:
        whole = f.read()
    code, head, body = ask(c, f"{origin}/get/{token}/{big}/x")
    check(code == 200 and body == whole and "attachment; filename=\"big film.mp4\"" in head and "sandbox" in head, head)
    for first, last in ((0, 0), (5 * MIB - 3, 9 * MIB + 4), (size - 5, size - 1)):
        code, head, body = ask(c, f"{origin}/view/{token}/{big}/x", "-r", f"{first}-{last}")
        check(code == 206 and body == whole[first:last + 1] and "video/mp4" in head and "inline" in head
              and f"content-range: bytes {first}-{last}/{size}" in head, f"{first} {head}")
    check(ask(c, f"{origin}/get/{token}/{big}/x", "-r", f"{size}-")[0] == 416, "a range behind the end")
    code, head, body = ask(c, f"{origin}/get/{token}/{found['own song.mp3']}/x")
    check(code == 200 and len(body) == 3 * MIB, head)
    code, head, body = ask(c, f"{origin}/zip/{token}/{album}/x")
    check(code == 200 and f"content-length: {len(body)}" in head and "album.zip" in head, head)
    with zipfile.ZipFile(io.BytesIO(body)) as z:
        check(z.testzip() is None and len(z.namelist()) == 1 + len(NAMES), z.namelist())
        check(z.read("Album/big film.mp4") == whole and z.read("Album/deep/er/ä漢😀.txt") == b"file 5\n"
              and "Album/deep/er/back%5Cslash" in z.namelist(), z.namelist())
        check(z.getinfo("Album/big film.mp4").date_time == (2023, 11, 14, 22, 13, 20), "its time")
    code, head, body = ask(c, f"{origin}/tar/{token}/{album}/x")
    check(code == 200 and f"content-length: {len(body)}" in head, head)
    with tarfile.open(fileobj=io.BytesIO(body)) as t:
        check((t.getmember("Album/big film.mp4").mtime, t.getmember(f"Album/deep/er/{NAMES[0]}").mtime) == (1700000000, 1600000000), "times")
        check({m.name for m in t} == {"Album/big film.mp4", *(f"Album/deep/er/{n}" for n in NAMES)}, t.getnames())
    code, body = curl(c, f"{origin}/v1/look/{album}", *bearer)
    check(len(json.loads(body)["files"]) == 1 + len(NAMES), body)
    check(os.listdir(b.downloads) == [] and os.listdir(b.share) == ["own song.mp3"], "something was kept")
    # too many at once, a holder that dies, the end
    a.rate("20mbit")
    many = [subprocess.Popen(["ip", "netns", "exec", c.ns, "curl", "-s", "--max-time", "60", "-o", "/dev/null", "-w", "%{http_code} %{exitcode}",
                              f"{origin}/get/{token}/{big}/x"], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True) for _ in range(9)]
    lan.processes += many
    wait("some to be refused", lambda: sum(p.poll() is not None for p in many) >= 3)
    a.kill()
    wait("the others to break off", lambda: all(p.poll() is not None for p in many), 60)
    said = sorted(p.stdout.read() for p in many)
    check(said[-3:] == ["503 0"] * 3 and set(said[:6]) <= {"200 18", "503 0"}, said)
    guest.send_signal(signal.SIGINT)
    check(guest.wait(20) == 130, guest.stderr.read())
    wait("it to be gone", lambda: there(c, "curl", "-s", "--max-time", "5", origin).returncode)
    guest, _, token2 = guest_page(b)
    check(token2 != token, "a token of its own")
    check(b.run("web", "--stop").code == 0 and guest.wait(20) == 0, "web --stop")


def case_guests_liar(lan):
    """A lying holder's bytes reach no guest: they come from an honest one, and from nobody when there is none"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    path = noise(f"{a.share}/true film.mkv", 12 * MIB + 5)
    shutil.copy(path, f"{b.share}/same.mkv")
    liar = f"{lan.dir}/liar.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", liar, os.path.join(here, "liar.c")], check=True)
    a.start()
    b.start(env={"LD_PRELOAD": liar, "LIAR_ON": f"{lan.dir}/lie", "ASAN_OPTIONS": "verify_asan_link_order=0"})
    c.start()
    lan.settled(a, b, c)
    row = c.find("true film", holders=2)
    open(f"{lan.dir}/lie", "w").close()
    guest, origin, token = guest_page(c)
    with open(path, "rb") as f:
        whole = f.read()
    code, body = curl(c, f"{origin}/get/{token}/{row['hash']}/x")
    check(code == 200 and body == whole, "with an honest one")
    code, body = curl(c, f"{origin}/get/{token}/{row['hash']}/x", "-r", f"{5 * MIB}-{7 * MIB}")
    check(code == 206 and body == whole[5 * MIB:7 * MIB + 1], "a range")
    a.kill()
    done = there(c, "curl", "-s", "--max-time", "60", f"{origin}/get/{token}/{row['hash']}/x")
    check(done.returncode in (18, 28, 52) and done.stdout == b"", f"{done.returncode} {len(done.stdout)} bytes of a liar")
    guest.send_signal(signal.SIGINT)
    check(guest.wait(20) == 130, guest.stderr.read())
