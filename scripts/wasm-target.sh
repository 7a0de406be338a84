#!/usr/bin/env bash
# A Rust toolchain that compiles for wasm32-wasip1, found or installed.
#
#   scripts/wasm-target.sh cargo build --release    run a command with it
#   eval "$(scripts/wasm-target.sh)"                or set this shell up for it
#
# Two ways, tried in this order:
#   rustup   the toolchain on PATH has the target's std, or `rustup target add`
#            brings it;
#   debian   Debian's rustc, its library source, lld and wasi-libc: cargo then
#            compiles std itself (about half a minute, once for a target folder).
# CLN_WASM_TARGET=rustup or =debian allows that way only.
#
# A failed `rustup target add` is remembered in target/wasm-target, for that
# toolchain, so that an offline mirror is asked once. Remove the file to ask again.
set -euo pipefail

target=wasm32-wasip1
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
memory=$root/target/wasm-target
log=$root/target/wasm-target.log
# Where Debian's packages put their files; the tests put a made-up machine here.
usr=${CLN_WASM_DEBIAN_USR:-/usr}
only=${CLN_WASM_TARGET:-}
oldest=$(sed -n 's/^rust-version *= *"\(.*\)"/\1/p' "$root/Cargo.toml")
oldest=${oldest:?no rust-version in Cargo.toml}

say() { printf 'wasm-target: %s\n' "$*" >&2; }

# at_least VERSION OLDEST: is VERSION the same or newer?
at_least() {
    [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | sed -n 1p) == "$2" ]]
}

# ---- rustup ----------------------------------------------------------------

# Sets toolchain (the folder of the active one), or fails when there is no rustc.
find_toolchain() {
    toolchain=$(cd "$root" && rustc --print sysroot 2>/dev/null) && [[ -n $toolchain ]]
}

toolchain_has_std() {
    compgen -G "$toolchain/lib/rustlib/$target/lib/libstd-*.rlib" >/dev/null
}

# What a failed try is remembered by: another or an updated toolchain is asked anew.
toolchain_identity() {
    printf '%s %s' "$toolchain" "$(date -r "$toolchain/bin/rustc" +%s 2>/dev/null)"
}

add_by_rustup() {
    if ! command -v rustup >/dev/null; then
        rustup_said="there is no rustup on PATH"
        return 1
    fi
    if [[ -f $memory && $(<"$memory") == "$(toolchain_identity)" ]]; then
        rustup_said="rustup could not add $target to $toolchain (remembered in $memory)"
        return 1
    fi
    say "adding $target with rustup"
    local limit=()
    if command -v timeout >/dev/null; then limit=(timeout 120); fi
    if (cd "$root" && RUSTUP_MAX_RETRIES=1 "${limit[@]}" \
        rustup target add "$target" </dev/null >"$log" 2>&1) && toolchain_has_std; then
        return 0
    fi
    toolchain_identity >"$memory"
    rustup_said="rustup could not add $target to $toolchain: $(tail -n 1 "$log")"
    return 1
}

try_rustup() {
    if ! find_toolchain; then
        rustup_said="there is no working rustc on PATH"
        return 1
    fi
    toolchain_has_std || add_by_rustup
}

# ---- debian ----------------------------------------------------------------

