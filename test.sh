#!/usr/bin/env bash
# ./test.sh   install what is missing, build with -Werror, and run every test: all of them as built
# for use, then units, stored fuzz inputs and simulator with AddressSanitizer and UBSan, and units
# with ThreadSanitizer. The last line is "N passed, N failed[, N skipped]". Within 25 minutes: what no time
# is left for is counted as skipped. Works from any current directory, without terminal or questions.
set -u
export LC_ALL=C
start=$(date +%s)
export IWANT_TEST_UNTIL=$((start + 1260)) # a program that has begun may take some minutes more
cd -P "$(dirname "${BASH_SOURCE[0]}")" || exit 1
passed=0 failed=0 skipped=0

result() {
    echo
    if [ "$skipped" -gt 0 ]; then
        echo "$passed passed, $failed failed, $skipped skipped"
    else
        echo "$passed passed, $failed failed"
    fi
    [ "$failed" -eq 0 ]
    exit
}

if ! tools/deps.sh test; then
    failed=1
    result
fi
mkdir -p build
out=$(mktemp build/test.XXXXXX)
trap 'rm -f "$out"' EXIT

stage() { # PROFILE KIND...
    local profile=$1 line
    shift
    echo "== $profile: $* =="
    if [ "$(date +%s)" -ge "$IWANT_TEST_UNTIL" ]; then
        echo "skip  no time left"
        skipped=$((skipped + 1))
        return
    fi
    if ! make -s -j"$(nproc)" WERROR=1 PROFILE="$profile" test-programs >"$out" 2>&1; then
        cat "$out"
        echo "FAIL  the build of profile $profile"
        failed=$((failed + 1))
        return
    fi
    test/run "$@" "build/$profile" 2>&1 | tee "$out" | sed -u '$d' # all but the count
    line=$(tail -n 1 "$out")
    if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
        passed=$((passed + BASH_REMATCH[1]))
        failed=$((failed + BASH_REMATCH[2]))
        skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
    else
        echo "$line"
        failed=$((failed + 1))
    fi
}

stage dev all
stage asan unit fuzz sim
stage tsan unit # the simulator has one thread
result
