//! The primitives of CURVE's boxes, by libsodium (feature `libsodium`).

#![forbid(unsafe_code)]

use zeroize::{Zeroize, Zeroizing};

use super::secretbox::Way;
use crate::sys::sodium;

pub use crate::sys::sodium::Poly1305;

/// The key stream of one key and one nonce.
pub struct Salsa20 {
    key: [u8; 32],
    nonce: [u8; 8],
}

impl Salsa20 {
    pub fn new(key: &[u8; 32], nonce: &[u8; 8]) -> Self {
        let (key, nonce) = (*key, *nonce);
        Salsa20 { key, nonce }
    }

    /// The block with this number.
    pub fn block(&self, number: u64) -> Zeroizing<[u8; 64]> {
        let mut block = Zeroizing::new([0; 64]);
        self.apply_short(number, block.as_mut_slice());
        block
    }

    /// XORs `data` with the key stream from block `number` on.
    pub fn apply_short(&self, number: u64, data: &mut [u8]) {
        sodium::salsa20(&self.key, &self.nonce, number, data);
    }
}

impl Drop for Salsa20 {
    fn drop(&mut self) {
        self.key.zeroize();
    }
}

/// Derives a key from `key` and 16 bytes, which may be public.
pub fn hsalsa20(key: &[u8; 32], input: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    sodium::hsalsa20(key, input, &mut derived);
    derived
}

/// X25519 of a secret key and the base point.
pub fn public_key(secret: &[u8; 32]) -> [u8; 32] {
    let mut public = [0; 32];
    sodium::scalar_mult_base(secret, &mut public);
    public
}

/// X25519 of a secret and a public key; `None` if the result is zero: the public key has
/// small order.
pub fn shared_point(secret: &[u8; 32], public: &[u8; 32]) -> Option<Zeroizing<[u8; 32]>> {
    let mut point = Zeroizing::new([0; 32]);
    sodium::scalar_mult(secret, public, &mut point).then_some(point)
}

/// Encrypts or decrypts `rest` with the key stream from block 1 on. Returns the tag of the
/// whole ciphertext, whose beginning is in `auth` already.
pub fn crypt(stream: &Salsa20, auth: Poly1305, rest: &mut [u8], way: Way) -> [u8; 16] {
    match way {
        Way::Seal => {
            stream.apply_short(1, rest);
            auth.tag(rest)
        }
        Way::Open => {
            let tag = auth.tag(rest);
            stream.apply_short(1, rest);
            tag
        }
    }
}
