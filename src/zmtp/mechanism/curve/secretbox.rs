//! XSalsa20-Poly1305: the boxes of CURVE, as NaCl defines them.
//!
//! A box is a tag of 16 bytes and the ciphertext. The first 32 bytes of the key
//! stream are the authenticator's key; the message is combined with what
//! follows.

#![forbid(unsafe_code)]

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::primitives::{Poly1305, Salsa20, crypt, hsalsa20};

/// Bytes of a tag.
pub const TAG: usize = 16;
/// Bytes of the key stream that are the authenticator's key.
const KEY: usize = 32;
/// Bytes in a block of the key stream.
const BLOCK: usize = 64;

/// Encrypts in place and returns the tag. The message is `head`, of at most 16
/// bytes, followed by `body`.
pub fn seal_in_place(stream: &Salsa20, head: &mut [u8], body: &mut [u8]) -> [u8; TAG] {
    work(stream, head, body, Way::Seal)
}

/// Decrypts in place. If this returns false, the tag is wrong, and the contents of
/// `head` and `body` must not be used.
#[must_use]
pub fn open_in_place(stream: &Salsa20, tag: &[u8; TAG], head: &mut [u8], body: &mut [u8]) -> bool {
    work(stream, head, body, Way::Open).ct_eq(tag).into()
}

/// Whether to encrypt or to decrypt.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Seal,
    Open,
}

/// Encrypts or decrypts; returns the tag that belongs to the ciphertext.
fn work(stream: &Salsa20, head: &mut [u8], body: &mut [u8], way: Way) -> [u8; TAG] {
    let first = stream.block(0);
    let mut key = Zeroizing::new([0; KEY]);
    key.copy_from_slice(&first[..KEY]);
    let mut auth = Poly1305::new(&key);

    // The rest of the first block encrypts the head and the beginning of the body.
    let (start, rest) = body.split_at_mut(body.len().min(BLOCK - KEY - head.len()));
    let len = head.len() + start.len();
    let mut joined = [0; BLOCK - KEY];
    joined[..head.len()].copy_from_slice(head);
    joined[head.len()..len].copy_from_slice(start);
    let before = joined;
    for (byte, stream) in joined.iter_mut().zip(&first[KEY..]) {
        *byte ^= stream;
    }
    head.copy_from_slice(&joined[..head.len()]);
    start.copy_from_slice(&joined[head.len()..len]);
    let cipher = match way {
        Way::Seal => &joined[..len],
        Way::Open => &before[..len],
    };
    if rest.is_empty() {
        return auth.tag(cipher);
    }
    auth.update(cipher);

    crypt(stream, auth, rest, way)
}

/// Appends the box of `plain` to `out`.
pub fn seal(key: &[u8; 32], nonce: &[u8; 24], plain: &[u8], out: &mut Vec<u8>) {
    let at = out.len();
    out.extend_from_slice(&[0; TAG]);
    out.extend_from_slice(plain);
    let (tag, body) = out[at..].split_at_mut(TAG);
    tag.copy_from_slice(&seal_in_place(&stream(key, nonce), &mut [], body));
}

/// Decrypts a box. `None` if it is shorter than a tag, or was not sealed with this
/// key and nonce.
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
