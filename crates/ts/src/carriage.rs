//! What each codec is called in a PMT (ISO/IEC 13818-1 table 2-34 and §2.6).

use alloc::vec::Vec;

use bytes::BufMut;
use levada_media::{AudioCodec, CodecParams, DataCodec, MediaKind, Track, VideoCodec};

use crate::pes;
use crate::psi;

/// The codecs that have a form in a transport stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Carriage {
    Avc,
    Hevc,
    Aac,
    Mp3,
    Ac3,
    Eac3,
    Opus,
    Id3,
}

/// `registration_descriptor` (§2.6.8): four letters.
const REGISTRATION: u8 = 0x05;

/// `ISO_639_language_descriptor` (§2.6.18): three letters and a kind of audio.
const LANGUAGE: u8 = 0x0A;

/// `metadata_pointer_descriptor` in the programme's loop (§2.6.58): ID3 tags are in this programme.
pub(crate) const ID3_POINTER: &[u8] = b"\x25\x0F\xFF\xFFID3 \xFFID3 \x00\x1F\x00\x01";

/// `metadata_descriptor` in the stream's loop (§2.6.60): the stream holds ID3 tags.
const ID3_METADATA: &[u8] = b"\x26\x0D\xFF\xFFID3 \xFFID3 \x00\x0F";

/// `extension_descriptor`, here with the extension 80 of the Opus mapping.
const EXTENSION: u8 = 0x7F;

impl Carriage {
    /// How a track travels. An error names what cannot.
    pub(crate) fn of_track(params: &CodecParams) -> Result<Self, &'static str> {
        Ok(match params {
            CodecParams::Video(video) => match video.codec {
                VideoCodec::Avc => Self::Avc,
                VideoCodec::Hevc => Self::Hevc,
                _ => return Err("a video codec other than H.264 and H.265"),
            },
            CodecParams::Audio(audio) => match audio.codec {
                AudioCodec::Aac => Self::Aac,
                AudioCodec::Mp3 => Self::Mp3,
                AudioCodec::Ac3 => Self::Ac3,
                AudioCodec::Eac3 => Self::Eac3,
                AudioCodec::Opus => Self::Opus,
                _ => return Err("an audio codec other than AAC, MP3, AC-3, E-AC-3 and Opus"),
            },
            CodecParams::Data(DataCodec::Id3) => Self::Id3,
            CodecParams::Data(_) => return Err("data other than ID3 tags"),
        })
    }

    /// How a stream of a PMT travels, if it is one of ours.
    pub(crate) fn of_stream(stream_type: u8, descriptors: &[u8]) -> Option<Self> {
        Some(match stream_type {
            0x1B => Self::Avc,
            0x24 => Self::Hevc,
            0x0F => Self::Aac,
            0x03 | 0x04 => Self::Mp3,
            0x81 => Self::Ac3,
            0x87 => Self::Eac3,
            0x15 if has_id3(descriptors) => Self::Id3,
            // Private data is what its descriptors say: DVB's, or a registration.
            0x06 => psi::descriptors(descriptors).find_map(|it| match it {
                (0x6A, _) | (REGISTRATION, [b'A', b'C', b'-', b'3', ..]) => Some(Self::Ac3),
                (0x7A, _) | (REGISTRATION, [b'E', b'A', b'C', b'3', ..]) => Some(Self::Eac3),
                (REGISTRATION, [b'O', b'p', b'u', b's', ..]) => Some(Self::Opus),
                (REGISTRATION, [b'H', b'E', b'V', b'C', ..]) => Some(Self::Hevc),
                (REGISTRATION, [b'I', b'D', b'3', b' ', ..]) => Some(Self::Id3),
                _ => None,
            })?,
            _ => return None,
        })
    }

    pub(crate) fn kind(self) -> MediaKind {
        match self {
            Self::Avc | Self::Hevc => MediaKind::Video,
            Self::Aac | Self::Mp3 | Self::Ac3 | Self::Eac3 | Self::Opus => MediaKind::Audio,
            Self::Id3 => MediaKind::Data,
        }
    }

    pub(crate) fn stream_id(self) -> u8 {
        match self {
            Self::Avc | Self::Hevc => pes::VIDEO,
            Self::Aac | Self::Mp3 => pes::AUDIO,
            Self::Ac3 | Self::Eac3 | Self::Opus | Self::Id3 => pes::PRIVATE_1,
        }
    }

    pub(crate) fn stream_type(self, track: &Track) -> u8 {
        match self {
            Self::Avc => 0x1B,
            Self::Hevc => 0x24,
            Self::Aac => 0x0F,
            // MPEG-2 audio has the half sample rates.
            Self::Mp3 => {
                if matches!(track.params.audio(), Some(it) if (1..32_000).contains(&it.sample_rate))
                {
                    0x04
                } else {
                    0x03
                }
            }
            Self::Ac3 => 0x81,
            Self::Eac3 => 0x87,
            Self::Opus => 0x06,
            Self::Id3 => 0x15,
        }
    }

    /// The descriptors that players need, and the language where the track has one of three letters.
    pub(crate) fn descriptors(self, track: &Track) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self {
            Self::Avc | Self::Aac | Self::Mp3 => {}
            Self::Hevc => put_descriptor(REGISTRATION, b"HEVC", &mut bytes),
            Self::Ac3 => put_descriptor(REGISTRATION, b"AC-3", &mut bytes),
            Self::Eac3 => put_descriptor(REGISTRATION, b"EAC3", &mut bytes),
            Self::Opus => {
                put_descriptor(REGISTRATION, b"Opus", &mut bytes);
                let channels = track.params.audio().map_or(2, |it| it.channels);
                put_descriptor(EXTENSION, &[0x80, channels], &mut bytes);
            }
            Self::Id3 => bytes.put_slice(ID3_METADATA),
        }
        if let Some(&[a, b, c]) = track.language.as_deref().map(str::as_bytes) {
            put_descriptor(LANGUAGE, &[a, b, c, 0], &mut bytes);
        }
        bytes
    }
}

/// The language that a stream's descriptors name.
pub(crate) fn language(descriptors: &[u8]) -> Option<&str> {
    psi::descriptors(descriptors).find_map(|it| match it {
        (LANGUAGE, [letters @ .., _kind]) => {
            core::str::from_utf8(letters.get(..3)?).ok().filter(|it| it.is_ascii())
        }
        _ => None,
    })
}

/// The number of channels that an Opus stream's descriptors name.
pub(crate) fn opus_channels(descriptors: &[u8]) -> Option<u8> {
    psi::descriptors(descriptors).find_map(|it| match it {
        (EXTENSION, &[0x80, channels, ..]) => Some(channels),
        _ => None,
    })
}

fn has_id3(descriptors: &[u8]) -> bool {
    psi::descriptors(descriptors)
        .any(|(tag, content)| tag == 0x26 && content.windows(4).any(|it| it == b"ID3 "))
}

fn put_descriptor(tag: u8, content: &[u8], bytes: &mut Vec<u8>) {
    bytes.put_u8(tag);
    bytes.put_u8(u8::try_from(content.len()).unwrap_or(u8::MAX));
    bytes.put_slice(content);
}
