//! What the two ends of a queue share.

use super::chunk::Chunk;
use super::place::Mark;
use crate::sync::SyncCell;
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use std::ptr;

#[repr(align(64))]
pub(super) struct Line(pub(super) AtomicUsize);

/// What the two ends share.
pub(super) struct Shared<T> {
    /// Units visible to the consumer, counted from the beginning.
    pub(super) published: Line,
    pub(super) first: AtomicPtr<Chunk<T>>,
    /// A full-size chunk for the producer to use again.
    pub(super) spare: AtomicPtr<Chunk<T>>,
    /// The positions of the consumer and the producer when they were dropped.
    pub(super) rest: SyncCell<Mark<T>>,
    pub(super) end: SyncCell<Mark<T>>,
}

// SAFETY: Shared is reached through the two ends and dropped by the last one; its `rest` and `end`
// are written when the ends are dropped and read by Shared::drop only. An item crosses threads
// once, hence T: Send.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: see above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T> Shared<T> {
    pub(super) fn new() -> Shared<T> {
        Shared {
            published: Line(AtomicUsize::new(0)),
            first: AtomicPtr::new(ptr::null_mut()),
            spare: AtomicPtr::new(ptr::null_mut()),
            rest: SyncCell::new(Mark::start()),
            end: SyncCell::new(Mark::start()),
        }
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // SAFETY: both ends are dropped, so this is the only access; everything from the consumer's
        // position to the producer's is initialised.
        unsafe {
            let mut place = self.rest.with(|rest| *rest).place();
            let end = self.end.with(|end| *end).place();
            while !place.is_at(&end) {
                if place.exhausted() {
                    let next = place.link(&self.first).load(Ordering::Relaxed);
                    if !place.chunk.is_null() {
                        drop(Box::from_raw(place.chunk));
                    }
                    place.enter(next);
                }
                place.cell().with_mut(|cell| (*cell).assume_init_drop());
                place.advance(0);
            }
            let mut chunk = match place.chunk.is_null() {
                true => self.first.load(Ordering::Relaxed),
                false => place.chunk,
            };
            while !chunk.is_null() {
                let owned = Box::from_raw(chunk);
                chunk = owned.next.load(Ordering::Relaxed);
            }
            let spare = self.spare.load(Ordering::Relaxed);
            if !spare.is_null() {
                drop(Box::from_raw(spare));
            }
        }
    }
}
