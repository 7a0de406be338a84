#!/usr/bin/env bash
# Compiles guests to target/guests/NAME.wasm, NAME being the crate's name.
#
#   scripts/build-guests.sh                  every crate under guests/
#   scripts/build-guests.sh CRATE_DIR...     these, also from outside the repository
#
# CRATE_DIR/NAME.toml, if there is one, goes to target/guests/NAME.toml. A file is
# replaced only when its content changed, so its time says when the guest changed.
# Guests that only tests use, under tests/, go to target/test-guests.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
root=$(dirname "$here")

die() {
    printf 'build-guests: error: %s\n' "$*" >&2
    exit 1
}

crates=()
if (($# > 0)); then
    for crate in "$@"; do
        [[ -f $crate/Cargo.toml ]] || die "$crate has no Cargo.toml"
        crates+=("$(cd "$crate" && pwd -P)")
    done
else
    for manifest in "$root"/guests/*/Cargo.toml; do
        [[ -f $manifest ]] || die "there is no crate under guests/"
        crates+=("$(dirname "$manifest")")
    done
fi

setup=$("$here/wasm-target.sh")
eval "$setup"

# SIMD: strings and memory are gone through sixteen bytes at a time. Every bridge takes it.
simd='-C target-feature=+simd128'
if [[ -n ${CARGO_ENCODED_RUSTFLAGS:-} ]]; then
    export CARGO_ENCODED_RUSTFLAGS+=$'\x1f'"${simd/ /$'\x1f'}"
elif [[ -n ${RUSTFLAGS:-} ]]; then
    export RUSTFLAGS+=" $simd"
else
    flags=CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$CARGO_BUILD_TARGET")_RUSTFLAGS
    export "$flags=${!flags:-} $simd"
fi

# Crates of this workspace are compiled together, so that what they share is
# compiled once; any other crate alone, by its own workspace's rules.
ours=()
others=()
for crate in "${crates[@]}"; do
    workspace=$(cargo locate-project --workspace --message-format plain \
        --manifest-path "$crate/Cargo.toml")
    if [[ $workspace == "$root/Cargo.toml" ]]; then
        ours+=("$crate")
    else
        others+=("$crate")
    fi
done

package_id() { cargo pkgid --manifest-path "$1/Cargo.toml"; }

messages=$(mktemp)
trap 'rm -f "$messages" "${fresh:-}"' EXIT

# compile FOLDER ARGUMENT...: cargo's messages go to $messages, for place to read.
compile() {
    local folder=$1
    shift
    (cd "$folder" && cargo build --target-dir "$root/target/wasm" \
        --message-format json-render-diagnostics "$@") >>"$messages"
}

if ((${#ours[@]} > 0)); then
    profile=(--release)
    if grep -q '^\[profile\.guest\]' "$root/Cargo.toml"; then profile=(--profile guest); fi
    selection=()
    for crate in "${ours[@]}"; do selection+=(-p "$(package_id "$crate")"); done
    compile "$root" "${profile[@]}" "${selection[@]}"
fi
for crate in "${others[@]}"; do
    compile "$crate" --release --manifest-path "$crate/Cargo.toml"
done

# replace FROM TO: only if they differ, and in one step.
replace() {
    if cmp -s "$1" "$2"; then return; fi
    fresh=$(mktemp "$2.XXXXXX")
    cp "$1" "$fresh"
    chmod 644 "$fresh"
    mv "$fresh" "$2"
    fresh=
}

# place CRATE_DIR: finds the one .wasm that cargo made of the crate.
place() {
    local crate=$1 folder=guests artefacts files name bytes
    if [[ $crate == "$root"/tests/* ]]; then folder=test-guests; fi
    artefacts=$(grep -F '"reason":"compiler-artifact"' "$messages" |
        grep -F "\"manifest_path\":\"$crate/Cargo.toml\"" | grep -F '.wasm"') ||
        die "$crate makes no .wasm file; its [lib] needs crate-type = [\"cdylib\"]"
    mapfile -t files < <(grep -o '"[^"]*\.wasm"' <<<"$artefacts" | tr -d '"' | sort -u)
    ((${#files[@]} == 1)) || die "$crate makes more than one .wasm file: ${files[*]}"
    # A package id ends in #NAME@VERSION, or in #VERSION when the folder has the
    # crate's name.
    name=$(package_id "$crate")
    name=${name##*#}
    if [[ $name == *@* ]]; then name=${name%@*}; else name=$(basename "$crate"); fi
    replace "${files[0]}" "$root/target/$folder/$name.wasm"
    if [[ -f $crate/$name.toml ]]; then
        replace "$crate/$name.toml" "$root/target/$folder/$name.toml"
    fi
    bytes=$(wc -c <"$root/target/$folder/$name.wasm")
    printf '%-36s %6d KiB\n' "target/$folder/$name.wasm" $(((bytes + 1023) / 1024))
}

mkdir -p "$root/target/guests" "$root/target/test-guests"
for crate in "${crates[@]}"; do place "$crate"; done
