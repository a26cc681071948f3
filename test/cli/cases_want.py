"""Standing wishes: made, met once, listed, fetched, taken back; kept over restarts."""

import os

from kit import check, safe, sha256, stored, transcript, wait


def case_want(w):
    """want, wants, unwant: what meets a wish is told once, fetched, handed to a command; restarts change nothing"""
    a, b = w.pair()
    stored(w, "want", transcript(
        a, ["wants"], ["want", "debian", "12", "iso", "--larger", "2"], ["want", "debian 12 iso", "--larger", "2"],
        ["want", "kings", "--fetch", "--exec", 'printf "%s" "$1" > "$HOME/fetched"'], ["wants"], ["want"], ["want", "x", "--exec", ""],
        ["want", "x", "--larger", "many"], ["want", "slicon vally mountain"], ["unwant", "3"], ["unwant", "3"], ["unwant"], ["unwant", "nothing"],
        ["unwant", "i"], ["wants", "x"], ["want", "--json", "apricot"], ["unwant", "apri"]))
    check(os.stat(os.path.join(a.state, "wants")).st_mode & 0o777 == 0o600, "its mode")
    b.write("Public/isos/debian-11.iso", b"eleven")
    b.write("Public/isos/Debian_12.5.iso", b"twelve")
    b.write("Public/docs/valley of kings $(id).pdf", b"kings")

    def found(box=a):
        return {x["id"]: [f["name"] for f in x["found"]] for x in box.run("wants", "--json").rows()}
    wait("what was wished for", lambda: found() == {1: ["Debian_12.5.iso"], 2: ["valley of kings $(id).pdf"]}, 60)
    path = os.path.join(a.downloads, "valley of kings $(id).pdf")
    wait("the fetched one", lambda: os.path.exists(path))
    wait("its command", lambda: os.path.exists(os.path.join(a.home, "fetched")) and open(os.path.join(a.home, "fetched")).read() == path)
    done = a.run("download", "@1")
    check(done.code == 0 and done.out.split("\t")[0] == sha256(b"twelve"), done)
    check(a.status()["wants"] == {"count": 2, "found": 2, "unseen": 0}, a.status()["wants"])
    for columns in (20, 60, 200):
        shown = a.terminal("wants", columns=columns, env={"NO_COLOR": "1"})
        check(all(len(x) <= max(columns, 20) for x in shown.out.splitlines()), shown)
        safe(shown.out)
    check("2 standing, 2 found" in a.terminal("status").out, "status")
    text = transcript(a, ["wants"])
    b.write("Public/again/debian 12 copy.iso", b"twelve")  # the same content is no news
    a.run("stop")
    a.start()
    b.write("Public/isos/DEBIAN-12-live.iso", b"live")
    wait("the new one, after a restart", lambda: found().get(1, [])[1:] == ["DEBIAN-12-live.iso"], 60)
    check(transcript(a, ["wants"]).startswith(text.split("\n")[0]), "kept")
    os.remove(os.path.join(a.home, "fetched"))
    check(a.run("unwant", "debian").code == 0 and a.run("unwant", "kings").code == 0 and found() == {}, "taken back")
    check(not os.path.exists(os.path.join(a.home, "fetched")), "once")
    a.run("stop")
    with open(os.path.join(a.state, "wants"), "w") as f:
        f.write("{damaged")
    a.start()
    check(found() == {} and os.path.exists(os.path.join(a.state, "wants.damaged")), "a damaged file is set aside")
