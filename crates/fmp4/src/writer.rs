//! Boxes are written nested, and their sizes patched in once the body is known (ISO/IEC 14496-12 §4.2).

use alloc::vec::Vec;

use bytes::BufMut;

/// Writes `size u32, type, body`.
pub(crate) fn write_box(out: &mut Vec<u8>, kind: &[u8; 4], body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.put_u32(0);
    out.put_slice(kind);
    body(out);
    // No box that is built in memory comes near 4 GiB: the largest is a moof of `FragmentLimits::frames` rows.
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

/// Writes a box whose body begins with a version and 24 bits of flags.
pub(crate) fn write_full_box(
    out: &mut Vec<u8>,
    kind: &[u8; 4],
    version: u8,
    flags: u32,
    body: impl FnOnce(&mut Vec<u8>),
) {
    write_box(out, kind, |out| {
        out.put_u32(u32::from(version) << 24 | flags);
        body(out);
    });
}
