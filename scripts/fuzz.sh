#!/usr/bin/env bash
# Fuzzes what reads hostile input (fuzz/), for a while.
#
#   scripts/fuzz.sh                      every target, 60 s each
#   scripts/fuzz.sh SECONDS [TARGET...]  these targets, so long each
#   scripts/fuzz.sh --repeatable [TARGET...]
#                                        a fixed number of inputs, from the same seed each time
#
# A change must not fail for what chance finds in another's code: CI runs the repeatable
# way. Whoever looks for faults runs for hours, with another seed each time.
#
# Needs a stable toolchain and a C++ compiler; cargo-fuzz is installed in target/tools.
# What a run finds new is kept in target/fuzz/corpus, for the next one. A target that
# finds a fault prints the input and how to repeat it, and the script fails.
#
# With more tools (a nightly toolchain, sanitizers) `cargo fuzz run TARGET` works as usual.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/environment.sh
. scripts/environment.sh

version=0.13.2
if [[ ${1:-} == --repeatable ]]; then
    limit=(-seed=1 -runs=300000 -max_total_time=300)
    repeatable=1
else
    limit=("-max_total_time=${1:-60}")
    repeatable=
fi
shift || true
targets=("$@")
if ((${#targets[@]} == 0)); then
    targets=(framing json rpc_answers manifest hooks policy runes)
fi
if ! command -v c++ >/dev/null; then
    echo "skipped: fuzz: no c++, which libFuzzer is compiled with"
    exit 0
fi

# Instrumented objects are nobody else's.
out=$PWD/target/fuzz
tools=$PWD/target/tools
if [[ $("$tools/bin/cargo-fuzz" --version 2>/dev/null) != "cargo-fuzz $version" ]]; then
    cargo install cargo-fuzz --version "$version" --locked --root "$tools" \
        --target-dir "$out/tools"
fi
host=$(rustc -vV | sed -n 's/^host: //p')
# Without a sanitizer everything is stable. There is no `unsafe` here for one to watch.
CARGO_TARGET_DIR=$out "$tools/bin/cargo-fuzz" build --fuzz-dir fuzz --sanitizer none

# figures LOG: executions, and how far coverage came.
figures() {
    awk '
        /^#[0-9]+/ {
            for (i = 1; i < NF; i++) if ($i == "cov:") {
                if ($2 == "INITED") first = $(i + 1)
                last = $(i + 1)
            }
        }
        /^stat::number_of_executed_units:/ { executed = $2 }
        /^stat::new_units_added:/ { added = $2 }
        END {
            printf "%d executions, coverage %d -> %d, %d new inputs\n",
                executed, first, last, added
        }' "$1"
}

# run TARGET: into its log, with its exit code at the end.
run() {
    local name=$1 corpus=$out/corpus/$1 found=$out/artifacts/$1 status=0
    if [[ $repeatable ]]; then
        corpus=$out/repeatable/$1
        rm -rf "$corpus"
    fi
    mkdir -p "$corpus" "$found"
    "$out/$host/release/$name" "$corpus" "fuzz/corpus/$name" \
        -dict="fuzz/dictionaries/$name.dict" -artifact_prefix="$found/" \
        "${limit[@]}" -timeout=20 -rss_limit_mb=2048 -max_len=16384 \
        -print_final_stats=1 >"$out/$name.log" 2>&1 || status=$?
    echo "$status" >"$out/$name.status"
}

for name in "${targets[@]}"; do
    if [[ ! -x $out/$host/release/$name ]]; then
        echo "error: there is no target $name" >&2
        exit 2
    fi
done
# As many at a time as there are cores.
cores=$(nproc 2>/dev/null || echo 1)
for name in "${targets[@]}"; do
    while (($(jobs -rp | wc -l) >= cores)); do wait -n; done
    run "$name" &
done
wait

failed=0
for name in "${targets[@]}"; do
    log=$out/$name.log
    if [[ $(<"$out/$name.status") == 0 ]]; then
        printf '%-12s %s\n' "$name" "$(figures "$log")"
        continue
    fi
    failed=1
    printf '%-12s FAILED\n' "$name"
    grep -a -A 12 -E "panicked at|ERROR: libFuzzer" "$log" | head -n 40 || tail -n 40 "$log"
    input=$(sed -n 's/^.*Test unit written to //p' "$log" | tail -n 1)
    if [[ -f $input ]]; then
        echo "The input, $input, in base64:"
        base64 -w 100 "$input"
        echo "Once more: $out/$host/release/$name $input"
    fi
done
exit "$failed"
