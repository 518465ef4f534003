use bytes::Bytes;
use levada_media::{CodecParams, FrameFacts, Hdr, RandomAccess, VideoCodec};

use crate::{Defects, av1, avc, hevc, vp9};

/// Says what the headers of each frame of one track say.
///
/// It remembers what later frames need to be understood (parameter sets, picture order), so there is one for each
/// track, and it sees every frame. It never fails: what cannot be parsed stays unknown, and is told by
/// [`defects`](Self::defects).
#[derive(Debug)]
pub struct Inspector {
    codec: Codec,
}

#[derive(Debug)]
enum Codec {
    Avc(avc::FrameReader),
    Hevc(hevc::FrameReader),
    Av1(av1::FrameReader),
    Vp9(vp9::FrameReader),
    /// Every frame can be decoded on its own.
    Audio,
    Unknown,
}

impl Inspector {
    /// For the frames of a track with these parameters.
    pub fn new(params: &CodecParams) -> Self {
        let codec = match params {
            CodecParams::Video(video) => match video.codec {
                VideoCodec::Avc => Codec::Avc(avc::FrameReader::new(&video.config)),
                VideoCodec::Hevc => Codec::Hevc(hevc::FrameReader::new(&video.config)),
                VideoCodec::Av1 => Codec::Av1(av1::FrameReader::new(&video.config)),
                VideoCodec::Vp8 | VideoCodec::Vp9 => Codec::Vp9(vp9::FrameReader::new(video.codec)),
                _ => Codec::Unknown,
            },
            CodecParams::Audio(_) => Codec::Audio,
            CodecParams::Data(_) => Codec::Unknown,
        };
        Self { codec }
    }

    /// What the headers of the next frame say.
    pub fn inspect(&mut self, data: &[u8]) -> FrameFacts {
        match &mut self.codec {
            Codec::Avc(reader) => reader.inspect(data),
            Codec::Hevc(reader) => reader.inspect(data),
            Codec::Av1(reader) => reader.inspect(data),
            Codec::Vp9(reader) => reader.inspect(data),
            Codec::Audio => {
                let mut facts = FrameFacts::default();
                facts.random_access = RandomAccess::Instant;
                facts
            }
            Codec::Unknown => FrameFacts::default(),
        }
    }

    /// What had to be tolerated so far, in the configuration and in frames.
    pub fn defects(&self) -> Defects {
        match &self.codec {
            Codec::Avc(reader) => reader.defects(),
            Codec::Hevc(reader) => reader.defects(),
            Codec::Av1(reader) => reader.defects(),
            Codec::Vp9(reader) => reader.defects(),
            Codec::Audio | Codec::Unknown => Defects::default(),
        }
    }

    /// The configuration record with the parameter sets that frames have put in place of those in the track's own, if
    /// the last frames have changed any. Told once.
    ///
    /// A stream may change its parameters in band only, or begin without a record. What follows in the chain needs a
    /// new [`Track`](levada_media::Track) then, which comes before the frame that brought the change.
    pub fn take_config(&mut self) -> Option<Bytes> {
        match &mut self.codec {
            Codec::Avc(reader) => reader.take_config(),
            Codec::Hevc(reader) => reader.take_config(),
            _ => None,
        }
    }

    /// What supplemental messages have said about HDR, in the configuration record and in frames.
    pub fn hdr(&self) -> Option<Hdr> {
        match &self.codec {
            Codec::Avc(reader) => reader.hdr(),
            Codec::Hevc(reader) => reader.hdr(),
            _ => None,
        }
    }
}
