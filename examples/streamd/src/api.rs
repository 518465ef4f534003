//! The HTTP API: who may do what, how bodies are read, and how errors look. The native routes and the four surfaces
//! stand on this.

pub mod auth;
pub mod body;
pub mod error;

pub use auth::Caller;
pub use error::ApiError;
