use bytes::BytesMut;
use levada_buf::Outbox;

use crate::digest::{self, Signer};
use crate::packet::{Block, VERSION, has_version, is_echo, plain_block, take_block, take_version};
use crate::{Entropy, Flavor, HandshakeError, HandshakeQuirk, Progress, Quirks};

/// The connecting side.
///
/// ```text
///  Start ──► AwaitS0 ──S0──► AwaitS1 ──S1──► AwaitS2 ──S2──► Done
///   (sends C0 C1) │                 (sends C2)
///                 └─ not version 3 ──► Failed
/// ```
#[derive(Debug)]
pub struct ClientHandshake {
    state: State,
    c1: Block,
    offered: Flavor,
    entropy: Entropy,
    quirks: Quirks,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Start,
    AwaitS0,
    AwaitS1,
    AwaitS2(Flavor),
    Done(Flavor),
    Failed(HandshakeError),
}

impl ClientHandshake {
    /// Offers the plain handshake, which every server of today takes.
    pub fn new(entropy: Entropy) -> Self {
        Self::offering(Flavor::Plain, plain_block(&entropy), entropy)
    }

    /// Offers the digest handshake, and is content with the plain one if the server is.
    #[cfg(feature = "digest")]
    pub fn with_digest(entropy: Entropy) -> Self {
        let c1 = digest::first_block(&entropy, Signer::Client, digest::Layout::DigestFirst);
        Self::offering(Flavor::Digest, c1, entropy)
    }

    fn offering(offered: Flavor, c1: Block, entropy: Entropy) -> Self {
        Self { state: State::Start, c1, offered, entropy, quirks: Quirks::default() }
    }

    /// Takes what it can use off the front of `input`, sends into `out`, and says how far it has come.
    ///
    /// The first call needs no input: it sends C0 and C1.
    ///
    /// # Errors
    ///
    /// When the server's first byte is no version 3. Later calls give the same error.
    pub fn advance(
        &mut self,
        input: &mut BytesMut,
        out: &mut Outbox,
    ) -> Result<Progress, HandshakeError> {
        loop {
            self.state = match self.state {
                State::Start => {
                    out.put(&[VERSION]);
                    out.put(&self.c1);
                    State::AwaitS0
                }
                State::AwaitS0 => match take_version(input) {
                    Ok(Some(())) => State::AwaitS1,
                    Ok(None) => return Ok(Progress::NeedMore(1)),
                    Err(why) => State::Failed(why),
                },
                State::AwaitS1 => match take_block(input) {
                    Ok(s1) => self.answer(&s1, out),
                    Err(missing) => return Ok(Progress::NeedMore(missing)),
                },
                State::AwaitS2(flavor) => match take_block(input) {
                    Ok(s2) => {
                        // RTMP Errata §3: a wrong echo is no reason to give up.
                        self.quirks.wrong_echo = !self.is_answer(&s2, flavor);
                        State::Done(flavor)
                    }
                    Err(missing) => return Ok(Progress::NeedMore(missing)),
                },
                State::Done(flavor) => return Ok(Progress::Done(flavor)),
                State::Failed(why) => return Err(why),
            };
        }
    }

    /// What the server did against the text so far, each kind once.
    pub fn take_quirk(&mut self) -> Option<HandshakeQuirk> {
        self.quirks.take()
    }

    /// Sends C2.
    fn answer(&mut self, s1: &Block, out: &mut Outbox) -> State {
        if self.offered == Flavor::Digest {
            if let Some((_, s1_digest)) = digest::find(s1, Signer::Server) {
                out.put(&digest::second_block(&self.entropy, Signer::Client, &s1_digest));
                return State::AwaitS2(Flavor::Digest);
            }
            self.quirks.version_without_digest = has_version(s1);
        }
        // An echo may be exact: the time of reading is optional in practice.
        out.put(s1);
        State::AwaitS2(Flavor::Plain)
    }

    fn is_answer(&self, s2: &Block, flavor: Flavor) -> bool {
        match flavor {
            Flavor::Plain => is_echo(s2, &self.c1),
            Flavor::Digest => digest::find(&self.c1, Signer::Client)
                .is_some_and(|(_, digest)| digest::is_signed(s2, Signer::Server, &digest)),
        }
    }
}

#[cfg(test)]
mod tests;
