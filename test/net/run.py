#!/usr/bin/env python3
"""Hosts on a LAN of namespaces: run.py BUILDDIR [CASE ...]

Runs every case of cases_*.py, each on a LAN of its own; with IWANT_SLOW=1 those that take long (slow_*) instead. Ends with `N passed, N failed[, N skipped]`.
"""

import glob
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
import traceback

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, here)

import lan  # noqa: E402


def cases():
    found = []
    for path in sorted(glob.glob(os.path.join(here, "cases_*.py"))):
        spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += [(name, fn) for name, fn in vars(module).items() if name.startswith(("case_", "slow_"))]
    return found


def can_run():
    """None, or what is missing for network namespaces with processes in them."""
    if os.geteuid():
        return "needs root"
    probe = f"iw{os.getpid()}-probe"
    steps = (["ip", "netns", "add", probe], ["ip", "netns", "exec", probe, "true"],
             ["ip", "-n", probe, "link", "add", "br0", "type", "bridge"])
    try:
        for step in steps:
            done = subprocess.run(step, capture_output=True, text=True)
            if done.returncode:
                return f"cannot make network namespaces: {done.stderr.strip() or ' '.join(step)}"
    except FileNotFoundError:
        return "needs the command ip (iproute2)"
    finally:
        if shutil.which("ip"):
            subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return None


def ended(number, frame):
    """Told to stop: the namespaces and processes of the running case go first."""
    raise KeyboardInterrupt


def main():
    signal.signal(signal.SIGTERM, ended)
    build, wanted = sys.argv[1], sys.argv[2:]
    passed = failed = 0
    kind = "slow_" if os.environ.get("IWANT_SLOW") else "case_"
    chosen = [(n, f) for n, f in cases() if (n in wanted or n[5:] in wanted if wanted else n.startswith(kind))]
    why = can_run()
    if why:
        print(f"net: {why}: {len(chosen)} cases skipped")
        print(f"0 passed, 0 failed, {len(chosen)} skipped")
        return 0
    for name, fn in chosen:
        begin = time.monotonic()
        try:
            with lan.Lan(build) as net:
                fn(net)
            passed += 1
            print(f"ok   {name[5:]} ({time.monotonic() - begin:.1f} s): {fn.__doc__.strip().splitlines()[0]}", flush=True)
        except (Exception, SystemExit) as e:
            failed += 1
            print(f"FAIL {name[5:]}: {fn.__doc__.strip().splitlines()[0]}")
            if isinstance(e, lan.Failed):
                print(f"  {e}", flush=True)
            else:
                traceback.print_exc(file=sys.stdout)
    print(f"{passed} passed, {failed} failed")
    return failed > 0


sys.exit(main())
