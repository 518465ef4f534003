use bytes::{Buf, BytesMut};
use levada_buf::Outbox;
use levada_handshake::{
    ClientHandshake, Entropy, HandshakeError, HandshakeQuirk, Progress, ServerHandshake,
};

enum End {
    Client(ClientHandshake),
    Server(ServerHandshake),
}

impl End {
    fn new(role: u8) -> Self {
        let entropy = Entropy::new([7; 1528]);
        match role % 3 {
            0 => Self::Server(ServerHandshake::new(entropy)),
            1 => Self::Client(ClientHandshake::new(entropy)),
            _ => Self::Client(ClientHandshake::with_digest(entropy)),
        }
    }

    fn advance(
        &mut self,
        input: &mut BytesMut,
        out: &mut Outbox,
    ) -> Result<Progress, HandshakeError> {
        match self {
            Self::Client(it) => it.advance(input, out),
            Self::Server(it) => it.advance(input, out),
        }
    }

    fn take_quirk(&mut self) -> Option<HandshakeQuirk> {
        match self {
            Self::Client(it) => it.take_quirk(),
            Self::Server(it) => it.take_quirk(),
        }
    }
}

/// Any input, however it is cut, takes the same way, asks for exactly what it needs, and loses nothing.
///
/// The first byte chooses the end, the second the size of the pieces.
pub fn handshake(data: &[u8]) {
    let [role, size, wire @ ..] = data else { return };
    let whole = run(*role, wire, wire.len().max(1));
    assert_eq!(run(*role, wire, usize::from(*size) * 7 + 1), whole);
    assert_eq!(run(*role, wire, 1), whole);
}

fn run(
    role: u8,
    wire: &[u8],
    size: usize,
) -> (Result<Progress, HandshakeError>, Vec<u8>, Vec<u8>, Vec<HandshakeQuirk>) {
    let mut end = End::new(role);
    let (mut input, mut out) = (BytesMut::new(), Outbox::new());
    let mut progress = end.advance(&mut input, &mut out);
    for piece in wire.chunks(size) {
        input.extend_from_slice(piece);
        progress = end.advance(&mut input, &mut out);
        assert_eq!(end.advance(&mut input, &mut out), progress);
    }
    let left = input.to_vec();
    let quirks = std::iter::from_fn(|| end.take_quirk()).collect();
    let sent = out.copy_to_bytes(out.remaining()).to_vec();
    match progress {
        Ok(Progress::Done(_)) => assert_eq!(left, wire[3073..]),
        Ok(Progress::NeedMore(missing)) => {
            assert!((1..=1536).contains(&missing) && left.len() < 1536);
            // One fewer is not enough, and all of them are.
            input.extend_from_slice(&vec![3; missing - 1]);
            assert_eq!(end.advance(&mut input, &mut out), Ok(Progress::NeedMore(1)));
            input.extend_from_slice(&[3]);
            assert_ne!(end.advance(&mut input, &mut out), Ok(Progress::NeedMore(1)));
            assert!(input.is_empty());
        }
        Err(_) => {}
    }
    (progress, sent, left, quirks)
}
