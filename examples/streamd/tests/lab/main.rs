//! The lab: our programs against the software that people really use.
//!
//! `cargo test -p streamd --features lab` runs the quick half, `LAB=full` before it all of it. What it needs, and what
//! came out with which version, is in `README.md` beside this file. Every case has the command lines that it runs in
//! its own text; all of them run in the folder `target/lab`.

mod browsers;
mod codec_facts;
mod dashboard;
mod hls_judges;
mod media;
mod multitrack;
mod nginx;
mod obs_studio;
mod openapi;
mod packaging;
mod probe;
mod rtmp_players;
mod rtmp_publishers;
mod rtmps;
mod sdks;
mod server;
mod tool;
mod viewers;
