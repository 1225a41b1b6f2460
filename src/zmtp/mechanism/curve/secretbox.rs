//! XSalsa20-Poly1305: the boxes of CURVE, as NaCl defines them.
//!
//! A box is a tag of 16 bytes and the ciphertext. The first 32 bytes of the key
//! stream are the authenticator's key; the message is combined with what
//! follows.

#![forbid(unsafe_code)]

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::poly1305::Poly1305;
use super::salsa20::{BLOCK, Salsa20, hsalsa20};

/// Bytes of a tag.
pub const TAG: usize = 16;
/// Bytes of the key stream that go to the authenticator.
const KEY: usize = 32;

/// Encrypts in place and returns the tag. The message is `head`, of at most 16
/// bytes, followed by `body`.
pub fn seal_in_place(stream: &Salsa20, head: &mut [u8], body: &mut [u8]) -> [u8; TAG] {
    let first = stream.block(0);
    apply(stream, &first, head, body);
    authenticator(&first).tag(head, body)
}

/// Decrypts in place if the tag is right. If not, returns false and leaves
/// everything as it was.
#[must_use]
pub fn open_in_place(stream: &Salsa20, tag: &[u8; TAG], head: &mut [u8], body: &mut [u8]) -> bool {
    let first = stream.block(0);
    let expected = authenticator(&first).tag(head, body);
    if !bool::from(expected.ct_eq(tag)) {
        return false;
    }
    apply(stream, &first, head, body);
    true
}

fn authenticator(first: &[u8; BLOCK]) -> Poly1305 {
    let mut key = Zeroizing::new([0; KEY]);
    key.copy_from_slice(&first[..KEY]);
    Poly1305::new(&key)
}

fn apply(stream: &Salsa20, first: &[u8; BLOCK], head: &mut [u8], body: &mut [u8]) {
    let (start, rest) = body.split_at_mut(body.len().min(BLOCK - KEY - head.len()));
    let bytes = head.iter_mut().chain(start);
    for (byte, stream) in bytes.zip(&first[KEY..]) {
        *byte ^= stream;
    }
    stream.apply(1, rest);
}

/// Appends the box of `plain` to `out`.
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], plain: &[u8], out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; TAG]);
    out.extend_from_slice(plain);
    let (tag, body) = out[at..].split_at_mut(TAG);
    tag.copy_from_slice(&seal_in_place(&stream(key, nonce), &mut [], body));
}

/// Opens a box. `None` if it is too short, or was not made with this key and
/// nonce.
pub fn open(key: &[u8; 32], nonce: &[u8; 24], boxed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (tag, body) = boxed.split_first_chunk::<TAG>()?;
    let mut plain = Zeroizing::new(body.to_vec());
    open_in_place(&stream(key, nonce), tag, &mut [], &mut plain).then_some(plain)
}

fn stream(key: &[u8; 32], nonce: &[u8; 24]) -> Salsa20 {
    let (mut front, mut back) = ([0; 16], [0; 8]);
    front.copy_from_slice(&nonce[..16]);
    back.copy_from_slice(&nonce[16..]);
    Salsa20::new(&hsalsa20(key, &front), &back)
}
