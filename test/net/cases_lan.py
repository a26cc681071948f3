"""Networks as they are: two families, no multicast, routers, cables, sleep; and who leads meanwhile."""

import json
import signal
import time

from lan import Failed, sh, wait
from cases_story import check, finish, write


def songs(hosts):
    for h in hosts:
        write(f"{h.share}/song of {h.name}.ogg", h.name.encode() * 100)


def fetch(host, *words):
    """Search, download, compare with what the row promised."""
    row = host.find(*words)
    done = finish(host.popen("download", "--json", row["hash"]))
    if done["event"] != "done":
        raise Failed(f"{host.name}: {done}")
    return row


def case_ipv6_only(lan):
    """Hosts without IPv4 find each other, search and download by link-local addresses"""
    hosts = [lan.host(n, v4=False) for n in "abc"]
    songs(hosts)
    for h in hosts:
        h.start()
    leader = lan.settled(*hosts)
    others = [h for h in hosts if h is not leader]
    fetch(leader, "song", "of", others[0].name)
    fetch(others[0], "song", "of", leader.name)
    fetch(others[0], "song", "of", others[1].name)
    rows = [json.loads(line) for line in others[0].run("peers", "--json").out.splitlines()]
    check(all(r["addr"].startswith("[fe80:") and "%" not in r["addr"] for r in rows), rows)


def case_mixed(lan):
    """Hosts with IPv4 only, with both and with IPv6 only are one network; the one with both serves all"""
    four, both, six = lan.host("four", v6=False), lan.host("both"), lan.host("six", v4=False)
    songs(lan.hosts)
    both.start()
    wait("both to lead", lambda: both.leader() == "both")
    four.start()
    six.start()
    lan.settled(four, both, six)
    fetch(four, "song of both")
    fetch(six, "song of both")
    fetch(both, "song of six")
    fetch(both, "song of four")


def case_one_side_names(lan):
    """A switch that passes no multicast: it is enough that each names one host; the leader's end is survived"""
    a, b, c = (lan.host(n, v6=False) for n in "abc")
    songs(lan.hosts)
    d = lan.host("d", v6=False)
    for h in lan.hosts:
        h.multicast(False)
    a.start()
    d.start()
    b.start("--peer", a.ip)
    c.start("--peer", f"{a.ip}:1235", "--peer", b.ip)
    check(lan.settled(a, b, c).name == "a", "the oldest leads")
    fetch(b, "song of c")
    check(d.peers() == ["d"], "whom nobody names is not found: there is no multicast")
    a.kill()
    lan.settled(b, c, seconds=30)
    fetch(c, "song of b")


def router(lan, *hosts):
    """The last of the hosts on a subnet of its own, 10.78/16, behind a router that passes no multicast."""
    r = lan.host("r", v6=False)
    far = hosts[-1]
    sh("ip", "-n", lan.ns, "link", "add", "farport", "type", "veth", "peer", "name", "eth1", "netns", r.ns)
    far.plug_into("br1")
    sh("ip", "-n", lan.ns, "link", "set", "farport", "master", "br1", "up")
    sh("ip", "-n", r.ns, "addr", "add", "10.78.0.254/16", "dev", "eth1")
    sh("ip", "-n", r.ns, "link", "set", "eth1", "up")
    r.sysctl("net.ipv4.ip_forward=1")
    for h in hosts[:-1]:
        sh("ip", "-n", h.ns, "route", "add", "10.78.0.0/16", "via", r.ip)
    far.address("10.78.0.1", gateway="10.78.0.254")


def case_router(lan):
    """Across a router hosts that name each other, one by a host's name, are one network; unnamed ones are not heard"""
    a, b, far = (lan.host(n, v6=False) for n in ("a", "b", "far"))
    router(lan, a, b, far)
    songs((a, b, far))
    a.knows(faraway=far.ip)
    a.start("--peer", "faraway:1235")
    far.start("--peer", a.ip, "--peer", b.ip)
    lan.settled(a, far)
    b.start("--peer", far.ip)
    lan.settled(a, b, far)
    fetch(far, "song of b")
    fetch(b, "song of far")
    a.stop()
    lan.settled(b, far, seconds=30)
    b.stop()
    wait("far to be alone", lambda: far.peers() == ["far"], 30)
    b.start()
    far.kill()
    far.start("--peer", a.ip)
    time.sleep(2)
    check(far.peers() == ["far"] and b.peers() == ["b"], "far does not name b: they do not meet")


def case_paused(lan):
    """The leader stands still for 0.5 and 2 s: one leader and one network afterwards, each time"""
    hosts = [lan.host(n) for n in "abcd"]
    songs(hosts)
    for h in hosts:
        h.start()
    for seconds in (0.5, 2):
        pause(lan, hosts, seconds)


def slow_paused_long(lan):
    """The leader stands still for 20 s: it comes back as the youngest member"""
    hosts = [lan.host(n) for n in "abcd"]
    songs(hosts)
    for h in hosts:
        h.start()
    old = pause(lan, hosts, 20)
    check(lan.settled(*hosts).name != old.name, "interruption costs seniority")


