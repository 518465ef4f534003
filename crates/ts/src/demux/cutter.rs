//! Where audio frames begin and end, and what they say of themselves.

use alloc::vec::Vec;

use bytes::Bytes;
use levada_codec::{CodecError, Splitter, SyncHeader, ac3, adts, audio_params, mp3, opus};
use levada_media::{AudioCodec, AudioParams};

use crate::carriage::Carriage;

/// Finds the frames of one track.
#[derive(Debug)]
pub(crate) enum Cutter {
    Adts(Splitter<adts::Header>),
    Mp3(Splitter<mp3::Header>),
    Ac3(Splitter<ac3::Header>),
    Eac3,
    Opus { channels: u8 },
}

/// One frame.
#[derive(Debug)]
pub(crate) struct Cut<'a> {
    /// Where it begins in the bytes that it was found in.
    pub(crate) start: usize,
    /// All of it.
    whole: &'a [u8],
    /// What a sample in a file holds of it. Empty if it is of no use.
    pub(crate) payload: &'a [u8],
    pub(crate) samples: u32,
    /// Samples a second.
    pub(crate) rate: u32,
    /// What parameters it needs: others than the frame before it where this is not the same.
    pub(crate) needs: Needs,
}

/// What tells parameters from others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Needs {
    Adts {
        object_type: u8,
        frequency_index: u8,
        channel_configuration: u8,
    },
    Mp3 {
        sample_rate: u32,
        channels: u8,
    },
    Ac3([u8; 3]),
    /// But for the bit rate, which is measured.
    Eac3(Vec<u8>),
    Opus,
}

impl Cutter {
    /// `None` for what is not audio.
    pub(crate) fn new(carriage: Carriage, opus_channels: Option<u8>) -> Option<Self> {
        Some(match carriage {
            Carriage::Aac => Self::Adts(Splitter::new()),
            Carriage::Mp3 => Self::Mp3(Splitter::new()),
            Carriage::Ac3 => Self::Ac3(Splitter::new()),
            Carriage::Eac3 => Self::Eac3,
            Carriage::Opus => Self::Opus { channels: opus_channels.unwrap_or(2) },
            Carriage::Avc | Carriage::Hevc | Carriage::Id3 => return None,
        })
    }

    /// The next frame that is all there. `at` moves behind it, and over what is no frame, which `skipped` counts.
    pub(crate) fn next<'a>(
        &mut self,
        bytes: &'a [u8],
        at: &mut usize,
        skipped: &mut u64,
    ) -> Option<Cut<'a>> {
        match self {
            Self::Adts(splitter) => {
                let (start, header, whole) = split(splitter, bytes, at, skipped)?;
                // Several blocks in a frame have no borders that can be seen.
                let payload = whole.get(header.header_len()..).filter(|_| header.blocks == 1);
                let adts::Header { object_type, frequency_index, channel_configuration, .. } =
                    header;
                let needs = Needs::Adts { object_type, frequency_index, channel_configuration };
                let payload = payload.unwrap_or_default();
                let rate = header.config(whole).map_or(0, |config| config.core_rate());
                Some(Cut { start, whole, payload, samples: header.samples(), rate, needs })
            }
            Self::Mp3(splitter) => {
                let (start, header, whole) = split(splitter, bytes, at, skipped)?;
                let (rate, channels) = (header.sample_rate(), header.channels());
                let needs = Needs::Mp3 { sample_rate: rate, channels };
                Some(Cut { start, whole, payload: whole, samples: header.samples(), rate, needs })
            }
            Self::Ac3(splitter) => {
                let (start, header, whole) = split(splitter, bytes, at, skipped)?;
                let config = ac3::Ac3Config::of(&header).map(|it| it.encode());
                let needs = Needs::Ac3(config.unwrap_or_default());
                let (samples, rate) = (header.samples(), header.sample_rate);
                Some(Cut { start, whole, payload: whole, samples, rate, needs })
            }
            Self::Eac3 => next_eac3(bytes, at, skipped),
            Self::Opus { .. } => next_opus(bytes, at, skipped),
        }
    }

    /// The parameters that a frame of this cutter needs.
    pub(crate) fn params(&self, cut: &Cut<'_>) -> Result<AudioParams, CodecError> {
        match self {
            Self::Adts(_) => {
                let config = adts::Header::parse(cut.whole)?.config(cut.whole)?;
                audio_params(AudioCodec::Aac, config.encode().into())
            }
            Self::Mp3(_) => mp3::Header::parse(cut.whole)?.params(),
            Self::Ac3(_) => {
                let config = ac3::Ac3Config::of(&ac3::Header::parse(cut.whole)?)?;
                audio_params(AudioCodec::Ac3, Bytes::copy_from_slice(&config.encode()))
            }
            Self::Eac3 => {
                let config = ac3::Eac3Config::of(cut.whole)?;
                audio_params(AudioCodec::Eac3, config.encode().into())
            }
            Self::Opus { channels } => {
                audio_params(AudioCodec::Opus, opus_head(*channels).encode().into())
            }
        }
    }
}

