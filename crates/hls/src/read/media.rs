use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use super::rules::{self, Rule, Violation};
use super::{Line, Lines, ReadError, multivariant};
use crate::attributes::{Attribute, attributes, integer, seconds};
use crate::date;

/// A media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadMedia {
    /// `EXT-X-VERSION`, 1 if it is not there.
    pub version: u64,
    /// Seconds. 0 if it is missing, which is a violation.
    pub target_duration: u64,
    /// `PART-TARGET`.
    pub part_target: Option<Duration>,
    /// Media sequence number of the first segment, skipped ones included.
    pub media_sequence: u64,
    /// Discontinuity sequence before the first segment.
    pub discontinuity_sequence: u64,
    /// Whether and how it may change.
    pub playlist_type: PlaylistType,
    /// `EXT-X-INDEPENDENT-SEGMENTS`.
    pub independent_segments: bool,
    /// `EXT-X-I-FRAMES-ONLY`.
    pub i_frames_only: bool,
    /// `EXT-X-ENDLIST`.
    pub ended: bool,
    /// `TIME-OFFSET` of `EXT-X-START` in nanoseconds, negative from the end.
    pub start_offset: Option<i128>,
    /// What the server can do.
    pub server_control: ServerControl,
    /// What a delta update leaves out.
    pub skip: Option<Skip>,
    /// Complete segments in order.
    pub segments: Vec<ReadSegment>,
    /// Parts of the segment that is not complete yet.
    pub open_parts: Vec<ReadPart>,
    /// When the first of them was shown, in milliseconds since 1970, if they have a date of their own.
    pub open_date_time: Option<i64>,
    /// Discontinuity sequence of the open segment.
    pub open_discontinuity: u64,
    /// Keys and map in force for the open segment.
    pub open_map: Option<Arc<Map>>,
    /// What will come.
    pub hints: Vec<Hint>,
    /// Where the other renditions are.
    pub reports: Vec<RenditionReport>,
    /// Dated metadata.
    pub date_ranges: Vec<ReadDateRange>,
    /// Rules that the playlist breaks.
    pub violations: Vec<Violation>,
}

/// Whether a playlist may change.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "§4.4.3.5 knows these")]
pub enum PlaylistType {
    /// Segments come and go.
    #[default]
    Live,
    /// Segments come.
    Event,
    /// It stays as it is.
    Vod,
}

/// `EXT-X-SERVER-CONTROL`.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ServerControl {
    /// Whether a request may wait for what it asks for.
    pub can_block_reload: bool,
    /// From how far before the end on segments can be skipped.
    pub can_skip_until: Option<Duration>,
    /// Whether date ranges can be skipped.
    pub can_skip_date_ranges: bool,
    /// How far from the end to start.
    pub hold_back: Option<Duration>,
    /// How far from the end to start when playing parts.
    pub part_hold_back: Option<Duration>,
}

/// `EXT-X-SKIP`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Skip {
    /// How many segments are left out.
    pub segments: u64,
    /// Ids of date ranges that went away.
    pub removed_date_ranges: Vec<String>,
}

/// A complete segment.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ReadSegment {
    /// The line of its URI, from 1.
    pub line: usize,
    /// Media sequence number.
    pub sequence: u64,
    /// Discontinuity sequence number.
    pub discontinuity: u64,
    /// Where it is.
    pub uri: String,
    /// `EXTINF`.
    pub duration: Duration,
    /// What stands behind the duration.
    pub title: String,
    /// Which part of the resource it is.
    pub byte_range: Option<ByteRange>,
    /// Its init section.
    pub map: Option<Arc<Map>>,
    /// Keys in force, one a key format.
    pub keys: Arc<[Key]>,
    /// `EXT-X-PROGRAM-DATE-TIME` in milliseconds since 1970, if it has its own.
    pub program_date_time: Option<i64>,
    /// `EXT-X-GAP`: there is no media.
    pub gap: bool,
    /// `EXT-X-BITRATE` in kbit/s.
    pub bitrate: Option<u64>,
    /// Its parts, if they are still listed.
    pub parts: Vec<ReadPart>,
}

