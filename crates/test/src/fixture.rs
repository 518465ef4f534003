use std::path::Path;

/// One vector of a JSON file: an object with `name`, `kind`, `hex` and its meaning.
pub type Vector = serde_json::Map<String, serde_json::Value>;

/// Bytes from their hexadecimal picture. White space is for the reader.
///
/// ```
/// assert_eq!(levada_test::hex("03 00ff"), [3, 0, 255]);
/// ```
pub fn hex(picture: &str) -> Vec<u8> {
    let digits: Vec<u32> = picture
        .chars()
        .filter(|it| !it.is_whitespace())
        .map(|it| it.to_digit(16).unwrap_or_else(|| panic!("{it:?} is no hexadecimal digit")))
        .collect();
    assert!(digits.len().is_multiple_of(2), "an odd number of digits: {picture:?}");
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).unwrap()).collect()
}

/// The vectors of `testdata/<file>` of the crate whose manifest directory is given.
///
/// ```no_run
/// let vectors = levada_test::vectors(env!("CARGO_MANIFEST_DIR"), "amf0.json");
/// ```
pub fn vectors(manifest_dir: &str, file: &str) -> Vec<Vector> {
    let path = Path::new(manifest_dir).join("testdata").join(file);
    let text =
        std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
