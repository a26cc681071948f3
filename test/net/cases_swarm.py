"""Swarms: many fetch one content from one or few holders. Rates are scaled down: three CPUs' worth of hosts share two."""

import os
import signal
import subprocess

from cases_story import MIB, check, finish, noise, same, until, write
from lan import Failed, wait

SIZE = int(os.environ.get("IWANT_TEST_SWARM_MIB", "48")) * MIB


def sent(host):
    """Bytes that left this host, by its own interface."""
    out = subprocess.run(["ip", "netns", "exec", host.ns, "cat", "/sys/class/net/eth0/statistics/tx_bytes"],
                         capture_output=True, text=True, check=True).stdout
    return int(out)


def swarm(lan, n, rate, size=SIZE):
    """A seeder and n that begin at once."""
    seeder, hosts = lan.host("s"), [lan.host(f"l{i}") for i in range(n)]
    path = noise(f"{seeder.share}/swarm.bin", size)
    for h in (seeder, *hosts):
        h.rate(rate)
        h.start()
    lan.settled(seeder, *hosts, seconds=60)
    row = hosts[0].find("swarm.bin")
    return seeder, hosts, path, row["hash"]


def case_swarm(lan):
    """One holder, six fetchers at once: all get it, and the holder uploads it about once"""
    seeder, hosts, path, digest = swarm(lan, 6, "100mbit")
    before = sent(seeder)
    runs = [h.popen("download", "--json", digest) for h in hosts]
    for p in runs:
        same(path, finish(p)["path"])
    times = (sent(seeder) - before) / SIZE
    print(f"     the holder uploaded {times:.2f} times the file")
    check(times < 2.5, f"the holder uploaded {times:.2f} times the file")
    late = lan.host("late")
    late.start()
    wait("late to be a peer", lambda: "late" in seeder.peers())
    same(path, finish(late.popen("download", "--json", digest))["path"])


def case_swarm_parent_killed(lan):
    """Hosts in the middle of a swarm are killed: their children go on with others, and so do they when they return"""
    seeder, hosts, path, digest = swarm(lan, 5, "60mbit")
    runs = [h.popen("download", "--json", digest) for h in hosts]
    until(runs[4], lambda e: e.get("bytes", 0) > 6 * MIB)
    dead = [h for h in hosts[:3] if h.leader() != h.name][:2]
    for h in dead:
        h.kill()
    for h, p in zip(hosts, runs):
        if h not in dead:
            same(path, finish(p)["path"])
    dead[0].start()
    same(path, finish(dead[0].popen("download", "--json", digest))["path"])


def case_swarm_leader_killed(lan):
    """The leader dies in the middle of a swarm: nobody fails"""
    leader = lan.host("a")
    leader.start()
    seeder, hosts, path, digest = None, [], None, None
    seeder, hosts = lan.host("s"), [lan.host(f"l{i}") for i in range(4)]
    path = noise(f"{seeder.share}/swarm.bin", SIZE)
    for h in (seeder, *hosts):
        h.rate("60mbit")
        h.start()
    lan.settled(leader, seeder, *hosts, seconds=60)
    digest = hosts[0].find("swarm.bin")["hash"]
    runs = [h.popen("download", "--json", digest) for h in hosts]
    until(runs[3], lambda e: e.get("bytes", 0) > 4 * MIB)
    leader.kill()
    for p in runs:
        same(path, finish(p)["path"])


def four(lan):
    """Four holders and one that fetches from all."""
    holders, one = [lan.host(f"s{i}") for i in range(4)], lan.host("one")
    path = noise(f"{holders[0].share}/swarm.bin", SIZE)
    for h in holders:
        if h is not holders[0]:
            os.link(path, f"{h.share}/swarm.bin")
        h.rate("50mbit")
    return holders, one, path


def start_four(lan, holders, one, env=None):
    for h in holders:
        h.start(env=env if h is holders[3] else None)
    one.start()
    lan.settled(*holders, one, seconds=60)
    return one.find("swarm.bin", holders=4)["hash"]


def case_four_one_killed(lan):
    """One of four holders is killed in the middle: the others bring what it did not"""
    holders, one, path = four(lan)
    digest = start_four(lan, holders, one)
    p = one.popen("download", "--json", digest)
    until(p, lambda e: e.get("bytes", 0) > 8 * MIB)
    holders[2].kill()
    same(path, finish(p)["path"])


def case_four_one_lies(lan):
    """One of four holders lies in every piece: it is found out, what it sent counts nothing"""
    holders, one, path = four(lan)
    liar = f"{lan.dir}/liar.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-D_GNU_SOURCE", "-o", liar,
                    os.path.join(os.path.dirname(os.path.abspath(__file__)), "liar.c")], check=True)
    digest = start_four(lan, holders, one, {"LD_PRELOAD": liar, "LIAR_ON": f"{lan.dir}/lie",
                                            "ASAN_OPTIONS": "verify_asan_link_order=0"})
    write(f"{lan.dir}/lie")
    p = one.popen("download", "--json", digest)
    seen = []
    until(p, lambda e: seen.append(e["event"]) or e["event"] == "done")
    check(p.wait(60) == 0 and seen.count("piece-bad") in (1, 2), seen)
    same(path, f"{one.downloads}/swarm.bin")


def case_four_one_stalls(lan):
    """One of four holders stops for ever, in the middle or before the start: nobody waits for it"""
    holders, one, path = four(lan)
    digest = start_four(lan, holders, one)
    p = one.popen("download", "--json", digest)
    until(p, lambda e: e.get("bytes", 0) > 8 * MIB)
    holders[2].process.send_signal(signal.SIGSTOP)
    try:
        same(path, finish(p)["path"])
    finally:
        holders[2].process.send_signal(signal.SIGCONT)
    wait("four again", lambda: one.find("swarm.bin", holders=4))
    for h in holders[1:3]:  # one of them is not the leader
        os.unlink(f"{one.downloads}/swarm.bin")
        h.process.send_signal(signal.SIGSTOP)
        try:
            same(path, finish(one.popen("download", "--json", digest))["path"])
        finally:
            h.process.send_signal(signal.SIGCONT)
        wait("four again", lambda: one.find("swarm.bin", holders=4))


def case_file_of_a_folder_from_elsewhere(lan):
    """A large file in a folder also comes from one that holds it outside of this folder"""
    a, b, c = lan.host("a"), lan.host("b"), lan.host("c")
    path = noise(f"{a.share}/album/film.bin", SIZE)
    write(f"{a.share}/album/notes.txt", b"notes")
    os.makedirs(f"{b.share}/other")
    os.link(path, f"{b.share}/other/same.bin")
    for h in (a, b):
        h.rate("50mbit")
    for h in (a, b, c):
        h.start()
    lan.settled(a, b, c)
    c.find("same.bin", holders=2)
    row = c.find("album", "--type", "dir")
    before = sent(b)
    finish(c.popen("download", "--json", row["hash"]))
    same(path, f"{c.downloads}/album/film.bin")
    share = (sent(b) - before) / SIZE
    print(f"     {share:.0%} came from the one without the folder")
    check(share > 0.2, share)
