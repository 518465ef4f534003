#!/bin/sh
# streamd beside nginx-rtmp under the load program, in turns: the median of every figure.
#
#   benches/load.sh [ROUNDS [SECONDS [PLAYERS…]]]
#
# Needs nginx with its RTMP module (Debian: nginx and libnginx-mod-rtmp).
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-5}
seconds=${2:-10}
[ $# -gt 1 ] && shift 2 || shift $#
[ $# -gt 0 ] || set -- 100 400
module=${NGINX_MODULES:-/usr/lib/nginx/modules}/ngx_rtmp_module.so
if ! command -v nginx >/dev/null || ! [ -e "$module" ]; then
    echo "load.sh: no nginx with RTMP here: apt-get install nginx libnginx-mod-rtmp, or name the folder of its modules in NGINX_MODULES" >&2
    exit 1
fi
cargo build -q --profile dist -p streamd -p levada-benches --bin streamd --bin load
programs=${PROGRAMS:-$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/dist}
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cat >"$work/nginx.conf" <<CONF
load_module $module;
daemon off; master_process off; worker_processes 1;
pid $work/pid; error_log $work/error.log;
events { worker_connections 4096; }
rtmp { server { listen 127.0.0.1:19351; chunk_size 4096; access_log off; application live { live on; record off; } } }
CONF
begin() {
    case $1 in
        nginx) nginx -e "$work/error.log" -c "$work/nginx.conf" & ;;
        streamd)
            "$programs/streamd" --rtmp 127.0.0.1:19352 --http 127.0.0.1:19353 --data "$work/data" \
                >"$work/streamd.log" 2>&1 & ;;
    esac
    server=$!
    sleep 1
}
end() {
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}
measure() {
    begin "$1"
    "$programs/load" --url "$2" --publish "$3" --pid "$server" --players "$4" --seconds "$seconds" --tsv \
        2>"$work/said" >>"$work/$5" || cat "$work/said" >&2
    end
}
for round in $(seq "$rounds"); do
    for players in "$@"; do
        echo "round $round of $rounds, $players players; load $(cut -d' ' -f1 /proc/loadavg)" >&2
        measure nginx rtmp://127.0.0.1:19351/live/load rtmp://127.0.0.1:19351/live/load "$players" "$players-nginx"
        measure streamd rtmp://127.0.0.1:19352/live/load rtmp://127.0.0.1:19352/live/load "$players" "$players-streamd"
        measure streamd http://127.0.0.1:19353/live/load.flv rtmp://127.0.0.1:19352/live/load "$players" "$players-streamd-flv"
    done
done
median() {
    cut -f"$2" "$1" | sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
printf '%-18s %10s %8s %18s %20s %5s\n' "" "s per Gbit" "MB" "latency ms p50/p99" "first picture p50/p99" gaps
for players in "$@"; do
    for name in nginx streamd streamd-flv; do
        file=$work/$players-$name
        printf '%-18s %10s %8s %18s %20s %5s\n' "$players $name" "$(median "$file" 1)" "$(median "$file" 2)" \
            "$(median "$file" 3) / $(median "$file" 4)" "$(median "$file" 5) / $(median "$file" 6)" "$(median "$file" 7)"
    done
done
