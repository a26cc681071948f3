"""doctor: how findings look. What it finds is planted in test/net."""

import os
import re

from kit import Skipped, check, safe, stored, transcript


def plain(text):
    """Without what differs between computers."""
    text = re.sub(r"of \d+(\s+)folders", r"of N\1folders", text)
    text = re.sub(r"iwanto \S+ with .*", lambda m: re.sub(r" \d[^\s,]*", " N", m[0]), text)
    return re.sub(r"[\d.]+ [KMGT]iB free", "N GiB free", text)


def case_doctor(w):
    """doctor without a service: in a pipe, as JSON, on terminals; nothing is made; wrong usage"""
    if not w.ns:
        raise Skipped("needs a network of its own")
    box = w.box("a")
    stored(w, "doctor", plain(transcript(box, ["doctor"], ["doctor", "-v"], ["doctor", "--json", "--limit", "2"], ["doctor", "-q"],
                                         ["doctor", "now"], ["doctor", "--peer", "eva"], ["doctor", "--peer"])))
    check(not os.path.exists(box.state), "nothing is made by looking")
    text = "".join(plain(box.terminal("doctor", "-v", columns=n, env=env).out)
                   for n, env in ((20, {}), (60, {"NO_COLOR": "1"}), (200, {"TERM": "dumb"})))
    text = re.sub(r"iwanto\s+\S+\s+with\s.*?(?=\n\S)", "LIBRARIES", text, flags=re.S)  # where it breaks differs too
    stored(w, "doctor-terminal", text.replace("\x1b", "ESC"))
    box.start()
    done = box.run("doctor", "-v")
    check(done.code == 0 and "fine\tservice\t" in done.out, done)
    safe(done.out)


def case_watch(w):
    """watch on a terminal, which it gives back; without one, without a service"""
    box = w.box("a")
    check(box.run("watch").code == 3, "no service")
    box.start()
    done = box.run("watch")
    check(done.code == 2 and "cannot draw on this terminal" in done.err and not done.out, done)
    told = []
    done = box.terminal("watch", columns=80, on_text=lambda text, p: "q quit" in text and not told and told.append(p.terminate()))
    check(done.code == 0 and "peers (1)" in done.out and "info service started" in done.out, done)
    check("\x1b[?1049l" in done.out[-60:], repr(done.out[-80:]))