/// `EXT-X-PART`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReadPart {
    /// From 1.
    pub line: usize,
    /// Where it is.
    pub uri: String,
    /// How long it is.
    pub duration: Duration,
    /// Whether it holds an independent frame.
    pub independent: bool,
    /// Which part of the resource it is.
    pub byte_range: Option<ByteRange>,
    /// There is no media.
    pub gap: bool,
}

/// A part of a resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ByteRange {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub len: u64,
}

/// `EXT-X-MAP`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Map {
    /// Where it is.
    pub uri: String,
    /// Which part of the resource it is.
    pub byte_range: Option<ByteRange>,
}

/// `EXT-X-KEY`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Key {
    /// `AES-128`, `SAMPLE-AES` …
    pub method: String,
    /// Where the key is.
    pub uri: String,
    /// Initialisation vector. Without one the media sequence number serves.
    pub iv: Option<[u8; 16]>,
    /// `identity` unless said otherwise.
    pub format: String,
}

/// `EXT-X-PRELOAD-HINT`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Hint {
    /// What will come.
    pub kind: HintKind,
    /// Where it will be.
    pub uri: String,
    /// From which byte on.
    pub offset: u64,
    /// How many bytes, if that is known.
    pub len: Option<u64>,
}

/// What an `EXT-X-PRELOAD-HINT` announces.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(clippy::exhaustive_enums, reason = "§4.4.5.3 knows these")]
pub enum HintKind {
    /// The next part.
    Part,
    /// The next init section.
    Map,
}

/// `EXT-X-RENDITION-REPORT`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct RenditionReport {
    /// The other playlist.
    pub uri: String,
    /// Its last media sequence number.
    pub last_sequence: Option<u64>,
    /// Its last part.
    pub last_part: Option<u64>,
}

/// `EXT-X-DATERANGE`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct ReadDateRange {
    /// From 1.
    pub line: usize,
    /// Names it within the playlist.
    pub id: String,
    /// Milliseconds since 1970.
    pub start: Option<i64>,
    /// Milliseconds since 1970.
    pub end: Option<i64>,
    /// How long it is.
    pub duration: Option<Duration>,
    /// How long it was meant to be.
    pub planned_duration: Option<Duration>,
    /// All other attributes, without quotes.
    pub attributes: Vec<(String, String)>,
}

const OWN_TAGS: &[&str] = &[
    "#EXTINF",
    "#EXT-X-TARGETDURATION",
    "#EXT-X-MEDIA-SEQUENCE",
    "#EXT-X-DISCONTINUITY",
    "#EXT-X-ENDLIST",
    "#EXT-X-PLAYLIST-TYPE",
    "#EXT-X-I-FRAMES-ONLY",
    "#EXT-X-BYTERANGE",
    "#EXT-X-KEY",
    "#EXT-X-MAP",
    "#EXT-X-PROGRAM-DATE-TIME",
    "#EXT-X-PART",
    "#EXT-X-SERVER-CONTROL",
    "#EXT-X-GAP",
];

pub(super) fn is_own_tag(line: &str) -> bool {
    OWN_TAGS.iter().any(|tag| {
        line.strip_prefix(tag)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(':') || rest.starts_with('-'))
    })
}

pub(super) fn read(
    mut lines: Lines<'_>,
    violations: Vec<Violation>,
) -> Result<ReadMedia, ReadError> {
    let mut reader = Reader::new(violations);
    while let Some(line) = lines.next_line()? {
        if multivariant::is_own_tag(&line.text) {
            return Err(ReadError::Mixed { line: line.number });
        }
        if line.text.starts_with('#') {
            reader.tag(&line)?;
        } else {
            reader.uri(line);
        }
    }
    Ok(reader.finish())
}

