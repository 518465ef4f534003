//! Would this stream be accepted? Keyframes, GOPs, times and rates, frame by frame, against what a receiver takes.
//!
//! ```text
//!                 GopPolicy: what is taken
//!                     │
//! MediaEvents ──► GopValidator ──► findings, as soon as a frame shows them
//!                     │
//!                     └──► GopReport ──► text │ JSON │ SVG
//! ```
//!
//! A keyframe is a frame that a decoder can start at, and that nothing behind it looks across: an IDR frame. The
//! container's mark is a claim, and what the frame's own headers say is proof; [`GopKind`] tells them apart. Frames
//! bring what their headers say with them ([`FrameFacts`]), so this crate parses no codec, and takes FLV, MPEG-TS
//! and fMP4 alike.
//!
//! ```
//! use levada_gop::{GopPolicy, GopValidator};
//! use levada_media::MediaEvent;
//!
//! fn judge(events: impl Iterator<Item = MediaEvent>) -> bool {
//!     let mut validator = GopValidator::new(GopPolicy::known("twitch").unwrap());
//!     for event in events {
//!         for finding in validator.observe(&event) {
//!             println!("{finding}: {}", finding.rule.hint());
//!         }
//!     }
//!     validator.finish();
//!     let report = validator.report();
//!     std::fs::write("report.svg", report.to_svg()).unwrap();
//!     report.is_accepted()
//! }
//! ```
//!
//! # Policies
//!
//! [`GopPolicy`] is data: [`GopPolicy::all`] gives the published ingest rules of large platforms, and every field is
//! there to be set. Finding something is one thing, and what follows is another: a server may refuse, warn, or write
//! it down.
//!
//! # Limits
//!
//! 32 tracks. A validator of a day's stream takes no more memory than that of ten minutes': at most 2048 bars for
//! the picture, 512 times of findings, and one [`Verdict`] a rule and track, about 200 KiB in all. One event reveals
//! at most a dozen findings.
//!
//! # What is not here
//!
//! Nothing is decoded, changed or dropped. Whether a reference really crosses a recovery point is not looked up in
//! the slices: a frame that is decoded behind one and shown before it is taken as proof.
//!
//! # Spec
//!
//! ITU-T H.264 §3 and §D.2.8, ITU-T H.265 §3 and §8.1 for what can be started at; ISO/IEC 14496-12 annex I for the
//! types of stream access points. The platforms' rules are from their own pages.
//!
//! [`FrameFacts`]: levada_media::FrameFacts
#![no_std]

extern crate alloc;

mod kind;
mod policy;
mod profiles;
mod rule;

mod finding;
mod verdict;

mod rates;
mod series;
mod stats;
mod validator;
mod video;

mod json;
mod report;
mod svg;

pub use finding::{Finding, Measure};
pub use kind::GopKind;
pub use policy::{Bounds, GopPolicy};
pub use report::{GopReport, Intervals, TrackReport, VideoReport};
pub use rule::{Rule, Severity};
pub use validator::{Declared, GopValidator};
pub use verdict::Verdict;
