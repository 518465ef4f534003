use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use levada_media::{CodecParams, Track};

/// A multivariant playlist: what there is to choose from.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Multivariant {
    /// Streams of pictures, or of sound if there are no pictures.
    pub variants: Vec<Variant>,
    /// Sound of its own, to go with any of the variants.
    pub audio: Vec<AudioRendition>,
    /// Whether every segment begins with a keyframe.
    pub independent: bool,
}

/// One quality.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Variant {
    /// Its media playlist.
    pub uri: String,
    /// Measured bit rates.
    pub rate: BitRates,
    /// RFC 6381 names of everything in it.
    pub codecs: Vec<String>,
    /// Width and height.
    pub resolution: Option<(u32, u32)>,
    /// Frames a second, in thousandths.
    pub frame_rate: Option<u32>,
    /// `SDR`, `PQ` or `HLG`.
    pub video_range: Option<&'static str>,
}

/// Sound on its own.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AudioRendition {
    /// Its media playlist.
    pub uri: String,
    /// What a person reads.
    pub name: String,
    /// RFC 5646.
    pub language: Option<String>,
    /// How many channels it has.
    pub channels: u8,
    /// Measured bit rates.
    pub rate: BitRates,
    /// RFC 6381 name.
    pub codec: String,
}

/// Bits a second, measured.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BitRates {
    /// Of the segments in any one to one and a half target durations (rfc8216bis §4.4.6.2).
    pub peak: u64,
    /// Of all segments.
    pub average: u64,
}

/// The group of all audio renditions.
const AUDIO_GROUP: &str = "audio";

impl Variant {
    /// A variant with these tracks.
    pub fn new(uri: String, tracks: &[Track], rate: BitRates, frame_rate: Option<u32>) -> Self {
        let codecs = tracks.iter().map(|it| String::from(it.params.rfc6381()));
        let video = tracks.iter().find_map(|it| it.params.video());
        let range = |transfer| match transfer {
            16 => "PQ",
            18 => "HLG",
            _ => "SDR",
        };
        Self {
            uri,
            rate,
            codecs: codecs.filter(|it| !it.is_empty()).collect(),
            resolution: video.map(|it| (it.width, it.height)).filter(|it| it.0 > 0),
            frame_rate: frame_rate.filter(|_| video.is_some()),
            video_range: video.map(|it| range(it.colour.map_or(2, |colour| colour.transfer))),
        }
    }
}

impl AudioRendition {
    /// The rendition of an audio track. Its name is the language, or else its number.
    pub fn new(uri: String, track: &Track, rate: BitRates) -> Self {
        let language = track.language.as_deref().map(plain).filter(|it| !it.is_empty());
        let number = u32::from(track.id.number) + 1;
        Self {
            uri,
            name: language.clone().unwrap_or_else(|| alloc::format!("Audio {number}")),
            language,
            channels: track.params.audio().map_or(0, |it| it.channels),
            rate,
            codec: String::from(CodecParams::rfc6381(&track.params)),
        }
    }
}

/// Only what can do no harm inside quotes (hostile case OUT-07).
fn plain(text: &str) -> String {
    text.chars().filter(|it| it.is_ascii_alphanumeric() || *it == '-').take(35).collect()
}

impl Multivariant {
    /// The text. The first variant and the first audio rendition are what players begin with.
    pub fn write(&self) -> String {
        let mut out = String::with_capacity(1024);
        let _ = self.write_to(&mut out);
        out
    }

    fn write_to(&self, out: &mut String) -> core::fmt::Result {
        writeln!(out, "#EXTM3U\n#EXT-X-VERSION:6")?;
        if self.independent {
            writeln!(out, "#EXT-X-INDEPENDENT-SEGMENTS")?;
        }
        for (index, audio) in self.audio.iter().enumerate() {
            audio.write_to(out, index)?;
        }
        let peak = self.audio.iter().map(|it| it.rate.peak).max().unwrap_or(0);
        let average = self.audio.iter().map(|it| it.rate.average).max().unwrap_or(0);
        for variant in &self.variants {
            let rate = BitRates {
                peak: variant.rate.peak + peak,
                average: variant.rate.average + average,
            };
            self.write_variant(out, variant, rate)?;
        }
        Ok(())
    }

