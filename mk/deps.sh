#!/bin/sh
# The Debian packages that `make test` needs: installs those that are missing
# if it can, otherwise names them and fails.

set -u

PACKAGES="libzmq5 libzmq3-dev cppzmq-dev cmake pkg-config g++ python3-venv iproute2 strace valgrind libsodium-dev \
    gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user musl-tools"

# The compiler of the version that Cargo.toml has as rust-version, although there may be a
# newer one, with the sources of its standard library. Debian 12 has it beside its own.
cd "$(dirname "$0")/.." || exit 1
set -f
version=$(sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml)
RUST="rustc cargo libstd-rust-dev rust-src"
grep -qs '^VERSION_ID="12"' /etc/os-release && RUST="rustc-web cargo-web libstd-rust-web-dev rust-web-src"
for name in $RUST; do
    PACKAGES="$PACKAGES $name=$version.*"
done

have() { # name or name=version.*
    name=${1%%=*}
    wanted=${1#"$name"}
    case $(dpkg-query -W -f '${Status}=${Version}' "$name" 2>/dev/null) in
    *" installed${wanted%\*}"*) return ;;
    esac
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
    # A compiler that someone has installed is not taken away or made older, but for CI.
    options="-y --no-install-recommends --no-remove ${CI:+--allow-downgrades}"
    # shellcheck disable=SC2086 # a list of names
    apt-get install $options $todo >/dev/null 2>&1 || {
        apt-get update >/dev/null
        # shellcheck disable=SC2086
        apt-get install $options $todo >/dev/null
    }
    todo=$(missing)
    [ -z "$todo" ] && exit 0
fi

echo "missing Debian packages: $todo" >&2
exit 1
