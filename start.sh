#!/usr/bin/env bash
# ./start.sh [OPTION...]   install what is missing, build, and run the service in this terminal.
# Options are those of `iwanto start`. Works from any current directory.
set -eu
top=$(cd -P "$(dirname "${BASH_SOURCE[0]}")" && pwd)

"$top/tools/deps.sh" build
mkdir -p "$top/build"
if ! make -s -C "$top" -j"$(nproc)" all >"$top/build/start.log" 2>&1; then
    cat "$top/build/start.log" >&2
    echo "start.sh: cannot build: see above" >&2
    exit 1
fi
exec "$top/build/dev/iwanto" start "$@"
