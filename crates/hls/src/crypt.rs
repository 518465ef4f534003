//! Whole segments encrypted with AES-128 in CBC mode, padded as PKCS#7 says (rfc8216bis §4.4.4.4, §5.2).

use aes::Aes128;
use bytes::Bytes;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use thiserror::Error;

/// A segment that cannot be decrypted: another key, or not whole.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("the segment does not decrypt with this key (rfc8216bis §5.2)")]
#[expect(clippy::exhaustive_structs, reason = "why it does not, nobody can tell")]
pub struct NotDecrypted;

/// The initialisation vector of a segment whose `EXT-X-KEY` names none: its media sequence number.
pub fn sequence_iv(sequence: u64) -> [u8; 16] {
    u128::from(sequence).to_be_bytes()
}

/// Encrypts a whole segment. The result is 1 to 16 bytes longer.
pub fn encrypt_segment(segment: &[u8], key: &[u8; 16], iv: &[u8; 16]) -> Bytes {
    let encryptor = cbc::Encryptor::<Aes128>::new(key.into(), iv.into());
    Bytes::from(encryptor.encrypt_padded_vec::<Pkcs7>(segment))
}

/// Decrypts a whole segment.
///
/// # Errors
///
/// [`NotDecrypted`] when the length or the padding is wrong. A wrong key is nearly always found by that.
pub fn decrypt_segment(
    segment: &[u8],
    key: &[u8; 16],
    iv: &[u8; 16],
) -> Result<Bytes, NotDecrypted> {
    let decryptor = cbc::Decryptor::<Aes128>::new(key.into(), iv.into());
    decryptor.decrypt_padded_vec::<Pkcs7>(segment).map(Bytes::from).map_err(|_| NotDecrypted)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

    fn file(name: &str) -> std::vec::Vec<u8> {
        fs::read(std::format!("{}/testdata/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
    }

    /// Encrypted by openssl 3.0, see testdata/aes128.json: what it made decrypts to whole TS packets, and again
    /// encrypted it is what it was.
    #[test]
    fn segments_that_openssl_encrypted() {
        assert_eq!(file("key.bin"), KEY);
        let iv = 0x0123_4567_89AB_CDEF_0123_4567_89AB_CDEF_u128.to_be_bytes();
        for (name, iv, len) in
            [("enc_iv0.ts", iv, 12_784), ("enc_msn7794.ts", sequence_iv(7794), 13_536)]
        {
            let encrypted = file(name);
            let plain = decrypt_segment(&encrypted, &KEY, &iv).unwrap();
            assert_eq!((plain.len(), plain.len() % 188), (len, 0), "{name}");
            assert!(plain.iter().step_by(188).all(|it| *it == 0x47), "{name}");
            assert_eq!(encrypt_segment(&plain, &KEY, &iv), encrypted, "{name}");
        }
    }

    #[test]
    fn what_does_not_decrypt() {
        let iv = sequence_iv(0);
        let encrypted = encrypt_segment(b"segment", &KEY, &iv);
        assert_eq!(decrypt_segment(&encrypted[..15], &KEY, &iv), Err(NotDecrypted));
        assert_eq!(decrypt_segment(&[], &KEY, &iv), Err(NotDecrypted));
        assert_eq!(decrypt_segment(&encrypted, &[9; 16], &iv), Err(NotDecrypted));
    }
}
