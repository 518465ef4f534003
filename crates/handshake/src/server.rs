use bytes::BytesMut;
use levada_buf::Outbox;

use crate::digest::{self, Signer};
use crate::packet::{Block, VERSION, has_version, is_echo, plain_block, take_block, take_version};
use crate::{Entropy, Flavor, HandshakeError, HandshakeQuirk, Progress, Quirks};

/// The accepting side.
///
/// ```text
///  AwaitC0 ──C0──► AwaitC1 ──C1──► AwaitC2 ──C2──► Done
///     │              (sends S0 S1 S2)
///     └─ not version 3 ──► Failed
/// ```
///
/// It answers a digest with a digest in the same layout, and anything else with the plain handshake.
#[derive(Debug)]
pub struct ServerHandshake {
    state: State,
    entropy: Entropy,
    quirks: Quirks,
}

#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "lives for a moment, in the peer's first second")]
enum State {
    AwaitC0,
    AwaitC1,
    AwaitC2 { flavor: Flavor, s1: Block },
    Done(Flavor),
    Failed(HandshakeError),
}

impl ServerHandshake {
    /// Waits for a client.
    pub fn new(entropy: Entropy) -> Self {
        Self { state: State::AwaitC0, entropy, quirks: Quirks::default() }
    }

    /// Takes what it can use off the front of `input`, answers into `out`, and says how far it has come.
    ///
    /// # Errors
    ///
    /// When the first byte is no version 3. Nothing is written then, and later calls give the same error.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        out: &mut Outbox,
    ) -> Result<Progress, HandshakeError> {
        loop {
            self.state = match &self.state {
                State::AwaitC0 => match take_version(input) {
                    Ok(Some(())) => State::AwaitC1,
                    Ok(None) => return Ok(Progress::NeedMore(1)),
                    Err(why) => State::Failed(why),
                },
                State::AwaitC1 => match take_block(input) {
                    Ok(c1) => self.answer(&c1, out),
                    Err(missing) => return Ok(Progress::NeedMore(missing)),
                },
                State::AwaitC2 { flavor, s1 } => match take_block(input) {
                    Ok(c2) => {
                        // RTMP Errata §3: a wrong echo is no reason to refuse.
                        self.quirks.wrong_echo = !is_answer(&c2, s1, *flavor);
                        State::Done(*flavor)
                    }
                    Err(missing) => return Ok(Progress::NeedMore(missing)),
                },
                State::Done(flavor) => return Ok(Progress::Done(*flavor)),
                State::Failed(why) => return Err(*why),
            };
        }
    }

    /// What the client did against the text so far, each kind once.
    pub fn take_quirk(&mut self) -> Option<HandshakeQuirk> {
        self.quirks.take()
    }

    /// Sends S0, S1 and S2.
    fn answer(&mut self, c1: &Block, out: &mut Outbox) -> State {
        if let Some((layout, c1_digest)) = digest::find(c1, Signer::Client) {
            let s1 = digest::first_block(&self.entropy, Signer::Server, layout);
            let s2 = digest::second_block(&self.entropy, Signer::Server, &c1_digest);
            send(&s1, &s2, out);
            return State::AwaitC2 { flavor: Flavor::Digest, s1 };
        }
        self.quirks.version_without_digest = has_version(c1);
        let s1 = plain_block(&self.entropy);
        send(&s1, c1, out);
        State::AwaitC2 { flavor: Flavor::Plain, s1 }
    }
}

fn send(s1: &Block, s2: &Block, out: &mut Outbox) {
    out.put(&[VERSION]);
    out.put(s1);
    out.put(s2);
}

/// Whether C2 answers S1 as the text or the practice of digests has it. FFmpeg echoes even a digest.
fn is_answer(c2: &Block, s1: &Block, flavor: Flavor) -> bool {
    match flavor {
        Flavor::Plain => is_echo(c2, s1),
        #[cfg(feature = "digest")]
        Flavor::Digest => digest::find(s1, Signer::Server)
            .is_some_and(|(_, digest)| digest::is_signed(c2, Signer::Client, &digest)),
        #[cfg(not(feature = "digest"))]
        Flavor::Digest => false,
    }
}

#[cfg(test)]
mod tests;
