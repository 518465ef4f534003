//! Supplemental enhancement information: messages of H.264 (annex D) and H.265 (annex D) beside the pictures.
//!
//! ```
//! use levada_codec::{nal, sei};
//!
//! let unit = [0x06, 0x06, 0x01, 0xC4, 0x80]; // from an H.264 stream with open groups of pictures
//! let rbsp = nal::unescape(&unit[1..]);
//! let message = sei::messages(&rbsp).next().unwrap()?;
//! assert_eq!(message.kind, sei::RECOVERY_POINT);
//! assert_eq!(sei::RecoveryPoint::parse_avc(message.payload)?.frames, 0);
//! # Ok::<(), levada_codec::CodecError>(())
//! ```

use levada_media::Hdr;

use crate::CodecError;
use crate::bits::Bits;

/// `pic_timing`. Its payload needs a sequence parameter set: see [`avc::PictureTiming`](crate::avc::PictureTiming).
pub const PICTURE_TIMING: u32 = 1;
/// `user_data_registered_itu_t_t35`: see [`Registered`], [`captions`].
pub const REGISTERED: u32 = 4;
/// `user_data_unregistered`: see [`Unregistered`].
pub const UNREGISTERED: u32 = 5;
/// `recovery_point`: see [`RecoveryPoint`].
pub const RECOVERY_POINT: u32 = 6;
/// `mastering_display_colour_volume`: see [`read_hdr`].
pub const MASTERING_DISPLAY: u32 = 137;
/// `content_light_level_info`: see [`read_hdr`].
pub const CONTENT_LIGHT: u32 = 144;

const SPEC: &str = "H.264 §7.3.2.3.1, H.265 §7.3.5";

/// The messages of one unit. `rbsp` is what follows the header of the unit (one byte in H.264, two in H.265),
/// [unescaped](crate::nal::unescape).
///
/// A message that reaches beyond its unit is an error, after which there are no more messages.
pub fn messages(rbsp: &[u8]) -> Messages<'_> {
    // The last byte that is not zero holds the stop bit, and no message if it holds nothing else.
    let data = crate::nal::trim_zeros(rbsp);
    let data = if let [data @ .., 0x80] = data { data } else { data };
    Messages { data, offset: 0 }
}

/// See [`messages`].
#[derive(Clone, Debug)]
pub struct Messages<'a> {
    data: &'a [u8],
    offset: usize,
}

/// One message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Message<'a> {
    /// `payloadType`.
    pub kind: u32,
    /// The payload.
    pub payload: &'a [u8],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Result<Message<'a>, CodecError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.data.is_empty() {
            return None;
        }
        let Some((message, rest)) = message(self.data) else {
            self.data = &[];
            let what = "a supplemental message reaches beyond its unit";
            return Some(Err(CodecError::Malformed { offset: self.offset, what, spec: SPEC }));
        };
        self.offset += self.data.len() - rest.len();
        self.data = rest;
        Some(Ok(message))
    }
}

fn message(data: &[u8]) -> Option<(Message<'_>, &[u8])> {
    let (kind, data) = long_number(data)?;
    let (size, data) = long_number(data)?;
    let (payload, rest) = data.split_at_checked(usize::try_from(size).ok()?)?;
    Some((Message { kind, payload }, rest))
}

/// Any number of `FF` and one other byte, all added up.
fn long_number(data: &[u8]) -> Option<(u32, &[u8])> {
    let ones = data.iter().take_while(|&&it| it == 0xFF).count();
    let (&last, rest) = data.get(ones..)?.split_first()?;
    let sum = ones.checked_mul(0xFF)?.checked_add(last.into())?;
    Some((u32::try_from(sum).ok()?, rest))
}

/// From here on a decoder can show correct pictures, at once or after a while (H.264 §D.2.8, H.265 §D.3.8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RecoveryPoint {
    /// After how many frames: in steps of `frame_num` in H.264, of picture order in H.265. Below 0 (H.265 only)
    /// if pictures shown before this one are correct too.
    pub frames: i32,
    /// Whether they are then the same as if decoding had started earlier.
    pub exact: bool,
    /// Whether the stream was joined here: pictures shown before this one must not be.
    pub broken_link: bool,
}

