//! Commands: a name, a transaction, an object and arguments, as AMF values.

use core::fmt;

use bytes::{Bytes, BytesMut};
use levada_amf::amf0::{self, Decoder};
use levada_amf::{AmfError, AmfLimits, AmfString, Object, Value};
use levada_chunk::MessageType;

use crate::{Level, Status};

/// A command message (types 20 and 17), either way. RTMP 1.0 §7.2.
///
/// ```
/// use levada_amf::{AmfLimits, Value};
/// use levada_chunk::MessageType;
/// use levada_session::Command;
///
/// let command = Command::new("createStream", 2.0).with(Value::Null);
/// let payload = command.encode()?;
/// let parsed = Command::parse(MessageType::COMMAND_AMF0, payload, AmfLimits::default())?;
/// assert_eq!((parsed.name.as_str(), parsed.transaction), (Some("createStream"), 2.0));
/// # Ok::<(), levada_amf::AmfError>(())
/// ```
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Command {
    /// What is to be done, or `_result`, `_error`, `onStatus`.
    pub name: AmfString,
    /// The number that the answer repeats. 0 wants no answer, and stands for a missing one.
    pub transaction: f64,
    /// The command object, null for most commands, and the arguments behind it.
    pub values: Vec<Value>,
    /// Why the values end where they end, if something follows that is no value.
    pub cut: Option<AmfError>,
}

impl Command {
    /// A command without object and arguments.
    pub fn new(name: impl Into<AmfString>, transaction: f64) -> Self {
        Self { name: name.into(), transaction, values: Vec::new(), cut: None }
    }

    /// The same with one more value: the object first, then the arguments.
    #[must_use]
    pub fn with(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// An `onStatus`, or another command that brings an information object. RTMP 1.0 §7.2.2.
    pub(crate) fn status(name: &'static str, transaction: f64, info: Object) -> Self {
        Self::new(name, transaction).with(Value::Null).with(info)
    }

    /// The object or argument at a place, 0 being the command object. Missing ones are undefined.
    pub fn value(&self, index: usize) -> &Value {
        self.values.get(index).unwrap_or(&Value::Undefined)
    }

    /// Reads a message of type 20, or of type 17 with its selector.
    ///
    /// Peers leave out arguments and add bytes: values are taken until one does not decode, and
    /// [`cut`](Self::cut) tells.
    ///
    /// # Errors
    ///
    /// When there is no name, or a limit is passed.
    pub fn parse(kind: MessageType, payload: Bytes, limits: AmfLimits) -> Result<Self, AmfError> {
        let mut decoder = if kind == MessageType::COMMAND_AMF3 {
            Decoder::with_selector(payload, limits)?
        } else {
            Decoder::new(payload, limits)
        };
        let name = match decoder.next_value()?.as_ref().and_then(Value::as_string) {
            Some(name) => name.clone(),
            None => AmfString::default(),
        };
        let mut command = Self::new(name, 0.0);
        loop {
            match decoder.next_value() {
                Ok(Some(value)) => command.values.push(value.into_amf0()),
                Ok(None) => break,
                Err(limit @ AmfError::Limit { .. }) => return Err(limit),
                Err(why) => {
                    command.cut = Some(why);
                    break;
                }
            }
        }
        if !command.values.is_empty() {
            command.transaction = command.values.remove(0).to_number().unwrap_or_default();
        }
        Ok(command)
    }

    /// The payload of a message of type 20.
    ///
    /// # Errors
    ///
    /// When a value is too deep or too long for the format.
    pub fn encode(&self) -> Result<Bytes, AmfError> {
        let mut body = BytesMut::new();
        let mut encoder = amf0::Encoder::new();
        encoder.encode(&Value::String(self.name.clone()), &mut body)?;
        encoder.encode(&Value::Number(self.transaction), &mut body)?;
        self.values.iter().try_for_each(|it| encoder.encode(it, &mut body))?;
        Ok(body.freeze())
    }
}

/// Arguments hold keys and tokens: only the name and the transaction are shown.
impl fmt::Debug for Command {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Command({:?}, {}, …)", self.name, self.transaction)
    }
}

/// What a status message says: the information object of `onStatus`, `_result` and `_error`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct StatusInfo {
    /// How grave it is.
    pub level: Level,
    /// The code as it was sent.
    pub code: String,
    /// What it says to people.
    pub description: String,
    /// What it is about: most often a stream's name.
    pub details: String,
}

impl StatusInfo {
    /// Reads an information object. What is missing is empty.
    pub fn parse(info: &Value) -> Self {
        let text = |name| {
            let value = info.as_object().and_then(|it| it.get(name)).and_then(Value::as_string);
            value.map(|it| bounded(&it.to_str_lossy())).unwrap_or_default()
        };
        Self {
            level: Level::parse(&text("level")),
            code: text("code"),
            description: text("description"),
            details: text("details"),
        }
    }

    /// The code as a value, if it is one that we know.
    pub fn status(&self) -> Option<Status> {
        Status::parse(&self.code)
    }
}

/// What is kept of a text that a peer sent for people to read.
fn bounded(text: &str) -> String {
    const MAX_TEXT: usize = 1024;
    text.chars().filter(|it| !it.is_control()).take(MAX_TEXT).collect()
}

/// The information object of a status.
pub(crate) fn info(status: Status, description: impl Into<AmfString>) -> Object {
    Object::new()
        .with("level", status.level().as_str())
        .with("code", status.code())
        .with("description", Value::String(description.into()))
}
