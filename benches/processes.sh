#!/bin/sh
# Whole processes beside `ffmpeg -c copy`: seconds by the clock, of the processor, and memory.
#
#   benches/processes.sh [FILE.flv]
#
# Without a file one of ten minutes is made. All is done in memory (/dev/shm), each five times.
set -eu
cd "$(dirname "$0")/.."
cargo build -q --release -p levada-minimal --bin package --bin remux
programs=${PROGRAMS:-$(cargo metadata --no-deps --format-version 1 | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')/release}
work=$(mktemp -d /dev/shm/levada.XXXXXX)
trap 'rm -rf "$work"' EXIT
input=$work/input.flv
if [ $# -gt 0 ]; then
    cp "$1" "$input"
else
    ffmpeg -v error -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine=sample_rate=44100 -t 20 \
        -c:v libx264 -preset ultrafast -b:v 4M -maxrate 4M -bufsize 4M -g 60 -c:a aac -b:a 128k "$work/20s.flv"
    ffmpeg -v error -stream_loop 29 -i "$work/20s.flv" -c copy "$input"
fi
measure() {
    name=$1
    shift
    for _ in 1 2 3 4 5; do
        rm -rf "$work/out"
        mkdir "$work/out"
        /usr/bin/time -f "$name	%e s	%U + %S s	%M KB" "$@" 2>&1 >/dev/null | tail -n 1
    done
}
hls="-c copy -f hls -hls_time 4 -hls_list_size 0"
measure "FLV to HLS TS, package" "$programs/package" "$input" "$work/out" --ts
measure "FLV to HLS TS, ffmpeg" ffmpeg -v error -i "$input" $hls "$work/out/index.m3u8"
measure "FLV to HLS fMP4, package" "$programs/package" "$input" "$work/out"
measure "FLV to HLS fMP4, ffmpeg" ffmpeg -v error -i "$input" $hls -hls_segment_type fmp4 "$work/out/index.m3u8"
measure "FLV to fMP4, remux" "$programs/remux" "$input" "$work/out/film.m4s"
measure "FLV to fMP4, ffmpeg" ffmpeg -v error -i "$input" -c copy -movflags frag_keyframe+empty_moov "$work/out/film.mp4"
measure "FLV to MP4, remux" "$programs/remux" "$input" "$work/out/film.mp4"
measure "FLV to MP4, ffmpeg, index in front" ffmpeg -v error -i "$input" -c copy -movflags +faststart "$work/out/film.mp4"
measure "FLV to MP4, ffmpeg, index behind" ffmpeg -v error -i "$input" -c copy "$work/out/film.mp4"
