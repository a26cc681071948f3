"""Networks as they are: two families, no multicast, routers, cables, sleep; and who leads meanwhile."""

import json
import os
import signal
import time

from lan import Failed, sh, wait
from cases_story import finish, noise, write


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
    if not all(r["addr"].startswith("[fe80:") for r in rows):
        raise Failed(f"addresses: {rows}")


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
