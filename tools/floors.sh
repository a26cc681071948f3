#!/usr/bin/env bash
# tools/floors.sh BUILDDIR   hold the house together: which floor includes what, which symbols
# libcore.a leaves to others, no mutable state in it, no file over 600 lines. One line for each
# breach, file and line first; last line "N passed, N failed".
set -u
export LC_ALL=C
build=${1:?usage: tools/floors.sh BUILDDIR}
cd "$(dirname "$0")/.." || exit 2
passed=0 failed=0

breach() {
    echo "$1"
    bad=1
}

# Every rule below: a floor, the floors it may include, the system headers it may not (or may only).
may_include() { # FLOOR FILE-OF-OURS
    case $1:$2 in
    base:base/* | core:base/* | core:core/* | io:base/* | io:io/*) ;;
    svc:base/* | svc:core/* | svc:io/* | svc:svc/*) ;;
    iwanto:base/* | iwanto:core/* | iwanto:io/* | iwanto:svc/* | iwanto:iwanto/*) ;;
    *) return 1 ;;
    esac
}

pure='assert|ctype|errno|float|inttypes|limits|math|stdalign|stdarg|stdbool|stddef|stdint|stdio|stdlib|string'
may_use() { # FILE HEADER-OF-THE-SYSTEM
    case $1:$2 in
    src/core/seal.?:sodium.h | src/core/digest.?:sodium.h) ;;
    src/core/*:nettle/* | src/core/*:utf8proc.h | src/core/*:uthash.h | src/core/*:utlist.h) ;;
    src/core/*) [[ $2 =~ ^($pure)\.h$ ]] ;;
    src/base/*:uv.h | src/base/*:curl/* | src/base/*:microhttpd.h | src/base/*:gnutls/*) return 1 ;;
    src/svc/store*.?:sqlite3.h | src/io/libraries.c:sqlite3.h) ;; # the latter asks for its version only
    *:sqlite3.h) return 1 ;;
    # Above the io rooms nothing knows how HTTP or a socket is made.
    src/svc/*:curl/* | src/svc/*:microhttpd.h | src/svc/*:sys/socket.h | src/svc/*:netinet/* | src/svc/*:sys/inotify.h) return 1 ;;
    src/iwanto/*:curl/* | src/iwanto/*:microhttpd.h | src/iwanto/*:sys/socket.h) return 1 ;;
    esac
}

check_file() {
    local file=$1 floor number what
    floor=${file#src/}
    floor=${floor%%/*}
    while IFS=: read -r number what; do
        case $what in
        \"*)
            what=${what#\"}
            what=${what%%\"*}
            may_include "$floor" "$what" || breach "$file:$number: $floor may not include \"$what\""
            ;;
        \<*)
            what=${what#<}
            what=${what%%>*}
            may_use "$file" "$what" || breach "$file:$number: $floor may not include <$what>"
            ;;
        *) breach "$file:$number: an include that cannot be read: $what" ;;
        esac
    done < <(grep -nE '^[[:space:]]*#[[:space:]]*include' "$file" | sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/')
    # A table that is included in the middle of a file is no header of its own.
    [[ $file != *.h || $file == *_table.h ]] || grep -q '^#pragma once$' "$file" || breach "$file:1: no '#pragma once'"
    [ "$(wc -l <"$file")" -le 600 ] || breach "$file:601: over 600 lines: this is two rooms"
}

done_with() { # one test
    if [ "$bad" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
    fi
}

for file in src/*/*.[ch]; do
    bad=0
    check_file "$file"
    done_with
done

# Symbols: all that libcore.a wants, less what it has itself, less what base has (but its log).
bad=0
mapfile -t allowed < <(grep -v -e '^#' -e '^$' tools/core-symbols.txt)
is_allowed() {
    local pattern
    for pattern in "${allowed[@]}"; do
        # shellcheck disable=SC2053 # a pattern is meant
        [[ $1 == $pattern ]] && return 0
    done
    return 1
}
if ! nm "$build/libcore.a" >/dev/null 2>&1; then
    breach "$build/libcore.a: cannot be read"
else
    while read -r symbol; do
        case $symbol in
        __asan_* | __ubsan_* | __tsan_* | __sanitizer_*) continue ;;
        esac
        is_allowed "$symbol" || breach "libcore.a: calls $symbol in $(nm -A -u "$build/libcore.a" 2>/dev/null |
            awk -v s="$symbol" '$NF == s { sub(/^.*libcore\.a:/, "", $1); sub(/:.*/, "", $1); print $1; exit }')"
    done < <(comm -23 \
        <(nm -u "$build/libcore.a" | awk 'NF == 2 { print $2 }' | sort -u) \
        <(nm --defined-only -g "$build/libcore.a" "$build/libbase.a" |
            awk 'NF == 3 && $3 !~ /^log_/ { print $3 }' | sort -u))
fi
done_with

# Mutable state: objects in .data or .bss. (.data.rel.ro is constant once loaded.)
bad=0
if [[ $build != *asan && $build != *tsan ]]; then
    while read -r section symbol; do
        breach "libcore.a: $symbol in $section: a core has no mutable globals"
    done < <(objdump -t "$build/libcore.a" 2>/dev/null |
        awk '$3 == "O" && $4 ~ /^\.t?(data|bss)/ && $4 !~ /^\.data\.rel\.ro/ { print $4, $NF }')
fi
done_with

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
