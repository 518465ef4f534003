//! Codec strings.
