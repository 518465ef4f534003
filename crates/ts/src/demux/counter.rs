//! Whether packets are missing (ISO/IEC 13818-1 §2.4.3.3).

use super::sink::Sink;
use crate::Finding;
use crate::packet::Packet;

/// The counter of one PID.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    last: Option<u8>,
}

/// How a packet goes on with those before it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Step {
    Next,
    /// The same packet again, which is allowed.
    Repeated,
    /// Something is missing in between.
    Broken,
}

impl Counter {
    pub(crate) fn step(&mut self, packet: &Packet<'_>, sink: &mut Sink<'_>) -> Step {
        let pid = packet.pid;
        if packet.discontinuity {
            sink.found(Finding::Discontinuity { pid });
        }
        if packet.payload.is_none() {
            return Step::Next; // not counted
        }
        let got = packet.counter;
        let Some(last) = self.last.replace(got) else { return Step::Next };
        let expected = last.wrapping_add(1) & 0x0F;
        if got == expected {
            Step::Next
        } else if packet.discontinuity {
            Step::Broken
        } else if got == last {
            Step::Repeated
        } else {
            sink.found(Finding::MissingPackets { pid, expected, got });
            Step::Broken
        }
    }
}