    fn write_variant(
        &self,
        out: &mut String,
        variant: &Variant,
        rate: BitRates,
    ) -> core::fmt::Result {
        write!(
            out,
            "#EXT-X-STREAM-INF:BANDWIDTH={},AVERAGE-BANDWIDTH={}",
            rate.peak.max(1),
            rate.average.max(1)
        )?;
        let mut codecs: Vec<&str> = variant.codecs.iter().map(String::as_str).collect();
        codecs.extend(self.audio.iter().map(|it| it.codec.as_str()).filter(|it| !it.is_empty()));
        codecs.dedup();
        if !codecs.is_empty() {
            write!(out, ",CODECS=\"{}\"", codecs.join(","))?;
        }
        if let Some((width, height)) = variant.resolution {
            write!(out, ",RESOLUTION={width}x{height}")?;
        }
        if let Some(rate) = variant.frame_rate {
            write!(out, ",FRAME-RATE={}.{:03}", rate / 1000, rate % 1000)?;
        }
        if let Some(range) = variant.video_range.filter(|it| *it != "SDR") {
            write!(out, ",VIDEO-RANGE={range}")?;
        }
        if !self.audio.is_empty() {
            write!(out, ",AUDIO=\"{AUDIO_GROUP}\"")?;
        }
        if variant.video_range.is_some() {
            write!(out, ",CLOSED-CAPTIONS=NONE")?;
        }
        writeln!(out, "\n{}", variant.uri)
    }
}

impl AudioRendition {
    fn write_to(&self, out: &mut String, index: usize) -> core::fmt::Result {
        write!(out, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AUDIO_GROUP}\",NAME=\"{}\"", self.name)?;
        if let Some(language) = &self.language {
            write!(out, ",LANGUAGE=\"{language}\"")?;
        }
        let default = if index == 0 { "YES" } else { "NO" };
        write!(out, ",DEFAULT={default},AUTOSELECT=YES")?;
        if self.channels > 0 {
            write!(out, ",CHANNELS=\"{}\"", self.channels)?;
        }
        writeln!(out, ",URI=\"{}\"", self.uri)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::{ReadPlaylist, Variables, read_playlist};

    #[test]
    fn a_ladder_with_two_languages() {
        let variant = |uri: &str, peak, size| Variant {
            uri: uri.into(),
            rate: BitRates { peak, average: peak / 2 },
            codecs: vec!["avc1.64001f".into()],
            resolution: Some(size),
            frame_rate: Some(29_970),
            video_range: Some("SDR"),
        };
        let audio = |uri: &str, language: &str| AudioRendition {
            uri: uri.into(),
            name: language.into(),
            language: Some(language.into()),
            channels: 2,
            rate: BitRates { peak: 130_000, average: 128_000 },
            codec: "mp4a.40.2".into(),
        };
        let playlist = Multivariant {
            variants: vec![
                variant("v0.m3u8", 6_000_000, (1920, 1080)),
                variant("v1.m3u8", 2_000_000, (1280, 720)),
            ],
            audio: vec![audio("a0.m3u8", "en"), audio("a1.m3u8", "pt")],
            independent: true,
        };
        let text = playlist.write();
        let Ok(ReadPlaylist::Multivariant(list)) = read_playlist(&text, &Variables::default())
        else {
            panic!()
        };
        assert_eq!(list.violations, []);
        let rows: Vec<_> = list
            .variants
            .iter()
            .map(|it| (it.uri.as_str(), it.bandwidth, it.average_bandwidth))
            .collect();
        assert_eq!(
            rows,
            [("v0.m3u8", 6_130_000, Some(3_128_000)), ("v1.m3u8", 2_130_000, Some(1_128_000))]
        );
        let first = &list.variants[0];
        assert_eq!(
            (first.codecs.as_str(), first.frame_rate.as_str()),
            ("avc1.64001f,mp4a.40.2", "29.970")
        );
        assert_eq!(list.renditions.iter().map(|it| it.default).collect::<Vec<_>>(), [true, false]);
    }

    #[test]
    fn out_07_no_text_of_a_publisher_reaches_a_playlist() {
        assert_eq!(plain("en\"\r\n#EXT-X-ENDLIST,<script>"), "enEXT-X-ENDLISTscript");
    }
}
