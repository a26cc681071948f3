"""Downloads onto disks that are full, read-only, or not there any more."""

import contextlib
import json
import os
import subprocess

from cases_story import MIB, check, noise, same, until
from lan import wait

GIB = 1 << 30


def mount(options, folder):
    subprocess.run(["mount", *options, "none", folder], check=True)


def case_disk_trouble(lan):
    """The disk fills up in mid-download, is read-only, is gone: told clearly with exit 7, nothing lost, the same command goes on"""
    a, c = lan.host("a"), lan.host("c")
    size = 48 * MIB
    path = noise(f"{a.share}/large.bin", size)
    mount(["-t", "tmpfs", "-o", "size=64m"], c.downloads)
    try:
        a.start()
        c.start()
        lan.settled(a, c)
        digest = c.find("large.bin")["hash"]
        p = c.popen("download", "--json", "--limit-rate", "16M", digest)
        until(p, lambda e: e.get("bytes", 0) > 8 * MIB)
        with open(f"{c.downloads}/other", "wb") as f:  # somebody else takes the room
            f.write(b"x" * (28 * MIB))
        *_, last = p.stdout
        check(p.wait(60) == 7 and "No space left" in last and "goes on" in p.stderr.read(), last)
        os.unlink(f"{c.downloads}/other")
        done = c.run("download", "--json", digest)
        last = done.rows()[-1]
        check(done.code == 0 and last["fetched"] < size + 4 * MIB, done)  # nothing twice
        same(path, f"{c.downloads}/large.bin")

        os.unlink(f"{c.downloads}/large.bin")
        mount(["-o", "remount,ro"], c.downloads)
        done = c.run("download", digest)
        check(done.code == 7 and "Read-only file system" in done.err and done.err.count("\n") <= 2, done)
        mount(["-o", "remount,rw"], c.downloads)
        check(os.listdir(c.downloads) == [], os.listdir(c.downloads))
        done = c.run("download", digest)
        check(done.code == 0, done)
        same(path, f"{c.downloads}/large.bin")
    finally:
        subprocess.run(["umount", "-l", c.downloads])
    d = lan.host("d")
    d.start()
    os.rename(d.downloads, f"{d.dir}/elsewhere")
    d.find("large.bin")
    done = d.run("download", digest)
    check(done.code == 7 and f"the download folder {d.downloads} is gone\n" in done.err and "iwanto download to PATH" in done.err, done)
    os.rename(f"{d.dir}/elsewhere", d.downloads)
    done = d.run("download", digest)
    check(done.code == 0, done)
    same(path, f"{d.downloads}/large.bin")


@contextlib.contextmanager
def large_disk(lan, size):
    """A folder on a sparse file system with room for size."""
    image, folder = f"{lan.dir}/disk.img", f"{lan.dir}/disk"
    os.makedirs(folder)
    with open(image, "wb") as f:
        f.truncate(size * 2)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", "-O", "^has_journal", image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        os.makedirs(f"{folder}/in")
        yield f"{folder}/in"
    finally:
        subprocess.run(["umount", "-l", folder])


def slow_terabyte(lan):
    """A sparse file of 1 TiB, its list made up: first pieces and last one come from their place and lie there; cancelled"""
    with large_disk(lan, 1024 * GIB) as folder:
        done = subprocess.run([os.path.join(os.path.dirname(lan.program), "test", "unit", "test_huge")], capture_output=True, text=True,
                              env={**os.environ, "IWANT_HUGE_DIR": folder, "IWANT_HUGE_GIB": "1024"})
        check(done.returncode == 0, done.stderr)


def slow_sparse(lan):
    """A sparse file of 64 GiB is indexed, found, begun, read at its end while it comes, and cancelled"""
    size = int(os.environ.get("IWANT_TEST_SPARSE_GIB", "64")) * GIB + 17
    a, c = lan.host("a"), lan.host("c")
    with open(f"{a.share}/sparse disk.img", "wb") as f:
        f.write(b"begin")
        f.truncate(size)
        f.seek(size - 3)
        f.write(b"end")
    a.start()
    with large_disk(lan, size) as folder:
        c.start("--downloads", folder)
        lan.settled(a, c)
        row = wait("the index", lambda: c.search("sparse disk"), 1800)[0]
        check(row["size"] == size, row)
        p = c.popen("play", "--json", row["hash"])
        url = json.loads(p.stdout.readline())["url"]
        for at, want in (("-3", b"end"), ("0-4", b"begin"), (f"{size // 2}-{size // 2 + 3}", bytes(4))):
            got = subprocess.run(["ip", "netns", "exec", c.ns, "curl", "-s", "-r", at, url], capture_output=True, timeout=120).stdout
            check(got == want, f"{at}: {got[:20]}")
        p.kill()
        check(c.run("cancel", row["hash"]).code == 0, "cancel")
        wait("nothing to be left", lambda: not os.listdir(folder))
