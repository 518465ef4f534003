//! The HTTP API: who may do what, how bodies are read, and how errors look. The native routes and the four surfaces
//! stand on this.

pub mod asked;
pub mod auth;
pub mod base;
pub mod body;
pub mod cors;
pub mod error;
pub mod fields;
pub mod jwt;
pub mod outcome;
pub mod surface_d;

pub use auth::Caller;
pub use error::ApiError;
