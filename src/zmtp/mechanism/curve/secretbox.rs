//! XSalsa20-Poly1305: the boxes of CURVE, as NaCl defines them.
//!
//! A box is a tag of 16 bytes and the ciphertext. The first 32 bytes of the key
//! stream are the authenticator's key; the message is combined with what
//! follows.

#![forbid(unsafe_code)]

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::poly1305::{Blocks, Poly1305};
use super::salsa20::{BLOCK, CHUNK, Interleaved, LANES, STEPS, Salsa20, hsalsa20, xor_chunk};
use crate::sys::simd::{self, Kernel};

/// Bytes of a tag.
pub const TAG: usize = 16;
/// Bytes of the key stream that go to the authenticator.
const KEY: usize = 32;

/// Encrypts in place and returns the tag. The message is `head`, of at most 16
/// bytes, followed by `body`.
pub fn seal_in_place(stream: &Salsa20, head: &mut [u8], body: &mut [u8]) -> [u8; TAG] {
    work(stream, head, body, Way::Seal)
}

/// Decrypts in place. If this returns false, the tag is wrong, and `head` and
/// `body` hold nothing that may be used.
#[must_use]
pub fn open_in_place(stream: &Salsa20, tag: &[u8; TAG], head: &mut [u8], body: &mut [u8]) -> bool {
    work(stream, head, body, Way::Open).ct_eq(tag).into()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Seal,
    Open,
}

/// Encrypts or decrypts; returns the tag that belongs to the ciphertext.
fn work(stream: &Salsa20, head: &mut [u8], body: &mut [u8], way: Way) -> [u8; TAG] {
    let first = stream.block(0);
    let mut key = Zeroizing::new([0; KEY]);
    key.copy_from_slice(&first[..KEY]);
    let mut auth = Poly1305::new(&key);

    // The rest of the first block is for the head and the beginning of the body.
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

/// Whole chunks, from block 1 on: while the key stream of one is made, the
/// ciphertext of one goes into the authenticator.
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

// A chunk has fewer blocks of the authenticator than the cipher has steps.
const _: () = assert!(CHUNK / 16 <= STEPS);

impl Interleaved for Blocks<'_> {
    #[inline(always)]
    fn step(&mut self) {
        self.next();
    }
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
