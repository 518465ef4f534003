use alloc::vec::Vec;

use bytes::{Buf, Bytes};
use levada_amf::amf0::Decoder;
use levada_amf::{AmfError, AmfLimits, AmfString, Finding, Value};

use crate::TagKind;

/// The body of a script tag, or of an RTMP data message: a name and values.
///
/// ```
/// use bytes::Bytes;
/// use levada_amf::AmfLimits;
/// use levada_flv::{Script, TagKind};
///
/// let body = Bytes::from_static(b"\x02\0\x0aonTextData\x02\0\x02hi");
/// let script = Script::parse(TagKind::Script, body, AmfLimits::default())?;
/// assert_eq!(script.name, "onTextData");
/// assert_eq!(script.values[0].as_str(), Some("hi"));
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Script {
    /// The name of the method. Empty if there is none.
    pub name: AmfString,
    /// What follows the name.
    pub values: Vec<Value>,
    /// The bytes of name and values, without what RTMP puts before them. AMF0 as a file has it, unless AMF3 values
    /// are in it.
    pub data: Bytes,
    /// What the decoder had to tolerate.
    pub findings: Vec<Finding>,
}

/// What publishers put before a name that a server shall keep for later players (RTMP practice).
const SET_DATA_FRAME: &str = "@setDataFrame";

impl Script {
    /// Parses a body of kind [`TagKind::Script`] or [`TagKind::ScriptAmf3`].
    ///
    /// Before the name there may be `@setDataFrame`, and numbers (Uniview cameras); they are left out. Arrays at the
    /// end may lack their end marker (old FLV tools).
    ///
    /// # Errors
    ///
    /// If it is not AMF, or over the limits.
    pub fn parse(kind: TagKind, mut body: Bytes, limits: AmfLimits) -> Result<Self, AmfError> {
        // E-RTMP §AMF: type 15 has a format selector of 0 before values in AMF0. Some senders omit it, and what it
        // would then be is the marker of a number, which no name begins with.
        if kind == TagKind::ScriptAmf3 && body.first() == Some(&0) {
            body.advance(1);
        }
        let mut decoder = Decoder::lenient(body, limits);
        let mut script = Self {
            name: AmfString::default(),
            values: Vec::new(),
            data: decoder.remaining(),
            findings: Vec::new(),
        };
        let mut named = false;
        loop {
            let data = decoder.remaining();
            let Some(value) = decoder.next_value()? else { break };
            match value {
                Value::String(name) if !named && name == SET_DATA_FRAME => {}
                Value::String(name) if !named => {
                    named = true;
                    script.name = name;
                    script.data = data;
                }
                Value::Number(_) if !named => {}
                value => script.values.push(value),
            }
        }
        script.findings = decoder.findings().to_vec();
        Ok(script)
    }
}
