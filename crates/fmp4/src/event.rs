use alloc::string::String;
use alloc::vec::Vec;

use bytes::{BufMut, Bytes};
use levada_media::{Ticks, Timescale, TrackId};

use crate::Fmp4Error;
use crate::fields::Fields;
use crate::writer::{write_box, write_full_box};

/// The scheme of ID3 tags in event messages ("Carriage of ID3 Timed Metadata in CMAF").
pub const ID3_SCHEME: &str = "https://aomedia.org/emsg/ID3";

/// The scheme of SCTE-35 splice information in event messages.
pub const SCTE35_SCHEME: &str = "urn:scte:scte35:2013:bin";

/// Something that happens at a time of the presentation: an `emsg` box (ISO/IEC 23009-1 §5.10.3.3).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EventMessage {
    /// Names what `data` is: a URI. Ends at its first 0 byte when written.
    pub scheme: String,
    /// Tells events of one scheme apart.
    pub value: String,
    /// What a tick of `time` and `duration` is.
    pub timescale: Timescale,
    /// When it happens.
    pub time: EventTime,
    /// How long it lasts, if that is known.
    pub duration: Option<u32>,
    /// An event with the same scheme, value and id is a repetition of it.
    pub id: u32,
    /// The message.
    pub data: Bytes,
}

/// When an event happens.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "the two versions of the box")]
pub enum EventTime {
    /// On the timeline of the presentation (version 1).
    At(u64),
    /// After the earliest presentation time of the segment that the message stands in (version 0).
    After(u32),
}

impl EventMessage {
    /// A message of unknown duration, with an empty value and the id 0.
    pub fn new(scheme: &str, timescale: Timescale, time: EventTime, data: Bytes) -> Self {
        let (scheme, value) = (scheme.into(), String::new());
        Self { scheme, value, timescale, time, duration: None, id: 0, data }
    }

    /// An ID3 tag. A time before 0 becomes 0.
    pub fn id3(timescale: Timescale, at: Ticks, id: u32, tag: Bytes) -> Self {
        let time = EventTime::At(at.0.max(0).cast_unsigned());
        Self { id, ..Self::new(ID3_SCHEME, timescale, time, tag) }
    }

    /// The box.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        self.write(&mut out);
        out.into()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let names = |out: &mut Vec<u8>| {
            write_text(out, &self.scheme);
            write_text(out, &self.value);
        };
        let duration = self.duration.unwrap_or(u32::MAX);
        match self.time {
            EventTime::At(time) => write_full_box(out, b"emsg", 1, 0, |out| {
                out.put_u32(self.timescale.get());
                out.put_u64(time);
                out.put_u32(duration);
                out.put_u32(self.id);
                names(out);
                out.put_slice(&self.data);
            }),
            EventTime::After(delta) => write_full_box(out, b"emsg", 0, 0, |out| {
                names(out);
                out.put_u32(self.timescale.get());
                out.put_u32(delta);
                out.put_u32(duration);
                out.put_u32(self.id);
                out.put_slice(&self.data);
            }),
        }
    }
}

impl EventMessage {
    /// Parses the body of an `emsg`. Text that is not UTF-8 keeps what is.
    pub(crate) fn parse(body: Fields<'_>) -> Result<Self, Fmp4Error> {
        let mut body = body.of("23009-1 5.10.3.3");
        let (version, _) = body.version()?;
        let text =
            |body: &mut Fields<'_>| body.text().map(|it| String::from_utf8_lossy(it).into_owned());
        let scale = |body: &mut Fields<'_>| {
            let ticks = body.u32()?;
            Timescale::new(ticks).ok_or_else(|| body.malformed("a timescale of 0"))
        };
        let known = |duration: u32| Some(duration).filter(|it| *it != u32::MAX);
        if version == 0 {
            let (scheme, value) = (text(&mut body)?, text(&mut body)?);
            let timescale = scale(&mut body)?;
            let time = EventTime::After(body.u32()?);
            let (duration, id) = (known(body.u32()?), body.u32()?);
            let data = Bytes::copy_from_slice(body.rest());
            Ok(Self { scheme, value, timescale, time, duration, id, data })
        } else {
            let timescale = scale(&mut body)?;
            let time = EventTime::At(body.u64()?);
            let (duration, id) = (known(body.u32()?), body.u32()?);
            let (scheme, value) = (text(&mut body)?, text(&mut body)?);
            let data = Bytes::copy_from_slice(body.rest());
            Ok(Self { scheme, value, timescale, time, duration, id, data })
        }
    }
}

/// Writes text up to its first 0 byte, and a 0 byte.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.put_slice(text.split('\0').next().unwrap_or_default().as_bytes());
    out.put_u8(0);
}

