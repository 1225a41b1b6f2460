//! Shared blocks of bytes: what read buffers and send arenas are made of.
//!
//! A [`Block`] has one owner that fills it and hands out slices; each slice is
//! a message's body and keeps the memory alive. Handing out costs the owner no
//! atomic operation: the count starts with a large bias in the owner's favour,
//! the owner counts what it gave in a plain integer, and only the two together
//! say whether anything is still out.

use super::usage;
use crate::sys::room::Room;
use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// More slices than one block can ever give out (each has at least one byte).
const BIAS: usize = 1 << 48;

/// Header in front of a block's bytes.
#[repr(C, align(16))]
pub(super) struct Header {
    refs: AtomicUsize,
    capacity: usize,
}

impl Header {
    fn layout(capacity: usize) -> Option<Layout> {
        let size = capacity.checked_add(size_of::<Header>())?;
        Layout::from_size_align(size, align_of::<Header>()).ok()
    }

    /// So many more references to the block.
    ///
    /// # Safety
    /// `this` must be a live block to which the caller holds a reference.
    pub(super) unsafe fn retain(this: NonNull<Header>, count: usize) {
        // SAFETY: the caller's reference keeps the header alive. Relaxed: a new
        // reference is made from an existing one, nothing is published by it.
        unsafe { this.as_ref() }
            .refs
            .fetch_add(count, Ordering::Relaxed);
    }

    /// Bytes the block holds.
    ///
    /// # Safety
    /// As for [`retain`](Self::retain).
    pub(super) unsafe fn capacity(this: NonNull<Header>) -> usize {
        // SAFETY: the caller's reference keeps the header alive.
        unsafe { this.as_ref() }.capacity
    }

    /// A reference ends; the last one frees the block.
    ///
    /// # Safety
    /// The caller gives up `count` references that it held.
    pub(super) unsafe fn release(this: NonNull<Header>, count: usize) {
        // SAFETY: our references keep the header alive until the subtraction.
        let before = unsafe { this.as_ref() }
            .refs
            .fetch_sub(count, Ordering::Release);
        if before == count {
            // Acquire: all uses of the bytes by other threads are over.
            fence(Ordering::Acquire);
            // SAFETY: nobody refers to the block any more; the layout is the
            // one it was made with.
            unsafe {
                let capacity = this.as_ref().capacity;
                usage::gave_back(capacity);
                if let Some(layout) = Header::layout(capacity) {
                    dealloc(this.as_ptr().cast(), layout);
                }
            }
        }
    }
}

/// A block and the right to fill it.
#[derive(Debug)]
pub struct Block {
    header: NonNull<Header>,
    given: usize,
    /// End of the furthest slice given out.
    given_end: usize,
    /// So many bytes from the first one on were written. Slices end before.
    filled: usize,
}

// SAFETY: the bytes are plain memory, the count is atomic; the owner's part is
// moved, never shared mutably.
unsafe impl Send for Block {}
// SAFETY: shared access only reads.
unsafe impl Sync for Block {}

impl Block {
    /// A block of `capacity` bytes with unspecified content, or `None` when
    /// memory is short.
    pub fn new(capacity: usize) -> Option<Block> {
        let layout = Header::layout(capacity)?;
        // SAFETY: the layout has a non-zero size (the header).
        let header = NonNull::new(unsafe { alloc(layout) }.cast::<Header>())?;
        usage::took(capacity);
        // SAFETY: freshly allocated, large enough and aligned for the header.
        unsafe {
            header.as_ptr().write(Header {
                refs: AtomicUsize::new(BIAS),
                capacity,
            })
        };
        Some(Block {
            header,
            given: 0,
            given_end: 0,
            filled: 0,
        })
    }

    /// Bytes the block holds.
    #[inline]
    pub fn capacity(&self) -> usize {
        // SAFETY: the header lives as long as self.
        unsafe { self.header.as_ref() }.capacity
    }

    /// Address of the first byte.
    #[inline]
    pub(super) fn base(&self) -> NonNull<u8> {
        // SAFETY: the bytes follow the header in the same allocation.
        unsafe { self.header.add(1) }.cast()
    }

    /// Counts `count` references given out, to what lies before `to`, and returns the
    /// header they must release.
    #[inline]
    pub(super) fn give(&mut self, to: usize, count: usize) -> NonNull<Header> {
        // Some days of giving out slices, one in a nanosecond, come to that.
        debug_assert!(self.given + count < BIAS);
        self.given += count;
        self.given_end = self.given_end.max(to);
        self.header
    }

    /// One more reference, to be released by the caller.
    pub(super) fn keep(&self) -> NonNull<Header> {
        // SAFETY: the block is alive.
        unsafe { Header::retain(self.header, 1) };
        self.header
    }

    /// The address behind the last byte.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.base().as_ptr() as usize + self.capacity()
    }

    /// Whether no slice is out any more. If so, the block can be filled anew.
    #[inline]
    pub fn reclaim(&mut self) -> bool {
        // Acquire: pairs with release, the readers of the slices are done.
        // SAFETY: the header lives as long as self.
        let refs = unsafe { self.header.as_ref() };
        if refs.refs.load(Ordering::Acquire) != BIAS - self.given {
            return false;
        }
        refs.refs.store(BIAS, Ordering::Relaxed);
        self.given = 0;
        self.given_end = 0;
        true
    }

    /// Room behind what was filled up to `from`, and behind everything given out. What
    /// was filled behind that is forgotten.
    #[inline]
    pub fn room(&mut self, from: usize) -> Room<'_> {
        let from = from.max(self.given_end);
        if from > self.filled {
            return Room::default(); // would leave a hole
        }
        self.filled = from;
        let len = self.capacity() - from;
        // SAFETY: in bounds; no slice reaches beyond `given_end`, so there is no other
        // reader, and the owner is borrowed.
        let free = unsafe {
            let start = self.base().as_ptr().add(from).cast::<MaybeUninit<u8>>();
            std::slice::from_raw_parts_mut(start, len)
        };
        Room::counted(free, &mut self.filled)
    }

    /// The bytes from `from` to `to`, as far as they were filled.
    #[inline]
    pub fn bytes(&self, from: usize, to: usize) -> &[u8] {
        let to = to.min(self.filled);
        let from = from.min(to);
        // SAFETY: initialised, and only read while slices may be out.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr().add(from), to - from) }
    }

    /// The same for writing, as far as they were not given out.
    #[inline]
    pub fn bytes_mut(&mut self, from: usize, to: usize) -> &mut [u8] {
        let to = to.min(self.filled);
        let from = from.max(self.given_end).min(to);
        // SAFETY: initialised; no slice reaches beyond `given_end`, so there is no
        // other reader, and the owner is borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.base().as_ptr().add(from), to - from) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the owner gives up what is left of its bias.
        unsafe { Header::release(self.header, BIAS - self.given) };
    }
}
