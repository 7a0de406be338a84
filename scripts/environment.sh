# shellcheck shell=bash
# Sourced by demo.sh, test.sh, bench.sh, .ci/run, scripts/fuzz.sh and
# scripts/instruction-count.sh, at the repository's root: what every build here shares.

# A shell that rustup's installer has not been logged in to lacks its folder.
if ! command -v cargo >/dev/null; then
    export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
fi
if ! command -v cargo >/dev/null; then
    echo "error: there is no cargo; install Rust's stable toolchain from https://rustup.rs" >&2
    exit 1
fi

# The bridge is target/release/cln-wasm, whatever the caller's habits.
export CARGO_TARGET_DIR="$PWD/target"
