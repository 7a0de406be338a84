#!/usr/bin/env bash
# wasm-target.sh on made-up machines: a repository with nothing but the script, a
# PATH of a few stand-ins, and a made-up /usr for Debian's packages. The stand-ins
# write down how they were called and put the files where the real ones do.
set -euo pipefail

script=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)/wasm-target.sh
world=$(mktemp -d)
trap 'rm -rf "$world"' EXIT
failures=0

# tool NAME: its text, from stdin, becomes a program on the machine's PATH.
tool() {
    { echo "#!$BASH"; cat; } >"$world/bin/$1"
    chmod +x "$world/bin/$1"
}

# machine: Rust 1.95 on PATH, without the target; no rustup, no apt, not root.
machine() {
    local name
    rm -rf "${world:?}"/*
    mkdir -p "$world"/{bin,repository/scripts,usr/bin,toolchain/bin}
    cp "$script" "$world/repository/scripts/"
    printf '[workspace.package]\nrust-version = "1.95"\n' >"$world/repository/Cargo.toml"
    for name in bash cat date dirname env grep mkdir sed sort tail timeout touch chmod true; do
        ln -s "$(type -P "$name")" "$world/bin/$name"
    done
    tool rustc <<<"echo $world/toolchain"
    touch "$world/toolchain/bin/rustc"
    tool id <<<'echo 1000'
}

with_root() { tool id <<<'echo 0'; }

# with_rustup works|fails: `rustup target add`.
with_rustup() {
    tool rustup <<END
echo "\$*" >>$world/rustup.calls
if [[ $1 == fails ]]; then echo "error: mirror not reached" >&2; exit 1; fi
mkdir -p $world/toolchain/lib/rustlib/wasm32-wasip1/lib
touch $world/toolchain/lib/rustlib/wasm32-wasip1/lib/libstd-0.rlib
END
}

# with_packages RUSTC_VERSION: what Debian's packages put under /usr.
with_packages() {
    local usr=$world/usr
    mkdir -p "$usr/lib/rustlib/src/rust/library/std" "$usr/lib/wasm32-wasi" "$usr/bin"
    printf '#!%s\necho "rustc %s (built from a source tarball)"\n' "$BASH" "$1" >"$usr/bin/rustc"
    touch "$usr/bin/cargo" "$usr/bin/wasm-ld-19" "$usr/lib/rustlib/src/rust/library/std/Cargo.toml" \
        "$usr/lib/wasm32-wasi/libc.a" "$usr/lib/wasm32-wasi/crt1-reactor.o"
    chmod +x "$usr/bin/"*
}

# with_apt LISTED UPDATED: rustc-web's version in the lists before and after an
# update; an install lays out the packages in the version listed.
with_apt() {
    echo "$1" >"$world/listed"
    tool apt-cache <<END
case \$2 in
rustc-web) echo "  Candidate: \$(cat $world/listed)" ;;
rustc) echo "  Candidate: 1.63.0+dfsg1-2" ;;
*) echo "  Candidate: 1" ;;
esac
END
    tool apt-get <<END
echo "\$*" >>$world/apt.calls
case " \$* " in
*" update "*) echo $2 >$world/listed ;;
*" install "*)
    [[ -e $world/install-fails ]] && { echo "E: Packages need to be removed but remove is disabled."; exit 100; }
    $(declare -f with_packages)
    world=$world
    with_packages "\$(cat $world/listed)"
    ;;
esac
END
}

# run [NAME=VALUE...]: the script on that machine; sets status, out (stdout and
# stderr).
run() {
    status=0
    out=$(env -i PATH="$world/bin" CLN_WASM_DEBIAN_USR="$world/usr" "$@" \
        bash "$world/repository/scripts/wasm-target.sh" 2>&1) || status=$?
}

calls() { if [[ -f $world/$1.calls ]]; then grep -c -- "$2" "$world/$1.calls" || true; else echo 0; fi; }

# expect WHAT CONDITION...
expect() {
    local what=$1
    shift
    if "$@"; then return; fi
    failures=$((failures + 1))
    printf 'FAILED: %s: %s\n  not so: %s\n  status %s, output:\n%s\n' "$name" "$what" "$*" "$status" "$out"
}

says() { [[ $out == *"$1"* ]]; }
ends() { [[ $status == "$1" ]]; }
called() { [[ $(calls "$1" "$2") == "$3" ]]; }
way_rustup() { ends 0 && says "CARGO_BUILD_TARGET=wasm32-wasip1" && ! says RUSTC_BOOTSTRAP; }
way_debian() {
    ends 0 && says "RUSTC=$world/usr/bin/rustc" && says 'CARGO_UNSTABLE_BUILD_STD=std\,panic_abort' &&
        says "-Clinker=$world/usr/bin/wasm-ld-19" && says "-L$world/usr/lib/wasm32-wasi"
}

name="the toolchain has the target"
machine
with_rustup fails
mkdir -p "$world/toolchain/lib/rustlib/wasm32-wasip1/lib"
touch "$world/toolchain/lib/rustlib/wasm32-wasip1/lib/libstd-0.rlib"
run
expect "it is used" way_rustup
expect "rustup is not asked" called rustup add 0

name="rustup can add the target"
machine
with_rustup works
with_packages 1.96.0
run
expect "rustup's toolchain is used" way_rustup
run
expect "the second run uses it too" way_rustup
expect "rustup is asked once" called rustup "target add wasm32-wasip1" 1

name="rustup's mirror is offline, Debian's packages are there"
machine
with_rustup fails
with_packages 1.96.0
run
expect "Debian's toolchain is used" way_debian
run
expect "the second run uses it too" way_debian
expect "rustup is asked once" called rustup "target add" 1
touch -d '2001-01-01' "$world/toolchain/bin/rustc"
run
expect "an updated toolchain is asked anew" called rustup "target add" 2

name="no rustup, root, apt has the packages"
machine
with_root
with_apt 1.96.0+dfsg1-1 1.96.0+dfsg1-1
run
expect "they are installed and used" way_debian
expect "the lists are not updated" called apt update 0
expect "nothing is removed for them" called apt "--no-remove.* rustc-web cargo-web rust-web-src lld-19 wasi-libc" 1
run
expect "the second run installs nothing" called apt install 1

name="apt's lists are old"
machine
with_root
with_apt 1.85.0+dfsg3-1 1.96.0+dfsg1-1
run
expect "they are updated, the packages used" way_debian
expect "once" called apt update 1

name="an old rustc of Debian is installed, a new one listed"
machine
with_root
with_packages 1.85.0
with_apt 1.96.0+dfsg1-1 1.96.0+dfsg1-1
run
expect "the new one is installed and used" way_debian

name="Debian has only an old rustc"
machine
with_root
with_packages 1.85.0
with_apt 1.85.0+dfsg3-1 1.85.0+dfsg3-1
run
expect "it fails" ends 1
expect "with the version needed" says "apt offers no rustc of 1.95 or newer"
expect "and installs nothing" called apt install 0

name="apt refuses"
machine
with_root
with_apt 1.96.0 1.96.0
touch "$world/install-fails"
run
expect "it fails" ends 1
expect "with apt's words" says "E: Packages need to be removed but remove is disabled."

name="not root, no sudo"
machine
with_apt 1.96.0 1.96.0
run
expect "it fails" ends 1
expect "with what it needs" says "needs root, or sudo without a password"
expect "and with what to install" says "apt-get install rustc-web cargo-web rust-web-src lld-19 wasi-libc"
expect "apt is not called" called apt . 0

name="not root, sudo asks for a password"
machine
with_apt 1.96.0 1.96.0
tool sudo <<<'exit 1'
run
expect "it fails" ends 1
expect "with what it needs" says "needs root, or sudo without a password"

name="not root, sudo without a password"
machine
with_apt 1.96.0 1.96.0
tool sudo <<'END'
[[ $1 == -n ]] && shift && exec "$@"
END
run
expect "the packages are installed and used" way_debian

name="not Debian, rustup's mirror offline"
machine
with_rustup fails
run
expect "it fails" ends 1
expect "with rustup's words" says "error: mirror not reached"
expect "and why not Debian's way" says "this machine has no apt-get"
expect "and what to do" says "rustup target add wasm32-wasip1"

name="no Rust at all"
machine
rm "$world/bin/rustc"
run
expect "it fails" ends 1
expect "and says so" says "there is no working rustc on PATH"

name="one way only"
machine
with_rustup works
with_packages 1.96.0
run CLN_WASM_TARGET=debian
expect "debian: rustup is not asked" called rustup add 0
expect "debian: it is used" way_debian
machine
with_root
with_apt 1.96.0 1.96.0
run CLN_WASM_TARGET=rustup
expect "rustup: it fails" ends 1
expect "rustup: apt is not called" called apt . 0
run CLN_WASM_TARGET=nix
expect "another word is refused" ends 2

name="flags of the caller"
machine
with_packages 1.96.0
run RUSTFLAGS=-Dwarnings
expect "are kept" says 'RUSTFLAGS=-Dwarnings\ -Clinker='

if ((failures > 0)); then
    echo "wasm-target: $failures expectations failed"
    exit 1
fi
echo "wasm-target: as expected on every machine"
