/// What one message may cost its reader. All of it counts per decoder, over both formats.
///
/// Worst case of the defaults: 2 MB, for 4,096 values of AMF3 of which each holds one other; 1.2 MB in AMF0. Text
/// is shared with the message that it came in.
///
/// ```
/// use levada_amf::AmfLimits;
///
/// // The key frame index of a long recording: two arrays with a number for each second.
/// let limits = AmfLimits { values: 1 << 16, ..AmfLimits::default() };
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct AmfLimits {
    /// Containers inside containers. Real messages have 2 or 3 levels. Default: 32, and never more than
    /// [`MAX_DEPTH`](crate::MAX_DEPTH).
    pub depth: usize,
    /// Values in a message, nested ones included; a member that an AMF3 class declares counts once more. A value
    /// takes 40 bytes and as many for its name; the first in a list has room for three more beside it.
    /// Default: 4,096.
    pub values: usize,
    /// Bytes of text, byte arrays and vectors, as if each had been sent in full: what AMF3 sends once and then
    /// refers to takes no memory again, but would if it were written. Default: 1 MiB.
    pub bytes: usize,
    /// Bytes of one string, XML text or byte array. Default: 256 KiB, as long as any data message.
    pub string: usize,
    /// Bytes of one property or class name. Default: 1,024.
    pub name: usize,
}

impl Default for AmfLimits {
    fn default() -> Self {
        Self { depth: 32, values: 4096, bytes: 1 << 20, string: 1 << 18, name: 1024 }
    }
}
