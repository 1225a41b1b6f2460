//! The writing end of a queue.

use super::chunk::{Chunk, FIRST, LARGEST};
use super::place::{Mark, Place};
use super::shared::Shared;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;
use crate::sync::membarrier;
use std::ptr;

/// How many cells ahead the producer prefetches the memory, which is in the cache of the consumer's
/// core.
const AHEAD: usize = 6;

/// The writing end.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    at: Place<T>,
    /// Start of the open group, if one is open.
    group: Mark<T>,
    open: bool,
    published: usize,
}

// SAFETY: used by one thread at a time (its methods take &mut); an item crosses threads once, hence
// T: Send. The raw pointers are to chunks that are freed only by the end that owns them at that
// time.
unsafe impl<T: Send> Send for Producer<T> {}

impl<T> Producer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Producer<T> {
        Producer {
            shared,
            at: Place::start(),
            group: Mark::start(),
            open: false,
            published: 0,
        }
    }

    /// Adds an item that is no unit, and neither begins nor ends a group.
    pub fn push_announcement(&mut self, item: T) {
        self.fill(0, item);
    }

    /// Adds units to the last item: one that ends its group or leaves it open, or several that are
    /// whole groups.
    ///
    /// # Safety
    /// The last item is an announcement, and the units are where its reader will expect them.
    #[inline]
    pub unsafe fn extend(&mut self, units: usize, last: bool) {
        if !self.open && !last {
            self.group = self.at.mark();
        }
        self.open = !last;
        self.at.count += units;
    }

    /// Adds an item: the last of its group, or one that leaves the group open.
    #[inline]
    pub fn push(&mut self, item: T, last: bool) {
        if !self.open && !last {
            self.group = self.at.mark();
        }
        self.open = !last;
        self.fill(1, item);
    }

    #[inline]
    fn fill(&mut self, units: usize, item: T) {
        if self.at.exhausted() {
            self.grow();
        }
        // SAFETY: the producer's chunk is alive: the consumer leaves a chunk only for a published
        // item in the next one. The cell is above the published count, so the consumer does not
        // read it.
        unsafe {
            self.at.cell().with_mut(|cell| (*cell).write(item));
            let later = self.at.index + AHEAD;
            if later < self.at.capacity {
                crate::sys::prefetch_for_write(&*self.at.cells.add(later));
            }
        }
        self.at.advance(units);
    }

    #[cold]
    fn grow(&mut self) {
        // Acquire pairs with the exchange in `give_back`: the consumer's reads of the chunk happen
        // before its next use.
        let mut chunk = self.shared.spare.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: the current chunk is alive (see `fill`); the new one belongs to the producer
        // until it is published.
        unsafe {
            if chunk.is_null() {
                let capacity = match self.at.chunk.is_null() {
                    true => FIRST,
                    false => (Chunk::capacity(self.at.chunk) * 2).min(LARGEST),
                };
                chunk = Chunk::new(capacity);
            } else {
                (*chunk).next.store(ptr::null_mut(), Ordering::Relaxed);
            }
            // Relaxed: the consumer follows the link only after it has loaded, with Acquire, a
            // published count that includes the new chunk.
            self.at
                .link(&self.shared.first)
                .store(chunk, Ordering::Relaxed);
        }
        // SAFETY: the chunk is alive, as above.
        unsafe { self.at.enter(chunk) };
    }

    /// Whether a group is open: part of a multipart message was written.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Units in completed groups since the beginning.
    #[inline]
    pub fn completed(&self) -> usize {
        match self.open {
            true => self.group.count,
            false => self.at.count,
        }
    }

    /// Publishes the completed groups to the consumer. True if there were new ones.
    ///
    /// The exchange is SeqCst: the producer's side of the Dekker handshake with a consumer that ran
    /// dry, whose flag the caller loads next. If `weakly`, it is a Release store with
    /// [`membarrier::light`], which costs next to nothing: the consumer then runs
    /// [`membarrier::heavy`] between the store to its flag and its recheck.
    #[inline]
    pub fn publish(&mut self, weakly: bool) -> bool {
        let completed = self.completed();
        if self.published == completed {
            return false;
        }
        self.published = completed;
        let published = &self.shared.published.0;
        if weakly {
            published.store(completed, Ordering::Release);
            membarrier::light();
            return true;
        }
        published.swap(completed, Ordering::SeqCst);
        true
    }

    /// Drops the items of the open group; returns how many units it had.
    pub fn rollback(&mut self) -> usize {
        if !std::mem::replace(&mut self.open, false) {
            return 0;
        }
        let dropped = self.at.count - self.group.count;
        // SAFETY: unpublished items and the chunks after the group's start belong to the producer;
        // all of these cells were written.
        unsafe {
            let start = self.group.place();
            let mut place = start;
            while !place.is_at(&self.at) {
                if place.exhausted() {
                    place.enter(place.link(&self.shared.first).load(Ordering::Relaxed));
                }
                place.cell().with_mut(|cell| (*cell).assume_init_drop());
                place.advance(0);
            }
            let link = start.link(&self.shared.first);
            let mut extra = link.load(Ordering::Relaxed);
            link.store(ptr::null_mut(), Ordering::Relaxed);
            while !extra.is_null() {
                let chunk = Box::from_raw(extra);
                extra = chunk.next.load(Ordering::Relaxed);
            }
            self.at = start;
        }
        dropped
    }
}

impl<T> Drop for Producer<T> {
    fn drop(&mut self) {
        self.rollback();
        self.publish(false);
        let at = self.at.mark();
        self.shared.end.with_mut(|end| {
            // SAFETY: only the producer writes it, once; Shared::drop reads it after both ends are
            // dropped.
            unsafe { *end = at }
        });
    }
}
