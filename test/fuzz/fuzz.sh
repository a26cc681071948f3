#!/usr/bin/env bash
# test/fuzz/fuzz.sh SECONDS PROGRAM...   run every libFuzzer program for SECONDS, one after the other,
# from its stored corpus. New inputs are kept in build/fuzz/corpus/NAME, a finding beside them in
# build/fuzz/NAME-crash-*. Last line "N passed, N failed".
set -u
export LC_ALL=C
seconds=$1
shift
cd "$(dirname "$0")/../.." || exit 1
passed=0 failed=0

for program in "$@"; do
    name=${program##*/fuzz_}
    log=build/fuzz/$name.log
    grown=build/fuzz/corpus/$name
    mkdir -p "$grown"
    if timeout -k 10 $((seconds + 60)) "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -max_len=65536 -artifact_prefix="build/fuzz/$name-" "$grown" "test/fuzz/corpus/$name" >"$log" 2>&1 </dev/null; then
        passed=$((passed + 1))
        echo "ok    $name: $(grep -a '^Done ' "$log")"
    else
        failed=$((failed + 1))
        echo "FAIL  $name: see $log"
        tail -n 30 "$log"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
