//! Would this stream be accepted? Keyframes, GOPs, times and rates, held against what a receiver takes.
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
