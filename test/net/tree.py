"""A shared folder to which anything happens, and what is true of it: by a walk of our own and `sha256sum`.

    tree = Tree(random.Random(seed), shared, outside)
    tree.change()             one change, as people and programs make them
    tree.truth()              {path: (hash, size)} of all files and folders that have to be announced
    tree.ever                 (path, hash) of every file as it was at any time between two changes
"""

import ctypes
import hashlib
import os
import shutil
import stat
import subprocess
import time

NAMES = ["a", "b", "c", "d", "a b", "Ünï cödé", "x\ny", "back\\slash", "c.part", ".hid", "long" * 40]
EXCHANGE = 2  # renameat2(2)
libc = ctypes.CDLL(None, use_errno=True)


def announced(name):
    return not name.startswith(b".") and not name.endswith(b".part")


def escaped(name):
    try:
        name.decode()
        odd = lambda c: c < 32 or c == 127 or c == 92  # noqa: E731
    except UnicodeDecodeError:
        odd = lambda c: c < 32 or c >= 127 or c == 92  # noqa: E731
    return b"".join(b"\\x%02x" % c if odd(c) else bytes([c]) for c in name)


class Tree:
    def __init__(self, rng, shared, outside):
        self.rng, self.shared, self.outside = rng, os.fsencode(shared), os.fsencode(outside)
        self.names = [os.fsencode(n) for n in NAMES]
        self.hashes, self.ever, self.done, self.version = {}, set(), [], 0
        os.makedirs(self.outside, exist_ok=True)

    # -- what to change --

    def under(self, top, want):
        """A path below top that is there and that want(stat) takes; None when there is none."""
        found = []
        for folder, dirs, files in os.walk(top):
            found += [p for p in (os.path.join(folder, n) for n in dirs + files) if want(os.lstat(p).st_mode)]
        return self.rng.choice(sorted(found)) if found else None

    def file(self):
        return self.under(self.shared, stat.S_ISREG)

    def folder(self):
        return self.under(self.shared, stat.S_ISDIR)

    def anything(self):
        return self.under(self.shared, lambda mode: True)

    def new(self, top=None):
        """A path whose folder is there; something may be at it."""
        top = top or self.shared
        folders = [d for d, _, _ in os.walk(top) if d.count(b"/") < top.count(b"/") + 4]
        return os.path.join(self.rng.choice(sorted(folders)), self.rng.choice(self.names))

    def data(self, size=None):
        if size is None:
            size = self.rng.choice([0, 1, 10, 700, 5000, 5000]) if self.rng.random() > 0.02 else (1 << 20) + 77
        self.version += 1
        return (b"%d " % self.version + self.rng.randbytes(size))[:size]

    def clear(self, path):
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.unlink(path)

    # -- the changes: each leaves what is there without an open file --

    def write(self):
        with open(self.new(), "wb") as f:
            f.write(self.data())

    def write_slowly(self):
        with open(self.new(), "wb") as f:
            for _ in range(self.rng.randrange(1, 4)):
                f.write(self.data(3000))
                f.flush()
                time.sleep(self.rng.random() * 0.06)

    def append(self):
        with open(self.file(), "ab") as f:
            f.write(self.data(100))

    def truncate(self):
        path = self.file()
        os.truncate(path, self.rng.randrange(os.path.getsize(path) + 10))

    def same_size_same_time(self):
        path = self.file()
        st = os.stat(path)
        with open(path, "r+b") as f:
            f.write(self.data(st.st_size))
        os.utime(path, ns=(st.st_atime_ns, st.st_mtime_ns))

    def save_by_rename(self):
        path = self.file() or self.new()
        new = os.path.join(os.path.dirname(path), self.rng.choice([b".new", b"new.part", b"new"]))
        with open(new, "wb") as f:
            f.write(self.data())
        os.rename(new, path)

    def rename(self):
        os.rename(self.anything(), self.new())

    def rename_twice(self):
        path, between, to = self.anything(), self.new(), self.new()
        os.rename(path, between)
        os.rename(between, to)

    def exchange(self):
        libc.renameat2(-100, self.anything(), -100, self.anything(), EXCHANGE)

    def move_out(self):
        os.rename(self.anything(), os.path.join(self.outside, b"%d" % self.rng.randrange(6)))

    def move_in(self):
        os.rename(self.under(self.outside, lambda mode: True), self.new())

    def remove(self):
        self.clear(self.anything())

    def make_tree(self):
        top = self.new()
        for depth in range(self.rng.randrange(1, 4)):
            os.makedirs(top, exist_ok=True)
            for name in self.rng.sample(self.names, 3):
                with open(os.path.join(top, name), "xb") as f:
                    f.write(self.data())
            top = os.path.join(top, self.rng.choice(self.names[:4]) + b"%d" % depth)

    def copy_tree(self):
        path, to = self.folder(), self.new()
        if not (to + b"/").startswith(path + b"/"):
            shutil.copytree(path, to, symlinks=True)

    def folder_for_file(self):
        path = self.file()
        os.unlink(path)
        os.mkdir(path)

    def file_for_folder(self):
        path = self.folder()
        shutil.rmtree(path)
        with open(path, "wb") as f:
            f.write(self.data())

    def link(self):
        """Not in a folder that is not shared: of the new name nobody would tell, so neither of what is written through it."""
        new = self.new()
        if all(announced(n) for n in os.path.relpath(os.path.dirname(new), self.shared).split(b"/") if n != b"."):
            os.link(self.file(), new)

    def write_through_link(self):
        path = self.under(self.shared, stat.S_ISREG)
        if os.stat(path).st_nlink > 1:
            with open(path, "wb") as f:
                f.write(self.data())

    def symlink(self):
        os.symlink(self.anything(), self.new())

    def chmod(self):
        os.chmod(self.file(), self.rng.choice([0o644, 0o755, 0o600]))

    def touch(self):
        os.utime(self.file(), ns=(0, self.rng.randrange(2 ** 61)))

    def shrink(self):
        """Not so much at once that nothing new can happen to the same things."""
        while sum(len(files) for _, _, files in os.walk(self.shared)) > 80:
            self.clear(self.anything())

    CHANGES = [write, write, write, write_slowly, append, truncate, same_size_same_time, save_by_rename, rename, rename, rename,
               rename_twice, exchange, move_out, move_out, move_in, move_in, remove, make_tree, copy_tree, folder_for_file,
               file_for_folder, link, write_through_link, symlink, chmod, touch, shrink]

    def change(self):
        """Most that cannot be done as drawn are not done, or half: whatever is there then is the truth."""
        change = self.rng.choice(self.CHANGES)
        self.done.append(change.__name__)
        try:
            change(self)
        except (OSError, TypeError, shutil.Error):
            pass
        self.note()
        if self.rng.random() < 0.15:
            time.sleep(self.rng.random() * 0.04)

    # -- what is true --

    def hash_of(self, path):
        st = os.lstat(path)
        key = st.st_ino, st.st_mtime_ns, st.st_ctime_ns, st.st_size
        if key not in self.hashes:
            with open(path, "rb") as f:
                self.hashes[key] = hashlib.sha256(f.read()).hexdigest()
        return self.hashes[key]

    def note(self):
        for folder, dirs, files in os.walk(self.shared):
            dirs[:] = [d for d in dirs if announced(d)]
            for name in files:
                path = os.path.join(folder, name)
                if announced(name) and stat.S_ISREG(os.lstat(path).st_mode):
                    self.ever.add((os.path.relpath(path, self.shared), self.hash_of(path)))

    def sums(self):
        """{path: hash} of all files, by programs that know nothing of us."""
        done = subprocess.run("find . -type f -print0 | xargs -0r sha256sum -z", shell=True, cwd=self.shared, check=True,
                              capture_output=True)
        lines = done.stdout.split(b"\0")[:-1]
        return {os.path.normpath(line[66:]): line[:64].decode() for line in lines}

    def truth(self):
        sums, found = self.sums(), {}

        def folder(path):
            manifest, total = b"", 0
            for name in sorted(os.listdir(path)):
                below = os.path.normpath(os.path.join(path, name))
                st, rel = os.lstat(below), os.path.relpath(below, self.shared)
                if not announced(name):
                    continue
                if stat.S_ISDIR(st.st_mode):
                    kind, (key, size) = b"d", folder(below)
                elif stat.S_ISREG(st.st_mode):
                    kind, key, size = b"x" if st.st_mode & 0o100 else b"f", sums[rel], st.st_size
                    found[rel] = key, size
                else:
                    continue
                manifest += b"%s %d %s %s\n" % (key.encode(), size, kind, escaped(name))
                total += size
            found[os.path.relpath(path, self.shared)] = row = hashlib.sha256(manifest).hexdigest(), total
            return row

        folder(self.shared)
        return found
