//! Containers as sources and sinks of media events.

use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use levada_buf::Outbox;
use levada_flv::{
    FlvHeader, FlvItem, FlvReader, FlvWriter, Packer, Timeline, TimelineConfig, Unpacked, Unpacker,
    UnpackerConfig,
};
use levada_fmp4::{Fmp4Item, Fmp4Reader, Pieces, ReadLimits};
use levada_hls::{Container, Output, Segmenter, SegmenterConfig};
use levada_media::MediaEvent;
use levada_ts::{DemuxConfig, TsDemuxer, TsEvent};

use crate::file::write_pieces;

/// The ending of a file's name, which says what it is.
pub fn ending(path: &Path) -> &str {
    path.extension().and_then(|it| it.to_str()).unwrap_or_default()
}

/// Takes bytes off the input, and says what they mean. It has to know when no more will come.
pub type Source = Box<dyn FnMut(&mut BytesMut, bool) -> anyhow::Result<Option<MediaEvent>>>;

/// Reads a file of the kind that its ending says.
pub fn source(path: &Path) -> anyhow::Result<Source> {
    Ok(match ending(path) {
        "flv" => {
            let (mut reader, mut unpacker) =
                (FlvReader::new(), Unpacker::new(UnpackerConfig::for_files()));
            Box::new(move |input, _| {
                loop {
                    while let Some(unpacked) = unpacker.next() {
                        match unpacked {
                            Unpacked::Event(event) => return Ok(Some(event)),
                            Unpacked::Finding(finding) => eprintln!("{finding}"),
                            _ => {}
                        }
                    }
                    match reader.read(input)? {
                        Some(FlvItem::Tag(tag)) => unpacker.push_tag(&tag),
                        Some(_) => {}
                        None => return Ok(None),
                    }
                }
            })
        }
        "ts" => {
            let mut demuxer = TsDemuxer::new(DemuxConfig::default());
            Box::new(move |input, ended| {
                if ended {
                    demuxer.end();
                }
                while let Some(event) = demuxer.next_event(input) {
                    match event {
                        TsEvent::Media(event) => return Ok(Some(event)),
                        TsEvent::Found { offset, finding } => eprintln!("{offset}: {finding}"),
                    }
                }
                Ok(None)
            })
        }
        "mp4" | "m4s" => {
            let mut reader = Fmp4Reader::new(ReadLimits::default());
            Box::new(move |input, _| {
                while let Some(item) = reader.read(input)? {
                    match item {
                        Fmp4Item::Track(track) => return Ok(Some(MediaEvent::Track(track))),
                        Fmp4Item::Frame(frame) => return Ok(Some(MediaEvent::Frame(frame))),
                        Fmp4Item::Tolerated(quirk) => eprintln!("{quirk:?}"),
                        _ => {}
                    }
                }
                Ok(None)
            })
        }
        other => bail!("cannot read .{other}: .flv, .ts, .mp4 or .m4s"),
    })
}

/// Writes media events to a file.
pub enum Sink {
    /// FLV.
    Flv(Box<FlvFile>),
    /// Segments in a row: fragmented MP4 or MPEG-TS.
    Segments(Box<Segments>),
}

/// Segments that are written.
pub struct Segments {
    file: File,
    segmenter: Segmenter,
    keep: Keep,
    has_init: bool,
    /// Bytes of media that were written or passed over.
    media: u64,
}

/// What of the segments is written.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Keep {
    /// All.
    All,
    /// All but the media, for which holes are left.
    Heads,
    /// Only the media.
    Media,
}

/// An FLV file that is written.
pub struct FlvFile {
    file: BufWriter<File>,
    writer: FlvWriter,
    packer: Packer,
    timeline: Timeline,
    out: Outbox,
}

impl Sink {
    /// Writes to a file of the kind that `ending` says.
    pub fn new(file: File, ending: &str, keep: Keep) -> anyhow::Result<Self> {
        let container = match ending {
            "flv" => None,
            "ts" => Some(Container::Ts),
            "mp4" | "m4s" => Some(Container::Fmp4),
            other => bail!("cannot write .{other}: .flv, .ts, .mp4 or .m4s"),
        };
        let Some(container) = container else {
            let (mut writer, mut out) = (FlvWriter::new(), Outbox::new());
            writer.header(&FlvHeader::new(true, true), &mut out);
            let (file, packer) = (BufWriter::new(file), Packer::default());
            let timeline = Timeline::new(TimelineConfig::default());
            return Ok(Self::Flv(Box::new(FlvFile { file, writer, packer, timeline, out })));
        };
        let mut config = SegmenterConfig::default();
        (config.container, config.segment, config.part) = (container, Duration::from_secs(1), None);
        // Groups of pictures may be as long as they are: nobody waits for a segment.
        config.target_duration = Some(60);
        let segmenter = Segmenter::new(config);
        let segments = Segments { file, segmenter, keep, has_init: false, media: 0 };
        Ok(Self::Segments(Box::new(segments)))
    }

    /// Writes an event. What cannot be in this container is left out, and told.
    pub fn push(&mut self, event: MediaEvent) -> anyhow::Result<()> {
        match self {
            Self::Flv(flv) => {
                let FlvFile { file, writer, packer, timeline, out } = &mut **flv;
                match packer.pack(&timeline.push(event)) {
                    Ok(tags) => {
                        for tag in tags {
                            writer.packed(&tag, out)?;
                        }
                    }
                    Err(error) => eprintln!("{error}"),
                }
                while out.has_remaining() {
                    let written = file.write(out.chunk())?;
                    out.advance(written);
                }
                Ok(())
            }
            Self::Segments(segments) => {
                if let Err(error) = segments.segmenter.push(event, 0) {
                    eprintln!("{error}");
                }
                segments.write()
            }
        }
    }

    /// Writes what is left, and says how many bytes of media there were, where that is known.
    pub fn finish(mut self) -> anyhow::Result<u64> {
        match &mut self {
            Self::Flv(flv) => flv.file.flush()?,
            Self::Segments(segments) => {
                segments.segmenter.finish()?;
                segments.write()?;
                if segments.keep == Keep::Heads {
                    let end = segments.file.stream_position()?;
                    segments.file.set_len(end)?;
                }
                return Ok(segments.media);
            }
        }
        Ok(0)
    }
}

impl Segments {
    fn write(&mut self) -> anyhow::Result<()> {
        while let Some(output) = self.segmenter.next_output() {
            match output {
                Output::Init(init) => {
                    ensure!(!self.has_init, "the codecs change: one MP4 file cannot hold that");
                    self.has_init = true;
                    if self.keep != Keep::Media {
                        self.file.write_all(&init.data)?;
                    }
                }
                Output::Segment(segment) => self.segment(&segment.body())?,
                _ => {}
            }
        }
        Ok(())
    }

    fn segment(&mut self, body: &Pieces) -> anyhow::Result<()> {
        // The first block is the head of the fragment, the others are the frames as they came.
        let head = body.iter().next().map_or(0, Bytes::len);
        let media = body.len() - head;
        self.media += media as u64;
        match self.keep {
            Keep::All => write_pieces(&mut self.file, body)?,
            Keep::Media => write_pieces(&mut self.file, &body.slice(head..body.len()))?,
            Keep::Heads => {
                write_pieces(&mut self.file, &body.slice(0..head))?;
                self.file.seek_relative(i64::try_from(media)?)?;
            }
        }
        Ok(())
    }
}
