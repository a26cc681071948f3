"""Programs that move files by daemons of their own on both ends, for transfer.py and swarm.py: syncthing, transmission, libtorrent.

Each is started for its fetch alone and timed from the moment that both ends are up, are known to each other where that needs more than a
connection, and the receiver is told to fetch. Nothing leaves the namespaces: no discovery, no relays, no DHT.
"""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import time

from lan import Failed, wait


def cpu_s(pid):
    """User and system, its ended children included."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return sum(int(x) for x in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def tree(pid):
    """It and all that it has started."""
    found = [pid]
    for p in found:
        for task in os.listdir(f"/proc/{p}/task"):
            with open(f"/proc/{p}/task/{task}/children") as f:
                found += map(int, f.read().split())
    return found


def spawn(lan, host, *argv, env=None):
    p = subprocess.Popen(["ip", "netns", "exec", host.ns, *argv], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         env={**os.environ, **(env or {})})
    lan.processes.append(p)
    return p


def end(*processes):
    for p in processes:
        p.terminate()
    for p in processes:
        try:
            p.wait(10)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()


class Timed:
    """Wall and the processor seconds of two daemons, from here on."""

    def __init__(self, sender, receiver):
        self.trees = [tree(p.pid) for p in (sender, receiver)]
        self.cpu, self.begin = self.used(), time.monotonic()

    def used(self):
        return [sum(map(cpu_s, pids)) for pids in self.trees]

    def took(self):
        wall = time.monotonic() - self.begin
        return wall, *(now - before for now, before in zip(self.used(), self.cpu))


def curl(host, *argv):
    """Asked from within the host's namespace: (status, text)."""
    done = subprocess.run(["ip", "netns", "exec", host.ns, "curl", "-s", "-m", "5", "-w", "\n%{http_code}", *argv], capture_output=True, text=True)
    text, _, status = done.stdout.rpartition("\n")
    return int(status or 0), text


# ---- syncthing ----

def has_syncthing():
    return bool(shutil.which("syncthing"))


class Syncthing:
    """One end: a throw-away home with one folder."""

    def __init__(self, lan, host, folder, kind):
        self.lan, self.host, self.folder, self.kind = lan, host, folder, kind
        self.home = os.path.join(host.dir, "syncthing")
        self.env = {"HOME": self.home, "STNORESTART": "1", "STNOUPGRADE": "1"}
        shutil.rmtree(self.home, ignore_errors=True)
        os.makedirs(self.home)
        os.makedirs(f"{folder}/.stfolder", exist_ok=True)
        subprocess.run(["syncthing", "generate", f"--home={self.home}", "--no-default-folder"], env={**os.environ, **self.env}, check=True,
                       capture_output=True)
        with open(f"{self.home}/config.xml") as f:
            self.id = re.search(r'<device id="([A-Z0-9-]+)"', f.read())[1]

    def start(self, other, paused):
        device = "".join(f'<device id="{s.id}" name="{s.host.name}"><address>tcp://{s.host.ip}:22000</address></device>' for s in (self, other))
        off = "".join(f"<{name}>false</{name}>" for name in ("globalAnnounceEnabled", "localAnnounceEnabled", "relaysEnabled", "natEnabled", "startBrowser",
                                                             "crashReportingEnabled", "setLowPriority"))
        with open(f"{self.home}/config.xml", "w") as f:
            f.write(f"""<configuration version="36">
<folder id="bench" path="{self.folder}" type="{self.kind}" rescanIntervalS="0" fsWatcherEnabled="false" paused="{'true' if paused else 'false'}">
<device id="{self.id}"/><device id="{other.id}"/></folder>{device}
<gui enabled="true" tls="false"><address>127.0.0.1:8384</address><apikey>bench</apikey></gui>
<options><listenAddress>tcp://{self.host.ip}:22000</listenAddress>{off}<urAccepted>-1</urAccepted><autoUpgradeIntervalH>0</autoUpgradeIntervalH>
<reconnectionIntervalS>1</reconnectionIntervalS></options></configuration>""")
        self.process = spawn(self.lan, self.host, "syncthing", "serve", f"--home={self.home}", "--no-browser", "--no-restart", env=self.env)

    def ask(self, path, *more):
        status, text = curl(self.host, "-H", "X-API-Key: bench", *more, f"http://127.0.0.1:8384/rest/{path}")
        return json.loads(text) if status == 200 and text.strip() else {}

    def state(self):
        return self.ask("db/status?folder=bench")


