//! The memory of a queue, piece by piece.

use crate::message::usage;
use crate::sync::Slot;
use crate::sync::atomic::AtomicPtr;
use std::mem::MaybeUninit;
use std::ptr;

/// Places for a number of items, and the way to the next ones.
pub(super) struct Chunk<T> {
    pub(super) next: AtomicPtr<Chunk<T>>,
    pub(super) slots: Box<[Slot<MaybeUninit<T>>]>,
}

impl<T> Chunk<T> {
    pub(super) fn new(capacity: usize) -> *mut Chunk<T> {
        let slots = (0..capacity)
            .map(|_| Slot::new(MaybeUninit::uninit()))
            .collect();
        usage::took(capacity * size_of::<T>());
        Box::into_raw(Box::new(Chunk {
            next: AtomicPtr::new(ptr::null_mut()),
            slots,
        }))
    }

    /// # Safety
    /// `chunk` is alive.
    #[inline]
    pub(super) unsafe fn capacity(chunk: *const Chunk<T>) -> usize {
        // SAFETY: by the caller's promise.
        unsafe { &*chunk }.slots.len()
    }
}

impl<T> Drop for Chunk<T> {
    fn drop(&mut self) {
        usage::gave_back(self.slots.len() * size_of::<T>());
    }
}