impl RecoveryPoint {
    /// Parses the payload in H.264.
    pub fn parse_avc(payload: &[u8]) -> Result<Self, CodecError> {
        let mut bits = Bits::new(payload);
        let frames = i32::try_from(bits.ue()?).unwrap_or(i32::MAX);
        Ok(Self { frames, exact: bits.flag()?, broken_link: bits.flag()? })
    }

    /// Parses the payload in H.265.
    pub fn parse_hevc(payload: &[u8]) -> Result<Self, CodecError> {
        let mut bits = Bits::new(payload);
        Ok(Self { frames: bits.se()?, exact: bits.flag()?, broken_link: bits.flag()? })
    }
}

/// User data of a registered kind (`REGISTERED`; ITU-T T.35).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Registered<'a> {
    /// Country: 0xB5 is the USA.
    pub country: u8,
    /// Provider within the country: 0x0031 is ATSC, 0x003C SMPTE (HDR10+).
    pub provider: u16,
    /// The rest.
    pub data: &'a [u8],
}

impl<'a> Registered<'a> {
    /// Parses the payload. `None` if it is too short, or from a country with an extended code.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        match payload {
            [0xFF, ..] => None,
            [country, high, low, data @ ..] => {
                Some(Self { country: *country, provider: u16::from_be_bytes([*high, *low]), data })
            }
            _ => None,
        }
    }
}

/// User data of a kind that its sender chose (`UNREGISTERED`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Unregistered<'a> {
    /// Names the kind.
    pub uuid: [u8; 16],
    /// The rest.
    pub data: &'a [u8],
}

impl<'a> Unregistered<'a> {
    /// Parses the payload. `None` if it is too short.
    pub fn parse(payload: &'a [u8]) -> Option<Self> {
        let (&uuid, data) = payload.split_first_chunk()?;
        Some(Self { uuid, data })
    }
}

/// Three bytes of caption data (ATSC A/53 part 4 §6.2.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CaptionTriplet {
    /// Whether the bytes mean anything.
    pub valid: bool,
    /// 0 and 1: CEA-608 in field 1 and 2. 2 and 3: the middle and the start of a CEA-708 packet.
    pub kind: u8,
    /// The bytes, with the parity bits of CEA-608.
    pub data: [u8; 2],
}

/// The caption data in the payload of a [`REGISTERED`] message; nothing if it holds something else.
///
/// It belongs to the picture that follows, and is to be read in the order in which pictures are shown.
pub fn captions(payload: &[u8]) -> impl Iterator<Item = CaptionTriplet> {
    // B5 00 31 "GA94" 03, then flags with the count, then one reserved byte.
    let (count, data) = match payload {
        [0xB5, 0x00, 0x31, b'G', b'A', b'9', b'4', 0x03, flags, _, data @ ..]
            if flags & 0x40 != 0 =>
        {
            (usize::from(flags & 0x1F), data)
        }
        _ => (0, &[][..]),
    };
    let (triplets, _) = data.as_chunks();
    triplets.iter().take(count).map(|&[head, first, second]| CaptionTriplet {
        valid: head & 4 != 0,
        kind: head & 3,
        data: [first, second],
    })
}

/// Adds what a message says about HDR to `hdr`. Says whether it did.
pub fn read_hdr(message: Message<'_>, hdr: &mut Hdr) -> bool {
    match message.kind {
        MASTERING_DISPLAY => mastering_display(message.payload, hdr).is_some(),
        CONTENT_LIGHT => {
            let [a, b, c, d, ..] = *message.payload else { return false };
            hdr.content_light = Some((u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
            true
        }
        _ => false,
    }
}

/// H.265 §D.3.28: green, blue, red, white, then the highest and the lowest luminance.
fn mastering_display(payload: &[u8], hdr: &mut Hdr) -> Option<()> {
    let (points, luminance) = payload.split_first_chunk::<16>()?;
    let mut point = points
        .as_chunks::<4>()
        .0
        .iter()
        .map(|&[a, b, c, d]| (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])));
    let [green, blue, red, white] = [point.next()?, point.next()?, point.next()?, point.next()?];
    let (highest, rest) = luminance.split_first_chunk()?;
    let lowest = rest.first_chunk()?;
    hdr.mastering_primaries = Some([red, green, blue, white]);
    hdr.mastering_luminance = Some((u32::from_be_bytes(*highest), u32::from_be_bytes(*lowest)));
    Some(())
}

#[cfg(test)]
mod tests;
