#!/usr/bin/env python3
"""Reads ranges as a player does, inside a host's namespace: reader.py URL FILE SEED PLACES...

A place is a byte offset, or ? for a random one. Each is asked for on a connection of its own, as after a seek. Compares with FILE,
prints for each a JSON line {"at", "ms" to the first byte of the body, "ok", "clock" (monotonic) at that byte}.
"""

import http.client
import json
import os
import random
import sys
import time
import urllib.parse

url, path, seed, places = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]
rng = random.Random(seed)
at = urllib.parse.urlsplit(url)
size = os.path.getsize(path)
with open(path, "rb") as source:
    for place in places:
        first = rng.randrange(size) if place == "?" else int(place) % size
        last = min(size - 1, first + rng.randrange(1, 600000))
        begin = time.monotonic()
        web = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        web.request("GET", at.path, headers={"Range": f"bytes={first}-{last}"})
        answer = web.getresponse()
        byte = answer.read(1)
        ms = (time.monotonic() - begin) * 1000
        try:
            body = byte + answer.read()
        except http.client.IncompleteRead as e:
            body = byte + e.partial
        web.close()
        source.seek(first)
        ok = (answer.status == 206 and body == source.read(last - first + 1)
              and answer.getheader("Content-Range") == f"bytes {first}-{last}/{size}")
        print(json.dumps({"at": first, "ms": round(ms, 1), "ok": ok, "clock": begin + ms / 1000}), flush=True)
