//! Poly1305, the one-time authenticator of CURVE's boxes.
//!
//! 64-bit arithmetic: on long messages as fast as vector instructions, and without
//! their setup, which costs more than a short message itself.
//!
//! Constant time: no branch and no index depends on secret data.

#![forbid(unsafe_code)]

use zeroize::Zeroize;

const BLOCK: usize = 16;

/// The sum over one message, modulo 2^130 - 5.
pub struct Poly1305 {
    factor: Factor,
    /// The sum so far, partially reduced: two words and a few bits above them.
    h: [u64; 3],
    /// Added at the end.
    pad: [u64; 2],
}

impl Poly1305 {
    /// Starts a sum. The key must be used for one message only.
    pub fn new(key: &[u8; 32]) -> Self {
        let r = [
            word(&key[..8]) & 0x0fff_fffc_0fff_ffff,
            word(&key[8..16]) & 0x0fff_fffc_0fff_fffc,
        ];
        Poly1305 {
            // The two lowest bits of r[1] are clear: the division is exact.
            factor: Factor {
                r,
                s: r[1] + (r[1] >> 2),
            },
            h: [0; 3],
            pad: [word(&key[16..24]), word(&key[24..32])],
        }
    }

    /// Adds `rest`, the last bytes of the message, and returns the tag.
    pub fn tag(mut self, rest: &[u8]) -> [u8; 16] {
        let whole = rest.len() - rest.len() % BLOCK;
        self.update(&rest[..whole]);
        let mut block = [0; BLOCK];
        let (start, end) = block.split_at_mut(rest.len() - whole);
        start.copy_from_slice(&rest[whole..]);
        if !start.is_empty() {
            end[0] = 1;
            self.h = self.factor.times(self.h, &block, 0);
        }
        block.zeroize();
        self.finish()
    }

    /// Adds the whole blocks of `bytes`; a remainder is ignored.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut blocks = self.blocks(bytes);
        while blocks.next() {}
        let sum = blocks.sum;
        self.h = sum;
    }

    /// The same by an iterator, which the caller advances. [`Poly1305::set_sum`] stores
    /// its result.
    #[inline(always)]
    pub fn blocks<'a>(&self, bytes: &'a [u8]) -> Blocks<'a> {
        Blocks {
            factor: self.factor,
            sum: self.h,
            blocks: bytes.chunks_exact(BLOCK),
        }
    }

    /// Stores [`Blocks::sum`] of an iterator of [`Poly1305::blocks`].
    #[inline(always)]
    pub fn set_sum(&mut self, sum: [u64; 3]) {
        self.h = sum;
    }

    fn finish(self) -> [u8; 16] {
        let [h0, h1, h2] = self.h;
        // Full reduction: subtracts the modulus if the sum is not below it.
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
        self.factor.r.zeroize();
        self.factor.s.zeroize();
        self.h.zeroize();
        self.pad.zeroize();
    }
}

/// The factor of the sum for each block.
#[derive(Clone, Copy)]
struct Factor {
    /// Clamped as in RFC 8439.
    r: [u64; 2],
    /// 5/4 of the upper half.
    s: u64,
}

impl Factor {
    /// The sum `h` after one more block; `top` is the bit above the block, 2^128.
    #[inline(always)]
    fn times(self, h: [u64; 3], block: &[u8], top: u64) -> [u64; 3] {
        let [r0, r1] = self.r;
        let (low, carry) = add(h[0], word(&block[..8]), 0);
        let (high, carry) = add(h[1], word(&block[8..]), carry);
        let h2 = h[2] + carry + top;
        // (high, low) * (r1, r0), with the bits from 2^130 on reduced by 2^130 = 5.
        // All sums stay below 2^127.
        let d0 = product(low, r0) + product(high, self.s);
        let d1 = product(low, r1) + product(high, r0) + u128::from(h2 * self.s) + (d0 >> 64);
        let d2 = h2 * r0 + (d1 >> 64) as u64;
        let fold = (d2 >> 2) + (d2 & !3);
        let (low, carry) = add(d0 as u64, fold, 0);
        let (high, carry) = add(d1 as u64, 0, carry);
        [low, high, (d2 & 3) + carry]
    }
}

/// Iterator that adds blocks to a sum.
pub struct Blocks<'a> {
    factor: Factor,
    /// The sum with the blocks so far, for [`Poly1305::set_sum`].
    pub sum: [u64; 3],
    blocks: std::slice::ChunksExact<'a, u8>,
}

impl Blocks<'_> {
    /// Adds one block; false if none is left.
    #[inline(always)]
    pub fn next(&mut self) -> bool {
        match self.blocks.next() {
            Some(block) => {
                self.sum = self.factor.times(self.sum, block, 1);
                true
            }
            None => false,
        }
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
