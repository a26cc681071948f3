"""What the cases of the command line stand on: users with homes, services, terminals, stored output."""

import fcntl
import hashlib
import json
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import tempfile
import termios
import time

here = os.path.dirname(os.path.abspath(__file__))
top = os.path.dirname(os.path.dirname(here))
STORE = os.environ.get("IWANT_TEST_STORE")
UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def check(true, what):
    if not true:
        raise Failed(str(what))


def wait(what, probe, seconds=30):
    """A test never asserts on a time: the limit is generous."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        last = probe()
        if last:
            return last
        time.sleep(0.05)
    raise Failed(f"waited in vain for {what}; last: {last!r}")


class Done:
    def __init__(self, code, out, err=""):
        self.code, self.out, self.err = code, out, err

    def __repr__(self):
        return f"exit {self.code}\n{self.out}{self.err}"

    def rows(self):
        return [json.loads(line) for line in self.out.splitlines()]


class Box:
    """A user with a home, and the program."""

    def __init__(self, world, name):
        self.world, self.name = world, name
        self.home = os.path.join(world.dir, name)
        self.state = os.path.join(self.home, ".iwant")
        self.public = os.path.join(self.home, "Public")
        self.downloads = os.path.join(self.home, "Downloads")
        os.makedirs(self.home)
        self.running = None

    def env(self, extra=None):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("IWANT_", "XDG_")) and k not in ("NO_COLOR", "COLUMNS")}
        env.update(HOME=self.home, LC_ALL="C.UTF-8", TERM="xterm")
        env.update(extra or {})
        return env

    def run(self, *args, env=None, stdout=None, cwd=None):
        p = subprocess.run([*self.world.prefix, self.world.program, *args], env=self.env(env), cwd=cwd or self.home,
                           stdin=subprocess.DEVNULL, stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
                           timeout=120)
        return Done(p.returncode, (p.stdout or b"").decode(), p.stderr.decode())

    def popen(self, *args, **kw):
        p = subprocess.Popen([*self.world.prefix, self.world.program, *args], env=self.env(), cwd=self.home,
                             stdin=subprocess.DEVNULL, **kw)
        self.world.processes.append(p)
        return p

    def terminal(self, *args, columns=100, rows=30, env=None, on_text=None):
        """On a pty: one text, as it came. on_text(text, process) may act on what is there; process.resize(columns) too."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        p = subprocess.Popen([*self.world.prefix, self.world.program, *args], env=self.env(env), cwd=self.home,
                             stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        p.resize = lambda n: fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, n, 0, 0))
        self.world.processes.append(p)
        os.close(slave)
        text, end = b"", time.monotonic() + 120
        while time.monotonic() < end:
            if not select.select([master], [], [], 0.1)[0]:
                if p.poll() is not None:
                    break
                continue
            try:
                more = os.read(master, 65536)
            except OSError:
                break
            if not more:
                break
            text += more
            if on_text:
                on_text(text.decode(errors="replace"), p)
        os.close(master)
        return Done(p.wait(60), text.decode().replace("\r\n", "\n"))

    def start(self, *args):
        """In the background; others of this test are found over the loopback interface."""
        done = self.run("start", "-d", "--interface", "lo", "--name", self.name, *args)
        check(done.code == 0, done)
        self.running = True
        return done

    def status(self):
        return json.loads(self.run("status", "--json").out)

    def write(self, path, data):
        path = os.path.join(os.fsencode(self.home), os.fsencode(path))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)
        return path


