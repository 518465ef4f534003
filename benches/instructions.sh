#!/bin/sh
# Instructions per byte (per receiver in `fanout`) of the cases of a bench, counted by valgrind's callgrind:
#
#   benches/instructions.sh BENCH [PATTERN [--features peers]]
#
# The tunable keeps glibc from copying with `rep movsb`, which callgrind counts as one instruction a byte.
set -eu
cd "$(dirname "$0")/.."
bench=${1:?which bench?}
pattern=${2:-.}
shift "$(($# < 2 ? $# : 2))"
program=$(cargo bench -q -p levada-benches --bench "$bench" --no-run --message-format=json "$@" |
    sed -n '/"kind":\["bench"\]/s/.*"executable":"\([^"]*\)".*/\1/p')
export GLIBC_TUNABLES=glibc.cpu.x86_rep_movsb_threshold=0x7fffffff
report=$(mktemp)
trap 'rm -f "$report"' EXIT
"$program" --list | grep -e "$pattern" | while read -r piece; do
    by=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null --toggle-collect='*case::measured' \
        --zero-before='*case::counted' "$program" --one "$piece" 2>"$report" </dev/null)
    counted=$(sed -n 's/.*Collected : //p' "$report")
    awk -v piece="$piece" -v counted="$counted" -v by="$by" 'BEGIN { printf "%-60s %9.3f\n", piece, counted / by }'
done