/// Takes a frame with a sync word.
fn split<'a, H: SyncHeader>(
    splitter: &mut Splitter<H>,
    bytes: &'a [u8],
    at: &mut usize,
    skipped: &mut u64,
) -> Option<(usize, H, &'a [u8])> {
    let mut rest = bytes.get(*at..)?;
    let before = splitter.skipped();
    let frame = splitter.next(&mut rest);
    *skipped += splitter.skipped() - before;
    *at = bytes.len() - rest.len();
    let frame = frame?;
    Some((*at - frame.data.len(), frame.header, frame.data))
}

/// Takes an access unit: the frames of all streams for six blocks.
fn next_eac3<'a>(bytes: &'a [u8], at: &mut usize, skipped: &mut u64) -> Option<Cut<'a>> {
    loop {
        let rest = bytes.get(*at..)?;
        let Ok(len) = ac3::access_unit_len(rest) else {
            let next = rest.windows(2).skip(1).position(|it| it == [0x0B, 0x77]);
            let step = next.map_or(rest.len(), |next| next + 1);
            *skipped += step as u64;
            *at += step;
            continue;
        };
        let whole = rest.get(..len?)?;
        let start = *at;
        *at += whole.len();
        let config = ac3::Eac3Config::of(whole).map(|mut config| {
            config.data_rate = 0;
            config.encode()
        });
        let rate = ac3::Header::parse(whole).map_or(0, |it| it.sample_rate);
        let needs = Needs::Eac3(config.unwrap_or_default());
        return Some(Cut { start, whole, payload: whole, samples: ac3::SAMPLES, rate, needs });
    }
}

/// Takes a packet behind its control header.
///
/// ```text
/// 0x3FF:11 start_trim:1 end_trim:1 extension:1 00   FF*  length % 255
/// [000 start_trim:13]  [000 end_trim:13]  [length:8 extension]  packet
/// ```
fn next_opus<'a>(bytes: &'a [u8], at: &mut usize, skipped: &mut u64) -> Option<Cut<'a>> {
    loop {
        let rest = bytes.get(*at..)?;
        let &[prefix, flags, ..] = rest else { return None };
        if prefix != 0x7F || flags & 0xE0 != 0xE0 {
            *skipped += 1;
            *at += 1;
            continue;
        }
        let sizes = rest.get(2..)?;
        let full = sizes.iter().take_while(|it| **it == 0xFF).count();
        let len = 255 * full + usize::from(*sizes.get(full)?);
        let mut head = 2 + full + 1;
        head += if flags & 0x10 == 0 { 0 } else { 2 };
        head += if flags & 0x08 == 0 { 0 } else { 2 };
        head += if flags & 0x04 == 0 { 0 } else { 1 + usize::from(*rest.get(head)?) };
        let payload = rest.get(head..head.checked_add(len)?)?;
        let start = *at;
        *at += head + len;
        let whole = rest.get(..head + len)?;
        let samples = opus::packet_samples(payload).unwrap_or(0);
        let payload = if samples == 0 { &[] } else { payload };
        let rate = opus::SAMPLE_RATE;
        return Some(Cut { start, whole, payload, samples, rate, needs: Needs::Opus });
    }
}

/// The identification header for a number of channels, in the order of Vorbis (RFC 7845 §5.1.1.2).
fn opus_head(channels: u8) -> opus::Head {
    let (streams, coupled, mapping): (u8, u8, &[u8]) = match channels {
        3 => (2, 1, &[0, 2, 1]),
        4 => (2, 2, &[0, 1, 2, 3]),
        5 => (3, 2, &[0, 4, 1, 2, 3]),
        6 => (4, 2, &[0, 4, 1, 2, 3, 5]),
        7 => (4, 3, &[0, 4, 1, 2, 3, 5, 6]),
        8 => (5, 3, &[0, 6, 1, 2, 3, 4, 5, 7]),
        _ => return opus::Head::new(channels),
    };
    let mut head = opus::Head::new(2);
    head.channels = channels;
    head.mapping = opus::Mapping::Table { family: 1, streams, coupled, channels: mapping.to_vec() };
    head
}
