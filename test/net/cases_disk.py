"""Downloads onto disks that are full, read-only, or not there any more."""

import os
import subprocess

from cases_story import MIB, check, noise, same, until


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