# Sets linker and libc; fails with the first thing missing in debian_said.
find_debian() {
    local version folder name
    if [[ ! -x $usr/bin/rustc || ! -x $usr/bin/cargo ]]; then
        debian_said="no $usr/bin/rustc and $usr/bin/cargo"
        return 1
    fi
    version=$("$usr/bin/rustc" --version)
    version=${version#rustc }
    version=${version%% *}
    if ! at_least "$version" "$oldest"; then
        debian_said="$usr/bin/rustc is $version, older than the $oldest that this project needs"
        return 1
    fi
    if [[ ! -f $usr/lib/rustlib/src/rust/library/std/Cargo.toml ]]; then
        debian_said="the source of Rust's std is not under $usr/lib/rustlib/src"
        return 1
    fi
    linker=
    for name in wasm-ld-19 wasm-ld-20 wasm-ld-21 wasm-ld-22 wasm-ld; do
        if [[ -x $usr/bin/$name ]]; then
            linker=$usr/bin/$name
            break
        fi
    done
    if [[ -z $linker ]]; then
        debian_said="no wasm-ld in $usr/bin"
        return 1
    fi
    libc=
    for folder in "$usr/lib/$target" "$usr/lib/wasm32-wasi"; do
        if [[ -f $folder/libc.a && -f $folder/crt1-reactor.o ]]; then
            libc=$folder
            break
        fi
    done
    if [[ -z $libc ]]; then
        debian_said="no wasi-libc under $usr/lib"
        return 1
    fi
}

candidate() {
    LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p'
}

# Sets packages to what the lists offer and is new enough; fails if they do not.
choose_packages() {
    local compiler version name
    packages=()
    for compiler in "rustc-web cargo-web rust-web-src" "rustc cargo rust-src"; do
        version=$(candidate "${compiler%% *}")
        if [[ -n $version && $version != "(none)" ]] && at_least "$version" "$oldest"; then
            read -ra packages <<<"$compiler"
            break
        fi
    done
    if ((${#packages[@]} == 0)); then
        debian_said="apt offers no rustc of $oldest or newer"
        return 1
    fi
    packages+=(lld-19 wasi-libc)
    for name in "${packages[@]}"; do
        version=$(candidate "$name")
        if [[ -z $version || $version == "(none)" ]]; then
            debian_said="apt does not offer $name"
            return 1
        fi
    done
}

# apt_get ARGUMENT...: as root, without questions, output to the log.
apt_get() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}

install_debian() {
    if ! command -v apt-get >/dev/null || ! command -v apt-cache >/dev/null; then
        debian_said+="; this machine has no apt-get"
        return 1
    fi
    as_root=()
    if [[ $(id -u) != 0 ]]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            debian_said+="; installing packages needs root, or sudo without a password"
            return 1
        fi
        as_root=(sudo -n)
    fi
    : >"$log"
    if ! choose_packages; then
        say "updating apt's package lists ($debian_said)"
        apt_get update || true
        choose_packages || return 1
    fi
    say "installing ${packages[*]} with apt-get, to compile guests (about 1 GB on disk)"
    # --no-remove: a Rust of the machine's owner is never taken away.
    local install=(install --no-remove --no-install-recommends)
    if ! apt_get "${install[@]}" "${packages[@]}"; then
        # Lists of yesterday name files that the mirror has dropped since.
        say "updating apt's package lists and trying again"
        apt_get update || true
        if ! apt_get "${install[@]}" "${packages[@]}"; then
            debian_said="apt-get install failed: $(grep '^E:' "$log" | tail -n 1) (all of it: $log)"
            return 1
        fi
    fi
}

try_debian() {
    find_debian || { install_debian && find_debian; }
}

# ---- the decision ----------------------------------------------------------

case $only in
'' | rustup | debian) ;;
*)
    say "CLN_WASM_TARGET is '$only'; it can be rustup or debian"
    exit 2
    ;;
esac

mkdir -p "$root/target"
way=
rustup_said="not tried (CLN_WASM_TARGET=debian)"
debian_said="not tried (CLN_WASM_TARGET=rustup)"
if [[ $only != debian ]] && try_rustup; then
    way=rustup
elif [[ $only != rustup ]] && try_debian; then
    way=debian
fi

case $way in
rustup)
    export CARGO_BUILD_TARGET=$target
    # Straight to this toolchain: a rust-toolchain.toml beside an author's crate
    # must not switch to one that lacks the target.
    if [[ -x $toolchain/bin/cargo ]]; then export PATH="$toolchain/bin:$PATH"; fi
    names=(CARGO_BUILD_TARGET PATH)
    ;;
debian)
    export CARGO_BUILD_TARGET=$target PATH="$usr/bin:$PATH" RUSTC="$usr/bin/rustc"
    # -Zbuild-std is unstable; this lets a stable cargo do it.
    export RUSTC_BOOTSTRAP=1 CARGO_UNSTABLE_BUILD_STD=std,panic_abort
    unset CARGO_ENCODED_RUSTFLAGS
    export RUSTFLAGS="${RUSTFLAGS:+$RUSTFLAGS }-Clinker=$linker -L$libc"
    names=(CARGO_BUILD_TARGET PATH RUSTC RUSTC_BOOTSTRAP CARGO_UNSTABLE_BUILD_STD RUSTFLAGS)
    ;;
*)
    say "error: no Rust here compiles for $target."
    say "  rustup: $rustup_said"
    say "  debian: $debian_said"
    say "Do one of these, then try again:"
    say "  rustup target add $target"
    say "  apt-get install rustc-web cargo-web rust-web-src lld-19 wasi-libc   (as root; Debian 12 or newer)"
    exit 1
    ;;
esac

if (($# > 0)); then exec "$@"; fi
if [[ $way == debian ]]; then echo 'unset CARGO_ENCODED_RUSTFLAGS'; fi
for name in "${names[@]}"; do printf 'export %s=%q\n' "$name" "${!name}"; done
