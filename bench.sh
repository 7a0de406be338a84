#!/usr/bin/env bash
# Builds the bridge and the peers, and measures them beside each other: docs/performance.md.
#
#   ./bench.sh                            everything: some 20 minutes
#   ./bench.sh --rows hook,blob           only rows with these in their names
#   ./bench.sh --guests 100 --rounds 3    a shorter look
#   ./bench.sh --publish                  writes the table and the charts into docs/
#   ./bench.sh --help                     the rest
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

scripts/build-guests.sh tests/guests/measured
# Just what test.sh builds: another selection would give the engine other features.
cargo build --release --workspace --lib --bins --tests
if [[ -z ${CLN_WASM_BIN:-} && " $*" != *" --bridge"* ]]; then
    # What a node runs.
    cargo build --profile dist --workspace --bin cln-wasm
    export CLN_WASM_BIN=$PWD/target/dist/cln-wasm
fi
exec target/release/cln-wasm-bench "$@"
