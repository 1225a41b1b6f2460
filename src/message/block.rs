//! Shared blocks of bytes: what read buffers and runs of frames are made of.
//!
//! A [`Block`] has one owner that fills it and hands out slices; each slice is a message's body and
//! keeps the memory alive. Handing out costs the owner no atomic operation: the reference count
//! starts with a large bias for the owner, the owner counts the references it handed out in a plain
//! integer, and the block has no slices left when the count is the bias less that integer.

use super::usage;
use crate::sys::room::Room;
use std::alloc::{Layout, alloc, dealloc};
use std::mem::MaybeUninit;
use std::ptr::NonNull;
// Not from sync::atomic: a reference count, as Arc's, which models take for granted.
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// More references than one block can ever hand out.
const BIAS: usize = 1 << 48;

/// The header in front of a block's bytes.
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

    /// Adds `count` references to the block.
    ///
    /// # Safety
    /// `this` must be a live block to which the caller holds a reference.
    pub(super) unsafe fn retain(this: NonNull<Header>, count: usize) {
        // SAFETY: the caller's reference keeps the header alive. Relaxed: a new reference is made
        // from an existing one and publishes nothing.
        unsafe { this.as_ref() }
            .refs
            .fetch_add(count, Ordering::Relaxed);
    }

    /// Size of the block's bytes.
    ///
    /// # Safety
    /// As for [`retain`](Self::retain).
    pub(super) unsafe fn capacity(this: NonNull<Header>) -> usize {
        // SAFETY: the caller's reference keeps the header alive.
        unsafe { this.as_ref() }.capacity
    }

    /// Ends references; the last one frees the block.
    ///
    /// # Safety
    /// The caller gives up `count` references that it held.
    pub(super) unsafe fn release(this: NonNull<Header>, count: usize) {
        // SAFETY: the caller's references keep the header alive until the subtraction. Release
        // pairs with the fence below and with the load in `Block::reclaim`.
        let before = unsafe { this.as_ref() }
            .refs
            .fetch_sub(count, Ordering::Release);
        if before == count {
            // Acquire pairs with the Release subtractions of other threads: their uses of the bytes
            // happen before.
            fence(Ordering::Acquire);
            // SAFETY: this was the last reference; the layout is the one the block was made with.
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
    /// End of the furthest slice handed out.
    given_end: usize,
    /// The first `filled` bytes were written. No slice reaches beyond.
    filled: usize,
}

// SAFETY: the bytes are plain memory, the count is atomic; the owner's part is moved, never shared
// mutably.
unsafe impl Send for Block {}
// SAFETY: shared access only reads.
unsafe impl Sync for Block {}

impl Block {
    /// A block of `capacity` bytes with unspecified content, or `None` if there is no memory.
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

    /// Size of the block in bytes.
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

    /// Counts `count` references as handed out, to bytes before `to`, and returns the header they
    /// must release.
    #[inline]
    pub(super) fn give(&mut self, to: usize, count: usize) -> NonNull<Header> {
        // At one slice per nanosecond this takes days.
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

    /// The address of the end, one byte after the last.
    #[inline]
    pub(super) fn end(&self) -> usize {
        self.base().as_ptr() as usize + self.capacity()
    }

    /// Whether all slices have been released. If so, the block can be filled anew.
    #[inline]
    pub fn reclaim(&mut self) -> bool {
        // SAFETY: the header lives as long as self. The Acquire load pairs with the Release in
        // `Header::release`: the readers of the slices have finished.
        let refs = unsafe { self.header.as_ref() };
        if refs.refs.load(Ordering::Acquire) != BIAS - self.given {
            return false;
        }
        refs.refs.store(BIAS, Ordering::Relaxed);
        self.given = 0;
        self.given_end = 0;
        true
    }

    /// Room for bytes after the first `from`, and after all slices handed out. Bytes filled after
    /// that are discarded.
    #[inline]
    pub fn room(&mut self, from: usize) -> Room<'_> {
        let from = from.max(self.given_end);
        if from > self.filled {
            return Room::default(); // would leave unwritten bytes
        }
        self.filled = from;
        let len = self.capacity() - from;
        // SAFETY: in bounds; no slice reaches beyond `given_end`, so nothing else refers to these
        // bytes, and the owner is borrowed exclusively.
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
        // SAFETY: in bounds and initialised (`filled`); while slices exist the bytes are only read.
        unsafe { std::slice::from_raw_parts(self.base().as_ptr().add(from), to - from) }
    }

    /// As [`bytes`](Self::bytes) for writing, except what was handed out.
    #[inline]
    pub fn bytes_mut(&mut self, from: usize, to: usize) -> &mut [u8] {
        let to = to.min(self.filled);
        let from = from.max(self.given_end).min(to);
        // SAFETY: in bounds and initialised; no slice reaches beyond `given_end`, so nothing else
        // refers to these bytes, and the owner is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.base().as_ptr().add(from), to - from) }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: the owner gives up the rest of its bias, which it holds.
        unsafe { Header::release(self.header, BIAS - self.given) };
    }
}
