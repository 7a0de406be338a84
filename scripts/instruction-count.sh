#!/usr/bin/env bash
# Counts the instructions of one hook call, one notification and one method call
# through the bridge, and compares them with benches/instructions.json.
#
#   scripts/instruction-count.sh               fails if a count grew by more than 5 %
#   scripts/instruction-count.sh --renew       writes the counts of today as the baseline of this processor
#   scripts/instruction-count.sh --functions   says as well which functions they are in, the guest's too
#
# What is to be there: the bridge and the counter, as test.sh builds them, and the guest
# tests/guests/measured. The bridge's thread goes one step at a time (ptrace), so that
# the count does not depend on what else the machine does.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

baseline=benches/instructions.json
bench=target/release/cln-wasm-bench
more=()
case ${1:-} in
--renew) more=(--renew) ;;
--functions) more=(--functions) ;;
'') ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" | sed '$d' >&2
    exit 2
    ;;
esac
[[ -x $bench ]] || {
    echo "instruction-count: there is no $bench: build with ./test.sh or ./bench.sh" >&2
    exit 1
}
# A busy machine can add a few percent to one look, and takes none away.
for look in 1 2 3; do
    if "$bench" --instructions --baseline "$baseline" "${more[@]}"; then exit; fi
    echo "instruction-count: look $look of 3 was above the baseline" >&2
done
exit 1
