use bytes::{Buf, Bytes, BytesMut};
use levada_amf::AmfLimits;
use levada_buf::Outbox;
use levada_flv::{
    FlvError, FlvItem, FlvReader, FlvTag, FlvWriter, Metadata, Packer, TagKind, Timeline,
    TimelineConfig, Unpacked, Unpacker,
};
use levada_media::{Frame, MediaEvent, Ticks, TrackId};

/// Any way of cutting a file gives the same items, and a file without fault is written as it was.
pub fn flv_read(data: &[u8]) {
    let Some((&size, file)) = data.split_first() else { return };
    let (items, offset, end) = read(file, file.len().max(1));
    assert_eq!(read(file, usize::from(size) + 1), (items.clone(), offset, end));
    assert!(offset <= file.len() as u64);
    let (mut out, mut writer) = (Outbox::new(), FlvWriter::new());
    for item in &items {
        match item {
            FlvItem::Header(header) => writer.header(header, &mut out),
            FlvItem::Tag(tag) => writer.tag(tag, &mut out).unwrap(),
            FlvItem::Finding(_) => return,
        }
    }
    if end.is_ok() && offset == file.len() as u64 {
        let written = out.copy_to_bytes(out.remaining());
        // Reserved flags of the header are not kept, and a size may be missing behind the last tag.
        let same = |at: usize| at == 4 || written[at] == file[at];
        assert!(file.len() <= written.len() && (0..file.len()).all(same));
    }
}

fn read(file: &[u8], size: usize) -> (Vec<FlvItem>, u64, Result<(), FlvError>) {
    let (mut input, mut reader, mut items) = (BytesMut::new(), FlvReader::new(), Vec::new());
    for piece in file.chunks(size) {
        input.extend_from_slice(piece);
        loop {
            match reader.read(&mut input) {
                Ok(Some(item)) => items.push(item),
                Ok(None) => break,
                Err(why) => return (items, reader.offset(), Err(why)),
            }
        }
    }
    (items, reader.offset(), reader.end(&input))
}

/// The messages of a script: kind, time, length, body.
fn messages(mut script: &[u8]) -> Vec<FlvTag> {
    let mut tags = Vec::new();
    while let [kind, time @ .., _, _, _, _] = script
        && time.len() >= 2
    {
        let [high, low, len, ..] = *time else { break };
        let kind = [TagKind::Video, TagKind::Audio, TagKind::Script, TagKind::ScriptAmf3]
            [usize::from(kind & 3)];
        // Steps of both sizes: some milliseconds, and half the circle.
        let timestamp = u32::from_be_bytes([high, 0, 0, low]);
        let body = &script[4..];
        let (body, rest) = body.split_at(usize::from(len).min(body.len()));
        tags.push(FlvTag::new(kind, timestamp, Bytes::copy_from_slice(body)));
        script = rest;
    }
    tags
}

fn events(unpacker: &mut Unpacker) -> Vec<MediaEvent> {
    let event = |it| if let Unpacked::Event(event) = it { Some(event) } else { None };
    core::iter::from_fn(|| unpacker.next()).filter_map(event).collect()
}

/// What is unpacked and packed is unpacked to the same: the second packing gives the same tags.
pub fn flv_round_trip(script: &[u8]) {
    let (mut first, mut second) = (Unpacker::default(), Unpacker::default());
    let (mut packer, mut again) = (Packer::default(), Packer::default());
    for message in messages(script) {
        first.push_tag(&message);
        for event in events(&mut first) {
            if let MediaEvent::Frame(frame) = &event {
                assert!(!frame.data.is_empty());
            }
            let tags: Vec<FlvTag> = packer.pack(&event).unwrap().map(FlvTag::from).collect();
            for tag in tags {
                second.push_tag(&tag);
                let mut repacked = Vec::new();
                for event in events(&mut second) {
                    repacked.extend(again.pack(&event).unwrap().map(FlvTag::from));
                }
                // A repeat of a configuration is nothing.
                assert!(
                    repacked.is_empty() || repacked.last() == Some(&tag),
                    "{tag:?} {repacked:?}"
                );
            }
        }
    }
}

/// Metadata that can be read is written and read again to the same.
pub fn flv_script(data: &[u8]) {
    let Some((&kind, body)) = data.split_first() else { return };
    let kind = if kind & 1 == 0 { TagKind::Script } else { TagKind::ScriptAmf3 };
    let mut unpacker = Unpacker::default();
    unpacker.push(kind, 0, Bytes::copy_from_slice(body));
    while let Some(unpacked) = unpacker.next() {
        let Unpacked::Metadata(metadata) = unpacked else { continue };
        // A reference to an object outside of it, and an AMF3 value without a name, cannot be written.
        let Ok(encoded) = metadata.encode() else { continue };
        let limits = AmfLimits { values: 1 << 20, bytes: 1 << 24, ..AmfLimits::default() };
        let read = Metadata::parse(encoded, limits).unwrap().unwrap();
        // As text: a number that is none is not equal to itself.
        assert_eq!(format!("{read:?}"), format!("{metadata:?}"));
    }
}

/// Whatever times come, those that leave go forward; with all switched off they are the same.
pub fn flv_timeline(script: &[u8]) {
    let mut timeline = Timeline::new(TimelineConfig::default());
    let mut off = Timeline::new(TimelineConfig::OFF);
    let mut last = [i64::MIN; 4];
    for step in script.chunks_exact(6) {
        let [track, shift, a, b, c, d] = *step else { unreachable!() };
        let number = track & 3;
        let dts = i64::from(i32::from_be_bytes([a, b, c, d])) << (shift % 34);
        let mut frame = Frame::new(TrackId::video(number), Ticks(dts), Bytes::new());
        frame.cts = i32::from(shift);
        let event = MediaEvent::Frame(frame);
        assert_eq!(off.push(event.clone()), event);
        let MediaEvent::Frame(out) = timeline.push(event) else { unreachable!() };
        assert!(out.dts.0 >= last[usize::from(number)]);
        last[usize::from(number)] = out.dts.0;
    }
}
