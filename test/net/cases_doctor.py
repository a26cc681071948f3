"""iwanto doctor: each of many faults is planted on a host of its own, and all are asked at once."""

import json
import os
import re

from lan import Failed, sh, wait

here = os.path.dirname(os.path.abspath(__file__))
HOLD = """
import socket, time
t = socket.socket(); t.bind(("", 1235)); t.listen()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("", 1235))
time.sleep(600)
"""
INPUT = "add table inet t; add chain inet t i { type filter hook input priority 0; policy %s; }; "


def nft(h, rules):
    sh("ip", "netns", "exec", h.ns, "nft", rules)


def ip(h, *args):
    sh("ip", "-n", h.ns, *args)


def deaf(h):
    nft(h, INPUT % "drop" + "add rule inet t i ct state established,related accept; add rule inet t i meta l4proto icmpv6 accept")


def half_deaf(h):
    nft(h, INPUT % "accept" + "add rule inet t i udp dport 1235 drop")


def shut(h):
    nft(h, INPUT % "accept" + "add rule inet t i tcp dport 1235 drop")


def iptables(h):
    sh("ip", "netns", "exec", h.ns, "iptables", "-A", "INPUT", "-p", "tcp", "--dport", "1235", "-j", "REJECT")


def kill_switch(h):
    nft(h, "add table inet t; add chain inet t o { type filter hook output priority 0; policy accept; }; "
           "add rule inet t o oifname != { lo, wg0 } udp dport 1235 drop")


def snooped(h):
    h.multicast(False)


def guest(h):
    mac = json.loads(sh("ip", "-n", h.ns, "-j", "link", "show", "eth0"))[0]["address"]
    for other in h.lan.healthy:
        nft(other, INPUT % "accept" + f"add rule inet t i ether saddr {mac} meta l4proto tcp drop")


def no_multicast(h):
    ip(h, "link", "set", "eth0", "multicast", "off")


def no_ipv6(h):
    h.sysctl("net.ipv6.conf.all.disable_ipv6=1")


def vpn(h):
    ip(h, "link", "add", "wg0", "type", "veth", "peer", "name", "far0")
    ip(h, "addr", "add", "10.9.0.1/24", "dev", "wg0")
    ip(h, "link", "set", "wg0", "up")
    ip(h, "route", "add", f"{h.lan.healthy[0].ip}/32", "dev", "wg0")


def containers(h):
    ip(h, "link", "add", "docker0", "type", "bridge")
    ip(h, "addr", "add", "172.17.0.1/16", "dev", "docker0")
    ip(h, "link", "set", "docker0", "up")


def small(h):
    ip(h, "link", "set", "eth0", "mtu", "1000")


def taken(h):
    h.lan.processes.append(h.spawn("python3", "-c", HOLD))
    wait("the port to be taken", lambda: sh("ip", "netns", "exec", h.ns, "ss", "-Hltn", "sport = :1235"))


def unplugged(h):
    h.cable(False)
    wait("no carrier", lambda: "NO-CARRIER" in sh("ip", "-n", h.ns, "link", "show", "eth0"))


def public(h):
    no_ipv6(h)
    h.address("203.0.113.5")


def no_address(h):
    no_ipv6(h)
    ip(h, "-4", "addr", "flush", "dev", "eth0")


# host: (what breaks it, checks that must be found bad or noted, environment)
FAULTS = {
    "nothing": (None, {"service"}, {}),
    "deaf": (deaf, {"firewall"}, {}),
    "halfdeaf": (half_deaf, {"firewall", "multicast-in"}, {}),
    "shut": (shut, {"firewall", "tcp-in"}, {}),
    "iptables": (iptables, {"firewall", "tcp-in"}, {}),
    "mute": (kill_switch, {"firewall-out", "multicast-out"}, {}),
    "snooped": (snooped, {"multicast-in"}, {}),
    "guest": (guest, {"isolation"}, {}),
    "nomulti": (no_multicast, {"no-multicast", "interfaces"}, {}),
    "nosix": (no_ipv6, {"ipv6-off"}, {}),
    "vpn": (vpn, {"vpn-interface", "route"}, {}),
    "docker": (containers, {"container-interface"}, {}),
    "small": (small, {"mtu"}, {}),
    "taken": (taken, {"port"}, {}),
    "cable": (unplugged, {"interface-down", "interfaces"}, {}),
    "public": (public, {"public-address", "interfaces"}, {}),
    "noaddr": (no_address, {"no-address", "interfaces"}, {}),
    "missing": (None, {"interface-missing", "interfaces"}, {"IWANT_INTERFACE": "wlan9"}),
    "noshare": (None, {"share"}, {"IWANT_SHARE": "/nowhere/at/all"}),
    "full": ("mount -t tmpfs -o size=1m none $HOME/downloads", {"disk"}, {}),
    "readonly": ("mount -t tmpfs -o ro none $HOME/downloads", {"disk"}, {}),
}


