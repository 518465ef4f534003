use alloc::vec::Vec;

use bytes::Bytes;
use levada_media::{AudioCodec, AudioParams};

use super::{BITRATES, Header, SAMPLES, Stream, access_unit_len, channels, small};
use crate::CodecError;
use crate::bit_writer::BitWriter;
use crate::bits::Bits;
use crate::sync::SyncHeader;

/// What there can be in one E-AC-3 stream (§F.6.2.3, `num_ind_sub` has three bits).
const MAX_SUBSTREAMS: usize = 8;

/// The content of a `dac3` box (ETSI TS 102 366 §F.4).
///
/// ```text
/// fscod 2 │ bsid 5 │ bsmod 3 │ acmod 3 │ lfeon 1 │ bit_rate_code 5 │ 0 5
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Ac3Config {
    /// Code of the sampling frequency, 0 to 2.
    pub fscod: u8,
    /// Version of the bit stream.
    pub bsid: u8,
    /// Kind of service.
    pub bsmod: u8,
    /// Channels in front and behind.
    pub acmod: u8,
    /// Whether there is a low frequency channel.
    pub lfe: bool,
    /// Index of the bitrate, 0 to 18.
    pub bit_rate_code: u8,
}

impl Ac3Config {
    /// Parses the content of a `dac3` box.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        Self::fields(&mut Bits::new(data)).map_err(|it| it.of("ETSI TS 102 366 §F.4"))
    }

    fn fields(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let config = Self {
            fscod: small(bits, 2)?,
            bsid: small(bits, 5)?,
            bsmod: small(bits, 3)?,
            acmod: small(bits, 3)?,
            lfe: bits.flag()?,
            bit_rate_code: small(bits, 5)?,
        };
        bits.skip(5)?;
        let known = usize::from(config.bit_rate_code) < BITRATES.len();
        if config.fscod == 3 || config.bsid > 10 || !known {
            return Err(malformed("a reserved value in dac3"));
        }
        Ok(config)
    }

    /// What a frame says.
    ///
    /// # Errors
    ///
    /// [`Misuse`](CodecError::Misuse) for an E-AC-3 frame.
    pub fn of(header: &Header) -> Result<Self, CodecError> {
        if header.enhanced {
            return Err(CodecError::Misuse { what: "dac3 of E-AC-3" });
        }
        let Header { fscod, bsid, bsmod, acmod, lfe, bit_rate_code, .. } = *header;
        Ok(Self { fscod, bsid, bsmod, acmod, lfe, bit_rate_code })
    }

    /// The content of the box.
    pub fn encode(&self) -> [u8; 3] {
        let word = u32::from(self.fscod) << 22
            | u32::from(self.bsid) << 17
            | u32::from(self.bsmod) << 14
            | u32::from(self.acmod) << 11
            | u32::from(self.lfe) << 10
            | u32::from(self.bit_rate_code) << 5;
        let [_, bytes @ ..] = word.to_be_bytes();
        bytes
    }

    /// Samples a second.
    pub fn sample_rate(&self) -> u32 {
        sample_rate(self.fscod) >> self.bsid.saturating_sub(8)
    }

    /// Channels.
    pub fn channels(&self) -> u8 {
        channels(self.acmod, self.lfe)
    }

    /// Bits a second.
    pub fn bitrate(&self) -> u32 {
        let kilobits = BITRATES.get(usize::from(self.bit_rate_code)).copied().unwrap_or(0);
        u32::from(kilobits) * 1000
    }
}

/// The content of a `dec3` box (ETSI TS 102 366 §F.6).
///
/// ```text
/// data_rate 13 │ num_ind_sub - 1 3 │ for each: fscod 2 │ bsid 5 │ 0 1 │ asvc 1 │ bsmod 3 │ acmod 3 │ lfeon 1 │
///                                    0 3 │ num_dep_sub 4 │ chan_loc 9, or 0 1 if there is none
/// [0 7 │ flag_ec3_extension_type_a 1 │ complexity_index_type_a 8]       (ETSI TS 103 420: objects)
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Eac3Config {
    /// Thousands of bits a second of all streams together.
    pub data_rate: u16,
    /// The independent streams, one to eight. The first is the one to play.
    pub substreams: Vec<Substream>,
    /// How complex its objects are, if there are objects (Atmos).
    pub objects: Option<u8>,
}

