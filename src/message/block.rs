//! Shared blocks of bytes: what read buffers and send arenas are made of.
//!
//! A [`Block`] has one owner that fills it and hands out slices; each slice is
//! a message's body and keeps the memory alive. Handing out costs the owner no
//! atomic operation: the count starts with a large bias in the owner's favour,
//! the owner counts what it gave in a plain integer, and only the two together
//! say whether anything is still out.

use super::usage;
use std::alloc::{Layout, alloc, dealloc};
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

    /// One more slice refers to the block.
    ///
    /// # Safety
    /// `this` must be a live block to which the caller holds a reference.
    pub(super) unsafe fn retain(this: NonNull<Header>) {
        // SAFETY: the caller's reference keeps the header alive. Relaxed: a new
        // reference is made from an existing one, nothing is published by it.
        unsafe { this.as_ref() }
            .refs
            .fetch_add(1, Ordering::Relaxed);
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

    /// Counts a slice given out that ends at `to`, and returns the header it
    /// must release.
    #[inline]
    pub(super) fn give(&mut self, to: usize) -> NonNull<Header> {
        self.given += 1;
        self.given_end = self.given_end.max(to);
        self.header
    }

    /// Counts `count` references given out at once, for what lies before the
    /// address `to`, and returns the header they must release.
    pub(super) fn give_many(&mut self, to: usize, count: usize) -> NonNull<Header> {
        self.given += count;
        let end = to.saturating_sub(self.base().as_ptr() as usize);
        self.given_end = self.given_end.max(end.min(self.capacity()));
        self.header
    }

    /// One more reference, to be released by the caller.
    pub(super) fn keep(&self) -> NonNull<Header> {
        // SAFETY: the block is alive.
        unsafe { Header::retain(self.header) };
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

    /// The bytes behind everything given out, from `from` or the end of the
    /// last slice on, whichever is later, to be filled by the owner.
    #[inline]
    pub fn room(&mut self, from: usize) -> &mut [u8] {
        let from = from.max(self.given_end).min(self.capacity());
        // SAFETY: in bounds; no slice reaches beyond `given_end`, so nobody
        // reads there. The bytes may be unspecified, but u8 has no invalid
        // value and they come from the allocator.
        unsafe {
            std::slice::from_raw_parts_mut(self.base().as_ptr().add(from), self.capacity() - from)
        }
    }

    /// The bytes in `range`, which the owner filled before.
    #[inline]
    pub fn bytes(&self, from: usize, to: usize) -> &[u8] {
        let to = to.min(self.capacity());
        let from = from.min(to);
        // SAFETY: in bounds and only read while slices may be out.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr().add(from), to - from) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the owner gives up what is left of its bias.
        unsafe { Header::release(self.header, BIAS - self.given) };
    }
}