/// What is collected between two URIs, and what stays in force across them.
struct Reader {
    list: ReadMedia,
    /// Tags that may stand once and did.
    seen: Vec<&'static str>,
    /// The segment that the tags so far belong to.
    next: ReadSegment,
    has_duration: bool,
    discontinuity: u64,
    sequence: u64,
    map: Option<Arc<Map>>,
    keys: Arc<[Key]>,
    bitrate: Option<u64>,
    segment_end: (String, u64),
    part_end: (String, u64),
    needs: Vec<(usize, &'static str, u64)>,
}

impl Reader {
    fn new(violations: Vec<Violation>) -> Self {
        Self {
            list: ReadMedia { version: 1, violations, ..ReadMedia::default() },
            seen: Vec::new(),
            next: ReadSegment::default(),
            has_duration: false,
            discontinuity: 0,
            sequence: 0,
            map: None,
            keys: Arc::new([]),
            bitrate: None,
            segment_end: (String::new(), 0),
            part_end: (String::new(), 0),
            needs: Vec::new(),
        }
    }

    fn broken(&mut self, line: usize, rule: Rule) {
        self.list.violations.push(Violation { line, rule });
    }

    /// Remembers that a feature was used that needs a version (§8).
    fn needs(&mut self, line: &Line<'_>, what: &'static str, version: u64) {
        self.needs.push((line.number, what, version));
    }

    /// Notes a tag of which there may be one.
    fn once(&mut self, line: &Line<'_>, tag: &'static str) {
        if self.seen.contains(&tag) {
            self.broken(line.number, Rule::Repeated(tag));
        }
        self.seen.push(tag);
    }

    fn tag(&mut self, line: &Line<'_>) -> Result<(), ReadError> {
        let (name, value) = line.text.split_once(':').unwrap_or((&line.text, ""));
        let tag_error = |tag| ReadError::Tag { line: line.number, tag };
        match name {
            "#EXT-X-VERSION" => {
                self.once(line, "EXT-X-VERSION");
                self.list.version = integer(value).ok_or_else(|| tag_error("EXT-X-VERSION"))?;
            }
            "#EXT-X-TARGETDURATION" => {
                self.once(line, "EXT-X-TARGETDURATION");
                // Some packagers write a fraction: round it as they meant it.
                self.list.target_duration = integer(value)
                    .or_else(|| seconds(value).map(rules::rounded))
                    .ok_or_else(|| tag_error("EXT-X-TARGETDURATION"))?;
            }
            "#EXT-X-MEDIA-SEQUENCE" => {
                let sequence = integer(value).ok_or_else(|| tag_error("EXT-X-MEDIA-SEQUENCE"))?;
                if self.is_before_segments(line, "EXT-X-MEDIA-SEQUENCE") {
                    (self.sequence, self.list.media_sequence) = (sequence, sequence);
                }
            }
            "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                let sequence =
                    integer(value).ok_or_else(|| tag_error("EXT-X-DISCONTINUITY-SEQUENCE"))?;
                if self.is_before_segments(line, "EXT-X-DISCONTINUITY-SEQUENCE") {
                    (self.discontinuity, self.list.discontinuity_sequence) = (sequence, sequence);
                }
            }
            "#EXT-X-PLAYLIST-TYPE" => {
                self.once(line, "EXT-X-PLAYLIST-TYPE");
                self.list.playlist_type = match value {
                    "EVENT" => PlaylistType::Event,
                    "VOD" => PlaylistType::Vod,
                    _ => PlaylistType::Live,
                };
            }
            "#EXT-X-INDEPENDENT-SEGMENTS" => self.list.independent_segments = true,
            "#EXT-X-I-FRAMES-ONLY" => {
                self.needs(line, "EXT-X-I-FRAMES-ONLY", 4);
                self.list.i_frames_only = true;
            }
            "#EXT-X-ENDLIST" => self.list.ended = true,
            "#EXT-X-START" => self.list.start_offset = start_offset(value),
            "#EXT-X-SERVER-CONTROL" => {
                self.once(line, "EXT-X-SERVER-CONTROL");
                self.list.server_control = server_control(value);
            }
            "#EXT-X-PART-INF" => {
                self.once(line, "EXT-X-PART-INF");
                self.list.part_target = Some(
                    attribute(value, "PART-TARGET")
                        .and_then(seconds)
                        .ok_or_else(|| tag_error("EXT-X-PART-INF"))?,
                );
            }
            "#EXT-X-SKIP" => {
                self.needs(line, "EXT-X-SKIP", 9);
                if attribute(value, "RECENTLY-REMOVED-DATERANGES").is_some() {
                    self.needs(line, "RECENTLY-REMOVED-DATERANGES", 10);
                }
                let skip = skip(value).ok_or_else(|| tag_error("EXT-X-SKIP"))?;
                if self.is_before_segments(line, "EXT-X-SKIP") {
                    self.sequence = self.sequence.saturating_add(skip.segments);
                    self.list.skip = Some(skip);
                }
            }
            "#EXT-X-DISCONTINUITY" => self.discontinuity = self.discontinuity.saturating_add(1),
            "#EXTINF" => self.duration(line, value)?,
            "#EXT-X-BYTERANGE" => {
                self.needs(line, "EXT-X-BYTERANGE", 4);
                // Its offset may depend on the URI, which comes later.
                self.next.byte_range = byte_range(value, None);
            }
            "#EXT-X-KEY" => self.key(line, value),
            "#EXT-X-MAP" => self.map(line, value),
            "#EXT-X-PROGRAM-DATE-TIME" => self.next.program_date_time = date::parse(value),
            "#EXT-X-GAP" => self.next.gap = true,
            "#EXT-X-BITRATE" => self.bitrate = integer(value),
            "#EXT-X-PART" => self.part(line, value),
            "#EXT-X-PRELOAD-HINT" => self.hint(line, value),
            "#EXT-X-RENDITION-REPORT" => self.report(line, value),
            "#EXT-X-DATERANGE" => self.date_range(line, value),
            // Unknown tags are ignored (§6.3.1).
            _ => {}
        }
        Ok(())
    }

