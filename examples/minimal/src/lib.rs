//! What the small programs share: a [`driver`] that moves bytes between a socket and any endpoint, a [`hub`] for
//! many players, [`connect`] and [`serve`] for sessions over TCP and TLS, a [`sink`] to push to, and a [`Progress`] line.

pub mod connect;
pub mod container;
pub mod driver;
pub mod file;
pub mod hub;
mod progress;
pub mod serve;
pub mod sink;
pub mod source;

pub use progress::Progress;

use levada_handshake::Entropy;
use levada_media::CodecParams;

/// Random bytes for a handshake.
pub fn entropy() -> Entropy {
    let mut random = [0; 1528];
    getrandom::fill(&mut random).expect("the system has no random bytes");
    Entropy::new(random)
}

/// A track's parameters for people.
pub fn describe(params: &CodecParams) -> String {
    let name = params.rfc6381();
    match params {
        CodecParams::Video(video) => format!("{name}, {}x{}", video.width, video.height),
        CodecParams::Audio(audio) => {
            format!("{name}, {} Hz, {} channels", audio.sample_rate, audio.channels)
        }
        CodecParams::Data(data) => format!("{data:?}"),
    }
}
