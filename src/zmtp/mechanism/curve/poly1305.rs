//! Poly1305, the one-time authenticator of CURVE's boxes.
//!
//! Plain 64-bit arithmetic: as fast as vectors on long messages, and without
//! their preparation, which costs more than a short message itself.
//!
//! Nothing here branches on, or indexes by, secret data.

#![forbid(unsafe_code)]

use zeroize::Zeroize;

const BLOCK: usize = 16;

/// The sum over one message, modulo 2^130 - 5.
pub struct Poly1305 {
    /// The factor, with the bits cleared that RFC 8439 wants cleared.
    r: [u64; 2],
    /// 5/4 of its upper half.
    s: u64,
    /// The sum so far: two words and the few bits above them.
    h: [u64; 3],
    /// Added at the end.
    pad: [u64; 2],
}

impl Poly1305 {
    /// Begins with a key that is used for one message only.
    pub fn new(key: &[u8; 32]) -> Self {
        let r = [
            word(&key[..8]) & 0x0fff_fffc_0fff_ffff,
            word(&key[8..16]) & 0x0fff_fffc_0fff_fffc,
        ];
        Poly1305 {
            r,
            // The two lowest bits of r[1] are clear: the division is exact.
            s: r[1] + (r[1] >> 2),
            h: [0; 3],
            pad: [word(&key[16..24]), word(&key[24..32])],
        }
    }

    /// The tag of a message whose parts are `head`, at most 16 bytes, and `body`.
    pub fn tag(mut self, head: &[u8], body: &[u8]) -> [u8; 16] {
        let mut body = body;
        if !head.is_empty() {
            let mut first = [0; BLOCK];
            let filled = head.len().min(BLOCK);
            first[..filled].copy_from_slice(&head[..filled]);
            let taken = body.len().min(BLOCK - filled);
            first[filled..filled + taken].copy_from_slice(&body[..taken]);
            body = &body[taken..];
            self.last_or_full(&first[..filled + taken]);
        }
        let whole = body.len() - body.len() % BLOCK;
        self.blocks(&body[..whole], 1);
        if whole < body.len() {
            self.last_or_full(&body[whole..]);
        }
        self.finish()
    }

    /// A single block; one that is not full can only be the last.
    fn last_or_full(&mut self, bytes: &[u8]) {
        let mut block = [0; BLOCK];
        block[..bytes.len()].copy_from_slice(bytes);
        match block.get_mut(bytes.len()) {
            Some(end) => {
                *end = 1;
                self.blocks(&block, 0);
            }
            None => self.blocks(&block, 1),
        }
        block.zeroize();
    }

    /// Whole blocks; `top` is the bit above each, 2^128.
    #[inline(always)]
    fn blocks(&mut self, bytes: &[u8], top: u64) {
        let [mut h0, mut h1, mut h2] = self.h;
        let [r0, r1] = self.r;
        let s = self.s;
        for block in bytes.chunks_exact(BLOCK) {
            let (low, carry) = add(h0, word(&block[..8]), 0);
            let (high, carry) = add(h1, word(&block[8..]), carry);
            h2 = h2 + carry + top;
            // (high, low) * (r1, r0), with what is at 2^128 and above brought
            // down by 2^130 = 5. All sums stay below 2^127.
            let d0 = product(low, r0) + product(high, s);
            let d1 = product(low, r1) + product(high, r0) + u128::from(h2 * s) + (d0 >> 64);
            let d2 = h2 * r0 + (d1 >> 64) as u64;
            let fold = (d2 >> 2) + (d2 & !3);
            let (low, carry) = add(d0 as u64, fold, 0);
            let (high, carry) = add(d1 as u64, 0, carry);
            (h0, h1, h2) = (low, high, (d2 & 3) + carry);
        }
        self.h = [h0, h1, h2];
    }

    fn finish(self) -> [u8; 16] {
        let [h0, h1, h2] = self.h;
        // Subtract the modulus if the sum is not below it.
        let (g0, carry) = add(h0, 5, 0);
        let (g1, carry) = add(h1, 0, carry);
        let mask = ((h2 + carry) >> 2).wrapping_neg();
        let low = (h0 & !mask) | (g0 & mask);
        let high = (h1 & !mask) | (g1 & mask);
        let (low, carry) = add(low, self.pad[0], 0);
        let (high, _) = add(high, self.pad[1], carry);
        (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
    }
}

impl Drop for Poly1305 {
    fn drop(&mut self) {
        self.r.zeroize();
        self.s.zeroize();
        self.h.zeroize();
        self.pad.zeroize();
    }
}

#[inline(always)]
fn word(bytes: &[u8]) -> u64 {
    bytes
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

#[inline(always)]
fn product(one: u64, two: u64) -> u128 {
    u128::from(one) * u128::from(two)
}

/// The sum and its carry.
#[inline(always)]
fn add(one: u64, two: u64, carry: u64) -> (u64, u64) {
    let sum = u128::from(one) + u128::from(two) + u128::from(carry);
    (sum as u64, (sum >> 64) as u64)
}
