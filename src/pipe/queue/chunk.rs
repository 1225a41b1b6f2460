//! The chunks of a queue's memory.

use crate::message::usage;
use crate::sync::SyncCell;
use crate::sync::atomic::AtomicPtr;
use std::mem::MaybeUninit;
use std::ptr;

/// Items in the first chunk.
pub(super) const FIRST: usize = if cfg!(loom) { 1 } else { 2 };
/// Items in a full-size chunk.
pub(super) const LARGEST: usize = if cfg!(loom) { 2 } else { 128 };

/// A number of cells for items, and the link to the next chunk.
pub(super) struct Chunk<T> {
    pub(super) next: AtomicPtr<Chunk<T>>,
    pub(super) cells: Box<[SyncCell<MaybeUninit<T>>]>,
}

impl<T> Chunk<T> {
    pub(super) fn new(capacity: usize) -> *mut Chunk<T> {
        let cells = (0..capacity)
            .map(|_| SyncCell::new(MaybeUninit::uninit()))
            .collect();
        usage::took(capacity * size_of::<T>());
        Box::into_raw(Box::new(Chunk {
            next: AtomicPtr::new(ptr::null_mut()),
            cells,
        }))
    }

    /// # Safety
    /// `chunk` is alive.
    #[inline]
    pub(super) unsafe fn capacity(chunk: *const Chunk<T>) -> usize {
        // SAFETY: the chunk is alive, by the caller's promise.
        unsafe { &*chunk }.cells.len()
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        usage::gave_back(self.cells.len() * size_of::<T>());
    }
}
