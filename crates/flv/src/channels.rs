use alloc::vec::Vec;

use bytes::{BufMut, Bytes, BytesMut};

/// Which loudspeakers the channels of an audio track are for (E-RTMP §MultichannelConfig).
///
/// ```
/// use levada_flv::ChannelLayout;
///
/// let layout = ChannelLayout::parse(&[1, 6, 0, 0, 0, 0x3F]).unwrap();
/// assert_eq!(layout, ChannelLayout::Native { mask: 0x3F });
/// assert_eq!(layout.channels(), 6);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChannelLayout {
    /// So many channels, in an order that is not said.
    Unspecified {
        /// How many.
        channels: u8,
    },
    /// One channel for each bit that is set, in order of the bits: 0x01 front left, 0x02 front right, 0x04 front
    /// center, 0x08 low frequency, and so on to 0x800000 bottom front right.
    Native {
        /// The bits.
        mask: u32,
    },
    /// One loudspeaker for each channel of the bitstream: the number of the bit in a native mask, 0xFE for unused,
    /// 0xFF for unknown.
    Custom {
        /// In order of the channels.
        speakers: Vec<u8>,
    },
}

/// More channels than anybody has loudspeakers: ambisonics of the seventh order.
const MAX_CHANNELS: u8 = 64;

/// Channel orders.
const UNSPECIFIED: u8 = 0;
const NATIVE: u8 = 1;
const CUSTOM: u8 = 2;

impl ChannelLayout {
    /// Parses the data of a packet. `None` if it is cut, has no channels or more than 64, or an unknown order.
    pub fn parse(data: &[u8]) -> Option<Self> {
        let ([order, channels], rest) = data.split_first_chunk()?;
        let channels = *channels;
        if !(1..=MAX_CHANNELS).contains(&channels) {
            return None;
        }
        match *order {
            UNSPECIFIED => Some(Self::Unspecified { channels }),
            NATIVE => {
                let mask = u32::from_be_bytes(*rest.first_chunk()?);
                // Of a count and a mask that contradict each other the count is right.
                Some(if mask.count_ones() == u32::from(channels) {
                    Self::Native { mask }
                } else {
                    Self::Unspecified { channels }
                })
            }
            CUSTOM => {
                let speakers = rest.get(..usize::from(channels))?.to_vec();
                Some(Self::Custom { speakers })
            }
            _ => None,
        }
    }

    /// The data of a packet.
    pub fn encode(&self) -> Bytes {
        let mut data = BytesMut::new();
        match self {
            Self::Unspecified { channels } => data.put_slice(&[UNSPECIFIED, *channels]),
            Self::Native { mask } => {
                data.put_slice(&[NATIVE, self.channels()]);
                data.put_u32(*mask);
            }
            Self::Custom { speakers } => {
                data.put_slice(&[CUSTOM, self.channels()]);
                data.put_slice(speakers);
            }
        }
        data.freeze()
    }

    /// How many channels there are.
    pub fn channels(&self) -> u8 {
        match self {
            Self::Unspecified { channels } => *channels,
            Self::Native { mask } => u8::try_from(mask.count_ones()).unwrap_or(MAX_CHANNELS),
            Self::Custom { speakers } => u8::try_from(speakers.len()).unwrap_or(u8::MAX),
        }
    }
}
