//! The reading end of a queue.

use super::chunk::{Chunk, LARGEST};
use super::place::Place;
use super::shared::Shared;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;

/// The reading end.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    at: Place<T>,
    /// The value of `published` that the consumer loaded last.
    seen: usize,
}

// SAFETY: as for the producer.
unsafe impl<T: Send> Send for Consumer<T> {}

impl<T> Consumer<T> {
    pub(super) fn new(shared: Arc<Shared<T>>) -> Consumer<T> {
        Consumer {
            shared,
            at: Place::start(),
            seen: 0,
        }
    }

    /// Whether a unit is there. Loads the published count only when the known units are used up.
    #[inline]
    pub fn ready(&mut self) -> bool {
        if self.knows() {
            return true;
        }
        // Acquire makes the items visible. In the handshake with `publish` the consumer has a SeqCst
        // fence before this load.
        self.seen = self.shared.published.0.load(Ordering::Acquire);
        self.knows()
    }

    /// Whether a unit is there by the count loaded last.
    #[inline]
    pub fn knows(&self) -> bool {
        self.at.count < self.seen
    }

    /// Number of published units that were not taken.
    pub fn waiting(&mut self) -> usize {
        self.ready();
        self.seen.saturating_sub(self.at.count)
    }

    /// Units that wait, with the producer's count reloaded.
    pub fn waiting_now(&mut self) -> usize {
        self.seen = self.shared.published.0.load(Ordering::Acquire);
        self.waiting()
    }

    /// Units taken out since the beginning.
    #[inline]
    pub fn taken(&self) -> usize {
        self.at.count
    }

    /// The next item, left in place.
    #[inline]
    pub fn peek(&mut self) -> Option<&T> {
        if !self.ready() {
            return None;
        }
        self.step();
        // SAFETY: the cell is below the published count, so written and visible; the producer does
        // not write it again before the consumer gives the chunk back.
        unsafe { Some(self.at.cell().with(|cell| (*cell).assume_init_ref())) }
    }

    /// Takes the next item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if !self.ready() {
            return None;
        }
        self.step();
        // SAFETY: as in peek; the index moves on, so the item is read out once.
        let item = unsafe { self.at.cell().with(|cell| (*cell).assume_init_read()) };
        self.at.advance(1);
        Some(item)
    }

    /// Takes an item that is no unit itself.
    ///
    /// # Safety
    /// The next item is an announcement.
    pub unsafe fn pop_announcement(&mut self) -> Option<T> {
        let item = self.pop()?;
        self.at.count -= 1;
        Some(item)
    }

    /// Counts units of the announcement that was taken last as taken: at most as many as are
    /// [waiting](Self::waiting), and as were added to it.
    #[inline]
    pub fn count(&mut self, units: usize) {
        debug_assert!(units <= self.seen - self.at.count);
        self.at.count += units;
    }

    /// Moves behind the next item.
    ///
    /// # Safety
    /// [`peek`](Self::peek) has returned it, and the caller has moved its content out.
    #[inline]
    pub unsafe fn skip_moved(&mut self) {
        self.at.advance(1);
    }

    /// Moves to the next chunk if the current one is used up. A published item must be known to
    /// follow.
    #[inline]
    fn step(&mut self) {
        if self.at.exhausted() {
            self.next_chunk();
        }
    }

    #[cold]
    fn next_chunk(&mut self) {
        // SAFETY: the consumer's chunk is alive until the consumer leaves it here; the next one was
        // linked before the item was published.
        unsafe {
            let next = self.at.link(&self.shared.first).load(Ordering::Relaxed);
            if !self.at.chunk.is_null() {
                self.give_back(self.at.chunk);
            }
            self.at.enter(next);
        }
    }

    fn give_back(&self, chunk: *mut Chunk<T>) {
        // SAFETY: the consumer has left the chunk and the producer is past it, so no other pointer
        // to it is in use.
        unsafe {
            let old = match Chunk::capacity(chunk) {
                // Release pairs with the Acquire exchange in `grow`: the consumer's reads of the
                // cells happen before their next use. What comes back is this thread's own.
                LARGEST => self.shared.spare.swap(chunk, Ordering::Release),
                _ => chunk,
            };
            if !old.is_null() {
                drop(Box::from_raw(old));
            }
        }
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        let at = self.at.mark();
        self.shared.rest.with_mut(|rest| {
            // SAFETY: only the consumer writes it, once; Shared::drop reads it after both ends are
            // dropped.
            unsafe { *rest = at }
        });
    }
}
