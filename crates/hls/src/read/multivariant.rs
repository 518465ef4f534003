use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

use super::rules::{Rule, Violation};
use super::{Line, Lines, ReadError, media};
use crate::attributes::{Attribute, attributes, integer};

/// A multivariant playlist.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadMultivariant {
    /// `EXT-X-VERSION`, 1 if it is not there.
    pub version: u64,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-STREAM-INF`, in order.
    pub variants: Vec<ReadVariant>,
    /// `EXT-X-I-FRAME-STREAM-INF`, in order.
    pub i_frame_variants: Vec<ReadVariant>,
    /// `EXT-X-MEDIA`, in order.
    pub renditions: Vec<ReadRendition>,
    /// Rules that the playlist breaks.
    pub violations: Vec<Violation>,
}

/// A variant stream.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadVariant {
    /// Its media playlist.
    pub uri: String,
    /// Peak bits a second.
    pub bandwidth: u64,
    /// Average bits a second.
    pub average_bandwidth: Option<u64>,
    /// Codec strings, comma separated.
    pub codecs: String,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second, as written.
    pub frame_rate: String,
    /// Group of its audio renditions.
    pub audio: String,
    /// Group of its subtitle renditions.
    pub subtitles: String,
    /// All other attributes, without quotes.
    pub attributes: Vec<(String, String)>,
}

/// An alternative rendition.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadRendition {
    /// `AUDIO`, `VIDEO`, `SUBTITLES` or `CLOSED-CAPTIONS`.
    pub kind: String,
    /// The group it belongs to.
    pub group: String,
    /// What a person reads.
    pub name: String,
    /// RFC 5646.
    pub language: String,
    /// Its media playlist; empty if it is inside the variants.
    pub uri: String,
    /// Whether to play it unless the person chooses otherwise.
    pub default: bool,
    /// All other attributes, without quotes.
    pub attributes: Vec<(String, String)>,
}

const OWN_TAGS: &[&str] = &[
    "#EXT-X-STREAM-INF:",
    "#EXT-X-MEDIA:",
    "#EXT-X-I-FRAME-STREAM-INF:",
    "#EXT-X-SESSION-DATA:",
    "#EXT-X-SESSION-KEY:",
    "#EXT-X-CONTENT-STEERING:",
];

pub(super) fn is_own_tag(line: &str) -> bool {
    OWN_TAGS.iter().any(|tag| line.starts_with(tag))
}

pub(super) fn read(
    mut lines: Lines<'_>,
    violations: Vec<Violation>,
) -> Result<ReadMultivariant, ReadError> {
    let mut list = ReadMultivariant { version: 1, violations, ..ReadMultivariant::default() };
    let mut pending: Option<ReadVariant> = None;
    while let Some(line) = lines.next_line()? {
        if media::is_own_tag(&line.text) {
            return Err(ReadError::Mixed { line: line.number });
        }
        if let Some(value) = line.value("#EXT-X-VERSION") {
            list.version =
                integer(value).ok_or(ReadError::Tag { line: line.number, tag: "EXT-X-VERSION" })?;
        } else if line.text == "#EXT-X-INDEPENDENT-SEGMENTS" {
            list.independent_segments = true;
        } else if let Some(value) = line.value("#EXT-X-STREAM-INF") {
            pending = Some(variant(&line, value, &mut list.violations));
        } else if let Some(value) = line.value("#EXT-X-I-FRAME-STREAM-INF") {
            list.i_frame_variants.push(variant(&line, value, &mut list.violations));
        } else if let Some(value) = line.value("#EXT-X-MEDIA") {
            list.renditions.push(rendition(&line, value, &mut list.violations));
        } else if !line.text.starts_with('#') {
            match pending.take() {
                Some(variant) => {
                    list.variants.push(ReadVariant { uri: line.text.into_owned(), ..variant })
                }
                None => {
                    list.violations.push(Violation { line: line.number, rule: Rule::NoDuration })
                }
            }
        }
    }
    Ok(list)
}

fn variant(line: &Line<'_>, list: &str, violations: &mut Vec<Violation>) -> ReadVariant {
    let mut variant = ReadVariant::default();
    for Attribute { name, value, .. } in attributes(list) {
        match name {
            "URI" => value.clone_into(&mut variant.uri),
            "BANDWIDTH" => variant.bandwidth = integer(value).unwrap_or(0),
            "AVERAGE-BANDWIDTH" => variant.average_bandwidth = integer(value),
            "CODECS" => value.clone_into(&mut variant.codecs),
            "RESOLUTION" => variant.resolution = resolution(value),
            "FRAME-RATE" => value.clone_into(&mut variant.frame_rate),
            "AUDIO" => value.clone_into(&mut variant.audio),
            "SUBTITLES" => value.clone_into(&mut variant.subtitles),
            _ => variant.attributes.push((name.to_owned(), value.to_owned())),
        }
    }
    if variant.bandwidth == 0 {
        violations.push(Violation { line: line.number, rule: Rule::Attribute("EXT-X-STREAM-INF") });
    }
    variant
}

fn rendition(line: &Line<'_>, list: &str, violations: &mut Vec<Violation>) -> ReadRendition {
    let mut rendition = ReadRendition::default();
    for Attribute { name, value, .. } in attributes(list) {
        match name {
            "TYPE" => value.clone_into(&mut rendition.kind),
            "GROUP-ID" => value.clone_into(&mut rendition.group),
            "NAME" => value.clone_into(&mut rendition.name),
            "LANGUAGE" => value.clone_into(&mut rendition.language),
            "URI" => value.clone_into(&mut rendition.uri),
            "DEFAULT" => rendition.default = value == "YES",
            _ => rendition.attributes.push((name.to_owned(), value.to_owned())),
        }
    }
    if rendition.kind.is_empty() || rendition.group.is_empty() || rendition.name.is_empty() {
        violations.push(Violation { line: line.number, rule: Rule::Attribute("EXT-X-MEDIA") });
    }
    rendition
}

fn resolution(value: &str) -> Option<(u32, u32)> {
    let (width, height) = value.split_once('x')?;
    Some((u32::try_from(integer(width)?).ok()?, u32::try_from(integer(height)?).ok()?))
}
