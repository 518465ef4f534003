//! The published rules of large platforms, read from their pages in 2026. They change: a stream that passes here is
//! likely to be taken, and no platform is bound by it.

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use levada_media::{AudioCodec, VideoCodec};

use crate::{Bounds, GopPolicy};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3600 * SECOND;
const MEGABIT: i64 = 1_000_000;

/// H.264 `profile_idc`.
const BASELINE: u8 = 66;
const MAIN: u8 = 77;
const HIGH: u8 = 100;

impl GopPolicy {
    /// All policies that come with the crate.
    pub fn all() -> Vec<Self> {
        vec![
            closed_4_to_10(),
            cloudflare(),
            cloudflare_low_latency(),
            twitch(),
            youtube(),
            ivs(),
            ivs_real_time(),
            facebook(),
            apple_hls(),
        ]
    }

    /// The policy with a name of [`all`](Self::all).
    pub fn known(name: &str) -> Option<Self> {
        Self::all().into_iter().find(|it| it.name == name)
    }
}

/// H.264 and AAC, with closed GOPs: what most of them begin with.
fn closed_avc(name: &str) -> GopPolicy {
    GopPolicy {
        name: String::from(name),
        closed: true,
        video_codecs: vec![VideoCodec::Avc],
        audio_codecs: vec![AudioCodec::Aac],
        ..GopPolicy::default()
    }
}

/// Closed GOPs of 4 to 10 s: what Cloudflare Stream's live documents asked for in their older form.
fn closed_4_to_10() -> GopPolicy {
    GopPolicy { interval: Bounds::between(4 * SECOND, 10 * SECOND), ..closed_avc("closed-4-to-10") }
}

/// Cloudflare Stream Live: the requirement, and the range of its recommendation.
fn cloudflare() -> GopPolicy {
    GopPolicy {
        interval: Bounds::between(2 * SECOND, 10 * SECOND),
        preferred: Bounds::between(4 * SECOND, 8 * SECOND),
        bitrate: Bounds::between(2 * MEGABIT, 14 * MEGABIT),
        constant_bitrate: true,
        ..closed_avc("cloudflare")
    }
}

/// Cloudflare Stream Live with low-latency HLS (beta).
fn cloudflare_low_latency() -> GopPolicy {
    GopPolicy {
        interval: Bounds::between(2 * SECOND, 4 * SECOND),
        b_frames: Some(0),
        ..closed_avc("cloudflare-low-latency")
    }
}

fn twitch() -> GopPolicy {
    GopPolicy {
        interval: Bounds::between(2 * SECOND, 2 * SECOND),
        tolerance: SECOND / 10,
        closed: false,
        avc_profiles: vec![BASELINE, MAIN, HIGH],
        frame_rate: Bounds::between(24_000, 60_000),
        bitrate: Bounds::up_to(6 * MEGABIT + MEGABIT / 2),
        constant_bitrate: true,
        sample_rates: vec![44_100, 48_000],
        channels: Some(2),
        audio_bitrate: Some(320_000),
        duration: Some(48 * HOUR),
        ..closed_avc("twitch")
    }
}

fn youtube() -> GopPolicy {
    GopPolicy {
        interval: Bounds::up_to(4 * SECOND),
        preferred: Bounds::up_to(2 * SECOND),
        tolerance: SECOND / 10,
        video_codecs: vec![VideoCodec::Avc, VideoCodec::Hevc, VideoCodec::Av1],
        frame_rate: Bounds::up_to(60_000),
        progressive: true,
        audio_codecs: vec![AudioCodec::Aac, AudioCodec::Mp3],
        constant_bitrate: true,
        ..closed_avc("youtube")
    }
}

/// Amazon IVS, low latency, channel types STANDARD and ADVANCED.
fn ivs() -> GopPolicy {
    GopPolicy {
        interval: Bounds::between(SECOND, 2 * SECOND),
        tolerance: SECOND / 10,
        closed: false,
        size: Some((1920, 1080)),
        bitrate: Bounds::up_to(8 * MEGABIT + MEGABIT / 2),
        constant_bitrate: true,
        video_required: true,
        ..closed_avc("ivs")
    }
}

/// Amazon IVS stages over RTMP.
fn ivs_real_time() -> GopPolicy {
    GopPolicy {
        interval: Bounds::between(SECOND, 2 * SECOND),
        b_frames: Some(0),
        avc_profiles: vec![BASELINE],
        size: Some((1280, 720)),
        frame_rate: Bounds::between(10_000, 60_000),
        sample_rates: vec![44_100, 48_000],
        channels: Some(2),
        audio_bitrate: Some(160_000),
        name: "ivs-real-time".to_string(),
        ..ivs()
    }
}

fn facebook() -> GopPolicy {
    GopPolicy {
        interval: Bounds::up_to(4 * SECOND),
        preferred: Bounds::up_to(2 * SECOND),
        tolerance: SECOND / 10,
        closed: false,
        bitrate: Bounds::up_to(9 * MEGABIT),
        duration: Some(8 * HOUR),
        ..closed_avc("facebook")
    }
}

/// Apple's authoring specification for HLS: an IDR frame every two seconds, and at the start of each segment.
fn apple_hls() -> GopPolicy {
    GopPolicy {
        interval: Bounds::up_to(2 * SECOND),
        tolerance: SECOND / 20,
        avc_level: Some(52),
        video_codecs: vec![VideoCodec::Avc, VideoCodec::Hevc],
        audio_codecs: vec![AudioCodec::Aac, AudioCodec::Ac3, AudioCodec::Eac3, AudioCodec::Mp3],
        ..closed_avc("apple-hls")
    }
}
