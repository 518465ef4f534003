//! AMF0 and AMF3: the values in RTMP commands and FLV script data, read and written without loss.
//!
//! ```text
//! message body: 02 0007 "connect"  00 3ff0…  03 0003 "app" 02 0004 "live" … 0000 09
//!               └─ String ───────┘ └ Number ┘ └─ Object { "app": String("live"), … } ─┘
//! ```
//!
//! [`amf0`] is the format of nearly everything: its [`Value`], [`Object`] and functions are what most readers
//! need. [`amf3`] is the format of a value behind AMF0's marker `11`.
//!
//! A command is written and read like this:
//!
//! ```
//! use bytes::BytesMut;
//! use levada_amf::{AmfLimits, Object, Value, amf0};
//!
//! let mut body = BytesMut::new();
//! let arguments = Object::new()
//!     .with("app", "live")
//!     .with("type", "nonprivate")
//!     .with("flashVer", "FMLE/3.0 (compatible; Levada)")
//!     .with("tcUrl", format!("rtmp://{}/live", "host.example"))
//!     .with("capsEx", 15)
//!     .with("fourCcList", ["av01", "hvc1"].into_iter().collect::<amf0::Array>());
//! amf0::encode_all(&["connect".into(), 1.into(), arguments.into()], &mut body)?;
//!
//! let values = amf0::decode_all(body.freeze(), AmfLimits::default())?;
//! let [name, transaction, command, ..] = &values[..] else { panic!("not a command") };
//! assert_eq!((name.as_str(), transaction.as_number()), (Some("connect"), Some(1.0)));
//! let command = command.as_object().unwrap();
//! assert_eq!(command.str("app"), Some("live"));
//! assert_eq!(command.get("capsEx").and_then(Value::to_u32), Some(15));
//! # Ok::<(), levada_amf::AmfError>(())
//! ```
//!
//! What was read is written again as it was: the order of properties, names that occur twice or are empty, ECMA
//! arrays and the counts they announce, references, time zones, text that is not UTF-8. Canonical input comes
//! back as the same bytes.
//!
//! Byte arrays and text are slices of the message that was decoded, short text is kept in place: reading a command
//! allocates the lists of its properties, and nothing else. [`Value::detach`] copies what is still shared, for
//! whoever keeps a value longer than its message.
//!
//! # Limits
//!
//! [`AmfLimits`] bounds what a peer can make a decoder do: depth, number of values, bytes of text. Nothing is
//! allocated from a count or a length that a peer announces. Every value, also one made by hand, is at most
//! [`MAX_DEPTH`] deep, so that whatever recurses through it (clone, compare, print, encode, drop) comes to an
//! end on any stack.
//!
//! Deviations that real software shows are accepted and reported as [`Finding`]s; everything else is an
//! [`AmfError`], after which a decoder or encoder only repeats that error.
//!
//! # What is not here
//!
//! Commands and their meaning: see `levada-session`. The key-value pairs of FLV script data: see `levada-flv`.
//! AMF remoting packets over HTTP. Mapping to Rust types: the values in these protocols are few and irregular.
//!
//! # Spec
//!
//! Adobe, *Action Message Format – AMF 0* (2007) and *AMF 3* (January 2013), cited as `AMF0 §…` and `AMF3 §…`.
//! Their known misprints are not followed: typed objects begin with `10`, arrays with their marker, and the
//! largest AMF3 integer is 2²⁸−1. Numbers are written in AMF3 as integers only when the value is one
//! ([`amf3::Value::Integer`]).
#![no_std]

extern crate alloc;

pub mod amf0;
pub mod amf3;
mod depth;
mod error;
mod finding;
mod limits;
mod source;
mod string;

pub use amf0::{Object, Value};
pub use depth::MAX_DEPTH;
pub use error::{AmfError, Fault, Limit, Misuse, Unsupported};
pub use finding::{Deviation, Finding};
pub use limits::AmfLimits;
pub use string::AmfString;
