//! What the small programs share: a [`driver`] that moves bytes between a socket and any endpoint, a [`connect`]
//! for RTMP and RTMPS URLs, and a [`Progress`] line.

pub mod connect;
pub mod driver;
mod progress;

pub use progress::Progress;

use levada_handshake::Entropy;

/// Random bytes for a handshake.
pub fn entropy() -> Entropy {
    let mut random = [0; 1528];
    getrandom::fill(&mut random).expect("the system has no random bytes");
    Entropy::new(random)
}
