//! Which tracks go into which rendition.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use levada_media::{MediaKind, Track, TrackId};

/// What an origin publishes. The first rendition leads: it decides where segments begin.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Layout {
    pub(super) renditions: Vec<Plan>,
}

/// One rendition.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Plan {
    pub(super) name: String,
    /// Its track; `None` for all of the stream.
    pub(super) only: Option<TrackId>,
    /// Whether it goes with variants rather than being one.
    pub(super) accompanies: bool,
}

/// One track of pictures and one of sound are one rendition, as every player wants it. With more of either, each is
/// a rendition of its own: pictures are variants, sound goes with them.
pub(super) fn layout(tracks: &[Track]) -> Layout {
    let of = |kind| {
        let mut ids: Vec<TrackId> =
            tracks.iter().map(|it| it.id).filter(|it| it.kind == kind).collect();
        ids.sort_unstable();
        ids
    };
    let (video, audio) = (of(MediaKind::Video), of(MediaKind::Audio));
    if video.len() < 2 && audio.len() < 2 {
        return Layout {
            renditions: Vec::from([Plan { name: "main".into(), only: None, accompanies: false }]),
        };
    }
    let plan = |prefix: char, id: &TrackId, accompanies| Plan {
        name: format!("{prefix}{}", id.number),
        only: Some(*id),
        accompanies,
    };
    let sound_accompanies = !video.is_empty();
    let video = video.iter().map(|id| plan('v', id, false));
    let audio = audio.iter().map(|id| plan('a', id, sound_accompanies));
    Layout { renditions: video.chain(audio).collect() }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use levada_media::{AudioCodec, AudioParams, CodecParams, Timescale, VideoCodec, VideoParams};

    use super::*;

    fn tracks(video: u8, audio: u8) -> Vec<Track> {
        let picture = || CodecParams::Video(VideoParams::new(VideoCodec::Avc, Bytes::new()));
        let sound = || CodecParams::Audio(AudioParams::new(AudioCodec::Aac, Bytes::new()));
        let video = (0..video).map(|n| Track::new(TrackId::video(n), Timescale::MILLIS, picture()));
        video
            .chain((0..audio).map(|n| Track::new(TrackId::audio(n), Timescale::MILLIS, sound())))
            .collect()
    }

    #[test]
    fn table_of_layouts() {
        for (video, audio, expected) in [
            (0, 0, "main"),
            (1, 0, "main"),
            (0, 1, "main"),
            (1, 1, "main"),
            (2, 1, "v0 v1 +a0"),
            (1, 2, "v0 +a0 +a1"),
            (3, 2, "v0 v1 v2 +a0 +a1"),
            (0, 2, "a0 a1"),
        ] {
            let names = layout(&tracks(video, audio)).renditions.into_iter();
            let names: Vec<_> = names
                .map(|it| if it.accompanies { format!("+{}", it.name) } else { it.name })
                .collect();
            assert_eq!(names.join(" "), expected, "{video} and {audio}");
        }
    }
}
