#!/usr/bin/env bash
# Builds the bridge and the guests, then runs every test.
#
#   ./test.sh                       everything
#   ./test.sh ARGUMENT...           ARGUMENTs go to `cargo test`:
#   ./test.sh -p cln-wasm framing   one crate's tests with "framing" in their name
#
# A test that cannot run here prints a line `skipped: TEST: WHY` (captured output is
# fine); those lines, and ignored tests, are listed again at the end and counted: to
# cargo they have passed. Everything that tests printed is in target/test.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

scope=(--workspace)
for argument in "$@"; do
    case $argument in
    --) break ;;
    -p* | --package | --package=*) scope=() ;;
    esac
done

# --show-output, for the harness, lets the `skipped:` lines of passed tests through.
arguments=("$@")
case " $* " in
*' -- '*) arguments+=(--show-output) ;;
*) arguments+=(-- --show-output) ;;
esac

scripts/build-guests.sh guests/* tests/guests/*
if ((${#scope[@]} > 0)); then
    # With the tests in the same call, the bridge gets the same features as in
    # theirs, and the engine is compiled once.
    cargo build --release --workspace --lib --bins --tests
else
    cargo build --release -p cln-wasm --bins
fi

log=target/test.log
: >"$log"
status=0

if (($# == 0)); then
    for script in scripts/tests/*.sh; do
        echo "     Running $script"
        bash "$script" 2>&1 | tee -a "$log" || status=$?
    done
fi

# The terminal gets everything but the output of passed tests.
cargo test --release --no-fail-fast "${scope[@]}" "${arguments[@]}" 2>&1 | tee -a "$log" |
    sed -u -E '/^successes:$/,/^(failures:|test result:)/{/^(failures:|test result:)/!d}' || status=$?

echo
echo "Skipped:"
skipped=$({
    grep -oE '(^|\.\.\. )skipped: .*' "$log" | sed -E 's/^\.\.\. //' || true
    grep -E '^test .* \.\.\. ignored' "$log" | sed -E 's/^test (.*) \.\.\. ignored/skipped: \1: ignored/' || true
} | sort -u)
printf '  %s\n' "${skipped//$'\n'/$'\n'  }"
awk -v skipped="$(grep -c . <<<"$skipped" || true)" '
    /^test result:/ { passed += $4; failed += $6; ignored += $8 }
    END {
        printf "Tests: %d passed, %d failed, %d skipped\n",
            passed + ignored - skipped, failed, skipped
    }' "$log"
if ((status != 0)); then
    echo "FAILED; everything printed is in $log"
fi
exit "$status"