class Screen:
    """What a terminal shows: lines that fold at its width, and the few things that the program does to its cursor."""

    def __init__(self, columns):
        self.columns, self.lines, self.row, self.column = columns, [""], 0, 0

    def feed(self, text):
        for part in re.findall("\x1b\\[[0-9;]*[A-Za-z]|.", text, re.S):
            if part == "\r":
                self.column = 0
            elif part == "\n":
                self.row, self.column = self.row + 1, 0  # the terminal puts the \r before it
                self.lines += [""] * (self.row + 1 - len(self.lines))
            elif part[0] != "\x1b":
                self.put(part)
            elif part[-1] == "A":
                self.row = max(0, self.row - int(part[2:-1]))
            elif part == "\x1b[K":
                self.lines[self.row] = self.lines[self.row][:self.column]
            elif part == "\x1b[J":
                self.lines[self.row:] = [self.lines[self.row][:self.column]]
            else:
                check(part[-1] == "m", repr(part))
        return self

    def put(self, letter):
        check(letter.isprintable(), repr(letter))
        if self.column == self.columns:
            self.row, self.column = self.row + 1, 0
            self.lines += [""] * (self.row + 1 - len(self.lines))
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[:self.column] + letter + line[self.column + 1:]
        self.column += 1

    def fold(self, columns):
        """The window is made narrower, and what is wider than it now takes several lines."""
        lines, row = [], 0
        for i, line in enumerate(self.lines):
            row = len(lines) + (self.column // columns if i == self.row else 0) if i == self.row else row
            lines += [line[k:k + columns] for k in range(0, max(len(line), 1), columns)]
        self.lines, self.row, self.column, self.columns = lines, row, self.column % columns, columns

    def text(self):
        return "\n".join(line.rstrip() for line in self.lines).rstrip() + "\n"


class World:
    """A temporary folder; as root also a network namespace, so that services of other tests are not heard."""

    def __init__(self, build):
        self.program = os.path.abspath(os.path.join(build, "iwanto"))
        self.processes, self.boxes, self.prefix, self.ns = [], [], [], None

    def __enter__(self):
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="iwant-cli-"))
        ns = f"iwcli{os.getpid()}"
        if not os.geteuid() and not subprocess.run(["ip", "netns", "add", ns], capture_output=True).returncode:
            self.ns, self.prefix = ns, ["ip", "netns", "exec", ns]
            subprocess.run(["ip", "-n", ns, "link", "set", "lo", "up", "multicast", "on"], check=True)
        return self

    def box(self, name):
        self.boxes.append(Box(self, name))
        return self.boxes[-1]

    def pair(self):
        """Two services that know each other; b shares some files."""
        a, b = self.box("a"), self.box("b")
        b.write("Public/Shows/Silicon Valley/Silicon Valley S01E01 Minimum Viable Product.mkv", b"pilot" * 1000)
        b.write("Public/Shows/Silicon Valley/Silicon Valley S01E02 The Cap Table.mkv", b"two" * 1000)
        b.write("Public/odd/song \x1b[31mred\u202e\tand\nnew.txt", b"odd")
        a.start()
        b.start()
        wait("both to meet", lambda: a.status()["peers"] == 2 and b.status()["peers"] == 2
             and a.status()["leader"] and a.status()["leader"]["name"] == b.status()["leader"]["name"])
        wait("the files of b", lambda: len(a.run("search", "--json", "--type", "video", "silicon valley").rows()) == 2)
        return a, b

    def __exit__(self, *what):
        for box in self.boxes:
            if box.running:
                box.run("stop")
        for p in self.processes:
            if p.poll() is None:
                p.kill()
                p.wait()
        if self.ns:
            subprocess.run(["ip", "netns", "del", self.ns])
        shutil.rmtree(self.dir, ignore_errors=True)
        return False


def stored(world, name, text):
    """What was printed is what is stored."""
    text = text.replace(world.dir, "DIR")
    path = os.path.join(here, name + ".out")
    if STORE:
        with open(path, "w") as f:
            f.write(text)
        return
    with open(path) as f:
        want = f.read()
    if text != want:
        raise Failed(f"{name}.out differs\n--- stored\n{want}--- printed\n{text}---")


def transcript(box, *commands, **kw):
    """Commands with what they say, as somebody typed them."""
    text = ""
    for args in commands:
        done = box.run(*args, **kw)
        text += f"$ iwanto {' '.join(args)}\n{done.out}{done.err}".replace("\x1b", "ESC")
        if done.code:
            text += f"[{done.code}]\n"
    return text


def safe(text):
    """No control character, none that turns the direction of writing: but newlines and tabs, and what redraws a line."""
    bad = UNSAFE.search(text.replace("\r", ""))
    check(not bad, repr(text[max(0, bad.start() - 40):bad.end() + 10]) if bad else "")


def sha256(data):
    return hashlib.sha256(data).hexdigest()
