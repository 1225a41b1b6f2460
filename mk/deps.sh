#!/bin/sh
# The Debian packages that `make test` needs: installs those that are missing
# if it can, otherwise names them and fails.

set -u

PACKAGES="libzmq5 libzmq3-dev cppzmq-dev cmake pkg-config g++ python3-venv iproute2 strace valgrind libsodium-dev"

have() {
    dpkg-query -W -f '${Status}\n' "$1" 2>/dev/null | grep -q ' installed$' && return
    # pkgconf stands in for pkg-config on newer systems.
    [ "$1" = pkg-config ] && command -v pkg-config >/dev/null
}

missing() {
    for package in $PACKAGES; do
        have "$package" || printf '%s ' "$package"
    done
}

todo=$(missing)
[ -z "$todo" ] && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of names
    apt-get install -y --no-install-recommends $todo >/dev/null 2>&1 || {
        apt-get update >/dev/null
        # shellcheck disable=SC2086
        apt-get install -y --no-install-recommends $todo >/dev/null
    }
    todo=$(missing)
    [ -z "$todo" ] && exit 0
fi

echo "missing Debian packages: $todo" >&2
exit 1
