"""What make install puts where, and that a service manager is told when the service is ready."""

import os
import re
import socket
import subprocess

from kit import check, here, stored, top, wait


def case_install(w):
    """make install: every file in its place, below DESTDIR alone; uninstall takes all of them away"""
    for prefix in ("/usr", "/usr/local"):
        dest = os.path.join(w.dir, "dest" + prefix.replace("/", "-"))
        build = os.path.relpath(os.path.dirname(w.program), top)
        make = ["make", "-s", "-o", "all", f"BUILD={build}", f"DESTDIR={dest}", f"PREFIX={prefix}"]
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
        subprocess.run([*make, "install"], cwd=top, check=True, capture_output=True, timeout=120, env=env)
        files = sorted(os.path.relpath(os.path.join(d, f), dest) for d, _, names in os.walk(dest) for f in names)
        if prefix == "/usr":
            stored(w, "install", "\n".join(files) + "\n")
        with open(os.path.join(dest, prefix[1:], "lib/systemd/user/iwanto.service")) as f:
            check(f"ExecStart={prefix}/bin/iwanto start\n" in f.read(), "the unit's program")
        subprocess.run([*make, "uninstall"], cwd=top, check=True, capture_output=True, timeout=120, env=env)
        check(not any(names for _, _, names in os.walk(dest)), "all is gone again")


def case_depends(w):
    """Debian's Build-Depends are what tools/deps.sh installs for building"""
    with open(os.path.join(top, "tools/deps.sh")) as f:
        wanted = set(re.search(r"^build=\((.*?)\)", f.read(), re.M | re.S)[1].split())
    with open(os.path.join(top, "packaging/debian/control")) as f:
        said = set(re.search(r"^Build-Depends:(.*?)^\S", f.read(), re.M | re.S)[1].replace(",", " ").split())
    essential = {"gcc", "libc6-dev", "make"}
    said -= {"debhelper-compat", "(=", "13)"}
    check(said == wanted - essential, said ^ (wanted - essential))


def case_notify(w):
    """start tells $NOTIFY_SOCKET when it is ready, and that it ends"""
    box = w.box("a")
    for name in (os.path.join(w.dir, "notify"), f"\0iwant-notify-{os.getpid()}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            s.bind(name)
            s.settimeout(60)
            prefix = w.prefix if name[0] == "/" else []  # an abstract name lives in its network
            p = subprocess.Popen([*prefix, w.program, "start", "--interface", "lo"], env=box.env({"NOTIFY_SOCKET": name.replace("\0", "@")}),
                                 cwd=box.home, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            w.processes.append(p)
            check(s.recv(100) == b"READY=1", "ready")
            check(box.run("status").code == 0, "ready is ready")
            p.terminate()
            check(s.recv(100) == b"STOPPING=1", "ends")
            check(p.wait(30) == 0, "ended")
