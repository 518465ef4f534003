//! What the tests of this crate share: vectors, a reader of packets that owes nothing to the crate, and a few
//! tracks.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "each test file uses a part of it"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::{Bytes, BytesMut};
use levada_media::{Frame, MediaEvent, Track, TrackId};
use levada_ts::{DemuxConfig, Finding, MuxConfig, TsDemuxer, TsEvent, TsMuxer};
use serde_json::Value;

pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name)
}

pub fn read(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

/// The rows of `ts.json`, one for each file.
pub fn rows() -> Vec<Value> {
    let json: Value = serde_json::from_slice(&read("ts.json")).unwrap();
    json["ts"].as_array().unwrap().clone()
}

/// All that a demuxer makes of a whole stream.
#[derive(Default, PartialEq)]
pub struct Demuxed {
    pub events: Vec<MediaEvent>,
    pub findings: Vec<(u64, Finding)>,
}

/// Short enough to be read when a test fails.
impl core::fmt::Debug for Demuxed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let mut list = f.debug_list();
        for event in &self.events {
            match event {
                MediaEvent::Frame(it) => {
                    list.entry(&format_args!("{} {} {}", it.track, it.dts.0, it.data.len()))
                }
                other => list.entry(&format_args!("{}", other.track())),
            };
        }
        list.entries(&self.findings).finish()
    }
}

impl Demuxed {
    pub fn of(bytes: &[u8]) -> Self {
        Self::of_pieces(&[bytes])
    }

    pub fn of_pieces(pieces: &[&[u8]]) -> Self {
        let mut demuxer = TsDemuxer::new(DemuxConfig::default());
        let mut input = BytesMut::new();
        let mut all = Self::default();
        for piece in pieces {
            input.extend_from_slice(piece);
            all.drain(&mut demuxer, &mut input);
            assert!(input.len() < 613, "{} bytes are left", input.len());
        }
        demuxer.end();
        all.drain(&mut demuxer, &mut input);
        assert!(input.is_empty());
        all
    }

    pub fn drain(&mut self, demuxer: &mut TsDemuxer, input: &mut BytesMut) {
        while let Some(event) = demuxer.next_event(input) {
            match event {
                TsEvent::Media(event) => self.events.push(event),
                TsEvent::Found { offset, finding } => self.findings.push((offset, finding)),
            }
        }
    }

    pub fn frames(&self, id: TrackId) -> Vec<&Frame> {
        self.events
            .iter()
            .filter_map(|event| match event {
                MediaEvent::Frame(frame) if frame.track == id => Some(frame),
                _ => None,
            })
            .collect()
    }

    pub fn tracks(&self) -> Vec<&Track> {
        self.events
            .iter()
            .filter_map(|event| if let MediaEvent::Track(it) = event { Some(it) } else { None })
            .collect()
    }
}

/// One packet, read by the letter of ISO/IEC 13818-1 §2.4.3.
#[derive(Clone, Debug)]
pub struct Packet {
    pub pid: u16,
    pub start: bool,
    pub counter: u8,
    pub random_access: bool,
    pub discontinuity: bool,
    /// 27 MHz.
    pub pcr: Option<u64>,
    pub payload: Option<Vec<u8>>,
}

/// One PES packet.
#[derive(Clone, Debug)]
pub struct Pes {
    pub pid: u16,
    pub stream_id: u8,
    pub length: usize,
    pub aligned: bool,
    pub pts: Option<u64>,
    pub dts: Option<u64>,
    pub random_access: bool,
    pub payload: Vec<u8>,
}

/// A stream, taken apart. Every rule that holds for all streams is asserted on the way.
#[derive(Debug, Default)]
pub struct Stream {
    pub packets: Vec<Packet>,
    /// Version and body of each PMT.
    pub pmts: Vec<(u8, Vec<u8>)>,
    pub pes: Vec<Pes>,
}

impl Stream {
    pub fn of(bytes: &[u8]) -> Self {
        assert!(bytes.len().is_multiple_of(188));
        let mut stream = Self::default();
        let mut counters: BTreeMap<u16, u8> = BTreeMap::new();
        let mut open: BTreeMap<u16, Pes> = BTreeMap::new();
        for (index, bytes) in bytes.chunks(188).enumerate() {
            let packet = packet(bytes);
            if let Some(payload) = &packet.payload {
                if let Some(last) = counters.insert(packet.pid, packet.counter) {
                    assert_eq!(packet.counter, (last + 1) % 16, "packet {index}");
                }
                match packet.pid {
                    0 => assert_eq!(crc(&section(payload)), 0),
                    0x1000 => {
                        let section = section(payload);
                        assert_eq!((section[0], crc(&section)), (2, 0));
                        stream
                            .pmts
                            .push((section[5] >> 1 & 31, section[8..section.len() - 4].to_vec()));
                    }
                    pid if packet.start => {
                        let pes = pes(pid, payload, packet.random_access);
                        stream.pes.extend(open.insert(pid, pes).map(check));
                    }
                    pid => open.get_mut(&pid).unwrap().payload.extend_from_slice(payload),
                }
            }
            stream.packets.push(packet);
        }
        stream.pes.extend(open.into_values().map(check));
        stream
    }

    pub fn pcrs(&self) -> Vec<u64> {
        self.packets.iter().filter_map(|it| it.pcr).collect()
    }