/// The wall clock at which a producer handled a frame: a `prft` box (ISO/IEC 14496-12 §8.16.5).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ProducerTime {
    /// The track of the frame.
    pub track: TrackId,
    /// Seconds since 1900 in the upper 32 bits, their fraction in the lower: see [`ntp`].
    pub ntp: u64,
    /// The decode time of that frame, in the ticks of its track.
    pub media_time: u64,
    /// What the clock was read for: 0 encoder input, 1 encoder output, 2 fragment finished, 4 fragment written,
    /// 8 arbitrary but consistent, 24 real time of capture.
    pub flags: u32,
}

impl ProducerTime {
    /// The real time at which the frame was captured or came in.
    pub fn new(track: TrackId, ntp: u64, media_time: u64) -> Self {
        Self { track, ntp, media_time, flags: 24 }
    }

    /// The box, for the track with the given number in the file.
    pub(crate) fn write(&self, number: u32, out: &mut Vec<u8>) {
        write_full_box(out, b"prft", 1, self.flags & 0xFF_FFFF, |out| {
            out.put_u32(number);
            out.put_u64(self.ntp);
            out.put_u64(self.media_time);
        });
    }
}

impl ProducerTime {
    /// Parses the body of a `prft`: the number of the track in the file, and a time whose `track` is yet to be set.
    pub(crate) fn parse(body: Fields<'_>) -> Result<(u32, Self), Fmp4Error> {
        let mut body = body.of("8.16.5");
        let (version, flags) = body.version()?;
        let (number, ntp, media_time) = (body.u32()?, body.u64()?, body.sized(version)?);
        Ok((number, Self { track: TrackId::video(0), ntp, media_time, flags }))
    }
}

/// A time since 1970 as an NTP timestamp.
///
/// ```
/// use core::time::Duration;
/// assert_eq!(levada_fmp4::ntp(Duration::from_millis(500)), 2_208_988_800 << 32 | 1 << 31);
/// ```
pub fn ntp(since_1970: core::time::Duration) -> u64 {
    let seconds = since_1970.as_secs().wrapping_add(2_208_988_800);
    let fraction = (u64::from(since_1970.subsec_nanos()) << 32) / 1_000_000_000;
    seconds << 32 | fraction
}

/// Where the parts of a segment begin: a `sidx` box (ISO/IEC 14496-12 §8.16.3).
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SegmentIndex {
    /// The number of the track in the file.
    pub track: u32,
    /// What a tick is.
    pub timescale: Timescale,
    /// When the first frame is shown.
    pub earliest: u64,
    /// Bytes between this box and the first part.
    pub first_offset: u64,
    /// The parts in order.
    pub references: Vec<Reference>,
}

/// A part of a segment: `moof` and `mdat`, or several of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_structs, reason = "the fields of a table row")]
pub struct Reference {
    /// Its length in bytes, below 2^31.
    pub size: u32,
    /// How long it lasts.
    pub duration: u32,
    /// The type of the stream access point that it starts with (ISO/IEC 14496-12 annex I), if it does with one.
    pub starts_with: Option<u8>,
}

impl SegmentIndex {
    /// An index of parts that follow it directly.
    pub fn new(
        track: u32,
        timescale: Timescale,
        earliest: u64,
        references: Vec<Reference>,
    ) -> Self {
        Self { track, timescale, earliest, first_offset: 0, references }
    }

    /// The box. Only the first 65,535 references fit into it.
    pub fn encode(&self) -> Bytes {
        let mut out = Vec::new();
        self.write(&mut out);
        out.into()
    }

    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let count = u16::try_from(self.references.len()).unwrap_or(u16::MAX);
        write_full_box(out, b"sidx", 1, 0, |out| {
            out.put_u32(self.track);
            out.put_u32(self.timescale.get());
            out.put_u64(self.earliest);
            out.put_u64(self.first_offset);
            out.put_u16(0);
            out.put_u16(count);
            for part in self.references.iter().take(count.into()) {
                out.put_u32(part.size & 0x7FFF_FFFF);
                out.put_u32(part.duration);
                out.put_u32(part.starts_with.map_or(0, |kind| 1 << 31 | u32::from(kind & 7) << 28));
            }
        });
    }
}

/// Writes `styp` or `ftyp`: the first brand is the major one, and is listed among the compatible ones again.
pub(crate) fn write_brands(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    major: &[u8; 4],
    compatible: &[[u8; 4]],
) {
    write_box(out, kind, |out| {
        out.put_slice(major);
        out.put_u32(0);
        compatible.iter().for_each(|brand| out.put_slice(brand));
    });
}
