//! RSA keys of 2048 bits, which `ring` signs and verifies with but does not make.
//!
//! Primes come from `crypto-primes`; what is left is the arithmetic of RFC 8017 §3.2 and its encoding (appendix A.1.2).

use crypto_bigint::{NonZero, U1024, U2048};
use crypto_primes::hazmat::{SetBits, SmallFactorsSieveFactory};
use crypto_primes::{Flavor, is_prime, sieve_and_find};
use getrandom::SysRng;
use getrandom::rand_core::UnwrapErr;

const EXPONENT: u32 = 65_537;

/// `rsaEncryption` and its absent parameters (RFC 8017 §A.1).
const ALGORITHM: &[u8] =
    &[0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00];

/// A private key: numbers in big-endian bytes without leading zeros.
pub struct Key {
    n: Vec<u8>,
    d: Vec<u8>,
    p: Vec<u8>,
    q: Vec<u8>,
    dp: Vec<u8>,
    dq: Vec<u8>,
    qi: Vec<u8>,
}

impl Key {
    pub fn generate() -> Self {
        loop {
            if let Some(key) = Self::of(prime(), prime()) {
                return key;
            }
        }
    }

    /// The key of two primes, unless they have no private exponent.
    fn of(a: U1024, b: U1024) -> Option<Self> {
        // `ring` wants the larger one first.
        let (p, q) = if a > b { (a, b) } else { (b, a) };
        let n: U2048 = p.concatenating_mul(&q);
        let (less_p, less_q) = (p.wrapping_sub(&U1024::ONE), q.wrapping_sub(&U1024::ONE));
        let phi: U2048 = less_p.concatenating_mul(&less_q);
        let phi = Option::from(NonZero::new(phi))?;
        let d: U2048 = Option::from(U2048::from(EXPONENT).invert_mod(&phi))?;
        let rest = |of: &U1024| Some(d.rem(&Option::<NonZero<U1024>>::from(NonZero::new(*of))?));
        let qi: U1024 = Option::from(q.invert_mod(&Option::from(NonZero::new(p))?))?;
        Some(Self {
            n: bytes(n.to_be_bytes().as_ref()),
            d: bytes(d.to_be_bytes().as_ref()),
            dp: bytes(rest(&less_p)?.to_be_bytes().as_ref()),
            dq: bytes(rest(&less_q)?.to_be_bytes().as_ref()),
            p: bytes(p.to_be_bytes().as_ref()),
            q: bytes(q.to_be_bytes().as_ref()),
            qi: bytes(qi.to_be_bytes().as_ref()),
        })
    }

    /// Modulus and exponent.
    pub fn public(&self) -> [Vec<u8>; 2] {
        [self.n.clone(), bytes(&EXPONENT.to_be_bytes())]
    }

    /// Private exponent, primes, and what is derived of them, in the order of a JWK.
    pub fn private(&self) -> [&[u8]; 6] {
        [&self.d, &self.p, &self.q, &self.dp, &self.dq, &self.qi]
    }

    /// The whole key in DER.
    pub fn pkcs8(&self) -> Vec<u8> {
        let [n, e] = self.public();
        let [d, p, q, dp, dq, qi] = self.private();
        let numbers = [&[][..], &n, &e, d, p, q, dp, dq, qi].map(integer).concat();
        let key = element(0x04, &element(0x30, &numbers));
        element(0x30, &[&integer(&[]), ALGORITHM, &key].concat())
    }
}

/// A prime of 1024 bits, the upper two of them set: two of these make a modulus of 2048.
fn prime() -> U1024 {
    let mut chance = UnwrapErr(SysRng);
    loop {
        let sieve = SmallFactorsSieveFactory::<U1024>::new(Flavor::Any, 1024, SetBits::TwoMsb);
        let found = sieve.and_then(|it| {
            sieve_and_find(&mut chance, it, |_, number| is_prime(Flavor::Any, number))
        });
        if let Ok(Some(prime)) = found {
            return prime;
        }
    }
}

fn bytes(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|it| *it == 0).collect()
}

/// An INTEGER, which is not negative.
fn integer(number: &[u8]) -> Vec<u8> {
    let sign: &[u8] = if number.first().is_none_or(|it| *it >= 0x80) { &[0] } else { &[] };
    element(0x02, &[sign, number].concat())
}

fn element(tag: u8, body: &[u8]) -> Vec<u8> {
    let len = bytes(&body.len().to_be_bytes());
    let head = match len.as_slice() {
        [] => vec![tag, 0],
        [short @ ..0x80] => vec![tag, *short],
        long => [&[tag, 0x80 | u8::try_from(long.len()).unwrap_or(0)], long].concat(),
    };
    [head.as_slice(), body].concat()
}