    /// Whether a tag that counts the first segment stands where it may. Elsewhere it is passed over.
    fn is_before_segments(&mut self, line: &Line<'_>, tag: &'static str) -> bool {
        self.once(line, tag);
        let before = self.list.segments.is_empty() && self.list.skip.is_none();
        if !before {
            self.broken(line.number, Rule::AfterSegment(tag));
        }
        before
    }

    fn duration(&mut self, line: &Line<'_>, value: &str) -> Result<(), ReadError> {
        let (duration, title) = value.split_once(',').unwrap_or((value, ""));
        if duration.contains('.') {
            self.needs(line, "a fraction in EXTINF", 3);
        }
        self.next.duration =
            seconds(duration.trim()).ok_or(ReadError::Tag { line: line.number, tag: "EXTINF" })?;
        title.clone_into(&mut self.next.title);
        self.has_duration = true;
        Ok(())
    }

    fn key(&mut self, line: &Line<'_>, value: &str) {
        let method = attribute(value, "METHOD").unwrap_or("NONE");
        if method == "NONE" {
            self.keys = Arc::new([]);
            return;
        }
        let format = attribute(value, "KEYFORMAT").unwrap_or("identity");
        let iv = attribute(value, "IV").map(initialisation_vector);
        if iv.is_some() {
            self.needs(line, "IV of EXT-X-KEY", 2);
        }
        let (Some(uri), None | Some(Some(_))) = (attribute(value, "URI"), iv) else {
            return self.broken(line.number, Rule::Attribute("EXT-X-KEY"));
        };
        let key = Key {
            method: method.to_owned(),
            uri: uri.to_owned(),
            iv: iv.flatten(),
            format: format.to_owned(),
        };
        let others = self.keys.iter().filter(|it| it.format != key.format).cloned();
        self.keys = others.chain([key.clone()]).collect();
    }

