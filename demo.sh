#!/usr/bin/env bash
# Builds the bridge and the guests, and shows them at work. Arguments go to the
# demonstration program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

scripts/build-guests.sh
cargo build --release -p cln-wasm -p cln-wasm-tests --bin cln-wasm --bin demo
exec target/release/demo "$@"
