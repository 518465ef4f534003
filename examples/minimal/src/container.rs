//! Containers as sources and sinks of media events.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use bytes::{Buf, BytesMut};
use levada_buf::Outbox;
use levada_flv::{
    FlvHeader, FlvItem, FlvReader, FlvWriter, Packer, Timeline, TimelineConfig, Unpacked, Unpacker,
    UnpackerConfig,
};
use levada_fmp4::{Fmp4Item, Fmp4Reader, ReadLimits};
use levada_hls::{Container, Output, Segmenter, SegmenterConfig};
use levada_media::MediaEvent;
use levada_ts::{DemuxConfig, TsDemuxer, TsEvent};

use crate::file::write_pieces;

/// The ending of a file's name, which says what it is.
pub fn ending(path: &Path) -> &str {
    path.extension().and_then(|it| it.to_str()).unwrap_or_default()
}

/// Takes bytes off the input, and says what they mean.
pub type Source = Box<dyn FnMut(&mut BytesMut) -> anyhow::Result<Option<MediaEvent>>>;

/// Reads a file of the kind that its ending says.
pub fn source(path: &Path) -> anyhow::Result<Source> {
    Ok(match ending(path) {
        "flv" => {
            let (mut reader, mut unpacker) =
                (FlvReader::new(), Unpacker::new(UnpackerConfig::for_files()));
            Box::new(move |input| {
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
            Box::new(move |input| {
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
            Box::new(move |input| {
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
    Segments { file: File, segmenter: Box<Segmenter>, has_init: bool },
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
    /// Writes a file of the kind that `ending` says.
    pub fn new(path: &Path, ending: &str) -> anyhow::Result<Self> {
        let container = match ending {
            "flv" => None,
            "ts" => Some(Container::Ts),
            "mp4" | "m4s" => Some(Container::Fmp4),
            other => bail!("cannot write .{other}: .flv, .ts, .mp4 or .m4s"),
        };
        let file =
            File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
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
        let segmenter = Box::new(Segmenter::new(config));
        Ok(Self::Segments { file, segmenter, has_init: false })
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
            Self::Segments { segmenter, .. } => {
                if let Err(error) = segmenter.push(event, 0) {
                    eprintln!("{error}");
                }
                self.write_segments()
            }
        }
    }

    /// Writes what is left.
    pub fn finish(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Flv(flv) => Ok(flv.file.flush()?),
            Self::Segments { segmenter, .. } => {
                segmenter.finish()?;
                self.write_segments()
            }
        }
    }

    fn write_segments(&mut self) -> anyhow::Result<()> {
        let Self::Segments { file, segmenter, has_init } = self else { return Ok(()) };
        while let Some(output) = segmenter.next_output() {
            match output {
                Output::Init(init) => {
                    ensure!(!*has_init, "the codecs change: one MP4 file cannot hold that");
                    *has_init = true;
                    file.write_all(&init.data)?;
                }
                Output::Segment(segment) => write_pieces(file, &segment.body())?,
                _ => {}
            }
        }
        Ok(())
    }
}
