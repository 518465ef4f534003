#!/bin/sh
# Instructions per byte of input (per receiver for fanout-*), counted by valgrind's callgrind:
#
#   benches/instructions.sh [PATTERN]
#
# The tunable keeps glibc from copying with `rep movsb`, which callgrind counts as one instruction a byte.
set -eu
cd "$(dirname "$0")/.."
cargo build -q --profile bench -p levada-benches --bin instructions
program=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release/instructions
export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x7fffffff
report=$(mktemp)
trap 'rm -f "$report"' EXIT
for piece in $("$program" | grep -e "${1:-.}"); do
    by=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*measured*' "$program" "$piece" 2>"$report")
    counted=$(sed -n 's/.*Collected : //p' "$report")
    awk -v piece="$piece" -v counted="$counted" -v by="$by" 'BEGIN { printf "%-28s %9.3f\n", piece, counted / by }'
done