    fn map(&mut self, line: &Line<'_>, value: &str) {
        if !self.list.i_frames_only {
            self.needs(line, "EXT-X-MAP", 6);
        }
        let Some(uri) = attribute(value, "URI") else {
            return self.broken(line.number, Rule::Attribute("EXT-X-MAP"));
        };
        let byte_range = attribute(value, "BYTERANGE").and_then(|it| byte_range(it, Some(0)));
        self.map = Some(Arc::new(Map { uri: uri.to_owned(), byte_range }));
    }

    fn part(&mut self, line: &Line<'_>, value: &str) {
        let (Some(uri), Some(duration)) =
            (attribute(value, "URI"), attribute(value, "DURATION").and_then(seconds))
        else {
            return self.broken(line.number, Rule::Attribute("EXT-X-PART"));
        };
        let follows = if self.part_end.0 == uri { self.part_end.1 } else { 0 };
        let byte_range = attribute(value, "BYTERANGE").and_then(|it| byte_range(it, Some(follows)));
        if let Some(range) = byte_range {
            self.part_end = (uri.to_owned(), range.offset.saturating_add(range.len));
        }
        self.next.parts.push(ReadPart {
            line: line.number,
            uri: uri.to_owned(),
            duration,
            independent: attribute(value, "INDEPENDENT") == Some("YES"),
            byte_range,
            gap: attribute(value, "GAP") == Some("YES"),
        });
    }

    fn hint(&mut self, line: &Line<'_>, value: &str) {
        let kind = match attribute(value, "TYPE") {
            Some("PART") => HintKind::Part,
            Some("MAP") => HintKind::Map,
            // An unknown value of a known enumeration takes the tag with it (§6.3.1).
            Some(_) => return,
            None => return self.broken(line.number, Rule::Attribute("EXT-X-PRELOAD-HINT")),
        };
        let Some(uri) = attribute(value, "URI") else {
            return self.broken(line.number, Rule::Attribute("EXT-X-PRELOAD-HINT"));
        };
        self.list.hints.push(Hint {
            kind,
            uri: uri.to_owned(),
            offset: attribute(value, "BYTERANGE-START").and_then(integer).unwrap_or(0),
            len: attribute(value, "BYTERANGE-LENGTH").and_then(integer),
        });
    }

    fn report(&mut self, line: &Line<'_>, value: &str) {
        let Some(uri) = attribute(value, "URI") else {
            return self.broken(line.number, Rule::Attribute("EXT-X-RENDITION-REPORT"));
        };
        self.list.reports.push(RenditionReport {
            uri: uri.to_owned(),
            last_sequence: attribute(value, "LAST-MSN").and_then(integer),
            last_part: attribute(value, "LAST-PART").and_then(integer),
        });
    }

    fn date_range(&mut self, line: &Line<'_>, value: &str) {
        let mut range = ReadDateRange { line: line.number, ..ReadDateRange::default() };
        for Attribute { name, value, .. } in attributes(value) {
            match name {
                "ID" => value.clone_into(&mut range.id),
                "START-DATE" => range.start = date::parse(value),
                "END-DATE" => range.end = date::parse(value),
                "DURATION" => range.duration = seconds(value),
                "PLANNED-DURATION" => range.planned_duration = seconds(value),
                _ => range.attributes.push((name.to_owned(), value.to_owned())),
            }
        }
        if range.id.is_empty() {
            return self.broken(line.number, Rule::Attribute("EXT-X-DATERANGE"));
        }
        // A later tag of the same id adds to the first (§4.4.5.1).
        match self.list.date_ranges.iter_mut().find(|it| it.id == range.id) {
            None => self.list.date_ranges.push(range),
            Some(first) => {
                first.start = first.start.or(range.start);
                first.end = first.end.or(range.end);
                first.duration = first.duration.or(range.duration);
                first.planned_duration = first.planned_duration.or(range.planned_duration);
                first.attributes.append(&mut range.attributes);
            }
        }
    }

