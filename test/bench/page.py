"""The page over a million files: from a letter typed to its results in the page, in Chromium, and by its route alone; and its size."""

import os
import subprocess
import sys
import time

from lan import Lan, wait
from whole import FILES, PEER_FILES, Sharer, joined, make_queries, times, words_at_hand

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(here), "web"))

from browser import Browser, missing  # noqa: E402

TYPED = int(os.environ.get("IWANT_BENCH_TYPED", "60"))  # queries that are typed, half of them with an error

# One letter after the other, each with all that it sets off, until its rows are laid out.
TYPE = """
return (async () => {
  const took = [];
  for (const text of arguments[0]) {
    for (let n = 1; n <= text.length; n++) {
      const begin = performance.now();
      words.value = text.slice(0, n);
      await search();
      document.body.getBoundingClientRect();
      took.push(performance.now() - begin);
    }
  }
  return took;
})()
"""


def by_route(host, queries):
    """Every beginning of every query, as the page asks for it, over a connection that stays; in the host's namespace."""
    asked = os.path.join(host.dir, "asked")
    with open(asked, "w") as f:
        f.writelines(q[:n] + "\n" for q in queries for n in range(1, len(q) + 1) if q[:n].strip())
    script = ("import http.client, json, sys, time, urllib.parse\n"
              "origin, ticket = sys.argv[1].split('/#')\n"
              "to = http.client.HTTPConnection(origin[7:])\n"
              "to.request('POST', '/session', ticket, {'Origin': origin})\n"
              "token = json.loads(to.getresponse().read())['token']\n"
              "for line in open(sys.argv[2]):\n"
              "    begin = time.perf_counter()\n"
              "    to.request('GET', '/v1/search?marks=1&limit=50&q=' + urllib.parse.quote(line.strip()), headers={'Authorization': 'Bearer ' + token})\n"
              "    answer = to.getresponse()\n"
              "    answer.read()\n"
              "    assert answer.status == 200\n"
              "    print(time.perf_counter() - begin)\n")
    url = host.run("web").out.strip()
    done = subprocess.run(["ip", "netns", "exec", host.ns, sys.executable, "-c", script, url, asked], capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


def in_browser(lan, host, queries):
    with Browser(["ip", "netns", "exec", host.ns], os.path.join(lan.dir, "browser")) as b:
        b.screen(1280, 860)
        b.go(host.run("web").out.strip())
        b.wait("the page", lambda: b.text("#where"))
        b.run(TYPE, queries[:1])
        took = []
        for q in queries:
            took += [ms / 1000 for ms in b.run(TYPE, [q])]
    return took


def size(host):
    """Bytes of the page over the wire, heads included."""
    origin = host.run("web").out.strip().split("/#")[0]
    done = subprocess.run(["ip", "netns", "exec", host.ns, "curl", "-s", "-o", "/dev/null", "-w", "%{size_header} %{size_download}\n",
                           *(f"{origin}/{p}" for p in ("", "page.css", "page.js", "icon.svg"))], capture_output=True, text=True, check=True)
    return sum(int(n) for line in done.stdout.split("\n") for n in line.split()[:2] if n.isdigit())


def part_page(build):
    """The page over a million files"""
    program = os.path.join(os.path.dirname(os.path.abspath(build)), "bench", "bench_peer")
    with Lan(build) as lan:
        words, listed = os.path.join(lan.dir, "words"), os.path.join(lan.dir, "list")
        words_at_hand(words)
        peers = max(4, -(-FILES // PEER_FILES))
        share = FILES // peers
        sharers = [Sharer(lan, program, words, f"p{i}", i * share, share) for i in range(peers)]
        with open(listed, "w") as f:
                    subprocess.run([program, "list", words, "0", str(share * peers)], stdout=f, check=True)
        files = sum(s.ready() for s in sharers)
        a, c = lan.host("a"), lan.host("c")
        a.start()
        wait("a to lead", lambda: a.leader() == "a")
        c.start()
        joined(a, sharers, files)
        time.sleep(1)
        exact, wrong = make_queries(listed, max(1, TYPED // 2))
        typed = [q for pair in zip(exact, wrong) for q, _ in pair]
        for name, host in (("on the leader", a), ("on another host", c)):
            took = by_route(host, typed)
            print(f"| the page's search by its route, {name}: every beginning of a query | {times(took)} | {files:,} files, {len(took)} searches, 50 rows each |", flush=True)
        why = missing()
        if why:
            print(f"| a letter typed to its results in the page | skipped: {why} | |", flush=True)
        else:
            for name, host in (("on the leader", a), ("on another host", c)):
                took = in_browser(lan, host, typed)
                print(f"| a letter typed to its results laid out in the page, {name} | {times(took)} | {files:,} files, {len(took)} letters, Chromium |", flush=True)
        print(f"| the page over the wire, with all that it loads | {size(a):,} bytes | HTML, CSS, JavaScript, icon, heads |", flush=True)
