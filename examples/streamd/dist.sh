#!/bin/sh
# The smallest and quickest streamd, for a server that stays.
#
# It is built twice, which takes some minutes. In between it serves the load program: then the compiler knows what is
# used often, and the linker puts what is used at all side by side, so that the rest stays on the disk.
#
# Needs Rust 1.90 or newer on Linux, x86-64, where the linker is LLVM's, and rustup component add llvm-tools.
set -eu
cd "$(dirname "$0")/../.."
host=$(rustc -vV | sed -n 's/^host: //p')
profdata=$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata
if ! [ -x "$profdata" ]; then
    echo "dist.sh: no $profdata: rustup component add llvm-tools" >&2
    exit 1
fi
programs=$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

build() { # build FLAGS
    RUSTFLAGS="-C link-arg=-Wl,-z,pack-relative-relocs $1" cargo build --profile dist -p streamd --target "$host"
}
serve() { # serve URL
    "$programs/$host/dist/streamd" --rtmp 127.0.0.1:19352 --http 127.0.0.1:19353 --data "$work/data" >/dev/null &
    server=$!
    sleep 1
    "$programs/dist/load" --publish rtmp://127.0.0.1:19352/live/load --url "$1" --pid "$server" --players 50 --seconds 8
    kill "$server"
    wait "$server"
    server=
}

echo "1 of 3: a build that counts" >&2
build "-C profile-generate=$work -C llvm-args=-pgo-temporal-instrumentation"
cargo build --profile dist -p levada-benches --bin load
echo "2 of 3: it serves" >&2
serve rtmp://127.0.0.1:19352/live/load
serve http://127.0.0.1:19353/live/load.flv
"$profdata" merge -o "$work/profile" "$work"/*.profraw
"$profdata" show --temporal-profile-traces "$work/profile" | sed -n 's/^    \(.*;\)\{0,1\}\([A-Za-z_].*\)$/\2/p' >"$work/order"
echo "3 of 3: the build that knows" >&2
build "-C profile-use=$work/profile -C link-arg=-Wl,--symbol-ordering-file=$work/order -C link-arg=-Wl,--no-warn-symbol-ordering"
echo "$programs/$host/dist/streamd"