/// An independent stream in an [`Eac3Config`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Substream {
    /// Code of the sampling frequency. 3: half of one of the others.
    pub fscod: u8,
    /// Version of the bit stream.
    pub bsid: u8,
    /// Whether it is to be mixed with another one.
    pub associated: bool,
    /// Kind of service.
    pub bsmod: u8,
    /// Channels in front and behind.
    pub acmod: u8,
    /// Whether there is a low frequency channel.
    pub lfe: bool,
    /// Streams that bring more channels to this one.
    pub dependents: u8,
    /// The places of these channels, nine bits (§F.6.2.13).
    pub locations: u16,
}

impl Eac3Config {
    /// Parses the content of a `dec3` box.
    pub fn parse(data: &[u8]) -> Result<Self, CodecError> {
        Self::fields(&mut Bits::new(data)).map_err(|it| it.of("ETSI TS 102 366 §F.6"))
    }

    fn fields(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let [low, high, ..] = bits.u(13)?.to_le_bytes();
        let count = bits.u(3)? + 1;
        let substreams = (0..count).map(|_| Substream::parse(bits)).collect::<Result<_, _>>()?;
        let has_objects = bits.remaining() >= 16 && bits.u(8)? & 1 == 1;
        let objects = if has_objects { Some(bits.u8()?) } else { None };
        Ok(Self { data_rate: u16::from_le_bytes([low, high]), substreams, objects })
    }

    /// What an access unit says. Objects are not looked for.
    pub fn of(access_unit: &[u8]) -> Result<Self, CodecError> {
        let mut config = Self { data_rate: 0, substreams: Vec::new(), objects: None };
        let mut rest = access_unit.get(..access_unit_len(access_unit)?.unwrap_or(0));
        let mut bytes = 0_u32;
        let mut rate = 0;
        while let Some(frame) = rest.filter(|it| !it.is_empty()) {
            let header = Header::parse(frame)?;
            config.add(&header)?;
            bytes = bytes.saturating_add(header.frame_len.into());
            rate = header.sample_rate;
            rest = frame.get(header.frame_len()..);
        }
        if config.substreams.is_empty() {
            return Err(CodecError::Misuse { what: "dec3 of less than an access unit" });
        }
        // Up, as frames of 44.1 kHz fall short of the rate that their encoder was given.
        let kilobits = (u64::from(bytes) * 8 * u64::from(rate)).div_ceil(u64::from(SAMPLES) * 1000);
        config.data_rate = u16::try_from(kilobits).unwrap_or(u16::MAX).min(0x1FFF);
        Ok(config)
    }

    fn add(&mut self, header: &Header) -> Result<(), CodecError> {
        match header.stream {
            // A unit of six short frames says everything six times.
            Stream::Independent(id) if usize::from(id) < self.substreams.len() => Ok(()),
            Stream::Independent(_) if self.substreams.len() == MAX_SUBSTREAMS => {
                Err(CodecError::Limit { which: "streams in E-AC-3", limit: MAX_SUBSTREAMS })
            }
            Stream::Independent(_) => {
                let Header { fscod, bsid, bsmod, acmod, lfe, .. } = *header;
                self.substreams.push(Substream {
                    fscod,
                    bsid,
                    associated: false,
                    bsmod,
                    acmod,
                    lfe,
                    dependents: 0,
                    locations: 0,
                });
                Ok(())
            }
            Stream::Dependent(id) => {
                if let Some(parent) = self.substreams.last_mut() {
                    // Their ids count from 0.
                    parent.dependents = parent.dependents.max(id + 1);
                    parent.locations |= header.channel_map.map_or(0, locations);
                }
                Ok(())
            }
        }
    }

    /// The content of the box.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = BitWriter::default();
        out.u(self.data_rate.into(), 13);
        let count = self.substreams.len().clamp(1, MAX_SUBSTREAMS);
        out.u(u32::try_from(count - 1).unwrap_or(0), 3);
        for substream in self.substreams.iter().take(MAX_SUBSTREAMS) {
            substream.encode(&mut out);
        }
        if let Some(complexity) = self.objects {
            out.u(1, 8);
            out.u(complexity.into(), 8);
        }
        out.finish()
    }

    /// Samples a second, if the box says: for the lower ones it does not.
    pub fn sample_rate(&self) -> Option<u32> {
        let fscod = self.substreams.first()?.fscod;
        (fscod < 3).then(|| sample_rate(fscod))
    }

    /// Channels of the first programme.
    pub fn channels(&self) -> u8 {
        self.substreams.first().map_or(0, Substream::channels)
    }
}

