//! An unbounded single-producer single-consumer queue in linked chunks.
//!
//! The producer writes cells above the published count, which the consumer does not read, and then
//! publishes a new count; the consumer reads cells below it. Chunks start small and double up to a
//! limit, so that an idle pipe costs little; the consumer hands one used chunk of full size back to
//! the producer instead of freeing it.
//!
//! The count is in units. An item is one unit, or an announcement of any number of units that are
//! added to it while it is the last item ([`Producer::extend`]); where these are stored is up to
//! the two users (`parts.rs`), who must agree on it.
//!
//! Units become visible in whole groups (multipart messages): [`Producer::push_from`] adds to the
//! open group or ends it, [`Producer::publish`] publishes all completed ones,
//! [`Producer::rollback`] takes the open one back.
//!
//! `published` orders everything: a SeqCst exchange, or a Release store in asymmetric-fence mode,
//! that pairs with the load in [`Consumer::ready`]. The models here check order and visibility,
//! those in `models.rs` the wake-ups.

use super::chunk::Chunk;
use super::place::{Mark, Place};
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use crate::sync::membarrier;
use crate::sync::{Arc, SyncCell};
use std::mem::MaybeUninit;
use std::ptr;

/// Items in the first chunk.
const FIRST: usize = if cfg!(loom) { 1 } else { 2 };
/// Items in a full-size chunk.
const LARGEST: usize = if cfg!(loom) { 2 } else { 128 };

/// How many cells ahead the producer prefetches the memory, which is in the cache of the consumer's
/// core.
const AHEAD: usize = 6;

#[repr(align(64))]
struct Line(AtomicUsize);

struct Shared<T> {
    /// Units visible to the consumer, counted from the beginning.
    published: Line,
    first: AtomicPtr<Chunk<T>>,
    /// A full-size chunk for the producer to use again.
    spare: AtomicPtr<Chunk<T>>,
    /// The positions of the consumer and the producer when they were dropped.
    rest: SyncCell<Mark<T>>,
    end: SyncCell<Mark<T>>,
}

/// The writing end.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    at: Place<T>,
    /// Start of the open group, if one is open.
    group: Mark<T>,
    open: bool,
    published: usize,
}

/// The reading end.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    at: Place<T>,
    /// The value of `published` that the consumer loaded last.
    seen: usize,
}

// SAFETY: each end is used by one thread at a time (its methods take &mut); an item crosses threads
// once, hence T: Send. The raw pointers are to chunks that are freed only by the end that owns them
// at that time.
unsafe impl<T: Send> Send for Producer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Consumer<T> {}
// SAFETY: Shared is reached through the two ends and dropped by the last one; its `rest` and `end`
// are written when the ends are dropped and read by Shared::drop only.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: see above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// A new queue; allocates no chunk before the first push.
pub fn queue<T>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared {
        published: Line(AtomicUsize::new(0)),
        first: AtomicPtr::new(ptr::null_mut()),
        spare: AtomicPtr::new(ptr::null_mut()),
        rest: SyncCell::new(Mark::start()),
        end: SyncCell::new(Mark::start()),
    });
    let producer = Producer {
        shared: shared.clone(),
        at: Place::start(),
        group: Mark::start(),
        open: false,
        published: 0,
    };
    let consumer = Consumer {
        shared,
        at: Place::start(),
        seen: 0,
    };
    (producer, consumer)
}

impl<T> Producer<T> {
    /// As [`push_from`](Self::push_from), from a value.
    #[cfg(test)]
    pub fn push(&mut self, item: T, last: bool) {
        self.place(last, |cell| {
            cell.write(item);
        });
    }

    /// Adds an item that is no unit, and neither begins nor ends a group.
    pub fn push_announcement(&mut self, item: T) {
        self.fill(0, |cell| {
            cell.write(item);
        });
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

    /// Adds an item: the last of its group, or one that leaves the group open. It is moved straight
    /// to its cell; a default takes its place.
    #[inline]
    pub fn push_from(&mut self, item: &mut T, last: bool)
    where
        T: Default,
    {
        self.place(last, |cell| {
            // SAFETY: the item is moved, not doubled: a new value is written over it. In two steps,
            // because a `mem::take` would copy it twice.
            unsafe {
                ptr::copy_nonoverlapping(item, cell.as_mut_ptr(), 1);
                ptr::write(item, T::default());
            }
        });
    }

    #[inline]
    fn place(&mut self, last: bool, write: impl FnOnce(&mut MaybeUninit<T>)) {
        if !self.open && !last {
            self.group = self.at.mark();
        }
        self.open = !last;
        self.fill(1, write);
    }

    #[inline]
    fn fill(&mut self, units: usize, write: impl FnOnce(&mut MaybeUninit<T>)) {
        if self.at.exhausted() {
            self.grow();
        }
        // SAFETY: the producer's chunk is alive: the consumer leaves a chunk only for a published
        // item in the next one. The cell is above the published count, so the consumer does not
        // read it.
        unsafe {
            self.at.cell().with_mut(|cell| write(&mut *cell));
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

impl<T> Consumer<T> {
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

    /// As [`pop`](Self::pop), straight to the item's destination. What was there is overwritten,
    /// not dropped. False if there is no item.
    #[inline]
    pub fn pop_into(&mut self, into: &mut T) -> bool {
        if !self.ready() {
            return false;
        }
        self.step();
        // SAFETY: as in pop.
        unsafe {
            let cell = self.at.cell();
            cell.with(|cell| ptr::copy_nonoverlapping((*cell).as_ptr(), into, 1));
        }
        self.at.advance(1);
        true
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

#[cfg(all(test, not(loom)))]
#[path = "queue_tests.rs"]
mod tests;

#[cfg(all(test, loom))]
mod models {
    use super::*;

    #[test]
    fn a_chunk_is_used_again_after_its_reader_has_left_it() {
        loom::model(|| {
            let (mut tx, mut rx) = queue::<u32>();
            // Chunks of 1, 2 and 2 items: the next push needs one, the next but one pop leaves one.
            (0..5).for_each(|item| tx.push(item, true));
            tx.publish(false);
            (0..2).for_each(|item| assert_eq!(rx.pop(), Some(item)));
            let thread = loom::thread::spawn(move || {
                (5..7).for_each(|item| tx.push(item, true));
                tx.publish(false);
            });
            assert_eq!([rx.pop(), rx.pop()], [Some(2), Some(3)]);
            thread.join().unwrap();
            assert!(std::iter::from_fn(|| rx.pop()).eq(4..7));
        });
    }

    #[test]
    fn what_waits_can_be_taken() {
        loom::model(|| {
            let (mut tx, mut rx) = queue::<u32>();
            let thread = loom::thread::spawn(move || {
                tx.push(1, true);
                tx.publish(false);
            });
            if rx.waiting_now() > 0 {
                assert_eq!(rx.pop(), Some(1));
            }
            thread.join().unwrap();
        });
    }

    #[test]
    fn order_and_visibility() {
        loom::model(|| {
            let (mut tx, mut rx) = queue::<u32>();
            let thread = loom::thread::spawn(move || {
                for i in 0..4 {
                    tx.push(i, true);
                    if i != 1 {
                        tx.publish(false);
                    }
                }
            });
            let mut got = Vec::new();
            for _ in 0..3 {
                got.extend(rx.pop());
            }
            thread.join().unwrap();
            got.extend(std::iter::from_fn(|| rx.pop()));
            assert_eq!(got, [0, 1, 2, 3]);
        });
    }
}
