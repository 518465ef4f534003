//! Just enough JSON to write: hook bodies have fixed shapes, so a framework would only add weight.

use alloc::string::String;
use core::fmt::{Display, Write as _};

/// Writes one object, field by field.
#[derive(Debug)]
pub(crate) struct Object {
    text: String,
}

impl Object {
    pub(crate) fn new() -> Self {
        Self { text: String::from("{") }
    }

    fn key(&mut self, key: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        quote(&mut self.text, key);
        self.text.push(':');
    }

    pub(crate) fn text(mut self, key: &str, value: &str) -> Self {
        self.key(key);
        quote(&mut self.text, value);
        self
    }

    /// A number or a boolean.
    pub(crate) fn bare(mut self, key: &str, value: impl Display) -> Self {
        self.key(key);
        let _ = write!(self.text, "{value}");
        self
    }

    pub(crate) fn shown(self, key: &str, value: impl Display) -> Self {
        let value = alloc::format!("{value}");
        self.text(key, &value)
    }

    /// JSON that is ready, or `null`.
    pub(crate) fn raw(mut self, key: &str, json: &str) -> Self {
        self.key(key);
        self.text.push_str(json);
        self
    }

    pub(crate) fn optional(self, key: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.shown(key, value),
            None => self.raw(key, "null"),
        }
    }

    pub(crate) fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

/// A string with everything escaped that RFC 8259 section 7 asks for, and beside it `<`, because bodies end up in pages,
/// and the upper control characters, because they end up in terminals, where U+009B begins an escape sequence.
fn quote(into: &mut String, text: &str) {
    into.push('"');
    for letter in text.chars() {
        match letter {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\r' => into.push_str("\\r"),
            '\t' => into.push_str("\\t"),
            _ if letter.is_control() || matches!(letter, '<' | '\u{2028}' | '\u{2029}') => {
                let _ = write!(into, "\\u{:04x}", u32::from(letter));
            }
            _ => into.push(letter),
        }
    }
    into.push('"');
}
