use alloc::vec::Vec;

use bytes::Bytes;
use levada_media::{
    CodecParams, DataCodec, MediaKind, Ticks, Timescale, Track, TrackId, VideoCodec,
};

use crate::Fmp4Error;
use crate::entry::{BitRate, write_entry};
use crate::event::write_brands;
use crate::moov;
use crate::writer::{write_box, write_full_box};

/// What an init segment says beyond the parameters of its tracks. The default suits live streams.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct InitConfig {
    /// The compatible brands. Empty for `iso6`, `cmfc` if there is one track, `av01` if there is AV1, `dash`, `mp41`.
    pub brands: Vec<[u8; 4]>,
    /// Whether H.264 and H.265 parameter sets may stand in frames: `avc3` and `hev1` instead of `avc1` and `hvc1`.
    pub in_band: bool,
    /// Edit lists. A track without one starts at time 0 of its media.
    pub edits: Vec<(TrackId, Edit)>,
    /// Bit rates, for `esds` and `btrt`.
    pub bit_rates: Vec<(TrackId, BitRate)>,
}

/// How the media of a track lie on the timeline of the presentation (ISO/IEC 14496-12 §8.6.6).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "an empty edit and an edit, no more is written or understood"
)]
pub struct Edit {
    /// How long after the beginning of the presentation the track starts, in milliseconds.
    pub delay: u32,
    /// Where in its media it starts, in its ticks: an encoder's priming, or the composition offset of the first
    /// frame.
    pub skip: u32,
}

/// A CMAF header: `ftyp` and `moov` without samples (ISO/IEC 23000-19 §7.3).
///
/// Data tracks are left out: their frames go as event messages in front of the fragments.
///
/// ```
/// use bytes::Bytes;
/// use levada_fmp4::InitSegment;
/// use levada_media::{AudioCodec, AudioParams, CodecParams, Timescale, Track, TrackId};
///
/// let mut params = AudioParams::new(AudioCodec::Aac, Bytes::from_static(&[0x11, 0x90]));
/// (params.sample_rate, params.channels) = (48_000, 2);
/// let scale = Timescale::new(48_000).unwrap();
/// let track = Track::new(TrackId::audio(0), scale, CodecParams::Audio(params));
///
/// let init = InitSegment::new(&[track])?;
/// assert_eq!(init.bytes()[4..12], *b"ftypiso6");
/// # Ok::<(), levada_fmp4::Fmp4Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct InitSegment {
    bytes: Bytes,
    tracks: Vec<InitTrack>,
}

/// A track as the file names it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitTrack {
    pub(crate) id: TrackId,
    /// Its `track_ID`: 1 for the first. 0 for data tracks, which are not in the file.
    pub(crate) number: u32,
    pub(crate) timescale: Timescale,
    /// Whether all frames are access points, as those of audio are.
    pub(crate) all_sync: bool,
    /// Whether a decoder may start at a picture that later leading pictures look behind.
    pub(crate) open_sync: bool,
    /// Whether it carries ID3 tags.
    pub(crate) id3: bool,
    /// How long a frame lasts if nothing better is known.
    pub(crate) nominal: u32,
}

impl InitSegment {
    /// The header of a file with these tracks, numbered from 1 in this order.
    pub fn new(tracks: &[Track]) -> Result<Self, Fmp4Error> {
        Self::with_config(tracks, &InitConfig::default())
    }

