//! Salsa20 and HSalsa20, the stream cipher and the key derivation of CURVE.
//!
//! Implemented here for speed: existing crates compute one block at a time, this
//! module sixteen, in loops that compilers vectorize. XSalsa20 is HSalsa20 over the
//! first 16 bytes of the nonce and Salsa20 over the rest. Those 16 bytes are constant
//! for the traffic of a CURVE connection, so the callers keep the HSalsa20 result.
//!
//! Constant time: no branch and no index depends on secret data.

#![forbid(unsafe_code)]

use zeroize::{Zeroize, Zeroizing};

use crate::sys::simd::{self, Kernel};

/// Bytes in a block of the key stream.
pub const BLOCK: usize = 64;
/// Steps of [`Interleaved`] in a chunk: one after each quarter round.
pub const STEPS: usize = 80;
/// Blocks computed side by side.
pub const LANES: usize = 16;
/// Bytes of the key stream computed at a time.
pub const CHUNK: usize = LANES * BLOCK;
/// Up to this many bytes, single blocks are cheaper than all lanes.
const FEW: usize = 3 * BLOCK;

/// The constants in the diagonal of the state.
const SIGMA: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// [`LANES`] blocks, transposed: for each word of a block, that word of all blocks.
pub type Lanes = [[u32; LANES]; 16];

/// The key stream of one key and one nonce.
pub struct Salsa20 {
    state: [u32; 16],
}

impl Salsa20 {
    pub fn new(key: &[u8; 32], nonce: &[u8; 8]) -> Self {
        let mut input = [0; 16];
        input[..8].copy_from_slice(nonce);
        Salsa20 {
            state: initial(key, &input),
        }
    }

    /// The block with this number.
    pub fn block(&self, number: u64) -> Zeroizing<[u8; BLOCK]> {
        let mut start = numbered(&self.state, number);
        let mut words = start;
        rounds(&mut words);
        let mut block = Zeroizing::new([0; BLOCK]);
        for ((bytes, word), start) in block.chunks_exact_mut(4).zip(&words).zip(&start) {
            bytes.copy_from_slice(&word.wrapping_add(*start).to_le_bytes());
        }
        start.zeroize();
        words.zeroize();
        block
    }

    /// XORs `data`, less than [`CHUNK`] bytes, with the key stream from block
    /// `number` on.
    pub fn apply_short(&self, number: u64, data: &mut [u8]) {
        if data.len() > FEW {
            let (state, data) = (&self.state, data);
            return simd::run(ApplyShort {
                state,
                number,
                data,
            });
        }
        for (index, chunk) in data.chunks_mut(BLOCK).enumerate() {
            xor(
                chunk,
                self.block(number.wrapping_add(index as u64)).as_slice(),
            );
        }
    }

    /// The key stream of a whole chunk, from block `number` on. Calls
    /// [`Interleaved::step`] of `work` [`STEPS`] times during the computation.
    #[inline(always)]
    pub fn chunk(&self, number: u64, work: &mut impl Interleaved) -> Lanes {
        side_by_side(&self.state, number, work)
    }
}

/// Work interleaved with the steps of the cipher.
///
/// The cipher uses the vector units, the authenticator the scalar ones with long
/// latencies: interleaved, both take hardly longer than one.
pub trait Interleaved {
    /// A small step, called [`STEPS`] times for each chunk. Implementations are
    /// `#[inline(always)]`.
    fn step(&mut self);
}

impl Interleaved for () {
    #[inline(always)]
    fn step(&mut self) {}
}

/// XORs a chunk with its key stream.
#[inline(always)]
pub fn xor_chunk(chunk: &mut [u8; CHUNK], words: &Lanes) {
    for (lane, block) in chunk.chunks_exact_mut(BLOCK).enumerate() {
        for (bytes, word) in block.chunks_exact_mut(4).zip(words) {
            let mixed = [bytes[0], bytes[1], bytes[2], bytes[3]];
            let mixed = u32::from_le_bytes(mixed) ^ word[lane];
            bytes.copy_from_slice(&mixed.to_le_bytes());
        }
    }
}

impl Drop for Salsa20 {
    fn drop(&mut self) {
        self.state.zeroize();
    }
}