    pub fn pes_of(&self, pid: u16) -> Vec<&Pes> {
        self.pes.iter().filter(|it| it.pid == pid).collect()
    }
}

fn packet(bytes: &[u8]) -> Packet {
    assert_eq!(bytes[0], 0x47);
    assert_eq!(bytes[1] & 0xA0, 0, "error or priority");
    assert_eq!(bytes[3] >> 6, 0, "scrambled");
    let (has_field, has_payload) = (bytes[3] & 0x20 != 0, bytes[3] & 0x10 != 0);
    let field_len = if has_field { 1 + usize::from(bytes[4]) } else { 0 };
    let field = &bytes[4..4 + field_len];
    assert!(has_payload || field_len == 184);
    assert!(!has_payload || field_len < 184);
    let flags = if field_len > 1 { field[1] } else { 0 };
    assert_eq!(flags & 0x2F, 0, "no other fields are written");
    let pcr = (flags & 0x10 != 0).then(|| {
        let base = field[2..6].iter().fold(0, |base, byte| base << 8 | u64::from(*byte)) << 1
            | u64::from(field[6] >> 7);
        assert_eq!(field[6] & 0x7E, 0x7E);
        base * 300 + (u64::from(field[6] & 1) << 8 | u64::from(field[7]))
    });
    let stuffing = &field[field_len.min(if pcr.is_some() { 8 } else { 2 })..];
    assert!(stuffing.iter().all(|it| *it == 0xFF));
    Packet {
        pid: u16::from(bytes[1] & 0x1F) << 8 | u16::from(bytes[2]),
        start: bytes[1] & 0x40 != 0,
        counter: bytes[3] & 0x0F,
        random_access: flags & 0x40 != 0,
        discontinuity: flags & 0x80 != 0,
        pcr,
        payload: has_payload.then(|| bytes[4 + field_len..].to_vec()),
    }
}

/// A section that fits in one packet.
fn section(payload: &[u8]) -> Vec<u8> {
    assert_eq!(payload[0], 0, "pointer_field");
    let length = usize::from(payload[2] & 0x0F) << 8 | usize::from(payload[3]);
    assert!(payload[4 + length..].iter().all(|it| *it == 0xFF));
    payload[1..4 + length].to_vec()
}

fn crc(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte) << 24, |crc, _| {
            if crc >> 31 == 1 { crc << 1 ^ 0x04C1_1DB7 } else { crc << 1 }
        })
    })
}

fn pes(pid: u16, bytes: &[u8], random_access: bool) -> Pes {
    assert_eq!(bytes[..3], [0, 0, 1]);
    assert_eq!(bytes[6] & 0xFB, 0x80);
    let times = bytes[7] >> 6;
    assert_eq!(bytes[7] & 0x3F, 0);
    assert_eq!(bytes[8], [0, 99, 5, 10][usize::from(times)]);
    let time = |at: usize, prefix: u8| {
        let b = &bytes[at..at + 5];
        assert_eq!((b[0] >> 4, b[0] & 1, b[2] & 1, b[4] & 1), (prefix, 1, 1, 1));
        u64::from(b[0] >> 1 & 7) << 30
            | u64::from(b[1]) << 22
            | u64::from(b[2] >> 1) << 15
            | u64::from(b[3]) << 7
            | u64::from(b[4] >> 1)
    };
    Pes {
        pid,
        stream_id: bytes[3],
        length: usize::from(bytes[4]) << 8 | usize::from(bytes[5]),
        aligned: bytes[6] & 4 != 0,
        pts: (times & 2 != 0).then(|| time(9, times)),
        dts: (times == 3).then(|| time(14, 1)),
        random_access,
        payload: bytes[9 + usize::from(bytes[8])..].to_vec(),
    }
}

fn check(pes: Pes) -> Pes {
    if pes.length == 0 {
        assert!((0xE0..0xF0).contains(&pes.stream_id), "only video may have any length");
    } else {
        let header = match (pes.pts, pes.dts) {
            (None, _) => 3,
            (_, None) => 8,
            (_, Some(_)) => 13,
        };
        assert_eq!(pes.length, header + pes.payload.len());
    }
    pes
}

/// A frame at a time, in its track's ticks.
pub fn frame(track: TrackId, dts: i64, data: &[u8]) -> Frame {
    Frame::new(track, levada_media::Ticks(dts), Bytes::copy_from_slice(data))
}

/// The video track of the first vector: H.264, 160x90, in 90 kHz ticks.
pub fn avc() -> Track {
    Demuxed::of(&read("seg0.ts")).tracks()[0].clone()
}

/// Its audio track: AAC, 48 kHz, mono.
pub fn aac() -> Track {
    Demuxed::of(&read("seg0.ts")).tracks()[1].clone()
}

/// A frame of one NAL unit behind its length.
pub fn picture(track: TrackId, dts: i64, key: bool, len: usize) -> Frame {
    let mut data = u32::try_from(len + 1).unwrap().to_be_bytes().to_vec();
    data.push(if key { 0x65 } else { 0x41 });
    data.resize(data.len() + len, 0xAB);
    frame(track, dts, &data)
}

/// Muxes events in order, and flushes.
pub fn mux(config: MuxConfig, events: impl IntoIterator<Item = MediaEvent>) -> BytesMut {
    let mut muxer = TsMuxer::new(config);
    let mut out = BytesMut::new();
    for event in events {
        muxer.push(&event, &mut out).unwrap();
    }
    muxer.flush(&mut out);
    out
}
