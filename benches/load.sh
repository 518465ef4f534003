#!/bin/sh
# streamd beside nginx-rtmp under the load program, in turns: the median of every figure.
#
#   benches/load.sh [ROUNDS [SECONDS [PLAYERS…]]]
#
# nginx relays, so streamd does it like that too (--hls off), and then as it is by itself. Memory is that of all
# processes: nginx has a master and a worker. PROGRAMS=FOLDER measures another streamd, as examples/streamd/dist.sh makes
# one.
#
# Real players are elsewhere. Those here never take the processor from the server when something comes for them: they
# run under chrt --batch.
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
cargo build -q --profile dist -p levada-benches --bin load
[ -n "${PROGRAMS:-}" ] || cargo build -q --profile dist -p streamd
dist=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/dist
programs=${PROGRAMS:-$dist}
# With it a server unwinds its stack for every error.
unset RUST_BACKTRACE
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT
cat >"$work/nginx.conf" <<CONF
load_module $module;
daemon off; worker_processes 1;
pid $work/pid; error_log $work/error.log;
events { worker_connections 4096; }
rtmp { server { listen 127.0.0.1:19351; chunk_size 4096; access_log off; application live { live on; record off; } } }
CONF
serve() { # serve OPTIONS: in the place of this shell
    exec "$programs/streamd" --rtmp 127.0.0.1:19352 --http 127.0.0.1:19353 --data "$work/data" "$@" >"$work/streamd.log" 2>&1
}
begin() { # begin NAME: sets server, pids, publish and play
    publish=rtmp://127.0.0.1:19352/live/load
    play=$publish
    rm -rf "$work/data"
    case $1 in
        nginx)
            publish=rtmp://127.0.0.1:19351/live/load
            play=$publish
            nginx -e "$work/error.log" -c "$work/nginx.conf" & ;;
        streamd-relay) serve --hls off & ;;
        streamd) serve & ;;
        streamd-flv)
            play=http://127.0.0.1:19353/live/load.flv
            serve & ;;
    esac
    server=$!
    sleep 1
    pids=$(echo "$server" $(pgrep -P "$server" || true) | tr ' ' ,)
}
end() {
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}
measure() { # measure NAME PLAYERS
    begin "$1"
    chrt --batch 0 "$dist/load" --url "$play" --publish "$publish" --pid "$pids" --players "$2" --seconds "$seconds" --tsv \
        2>"$work/said" >>"$work/$2-$1" || cat "$work/said" >&2
    end
}
servers='nginx streamd-relay streamd streamd-flv'
for round in $(seq "$rounds"); do
    for players in "$@"; do
        echo "round $round of $rounds, $players players; load $(cut -d' ' -f1 /proc/loadavg)" >&2
        for name in $servers; do measure "$name" "$players"; done
    done
done
median() {
    cut -f"$2" "$1" | sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'
}
printf '%-18s %10s %8s %18s %20s %5s\n' "" "s per Gbit" "MB" "latency ms p50/p99" "first picture p50/p99" gaps
for players in "$@"; do
    for name in $servers; do
        file=$work/$players-$name
        printf '%-18s %10s %8s %18s %20s %5s\n' "$players $name" "$(median "$file" 1)" "$(median "$file" 2)" \
            "$(median "$file" 3) / $(median "$file" 4)" "$(median "$file" 5) / $(median "$file" 6)" "$(median "$file" 7)"
    done
done