def syncthing(lan, sender, receiver, source, to):
    """The one file at source into the folder to, which is made. (wall, sender's, receiver's)"""
    shared = os.path.join(sender.dir, "synced")
    shutil.rmtree(shared, ignore_errors=True)
    os.makedirs(shared)
    os.link(source, os.path.join(shared, os.path.basename(source)))
    a, c = Syncthing(lan, sender, shared, "sendonly"), Syncthing(lan, receiver, to, "receiveonly")
    a.start(c, False)
    wait("syncthing to have hashed", lambda: a.state().get("state") == "idle" and a.state()["localBytes"] > 0, 120)
    c.start(a, True)
    wait("syncthing to connect", lambda: c.ask("system/connections").get("connections", {}).get(a.id, {}).get("connected"), 60)
    timed = Timed(a.process, c.process)
    c.ask("config/folders/bench", "-X", "PATCH", "-d", '{"paused": false}')

    def done():
        s = c.state()
        return s.get("state") == "idle" and s["globalBytes"] > 0 and not s["needTotalItems"]
    wait("syncthing to fetch", done, 300)
    took = timed.took()
    end(a.process, c.process)
    shutil.rmtree(shared)
    return took


# ---- transmission ----

def has_transmission():
    return bool(shutil.which("transmission-daemon") and shutil.which("transmission-create"))


TRACKER = textwrap.dedent("""
    import http.server, socket, struct, sys, urllib.parse
    known = set()
    class Tracker(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            port = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, encoding='latin-1').get('port', ['0'])[0]
            me = (self.client_address[0], int(port))
            known.add(me)
            others = b''.join(socket.inet_aton(host) + struct.pack('>H', port) for host, port in known - {me})
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'd8:intervali5e5:peers%d:%se' % (len(others), others))
        def log_message(self, *args):
            pass
    http.server.HTTPServer((sys.argv[1], 6969), Tracker).serve_forever()
""")


class Transmission:
    """One end."""

    def __init__(self, lan, host, folder):
        self.host, self.session = host, ""
        home = os.path.join(host.dir, "transmission")
        shutil.rmtree(home, ignore_errors=True)
        os.makedirs(home)
        with open(f"{home}/settings.json", "w") as f:
            json.dump({"download-dir": folder, "bind-address-ipv4": host.ip, "rpc-bind-address": "127.0.0.1", "dht-enabled": False, "lpd-enabled": False,
                       "utp-enabled": False, "port-forwarding-enabled": False, "encryption": 0, "preallocation": 0, "cache-size-mb": 64,
                       "rename-partial-files": False}, f)
        self.process = spawn(lan, host, "transmission-daemon", "-f", "-g", home)
        wait("transmission", lambda: self.ask("session-get"))

    def ask(self, method, **arguments):
        for _ in range(2):  # the first answer tells the session's name
            status, text = curl(self.host, "-D", f"{self.host.dir}/transmission.head", "-H", f"X-Transmission-Session-Id: {self.session}", "-d",
                                json.dumps({"method": method, "arguments": arguments}), "http://127.0.0.1:9091/transmission/rpc")
            if status == 200:
                return json.loads(text)
            if status == 409:
                with open(f"{self.host.dir}/transmission.head") as f:
                    self.session = re.search(r"(?i)session-id: (\S+)", f.read())[1]
        return None

    def add(self, torrent, folder):
        with open(torrent, "rb") as f:
            self.ask("torrent-add", **{"metainfo": base64.b64encode(f.read()).decode(), "download-dir": folder})

    def told(self):
        answer = self.ask("torrent-get", fields=["leftUntilDone", "status", "downloadedEver"]) or {}
        return (answer.get("arguments", {}).get("torrents") or [{}])[0]

    def whole(self):
        return self.told().get("leftUntilDone") == 0 and self.told()["status"] in (5, 6)