    fn uri(&mut self, line: Line<'_>) {
        if !core::mem::take(&mut self.has_duration) {
            self.broken(line.number, Rule::NoDuration);
        }
        let mut segment = core::mem::take(&mut self.next);
        if let Some(range) = &mut segment.byte_range {
            if range.offset == u64::MAX {
                range.offset = if self.segment_end.0 == line.text { self.segment_end.1 } else { 0 };
            }
            self.segment_end =
                (line.text.clone().into_owned(), range.offset.saturating_add(range.len));
        }
        segment.line = line.number;
        segment.uri = line.text.into_owned();
        segment.sequence = self.sequence;
        segment.discontinuity = self.discontinuity;
        segment.map.clone_from(&self.map);
        segment.keys.clone_from(&self.keys);
        segment.bitrate = self.bitrate.filter(|_| segment.byte_range.is_none());
        self.sequence = self.sequence.saturating_add(1);
        self.list.segments.push(segment);
    }

    fn finish(mut self) -> ReadMedia {
        self.list.open_parts = self.next.parts;
        self.list.open_date_time = self.next.program_date_time;
        self.list.open_discontinuity = self.discontinuity;
        self.list.open_map = self.map;
        let version = self.list.version;
        let mut found = Vec::new();
        for (line, what, needed) in self.needs {
            if version < needed {
                found.push(Violation { line, rule: Rule::Version { what, needed, version } });
            }
        }
        rules::check(&self.list, |line, rule| found.push(Violation { line, rule }));
        self.list.violations.append(&mut found);
        self.list
    }
}

fn attribute<'a>(list: &'a str, name: &str) -> Option<&'a str> {
    attributes(list).find(|it| it.name == name).map(|it| it.value)
}

/// `n[@o]`. Without an offset and without `follows` the offset is `u64::MAX` until the URI is known.
fn byte_range(value: &str, follows: Option<u64>) -> Option<ByteRange> {
    let (len, offset) = match value.split_once('@') {
        Some((len, offset)) => (len, integer(offset)?),
        None => (value, follows.unwrap_or(u64::MAX)),
    };
    Some(ByteRange { offset, len: integer(len)? })
}

fn server_control(list: &str) -> ServerControl {
    let yes = |name| attribute(list, name) == Some("YES");
    let time = |name| attribute(list, name).and_then(seconds);
    ServerControl {
        can_block_reload: yes("CAN-BLOCK-RELOAD"),
        can_skip_until: time("CAN-SKIP-UNTIL"),
        can_skip_date_ranges: yes("CAN-SKIP-DATERANGES"),
        hold_back: time("HOLD-BACK"),
        part_hold_back: time("PART-HOLD-BACK"),
    }
}

fn skip(list: &str) -> Option<Skip> {
    let removed = attribute(list, "RECENTLY-REMOVED-DATERANGES").unwrap_or_default();
    Some(Skip {
        segments: attribute(list, "SKIPPED-SEGMENTS").and_then(integer)?,
        removed_date_ranges: removed
            .split('\t')
            .filter(|it| !it.is_empty())
            .map(ToOwned::to_owned)
            .collect(),
    })
}

fn start_offset(list: &str) -> Option<i128> {
    let value = attribute(list, "TIME-OFFSET")?;
    let (sign, value) = value.strip_prefix('-').map_or((1, value), |it| (-1, it));
    Some(sign * i128::try_from(seconds(value)?.as_nanos()).ok()?)
}

fn initialisation_vector(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if digits.is_empty() || digits.len() > 32 || !digits.bytes().all(|it| it.is_ascii_hexdigit()) {
        return None;
    }
    Some(u128::from_str_radix(digits, 16).ok()?.to_be_bytes())
}