/// Derives a key from `key` and 16 bytes, which may be public.
pub fn hsalsa20(key: &[u8; 32], input: &[u8; 16]) -> Zeroizing<[u8; 32]> {
    let mut words = initial(key, input);
    rounds(&mut words);
    let mut derived = Zeroizing::new([0; 32]);
    let chosen = [0, 5, 10, 15, 6, 7, 8, 9];
    for (bytes, index) in derived.chunks_exact_mut(4).zip(chosen) {
        bytes.copy_from_slice(&words[index].to_le_bytes());
    }
    words.zeroize();
    derived
}

fn initial(key: &[u8; 32], input: &[u8; 16]) -> [u32; 16] {
    let mut state = [0; 16];
    for (place, constant) in [0, 5, 10, 15].into_iter().zip(SIGMA) {
        state[place] = constant;
    }
    for (place, bytes) in [1, 2, 3, 4, 11, 12, 13, 14]
        .into_iter()
        .zip(key.chunks_exact(4))
    {
        state[place] = word(bytes);
    }
    for (place, bytes) in (6..10).zip(input.chunks_exact(4)) {
        state[place] = word(bytes);
    }
    state
}

/// The state of the block `number`.
fn numbered(state: &[u32; 16], number: u64) -> [u32; 16] {
    let mut state = *state;
    state[8] = number as u32;
    state[9] = (number >> 32) as u32;
    state
}

fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn rounds(x: &mut [u32; 16]) {
    let mut lanes = x.map(|word| [word]);
    for _ in 0..10 {
        double_round(&mut lanes, &mut ());
    }
    *x = lanes.map(|[word]| word);
}

fn xor(data: &mut [u8], stream: &[u8]) {
    for (byte, stream) in data.iter_mut().zip(stream) {
        *byte ^= stream;
    }
}

/// [`Salsa20::apply_short`] with all lanes.
struct ApplyShort<'a> {
    state: &'a [u32; 16],
    number: u64,
    data: &'a mut [u8],
}

impl Kernel for ApplyShort<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let words = side_by_side(self.state, self.number, &mut ());
        let mut chunk = [0; CHUNK];
        xor_chunk(&mut chunk, &words);
        xor(self.data, &chunk);
    }
}

/// [`LANES`] blocks from `number` on.
#[inline(always)]
fn side_by_side(state: &[u32; 16], number: u64, work: &mut impl Interleaved) -> Lanes {
    let mut start = [[0; LANES]; 16];
    for (lanes, word) in start.iter_mut().zip(state) {
        *lanes = [*word; LANES];
    }
    let numbers: [u64; LANES] = std::array::from_fn(|lane| number.wrapping_add(lane as u64));
    start[8] = numbers.map(|number| number as u32);
    start[9] = numbers.map(|number| (number >> 32) as u32);
    let mut x = start;
    for _ in 0..10 {
        double_round(&mut x, work);
    }
    for (lanes, start) in x.iter_mut().zip(&start) {
        for (word, start) in lanes.iter_mut().zip(start) {
            *word = word.wrapping_add(*start);
        }
    }
    x
}

/// The columns, then the rows. Unrolled by hand, because the compiler does not unroll
/// a loop over the quarter rounds.
#[inline(always)]
fn double_round<const N: usize>(x: &mut [[u32; N]; 16], work: &mut impl Interleaved) {
    quarter(x, 0, 4, 8, 12);
    work.step();
    quarter(x, 5, 9, 13, 1);
    work.step();
    quarter(x, 10, 14, 2, 6);
    work.step();
    quarter(x, 15, 3, 7, 11);
    work.step();
    quarter(x, 0, 1, 2, 3);
    work.step();
    quarter(x, 5, 6, 7, 4);
    work.step();
    quarter(x, 10, 11, 8, 9);
    work.step();
    quarter(x, 15, 12, 13, 14);
    work.step();
}

#[inline(always)]
fn quarter<const N: usize>(x: &mut [[u32; N]; 16], a: usize, b: usize, c: usize, d: usize) {
    step(x, b, a, d, 7);
    step(x, c, b, a, 9);
    step(x, d, c, b, 13);
    step(x, a, d, c, 18);
}

// With iterators, this loop is not vectorized.
#[allow(clippy::needless_range_loop)]
#[inline(always)]
fn step<const N: usize>(x: &mut [[u32; N]; 16], to: usize, one: usize, two: usize, turn: u32) {
    for lane in 0..N {
        let sum = x[one][lane].wrapping_add(x[two][lane]);
        x[to][lane] ^= sum.rotate_left(turn);
    }
}
