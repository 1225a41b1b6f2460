//! The primitives of CURVE's boxes: Salsa20 and Poly1305 of this crate, X25519 of
//! curve25519-dalek.

#![forbid(unsafe_code)]

use curve25519_dalek::montgomery::MontgomeryPoint;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::poly1305::Blocks;
use super::salsa20::{BLOCK, CHUNK, Interleaved, LANES, STEPS, xor_chunk};
use super::secretbox::Way;
use crate::sys::simd::{self, Kernel};

pub use super::poly1305::Poly1305;
pub use super::salsa20::{Salsa20, hsalsa20};

/// X25519 of a secret key and the base point.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    MontgomeryPoint::mul_base_clamped(*secret).to_bytes()
}

/// X25519 of a secret and a public key; `None` if the result is zero: the public key has
/// small order.
pub fn shared_point(secret: &[u8; 32], public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let point = MontgomeryPoint(*public).mul_clamped(*secret);
    let point = Zeroizing::new(point.to_bytes());
    (!bool::from(point.ct_eq(&[0; 32]))).then_some(point)
}

/// Encrypts or decrypts `rest` with the key stream from block 1 on. Returns the tag of the
/// whole ciphertext, whose beginning is in `auth` already.
pub fn crypt(stream: &Salsa20, mut auth: Poly1305, rest: &mut [u8], way: Way) -> [u8; 16] {
    let (data, short) = rest.split_at_mut(rest.len() - rest.len() % CHUNK);
    let number = 1 + (data.len() / BLOCK) as u64;
    if !data.is_empty() {
        let auth = &mut auth;
        simd::run(Chunks {
            stream,
            auth,
            data,
            way,
        });
    }
    match way {
        Way::Seal => {
            stream.apply_short(number, short);
            auth.tag(short)
        }
        Way::Open => {
            let tag = auth.tag(short);
            stream.apply_short(number, short);
            tag
        }
    }
}

/// [`crypt`] for whole chunks, from block 1 on. The computation of a chunk's key stream is
/// interleaved with the authentication of ciphertext: of the same chunk to open, of
/// the previous one to seal.
struct Chunks<'a> {
    stream: &'a Salsa20,
    auth: &'a mut Poly1305,
    data: &'a mut [u8],
    way: Way,
}

impl Kernel for Chunks<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Chunks {
            stream,
            auth,
            data,
            way,
        } = self;
        let mut number = 1;
        let mut previous: &[u8] = &[];
        for chunk in data.chunks_exact_mut(CHUNK) {
            let cipher = match way {
                Way::Seal => previous,
                Way::Open => &*chunk,
            };
            let mut blocks = auth.blocks(cipher);
            let words = stream.chunk(number, &mut blocks);
            auth.set_sum(blocks.sum);
            if let Ok(chunk) = <&mut [u8; CHUNK]>::try_from(&mut *chunk) {
                xor_chunk(chunk, &words);
            }
            previous = chunk;
            number += LANES as u64;
        }
        if way == Way::Seal {
            auth.update(previous);
        }
    }
}

// A chunk has no more Poly1305 blocks than the cipher has steps, so all are processed.
const _: () = assert!(CHUNK / 16 <= STEPS);

impl Interleaved for Blocks<'_> {
    #[inline(always)]
    fn step(&mut self) {
        self.next();
    }
}
