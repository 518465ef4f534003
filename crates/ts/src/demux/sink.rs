//! Where events go that one packet has made.

use alloc::collections::VecDeque;

use levada_media::MediaEvent;

use crate::{Finding, TsEvent};

/// Appends events to the queue, and knows where in the stream they are from.
#[derive(Debug)]
pub(crate) struct Sink<'a> {
    pub(crate) events: &'a mut VecDeque<TsEvent>,
    pub(crate) offset: u64,
}

impl Sink<'_> {
    pub(crate) fn media(&mut self, event: MediaEvent) {
        self.events.push_back(TsEvent::Media(event));
    }

    pub(crate) fn found(&mut self, finding: Finding) {
        self.events.push_back(TsEvent::Found { offset: self.offset, finding });
    }
}
