"""Words to files on real networks: standing wishes over changes of leader, and long lists of sums."""

import hashlib
import os
import time

from lan import Failed, wait


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)


def found(host):
    return [f["name"] for x in host.run("wants", "--json").rows() for f in x["found"]]


def case_want(lan):
    """A wish is met by who comes later, after the leader was killed and the wisher started anew; once"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    a.start()
    b.start()
    leader = lan.settled(a, b)
    wisher = b if leader is a else a
    done = wisher.run("want", "debian 12 iso", "--fetch")
    if done.code:
        raise Failed(done)
    write(os.path.join(leader.share, "debian-12.1.iso"), b"one" * 100000)
    wait("the first", lambda: found(wisher) == ["debian-12.1.iso"], 60)
    wait("its bytes", lambda: os.path.exists(os.path.join(wisher.downloads, "debian-12.1.iso")))
    leader.kill()
    wisher.stop()
    wisher.start()
    write(os.path.join(c.share, "isos/debian-12.1.iso"), b"one" * 100000)
    write(os.path.join(c.share, "isos/Debian 12.2 ISO/disk.img"), b"two" * 100000)
    c.start()
    wait("the second, from who has just come", lambda: len(found(wisher)) > 1, 60)
    if any("12.1" in n for n in found(wisher)[1:]):
        raise Failed(f"told twice: {found(wisher)}")


def case_sums(lan):
    """A list of 10,000 sums takes three questions to the leader; what anyone has is fetched under the list's names"""
    a, b = lan.host("a"), lan.host("b")
    lines = []
    for i in range(10000):
        data = f"content {i}".encode() * 50
        if i % 50 == 0:
            write(os.path.join((a if i % 100 else b).share, f"x/{i}.bin"), data)
        lines.append(f"{hashlib.sha256(data).hexdigest()}  list/{i % 7}/{i}.dat\n")
    c = lan.host("c")
    for h in (a, b, c):
        h.start()
    leader = lan.settled(a, b, c)
    asker = c if leader is not c else a
    wait("all files", lambda: sum(p["files"] for p in asker.run("peers", "--json").rows()) == 200)
    wait("all hashed", lambda: asker.run("search", "--in", "x", "9950").code == 0 and asker.run("search", "--in", "x", "9900").code == 0)
    path = os.path.join(asker.dir, "SUMS")
    with open(path, "w") as f:
        f.writelines(lines)
    done = asker.run("download", "--sums", path, "--json", timeout=200)
    report = done.rows()[-1]
    if done.code != 1 or report["fetched"] != 200 or report["missing"] != 9800 or report["all"] != 10000:
        raise Failed(f"exit {done.code}, {report}")
    for i in range(0, 10000, 50):
        with open(os.path.join(asker.downloads, f"list/{i % 7}/{i}.dat"), "rb") as f:
            if f.read() != f"content {i}".encode() * 50:
                raise Failed(i)
    with open(path, "w") as f:
        f.writelines(lines[::50])
    done = asker.run("download", "--sums", path)
    if done.code or done.err != "of 200: 200 there already\n":
        raise Failed(done)
