#!/usr/bin/env bash
# Builds the bridge and the guests, and shows them at work. Arguments go to the
# demonstration program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

scripts/build-guests.sh
# Just what test.sh builds: another selection would give the engine other features,
# and whoever runs both would compile it twice.
cargo build --release --workspace --lib --bins --tests
exec target/release/demo "$@"
