"""web: what the command says. The pages themselves are looked at in test/web and test/net."""

import re
import signal
import subprocess

from kit import check, safe, stored, transcript


def plain(text):
    """Without ports and what opens the page."""
    return re.sub(r"(http://[\d.]+):\d+/#[0-9a-f]{32}\b", r"\1:PORT/#TOKEN", text)


def case_web(w):
    """web: exit 3 without a service, 2 for what it does not know; one URL in a pipe, another each time; nothing is opened without a desktop"""
    box = w.box("a")
    env = {"DISPLAY": "", "WAYLAND_DISPLAY": ""}
    text = transcript(box, ["web"], ["web", "--json"], ["web", "--lan"], ["web", "--stop"], ["web", "--open"], ["web", "now"],
                      ["web", "--lan", "--stop"], ["web", "-n", "--port", "80"])
    box.start()
    urls = [box.run("web", env=env).out for _ in range(2)]
    check(urls[0] != urls[1] and all(re.fullmatch(r"http://127\.0\.0\.1:\d+/#[0-9a-f]{32}\n", u) for u in urls), urls)
    text += plain(transcript(box, ["web"], ["web", "--no-open"], ["web", "-q"], ["web", "--json"], ["web", "--stop"], ["web", "--stop"], env=env))
    shown = box.terminal("web", columns=60, env=env)
    text += "on a terminal:\n" + plain(shown.out)
    safe(shown.out)
    for args in ([], ["--json"]):
        p = box.popen("web", "--lan", *args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        told = iter(p.stdout.readline, "")
        lines = []
        while not lines or not (args or "Ctrl-C" in lines[-1]):
            lines.append(next(told))
        p.send_signal(signal.SIGINT)
        lines += told
        check(p.wait(60) == 130, (p.returncode, lines))
        box.run("web", "--stop")  # the service need not have noticed yet
        text += plain(f"{' '.join(['web', '--lan', *args])}, Ctrl-C:\n{''.join(lines)}")
    stored(w, "web", text)