def transmission(lan, sender, receiver, source, to):
    """As syncthing(), from the first byte on: it may be half a minute until it begins. Plain TCP; a tracker tells them of each other."""
    os.makedirs(to, exist_ok=True)
    torrent = os.path.join(sender.dir, "transmission.torrent")
    subprocess.run(["transmission-create", "-t", f"http://{sender.ip}:6969/announce", "-o", torrent, source], check=True, capture_output=True)
    tracker = spawn(lan, sender, sys.executable, "-c", TRACKER, sender.ip)
    a, c = Transmission(lan, sender, os.path.dirname(source)), Transmission(lan, receiver, to)
    a.add(torrent, os.path.dirname(source))
    wait("transmission to have checked", a.whole, 120)
    time.sleep(1)
    c.add(torrent, to)
    wait("transmission to begin", lambda: c.told().get("downloadedEver"), 120, every=0.01)
    timed = Timed(a.process, c.process)
    wait("transmission to fetch", c.whole, 300)
    took = timed.took()
    end(a.process, c.process, tracker)
    os.unlink(torrent)
    return took


# ---- libtorrent ----

TORRENT = textwrap.dedent("""
    import libtorrent as lt, sys, time
    what, folder, torrent, addr, *peer = sys.argv[1:]
    s = lt.session({'listen_interfaces': addr + ':6881', 'enable_dht': False, 'enable_lsd': False, 'enable_upnp': False,
                    'enable_natpmp': False, 'out_enc_policy': 2, 'in_enc_policy': 2, 'enable_outgoing_utp': False,
                    'enable_incoming_utp': False, 'allow_multiple_connections_per_ip': True})
    p = lt.add_torrent_params()
    p.ti = lt.torrent_info(torrent)
    p.save_path = folder
    if what == 'seed':
        p.flags |= lt.torrent_flags.seed_mode
    h = s.add_torrent(p)
    for host in peer:
        h.connect_peer((host, 6881))
    while what == 'seed' or not h.status().is_seeding:
        time.sleep(0.05)
    if what == 'share':
        print('whole', flush=True)
        time.sleep(600)
""")
MAKE_TORRENT = textwrap.dedent("""
    import libtorrent as lt, os, sys
    f = lt.file_storage()
    lt.add_files(f, sys.argv[1])
    t = lt.create_torrent(f)
    lt.set_piece_hashes(t, os.path.dirname(sys.argv[1]))
    open(sys.argv[2], 'wb').write(lt.bencode(t.generate()))
""")


def torrent_python():
    """The interpreter that has libtorrent; None: none."""
    return next((p for p in ("/usr/bin/python3", sys.executable) if os.path.exists(p) and
                 not subprocess.run([p, "-c", "import libtorrent"], capture_output=True).returncode), None)


def make_torrent(python, source, torrent):
    subprocess.run([python, "-c", MAKE_TORRENT, source, torrent], check=True)


def seed_torrent(lan, python, host, folder, torrent):
    """Its process, once it listens."""
    p = spawn(lan, host, python, "-c", TORRENT, "seed", folder, torrent, host.ip)
    wait("libtorrent", lambda: ":6881 " in subprocess.run(["ip", "netns", "exec", host.ns, "ss", "-ltn"], capture_output=True, text=True).stdout)
    return p


def torrent_swarm(lan, python, seeder, hosts, source):
    """Seconds until the last host has it; all know all. Every one has its own folder, which is removed."""
    torrent = os.path.join(lan.dir, "swarm.torrent")
    make_torrent(python, source, torrent)
    seed = seed_torrent(lan, python, seeder, os.path.dirname(source), torrent)
    begin, running = time.monotonic(), []
    for h in hosts:
        to = os.path.join(h.dir, "torrent")
        os.makedirs(to)
        p = subprocess.Popen(["ip", "netns", "exec", h.ns, python, "-c", TORRENT, "share", to, torrent, h.ip, seeder.ip,
                              *[o.ip for o in hosts if o is not h]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        lan.processes.append(p)
        running.append((p, to))
    for p, _ in running:
        if p.stdout.readline() != "whole\n":
            raise Failed("libtorrent ended before it had all")
    wall = time.monotonic() - begin
    end(seed, *[p for p, _ in running])
    for _, to in running:
        shutil.rmtree(to)
    return wall
