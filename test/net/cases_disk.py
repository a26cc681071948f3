"""Downloads onto disks that are full, read-only, or not there any more."""

import contextlib
import json
import os
import shutil
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


EXT4 = ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1", "-O", "^has_journal"]


@contextlib.contextmanager
def large_disk(lan, size, mkfs=EXT4):
    """A folder on a sparse file system with room for size."""
    image, folder = f"{lan.dir}/disk.img", f"{lan.dir}/disk"
    os.makedirs(folder, exist_ok=True)
    with open(image, "wb") as f:
        f.truncate(size * 2)
    subprocess.run([*mkfs, image], check=True)
    subprocess.run(["mount", "-o", "loop", image, folder], check=True)
    try:
        os.makedirs(f"{folder}/in")
        yield f"{folder}/in"
    finally:
        subprocess.run(["umount", "-l", folder])
        os.unlink(image)


def slow_shared_extents(lan):
    """What a folder has twice, and what is downloaded again under another name, shares its blocks on btrfs and XFS"""
    size = 64 * MIB
    a = lan.host("a")
    os.makedirs(f"{a.share}/album")
    one = noise(f"{a.share}/album/one.bin", size)
    shutil.copyfile(one, f"{a.share}/album/two.bin")
    a.start()
    for name, mkfs in (("b", ["mkfs.btrfs", "-q"]), ("x", ["mkfs.xfs", "-q", "-f"])):
        with large_disk(lan, 512 * MIB, mkfs) as folder:
            c = lan.host(name)
            free = shutil.disk_usage(folder).free
            c.start("--downloads", folder)
            lan.settled(a, c)
            digest = wait("the folder", lambda: [r for r in c.search("album") if r["name"] == "album"])[0]["hash"]
            done = c.run("download", "--json", digest)
            check(done.code == 0 and done.rows()[-1]["fetched"] < size + MIB, done)
            same(one, f"{folder}/album/one.bin")
            same(one, f"{folder}/album/two.bin")
            os.unlink(f"{folder}/album/one.bin")
            again = c.run("download", "--json", "-o", "again.bin", "--rename", c.find("two.bin")["hash"])
            check(again.code == 0 and not again.rows()[-1].get("fetched"), again)
            same(one, f"{folder}/again.bin")
            os.sync()
            used = free - shutil.disk_usage(folder).free
            check(used < size * 3 // 2, f"{mkfs[0]}: {used / MIB:.0f} MiB of the disk for twice {size / MIB:.0f}")
            print(f"     {mkfs[0]}: {used / MIB:.0f} MiB of the disk for two files of {size // MIB} MiB")
            c.stop()


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