def pause(lan, hosts, seconds):
    leader = lan.settled(*hosts)
    rest = [h for h in hosts if h is not leader]
    leader.process.send_signal(signal.SIGSTOP)
    time.sleep(seconds)
    if seconds >= 2:
        lan.settled(*rest)
        rest[0].find("song", "of", rest[1].name)
    leader.process.send_signal(signal.SIGCONT)
    lan.settled(*hosts, seconds=30)
    leader.find("song", "of", rest[0].name)
    rest[0].find("song", "of", leader.name)
    return leader


def case_halves(lan):
    """A switch falls in two: each half has a leader and searches itself; joined again they are one"""
    hosts = [lan.host(n) for n in "abcdef"]
    songs(hosts)
    for h in hosts:
        h.start()
    lan.settled(*hosts)
    one, other = hosts[:3], hosts[3:]
    for h in other:
        h.plug_into("br1")
    lan.settled(*one, seconds=30)
    lan.settled(*other, seconds=30)
    other[0].find("song of f")
    one[0].find("song of c")
    sh("ip", "-n", lan.ns, "link", "add", "j0", "type", "veth", "peer", "name", "j1")
    for port, bridge in (("j0", "br0"), ("j1", "br1")):
        sh("ip", "-n", lan.ns, "link", "set", port, "master", bridge, "up")
    lan.settled(*hosts, seconds=30)
    a, f = hosts[0], hosts[-1]
    a.find("song of f")
    f.find("song of a")


def case_leaves_in_order(lan):
    """Leaders that are stopped, one after the other: the next leads before the last one is gone"""
    hosts = [lan.host(n) for n in "abcde"]
    for h in hosts:
        h.start()
    early, rest = 0, hosts
    for how in ("stop", "SIGTERM", "stop"):
        leader = lan.settled(*rest)
        rest = [h for h in rest if h is not leader]
        if how == "stop":
            check(leader.run("stop").code == 0, "stop")
        else:
            leader.process.send_signal(signal.SIGTERM)
        check(leader.process.wait(20) == 0, "ends well")
        early += any("addr=self" in h.log_text() for h in rest)
        leader.process = None
        lan.settled(*rest)  # as a rule the oldest; on a busy machine one that answered late stands behind for a while
    check(early >= 2, f"the next led in time in {early} of 3 cases")  # a busy machine may miss the 300 ms once


def case_new_address(lan):
    """Another address, and Wi-Fi that goes and comes: found again without a restart"""
    a, b, c = lan.host("a", v6=False), lan.host("b", v6=False), lan.host("c", v6=False)
    songs(lan.hosts)
    for h in lan.hosts:
        h.start()
    lan.settled(a, b, c)
    c.address("10.77.9.9")
    wait("c at its new address", lambda: "10.77.9.9:1235" in a.run("peers").out)
    fetch(a, "song of c")
    a.address("10.77.9.1")
    lan.settled(a, b, c, seconds=30)
    fetch(c, "song of a")
    for _ in range(3):
        sh("ip", "-n", b.ns, "link", "set", "eth0", "down")
        time.sleep(0.3)
        sh("ip", "-n", b.ns, "link", "set", "eth0", "up")
        time.sleep(0.3)
    lan.settled(a, b, c, seconds=30)
    fetch(b, "song of c")


def case_interfaces(lan):
    """Two interfaces: both used, one excepted, and an interface that comes while the service runs"""
    a, b = lan.host("a"), lan.host("b")
    sh("ip", "-n", lan.ns, "link", "add", "second", "type", "veth", "peer", "name", "eth1", "netns", a.ns)
    sh("ip", "-n", lan.ns, "link", "set", "second", "master", "br0", "up")
    a.start("--interface", "!eth0")
    b.start()
    check(a.status()["interfaces"] == "" and a.peers() == ["a"], a.status())
    sh("ip", "-n", a.ns, "addr", "add", "10.77.8.8/16", "dev", "eth1")
    sh("ip", "-n", a.ns, "link", "set", "eth1", "up")
    lan.settled(a, b)
    wait("the address", lambda: a.status()["interfaces"] == "eth1 10.77.8.8")
    a.stop()
    a.start()
    lan.settled(a, b)
    check("eth0" in a.status()["interfaces"] and "eth1" in a.status()["interfaces"], a.status())


def together(lan, hosts):
    songs(hosts)
    for h in hosts:
        h.start(ready=False)

    def agree():
        said = [h.told() for h in hosts]
        leaders = [(s.get("leader") or {}).get("peer") for s in said]
        if any(s.get("peers") != len(hosts) for s in said) or None in leaders or len(set(leaders)) != 1:
            raise Failed(f"leaders {[leaders.count(x) for x in set(leaders)]}, peers {sorted({s.get('peers', 0) for s in said})}")
        return True
    wait("all to agree", agree, 120)
    fetch(hosts[0], "song", "of", hosts[-1].name)


def case_together(lan):
    """Twelve hosts started at once: one leader, who knows them all"""
    together(lan, [lan.host(f"h{i:02}") for i in range(12)])


def slow_together_64(lan):
    """64 hosts started at once: one leader, who knows them all"""
    together(lan, [lan.host(f"h{i:02}") for i in range(64)])
