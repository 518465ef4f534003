//! The APIs of hosted services, at a real process. Tests are named by the checks that they are.

mod a;
mod all;
mod b;
mod c;
mod caller;
mod d;
#[path = "../support/mod.rs"]
mod support;