    /// The same, with edit lists, bit rates or brands.
    pub fn with_config(tracks: &[Track], config: &InitConfig) -> Result<Self, Fmp4Error> {
        let mut number = 0;
        let named: Vec<InitTrack> = tracks
            .iter()
            .map(|track| {
                let in_file = track.id.kind != MediaKind::Data;
                number += u32::from(in_file);
                InitTrack {
                    id: track.id,
                    number: if in_file { number } else { 0 },
                    timescale: track.timescale,
                    all_sync: track.params.video().is_none(),
                    open_sync: track.params.video().is_some_and(|it| it.codec == VideoCodec::Hevc),
                    id3: matches!(*track.params, CodecParams::Data(DataCodec::Id3)),
                    nominal: nominal_duration(track),
                }
            })
            .collect();

        let mut out = Vec::with_capacity(1024);
        let brands =
            if config.brands.is_empty() { default_brands(tracks) } else { config.brands.clone() };
        write_brands(&mut out, b"ftyp", b"iso6", &brands);
        let mut result = Ok(());
        write_box(&mut out, b"moov", |out| {
            moov::write_movie_header(out, moov::MOVIE_TIMESCALE, 0, number + 1);
            let in_file = || tracks.iter().zip(&named).filter(|(_, named)| named.number > 0);
            for (track, named) in in_file() {
                if result.is_ok() {
                    result = write_track(out, track, named.number, config);
                }
            }
            write_box(out, b"mvex", |out| {
                in_file().for_each(|(_, named)| moov::write_track_extends(out, named.number));
            });
        });
        result.map(|()| Self { bytes: out.into(), tracks: named })
    }

    /// The segment.
    pub fn bytes(&self) -> Bytes {
        self.bytes.clone()
    }

    /// The number of a track in the file (`track_ID`).
    pub fn number(&self, track: TrackId) -> Option<u32> {
        self.tracks.iter().find(|it| it.id == track && it.number > 0).map(|it| it.number)
    }

    pub(crate) fn tracks(&self) -> &[InitTrack] {
        &self.tracks
    }
}

fn default_brands(tracks: &[Track]) -> Vec<[u8; 4]> {
    let in_file = tracks.iter().filter(|track| track.id.kind != MediaKind::Data).count();
    let has_av1 =
        tracks.iter().any(|it| it.params.video().is_some_and(|it| it.codec == VideoCodec::Av1));
    let mut brands = Vec::from([*b"iso6"]);
    brands.extend((in_file == 1).then_some(*b"cmfc"));
    brands.extend(has_av1.then_some(*b"av01"));
    brands.extend([*b"dash", *b"mp41"]);
    brands
}

fn nominal_duration(track: &Track) -> u32 {
    let ticks = |count: u32, rate: u32| {
        let rate = Timescale::new(rate)?;
        let ticks =
            rate.rescale(Ticks(count.into()), track.timescale, levada_media::Rounding::Nearest);
        u32::try_from(ticks.0).ok()
    };
    let known = match &*track.params {
        CodecParams::Video(params) => {
            params.frame_rate.and_then(|(count, time)| ticks(time, count))
        }
        CodecParams::Audio(params) => {
            params.samples_per_frame.and_then(|samples| ticks(samples, params.sample_rate))
        }
        CodecParams::Data(_) => None,
    };
    known.unwrap_or(0)
}

fn write_track(
    out: &mut Vec<u8>,
    track: &Track,
    number: u32,
    config: &InitConfig,
) -> Result<(), Fmp4Error> {
    let of_track = |id: &TrackId| *id == track.id;
    let edit = config.edits.iter().find(|(id, _)| of_track(id)).map(|(_, edit)| *edit);
    let rate = config.bit_rates.iter().find(|(id, _)| of_track(id)).map(|(_, rate)| *rate);
    let mut result = Ok(());
    write_box(out, b"trak", |out| {
        moov::write_track_header(out, number, track);
        if let Some(edit) = edit {
            moov::write_edits(out, edit);
        }
        write_box(out, b"mdia", |out| {
            moov::write_media_header(out, track);
            moov::write_handler(out, track.id.kind);
            write_box(out, b"minf", |out| {
                moov::write_kind_header(out, track.id.kind);
                moov::write_data_references(out);
                write_box(out, b"stbl", |out| {
                    write_full_box(out, b"stsd", 0, 0, |out| {
                        out.extend([0, 0, 0, 1]);
                        result = write_entry(out, track, config.in_band, rate);
                    });
                    moov::write_empty_tables(out);
                });
            });
        });
    });
    result
}
