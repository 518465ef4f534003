//! The captures in `testdata/`, for tests.

use std::path::Path;
use std::vec::Vec;

pub(crate) fn file(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
    std::fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}

pub(crate) fn json(name: &str) -> serde_json::Value {
    serde_json::from_slice(&file(name)).unwrap()
}