def plain(lan, text):
    """What differs from run to run taken out."""
    text = text.replace(lan.dir, "DIR")
    text = re.sub(r"\[fe80:[^\]]*\]", "[LINK-LOCAL]", text)
    text = re.sub(r"of \d+ folders", "of N folders", text)
    return re.sub(r"[\d.]+ [KMGT]iB free", "N GiB free", text)


def stored(text):
    path = os.path.join(here, "doctor.out")
    if os.environ.get("IWANT_TEST_STORE"):
        with open(path, "w") as f:
            f.write(text)
        return
    with open(path) as f:
        want = f.read()
    if text != want:
        raise Failed(f"doctor.out differs\n--- stored\n{want}--- printed\n{text}---")


def plant(lan, h, fault, _, env):
    """The fault, and doctor running beside it."""
    env = {"IWANT_SHARE": h.share, "IWANT_DOWNLOADS": h.downloads, **env}
    if isinstance(fault, str):
        return h.spawn("unshare", "-m", "sh", "-c", f"{fault} && exec {lan.program} doctor --json", env=env)
    if fault:
        fault(h)
    return h.popen("doctor", "--json", env=env)


def found(name, p, checks):
    """What it printed of what was there to be found: what else it says, who of the neighbours answered and by which family, differs from run to run."""
    out, err = p.communicate(timeout=60)
    wrong = [f for f in map(json.loads, out.splitlines()) if f["state"] != "fine"]
    missing = checks - {f["check"] for f in wrong}
    if missing or p.returncode != 1:
        raise Failed(f"{name}: not found: {missing}; exit {p.returncode}\n{out}{err}")
    lines = [f"  {f['state']} {f['check']}: {f['text']}\n" + (f"    {f['mend']}\n" if f["mend"] else "")
             for f in wrong if f["check"] in checks]
    lines = [re.sub(r"\bIPv[46]\b(?= on)", "IPvX", re.sub(r"\b(eva|tom|two)\b", "PEER", line)) for line in lines]
    return f"{name}:\n" + "".join(dict.fromkeys(lines))


def mended(*hosts):
    """What doctor says that mends it does; but for the service, which does not run."""
    for h in hosts:
        for f in h.run("doctor", "--json").rows():
            if f["state"] == "bad" and f["check"] in ("firewall", "no-multicast"):
                h.spawn("sh", "-c", f["mend"].replace("sudo ", "")).wait(20)
    for h, p in [(h, h.popen("doctor", "--json")) for h in hosts]:
        out = p.communicate(timeout=60)[0]
        bad = {f["check"] for f in map(json.loads, out.splitlines()) if f["state"] in ("bad", "unsure")}
        if bad != {"service"}:
            raise Failed(f"{h.name} is not mended: {out}")


def case_doctor(lan):
    """doctor finds each of twenty planted faults, and nothing wrong where nothing is"""
    lan.healthy = [lan.host("eva"), lan.host("tom"), lan.host("two")]
    hosts = {name: lan.host(name) for name in FAULTS}
    for h in lan.healthy:
        h.start()
    two = lan.healthy[2]
    lan.settled(*lan.healthy)
    wait("every address to be one's own (RFC 4862, 5.4)",
         lambda: not any(sh("ip", "-n", h.ns, "-6", "address", "show", "tentative").strip() for h in hosts.values()))
    second = two.popen("start", "--share", two.share, "--downloads", two.downloads, "--interface", "lo",
                       env={"IWANT_HOME": os.path.join(two.dir, "second")})
    wait("two to be two", lambda: os.path.exists(os.path.join(two.dir, "second/iwant.sock")))
    text, names = "", list(FAULTS)
    for some in (names[:7], names[7:14], names[14:]):  # nobody answers all of them at once
        runs = {name: plant(lan, hosts[name], *FAULTS[name]) for name in some}
        text += "".join(found(name, p, FAULTS[name][1]) for name, p in runs.items())
    mended(hosts["halfdeaf"], hosts["shut"], hosts["iptables"], hosts["nomulti"])
    done = lan.healthy[0].run("doctor", "--json", "--peer", "tom")
    rows = done.rows()
    if done.code or [r for r in rows if r["state"] != "fine" and r["check"] != "firewall"]:
        raise Failed(f"eva is well: {done}")
    if sum(r["check"] == "tcp" for r in rows) != 2:
        raise Failed(f"tom by both families: {done}")
    done = two.run("doctor", "--json")
    if "two-services" not in {r["check"] for r in done.rows() if r["state"] == "note"}:
        raise Failed(f"two services: {done}")
    second.terminate()
    second.wait(30)
    done = lan.healthy[0].run("doctor", "--peer", "nobody")
    if done.code != 1 or "no peer of this name" not in done.err:
        raise Failed(f"nobody: {done}")
    stored(plain(lan, text))