impl Substream {
    fn parse(bits: &mut Bits<'_>) -> Result<Self, CodecError> {
        let [fscod, bsid, _] = [small(bits, 2)?, small(bits, 5)?, small(bits, 1)?];
        let associated = bits.flag()?;
        let [bsmod, acmod, lfe] = [small(bits, 3)?, small(bits, 3)?, small(bits, 1)?];
        let [_, dependents] = [small(bits, 3)?, small(bits, 4)?];
        let [low, high, ..] = bits.u(if dependents > 0 { 9 } else { 1 })?.to_le_bytes();
        let locations = if dependents > 0 { u16::from_le_bytes([low, high]) } else { 0 };
        if !(11..=16).contains(&bsid) {
            return Err(malformed("a version of E-AC-3 in dec3 that is none"));
        }
        let lfe = lfe == 1;
        Ok(Self { fscod, bsid, associated, bsmod, acmod, lfe, dependents, locations })
    }

    fn encode(&self, out: &mut BitWriter) {
        out.u(self.fscod.into(), 2);
        out.u(self.bsid.into(), 5);
        out.u(0, 1);
        out.flag(self.associated);
        out.u(self.bsmod.into(), 3);
        out.u(self.acmod.into(), 3);
        out.flag(self.lfe);
        out.u(0, 3);
        out.u(self.dependents.into(), 4);
        if self.dependents > 0 {
            out.u(self.locations.into(), 9);
        } else {
            out.u(0, 1);
        }
    }

    /// Channels, with those that dependent streams bring.
    pub fn channels(&self) -> u8 {
        // Bits 0, 1, 4, 5 and 6 are pairs.
        let pairs = (self.locations & 0b0_0111_0011).count_ones();
        let more = self.locations.count_ones() + pairs;
        channels(self.acmod, self.lfe).saturating_add(u8::try_from(more).unwrap_or(0))
    }
}

/// Samples a second by `fscod`.
fn sample_rate(fscod: u8) -> u32 {
    match fscod {
        0 => 48_000,
        1 => 44_100,
        _ => 32_000,
    }
}

/// The channels that 5.1 does not have, of a `chanmap` (§E.1.3.1.8) as a `chan_loc` (§F.6.2.13). There the first
/// channel is the most significant bit, here the least.
fn locations(map: u16) -> u16 {
    let from_left = map.reverse_bits();
    (from_left >> 5 & 0xFF) | (from_left >> 14 & 1) << 8
}

/// All that a track's `dac3` or `dec3` says. An empty one says nothing (Enhanced RTMP sends none): see
/// [`complete`](crate::complete).
pub(crate) fn params(codec: AudioCodec, config: &Bytes) -> Result<AudioParams, CodecError> {
    let mut params = AudioParams::new(codec, Bytes::copy_from_slice(config));
    let enhanced = codec == AudioCodec::Eac3;
    params.rfc6381 = if enhanced { "ec-3" } else { "ac-3" }.into();
    params.samples_per_frame = Some(SAMPLES);
    if config.is_empty() {
        return Ok(params);
    }
    if enhanced {
        let config = Eac3Config::parse(config)?;
        params.sample_rate = config.sample_rate().unwrap_or(0);
        params.channels = config.channels();
    } else {
        let config = Ac3Config::parse(config)?;
        params.sample_rate = config.sample_rate();
        params.channels = config.channels();
    }
    Ok(params)
}

fn malformed(what: &'static str) -> CodecError {
    CodecError::Malformed { offset: 0, what, spec: "" }
}

/// The same parameters with what a frame (of E-AC-3: an access unit) says.
pub(crate) fn with_frame(known: &AudioParams, frame: &[u8]) -> Option<AudioParams> {
    let header = Header::parse(frame).ok()?;
    if header.enhanced != (known.codec == AudioCodec::Eac3) {
        return None;
    }
    let config = if known.config.is_empty() {
        if header.enhanced {
            Eac3Config::of(frame).ok()?.encode().into()
        } else {
            Bytes::copy_from_slice(&Ac3Config::of(&header).ok()?.encode())
        }
    } else {
        known.config.clone()
    };
    let mut params = params(known.codec, &config).ok()?;
    // A dec3 has no words for the lower ones.
    params.sample_rate = header.sample_rate;
    Some(params)
}
