use thiserror::Error;

/// Why a handshake ended without a connection. It is the peer's doing in each case.
///
/// A handshake that failed stays failed: [`advance`](crate::ServerHandshake::advance) gives the same error again.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The first byte, at offset 0, is 32 or above, which RTMP leaves to other protocols: `0x16` begins TLS, `G`
    /// and `P` begin HTTP.
    #[error("byte {first:#04x} at offset 0 begins no RTMP connection (RTMP 1.0 §5.2.2)")]
    NotRtmp {
        /// What came instead of a version.
        first: u8,
    },
    /// A version of RTMP other than 3. 6, 8 and 9 are RTMPE, whose encryption protects nothing: use RTMPS.
    #[error("version {version} at offset 0 is not spoken here, only 3 (RTMP 1.0 §5.2.2){}", if is_encrypted(*version) { ": it is RTMPE, use RTMPS" } else { "" })]
    UnsupportedVersion {
        /// The version asked for, 0 to 31.
        version: u8,
    },
}

/// The versions of RTMPE, and of its two variants that encrypt the handshake's signatures.
fn is_encrypted(version: u8) -> bool {
    matches!(version, 6 | 8 | 9)
}
