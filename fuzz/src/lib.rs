//! One function per fuzz target. Each asserts a property; not crashing is the least of them.
//!
//! ```sh
//! cargo fuzz run --sanitizer none TARGET -- -max_total_time=60     # on a stable toolchain
//! ```
//!
//! Every file under `corpus/TARGET/` is replayed by `cargo test -p levada-fuzz`. To add a target: a function here
//! (or in a module of its crate's name), a line in `fuzz_targets/`, a `[[bin]]` in `Cargo.toml`, a row in
//! [`TARGETS`], a seed in `corpus/`.

mod amf;
mod chunk;
mod codec;
mod codec_audio;
mod codec_video;
mod control;
mod flv;
mod fmp4;
mod gop;
mod handshake;
mod hls;
mod outbox;
mod relay;
mod session;
mod ts;

pub use amf::{amf0_decode, amf0_round_trip, amf3_decode, amf3_round_trip};
pub use chunk::{chunk_read, chunk_write_read};
pub use codec::{codec_avc, codec_hevc, codec_nal};
pub use codec_audio::{codec_audio, codec_sync};
pub use codec_video::{codec_av1, codec_vp9};
pub use control::{control_access, control_hook_body, control_names, control_plane};
pub use flv::{flv_read, flv_round_trip, flv_script, flv_timeline};
pub use fmp4::{fmp4_read, fmp4_round_trip};
pub use gop::gop_events;
pub use handshake::handshake;
pub use hls::{hls_origin, playlist_read};
pub use outbox::outbox;
pub use relay::relay;
pub use session::{client_session, command_decode, server_session};
pub use ts::{ts_demux, ts_round_trip};

/// A function to fuzz.
pub type Target = fn(&[u8]);

/// All targets by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("amf0_decode", amf0_decode),
    ("amf0_round_trip", amf0_round_trip),
    ("amf3_decode", amf3_decode),
    ("amf3_round_trip", amf3_round_trip),
    ("chunk_read", chunk_read),
    ("chunk_write_read", chunk_write_read),
    ("handshake", handshake),
    ("hls_origin", hls_origin),
    ("outbox", outbox),
    ("playlist_read", playlist_read),
    ("codec_avc", codec_avc),
    ("codec_hevc", codec_hevc),
    ("codec_nal", codec_nal),
    ("codec_audio", codec_audio),
    ("codec_sync", codec_sync),
    ("codec_av1", codec_av1),
    ("codec_vp9", codec_vp9),
    ("control_access", control_access),
    ("control_hook_body", control_hook_body),
    ("control_names", control_names),
    ("control_plane", control_plane),
    ("flv_read", flv_read),
    ("flv_round_trip", flv_round_trip),
    ("flv_script", flv_script),
    ("flv_timeline", flv_timeline),
    ("fmp4_read", fmp4_read),
    ("fmp4_round_trip", fmp4_round_trip),
    ("relay", relay),
    ("client_session", client_session),
    ("command_decode", command_decode),
    ("server_session", server_session),
    ("ts_demux", ts_demux),
    ("ts_round_trip", ts_round_trip),
    ("gop_events", gop_events),
];

/// Makes the `main` of a fuzz target: libFuzzer's under `cargo fuzz`, an empty one otherwise.
#[macro_export]
macro_rules! target {
    ($function:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $function(data));
        #[cfg(not(fuzzing))]
        fn main() {}
    };
}
