#!/usr/bin/env bash
# tools/deps.sh build|test|bench|package   install the Debian packages that building (and testing) needs, if any
# is missing; says what it installs, and does nothing otherwise.
set -eu
export LC_ALL=C

build=(gcc libc6-dev make pkg-config libuv1-dev libmicrohttpd-dev libcurl4-gnutls-dev libgnutls28-dev
nettle-dev libsodium-dev libsqlite3-dev libutf8proc-dev libjansson-dev uthash-dev
libqrencode-dev libncurses-dev)
test=(libcmocka-dev spin python3 iproute2 nftables iptables curl procps aria2
chromium chromium-driver fonts-dejavu-core unzip)
bench=(nginx-light openssl aria2 rsync openssh-server iperf3 python3-libtorrent syncthing
transmission-daemon transmission-cli fzf plocate btrfs-progs xfsprogs)

package=(debhelper dpkg-dev fakeroot lintian)

case ${1:-} in
build) wanted=("${build[@]}") ;;
test) wanted=("${build[@]}" "${test[@]}") ;;
package) wanted=("${build[@]}" "${package[@]}") ;;
bench) wanted=("${build[@]}" "${test[@]}" "${bench[@]}") ;;
*)
    echo "usage: tools/deps.sh build|test|bench|package" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "not a Debian system: if the build fails, install what these packages hold: ${wanted[*]}" >&2
    exit 0
fi
missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "iwant: cannot install packages: not root, and there is no sudo" >&2
        echo "run as root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
    [ -t 0 ] || as_root+=(-n) # nobody is there to type a password
fi
echo "installing ${missing[*]}" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null >"$log" 2>&1
}
# --no-remove: a package that must go (another flavour of libcurl's headers) is for the owner to decide.
if ! apt install --no-install-recommends --no-remove "${missing[@]}" &&
    ! { apt update && apt install --no-install-recommends --no-remove "${missing[@]}"; }; then
    cat "$log" >&2
    echo "iwant: cannot install packages: apt-get failed, see above" >&2
    exit 1
fi
