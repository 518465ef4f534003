//! The report as a picture.
impl crate::GopReport {
    /// The report as an SVG picture.
    pub fn to_svg(&self) -> alloc::string::String {
        alloc::string::String::new()
    }
}
