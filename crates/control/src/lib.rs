//! Control.
#![no_std]

extern crate alloc;

mod access;
mod admission;
mod body;
mod calendar;
mod error;
mod health;
mod hook;
mod id;
mod input;
mod journal;
mod json;
mod keyring;
mod limits;
mod listener;
mod machine;
mod notice;
mod now;
mod output;
mod plane;
mod playlist;
mod profile;
mod pull;
mod recorder;
mod recording;
mod show;
mod target;
mod timeline;
mod timers;

pub use access::*;
pub use admission::*;
pub use body::{BodyFacts, HookFormat, StreamFacts, hook_body, video};
pub use calendar::rfc3339;
pub use error::Error;
pub use health::*;
pub use hook::*;
use id::slug;
pub use id::*;
pub use input::*;
pub use journal::*;
pub use keyring::*;
pub use limits::Limits;
pub use listener::*;
pub use machine::Machine;
pub use notice::*;
pub use now::Now;
pub use output::*;
pub use plane::*;
pub use playlist::*;
pub use profile::*;
pub use pull::*;
pub use recorder::*;
pub use recording::*;
pub use show::*;
pub use target::*;
pub use timeline::*;

#[cfg(test)]
mod tests;
