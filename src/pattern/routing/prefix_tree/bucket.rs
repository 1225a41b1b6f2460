//! A few short strings in byte order, each with a number, in one allocation.

#![forbid(unsafe_code)]

use std::ops::Range;

/// The number that no key may have.
pub const ABSENT: u32 = u32::MAX;

/// Most strings in a bucket.
const COUNT_MAX: usize = 64;
/// Most bytes of all strings together.
const TEXT_MAX: usize = 1024;
/// Longest string.
pub const STRING_MAX: usize = 255;

/// Strings that are not empty, in byte order, with numbers.
///
/// The layout: the number of strings (one byte), the number of slots (one byte), then three
/// arrays with an element for each slot: the first byte of the string, the end of the string
/// in the text (two bytes), its number (four bytes); then the text. A search scans the first
/// bytes, and compares strings only where the first byte is equal.
pub struct Bucket {
    bytes: Box<[u8]>,
}

const HEADER: usize = 2;
/// Bytes that a string takes beside its text.
const FIXED: usize = 1 + 2 + 4;

impl Bucket {
    /// A bucket of strings, which are given in byte order.
    pub fn new<'a>(strings: impl Iterator<Item = (&'a [u8], u32)> + Clone) -> Bucket {
        let text = strings.clone().map(|(string, _)| string.len()).sum();
        let mut bucket = Bucket::with_room(strings.clone().count(), text);
        for (string, number) in strings {
            bucket.put(bucket.len(), string, number);
        }
        bucket
    }

    fn with_room(slots: usize, text: usize) -> Bucket {
        // Rounded up to the size that the allocator uses in any case.
        let size = (HEADER + slots * FIXED + text + 8).next_multiple_of(16) - 8;
        let mut bytes = vec![0; size].into_boxed_slice();
        bytes[1] = slots as u8;
        Bucket { bytes }
    }

    /// Number of strings.
    #[inline]
    pub fn len(&self) -> usize {
        usize::from(self.bytes[0])
    }

    #[inline]
    fn slots(&self) -> usize {
        usize::from(self.bytes[1])
    }

    /// The first bytes of all strings.
    #[inline]
    fn marks(&self) -> &[u8] {
        &self.bytes[HEADER..][..self.len()]
    }

    fn ends_at(&self) -> usize {
        HEADER + self.slots()
    }

    fn numbers_at(&self) -> usize {
        HEADER + self.slots() * 3
    }

    #[inline]
    fn text(&self) -> &[u8] {
        &self.bytes[HEADER + self.slots() * FIXED..]
    }

    /// The end of the first `count` strings in the text.
    #[inline]
    fn end_of(&self, count: usize) -> usize {
        match count {
            0 => 0,
            _ => usize::from(u16::from_le_bytes(self.get(self.ends_at(), count - 1))),
        }
    }

    /// Element `index` of an array with elements of `N` bytes that begins at `array`.
    #[inline]
    fn get<const N: usize>(&self, array: usize, index: usize) -> [u8; N] {
        let mut element = [0; N];
        element.copy_from_slice(&self.bytes[array + index * N..][..N]);
        element
    }

    #[inline]
    fn range(&self, index: usize) -> Range<usize> {
        self.end_of(index)..self.end_of(index + 1)
    }

    #[inline]
    fn string(&self, index: usize) -> &[u8] {
        &self.text()[self.range(index)]
    }

    /// The number of the string at an index.
    #[inline]
    pub fn number(&self, index: usize) -> u32 {
        u32::from_le_bytes(self.get(self.numbers_at(), index))
    }

    /// Sets the number of the string at an index.
    pub fn set_number(&mut self, index: usize, number: u32) {
        let place = self.numbers_at() + 4 * index;
        self.bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
    }

    /// The strings in order, with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], u32)> + Clone {
        (0..self.len()).map(|index| (self.string(index), self.number(index)))
    }

    /// Number of strings that begin with a smaller byte.
    #[inline]
    fn before(&self, byte: u8) -> usize {
        // Without branches, so that vector instructions are used; the sum fits into a byte.
        let smaller = self.marks().iter().map(|mark| u8::from(*mark < byte));
        usize::from(smaller.sum::<u8>())
    }

    /// The index of a string; as an error, the index where it is to be inserted.
    pub fn find(&self, string: &[u8]) -> Result<usize, usize> {
        let Some(&byte) = string.first() else {
            return Err(0);
        };
        let mut index = self.before(byte);
        while self.marks().get(index) == Some(&byte) {
            match self.string(index).cmp(string) {
                std::cmp::Ordering::Less => index += 1,
                std::cmp::Ordering::Equal => return Ok(index),
                std::cmp::Ordering::Greater => break,
            }
        }
        Err(index)
    }

    /// Calls `visit` with the number of each string that is a prefix of `data`,
    /// shortest first, until it returns false.
    #[inline]
    pub fn prefixes(&self, data: &[u8], mut visit: impl FnMut(u32) -> bool) {
        let Some(&byte) = data.first() else {
            return;
        };
        let mut index = self.before(byte);
        while self.marks().get(index) == Some(&byte) {
            if data.starts_with(self.string(index)) && !visit(self.number(index)) {
                return;
            }
            index += 1;
        }
    }

    /// Whether this string can be added.
    pub fn takes(&self, string: &[u8]) -> bool {
        self.len() < COUNT_MAX
            && string.len() <= STRING_MAX
            && self.end_of(self.len()) + string.len() <= TEXT_MAX
    }

    /// Adds a string without a number. [`takes`](Self::takes) has returned true for it, and
    /// [`find`](Self::find) this index.
    pub fn insert(&mut self, index: usize, string: &[u8]) {
        let (count, used) = (self.len(), self.end_of(self.len()));
        if count == self.slots() || used + string.len() > self.text().len() {
            // Room grows by half.
            let slots = (count + 1 + count.div_ceil(2)).min(COUNT_MAX);
            let text = used + string.len() + used.div_ceil(2);
            self.refit(slots, text.min(TEXT_MAX));
        }
        self.put(index, string, ABSENT);
    }

    /// Moves everything to an allocation of another size.
    fn refit(&mut self, slots: usize, text: usize) {
        let count = self.len();
        let mut fresh = Bucket::with_room(slots, text);
        let parts = [
            (HEADER, HEADER, count),
            (fresh.ends_at(), self.ends_at(), count * 2),
            (fresh.numbers_at(), self.numbers_at(), count * 4),
            (
                HEADER + fresh.slots() * FIXED,
                HEADER + self.slots() * FIXED,
                self.end_of(count),
            ),
        ];
        for (to, from, len) in parts {
            fresh.bytes[to..to + len].copy_from_slice(&self.bytes[from..from + len]);
        }
        fresh.bytes[0] = count as u8;
        *self = fresh;
    }

    /// Adds a string; there must be room.
    fn put(&mut self, index: usize, string: &[u8], number: u32) {
        let (count, size) = (self.len(), string.len());
        let (from, used) = (self.end_of(index), self.end_of(count));
        let (ends, numbers) = (self.ends_at(), self.numbers_at());
        let text = HEADER + self.slots() * FIXED;
        let bytes = &mut self.bytes;
        bytes.copy_within(HEADER + index..HEADER + count, HEADER + index + 1);
        bytes.copy_within(ends + index * 2..ends + count * 2, ends + index * 2 + 2);
        bytes.copy_within(
            numbers + index * 4..numbers + count * 4,
            numbers + index * 4 + 4,
        );
        bytes.copy_within(text + from..text + used, text + from + size);
        bytes[HEADER + index] = string[0];
        let end = (from as u16).to_le_bytes();
        bytes[ends + index * 2..][..2].copy_from_slice(&end);
        bytes[numbers + index * 4..][..4].copy_from_slice(&number.to_le_bytes());
        bytes[text + from..][..size].copy_from_slice(string);
        bytes[0] += 1;
        self.move_ends(index..count + 1, size as u16);
    }

    /// Removes the string at an index.
    pub fn remove(&mut self, index: usize) {
        let (count, Range { start, end }) = (self.len(), self.range(index));
        let used = self.end_of(count);
        self.move_ends(index..count, ((end - start) as u16).wrapping_neg());
        let (ends, numbers) = (self.ends_at(), self.numbers_at());
        let text = HEADER + self.slots() * FIXED;
        let bytes = &mut self.bytes;
        bytes.copy_within(HEADER + index + 1..HEADER + count, HEADER + index);
        bytes.copy_within(ends + index * 2 + 2..ends + count * 2, ends + index * 2);
        bytes.copy_within(
            numbers + index * 4 + 4..numbers + count * 4,
            numbers + index * 4,
        );
        bytes.copy_within(text + end..text + used, text + start);
        bytes[0] -= 1;
        if self.slots() > 2 * count {
            self.refit(count, self.end_of(count - 1));
        }
    }

    /// Adds `by` to the ends of these strings, whose text has moved.
    fn move_ends(&mut self, which: Range<usize>, by: u16) {
        let ends = self.ends_at();
        for end in self.bytes[ends + which.start * 2..ends + which.end * 2].chunks_exact_mut(2) {
            let moved = u16::from_le_bytes([end[0], end[1]]).wrapping_add(by);
            end.copy_from_slice(&moved.to_le_bytes());
        }
    }

    /// Bytes of memory, without the allocator's own.
    #[cfg(all(test, not(loom)))]
    pub fn memory(&self) -> usize {
        self.bytes.len()
    }
}
