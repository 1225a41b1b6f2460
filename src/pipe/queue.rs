//! An unbounded single-producer single-consumer queue in linked chunks.
//!
//! The producer writes slots nobody else looks at and then publishes a count;
//! the consumer reads slots below the published count. Chunks start small and
//! double up to a limit, so an idle pipe costs next to nothing; the consumer
//! hands one used chunk of full size back instead of freeing it.
//!
//! Items become visible in whole groups (multipart messages): [`Producer::push`]
//! adds to the open group, [`Producer::complete`] ends it, [`Producer::publish`]
//! shows all completed ones, [`Producer::rollback`] takes the open one back.

use super::chunk::Chunk;
use crate::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};
use crate::sync::{Arc, Slot};
use std::mem::MaybeUninit;
use std::ptr;

/// Items in the first chunk.
const FIRST: usize = if cfg!(loom) { 1 } else { 2 };
/// Items in a full-size chunk.
const LARGEST: usize = if cfg!(loom) { 2 } else { 128 };

/// How many slots ahead the producer asks for the memory, which the consumer's
/// core holds.
const AHEAD: usize = 6;

#[repr(align(64))]
struct Line(AtomicUsize);

struct Shared<T> {
    /// Items visible to the consumer, counted from the beginning.
    published: Line,
    first: AtomicPtr<Chunk<T>>,
    /// A full-size chunk for the producer to use again.
    spare: AtomicPtr<Chunk<T>>,
    /// Where the consumer stood when it was dropped.
    rest: Slot<Place<T>>,
}

/// A position in the chain: the next item goes to or comes from
/// `chunk.slots[index]`; a null chunk means before the first.
struct Place<T> {
    chunk: *mut Chunk<T>,
    /// The chunk's slots and their number, at hand.
    slots: *const Slot<MaybeUninit<T>>,
    capacity: usize,
    index: usize,
    count: usize,
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Place<T> {}

impl<T> Place<T> {
    fn start() -> Self {
        Place {
            chunk: ptr::null_mut(),
            slots: ptr::null(),
            capacity: 0,
            index: 0,
            count: 0,
        }
    }

    #[inline]
    fn exhausted(&self) -> bool {
        self.index == self.capacity
    }

    /// Goes to the beginning of a chunk.
    ///
    /// # Safety
    /// `chunk` is alive.
    #[inline]
    unsafe fn enter(&mut self, chunk: *mut Chunk<T>) {
        // SAFETY: by the caller's promise.
        let slots = unsafe { &(*chunk).slots };
        self.chunk = chunk;
        self.slots = slots.as_ptr();
        self.capacity = slots.len();
        self.index = 0;
    }

    /// The slot here.
    ///
    /// # Safety
    /// The chunk is alive and not exhausted.
    #[inline]
    unsafe fn slot<'a>(&self) -> &'a Slot<MaybeUninit<T>> {
        // SAFETY: by the caller's promise, in bounds.
        unsafe { &*self.slots.add(self.index) }
    }

    #[inline]
    fn advance(&mut self) {
        self.index += 1;
        self.count += 1;
    }

    /// # Safety
    /// The chunk is null or alive.
    unsafe fn link<'a>(&self, shared: &'a Shared<T>) -> &'a AtomicPtr<Chunk<T>> {
        if self.chunk.is_null() {
            &shared.first
        } else {
            // SAFETY: by the caller's promise; chunks outlive their use here.
            unsafe { &(*self.chunk).next }
        }
    }
}

/// The writing end.
pub struct Producer<T> {
    shared: Arc<Shared<T>>,
    at: Place<T>,
    /// Start of the open group, if one is open.
    group: Place<T>,
    open: bool,
    published: usize,
}

/// The reading end.
pub struct Consumer<T> {
    shared: Arc<Shared<T>>,
    at: Place<T>,
    /// What the consumer knows of `published`.
    seen: usize,
}

// SAFETY: each end is used by one thread at a time (its methods take &mut);
// items cross threads once, hence T: Send. Raw pointers refer to chunks that
// are freed only by the end that owns them at that time.
unsafe impl<T: Send> Send for Producer<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Send for Consumer<T> {}
// SAFETY: Shared is reached through the two ends and dropped by the last one;
// its `rest` is written by Consumer::drop and read by Shared::drop only.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: see above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// A new queue; allocates no chunk before the first push.
pub fn queue<T>() -> (Producer<T>, Consumer<T>) {
    let shared = Arc::new(Shared {
        published: Line(AtomicUsize::new(0)),
        first: AtomicPtr::new(ptr::null_mut()),
        spare: AtomicPtr::new(ptr::null_mut()),
        rest: Slot::new(Place::start()),
    });
    let producer = Producer {
        shared: shared.clone(),
        at: Place::start(),
        group: Place::start(),
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
    /// Adds an item: the last of its group, or one that leaves the group open.
    #[inline]
    pub fn push(&mut self, item: T, last: bool) {
        self.place(last, |slot| {
            slot.write(item);
        });
    }

    /// As [`push`](Self::push), but moves the item straight to its slot and
    /// leaves a default in its place.
    #[inline]
    pub fn push_from(&mut self, item: &mut T, last: bool)
    where
        T: Default,
    {
        self.place(last, |slot| {
            // SAFETY: the item is moved, not doubled: a new value is written
            // over it. Two steps, because a `mem::take` would copy it twice.
            unsafe {
                ptr::copy_nonoverlapping(item, slot.as_mut_ptr(), 1);
                ptr::write(item, T::default());
            }
        });
    }

    #[inline]
    fn place(&mut self, last: bool, write: impl FnOnce(&mut MaybeUninit<T>)) {
        if !self.open && !last {
            self.group = self.at;
        }
        self.open = !last;
        if self.at.exhausted() {
            self.grow();
        }
        // SAFETY: the producer's chunk is alive: the consumer leaves a chunk
        // only for a published item in the next one. The slot is not published,
        // so nobody else looks at it.
        unsafe {
            self.at.slot().with_mut(|slot| write(&mut *slot));
            let later = self.at.index + AHEAD;
            if later < self.at.capacity {
                crate::sys::prefetch_for_write(&*self.at.slots.add(later));
            }
        }
        self.at.advance();
    }

    #[cold]
    fn grow(&mut self) {
        // Acquire: the consumer is done with the chunk it gave back.
        let mut chunk = self.shared.spare.swap(ptr::null_mut(), Ordering::Acquire);
        // SAFETY: the current chunk is alive (see push); the new one is ours
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
            // Relaxed: the consumer follows the link only after it has seen,
            // with Acquire, a published count that includes the new chunk.
            self.at.link(&self.shared).store(chunk, Ordering::Relaxed);
        }
        // SAFETY: the chunk is alive, as above.
        unsafe { self.at.enter(chunk) };
    }

    /// Whether a group is open, that is, half a message written.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Items in completed groups since the beginning.
    #[inline]
    pub fn completed(&self) -> usize {
        match self.open {
            true => self.group.count,
            false => self.at.count,
        }
    }

    /// Shows the completed groups to the consumer. True if there was news.
    ///
    /// It is sequentially consistent, so that a following look at a "consumer
    /// sleeps" mark cannot miss a consumer that did not see the items.
    #[inline]
    pub fn publish(&mut self) -> bool {
        let completed = self.completed();
        if self.published == completed {
            return false;
        }
        self.published = completed;
        self.shared
            .published
            .0
            .swap(self.published, Ordering::SeqCst);
        // Loom takes sequential consistency from fences alone; in the language
        // the exchange and the look that follows have it already.
        #[cfg(loom)]
        crate::sync::atomic::fence(Ordering::SeqCst);
        true
    }

    /// Drops the items of the open group; returns how many.
    pub fn rollback(&mut self) -> usize {
        if !std::mem::replace(&mut self.open, false) {
            return 0;
        }
        let end = self.at.count;
        let dropped = end - self.group.count;
        let mut place = self.group;
        // SAFETY: unpublished items and the chunks after the group's start
        // belong to the producer; all of them were written.
        unsafe {
            while place.count < end {
                if place.exhausted() {
                    place.enter(place.link(&self.shared).load(Ordering::Relaxed));
                }
                place.slot().with_mut(|slot| (*slot).assume_init_drop());
                place.advance();
            }
            let link = self.group.link(&self.shared);
            let mut extra = link.load(Ordering::Relaxed);
            link.store(ptr::null_mut(), Ordering::Relaxed);
            while !extra.is_null() {
                let chunk = Box::from_raw(extra);
                extra = chunk.next.load(Ordering::Relaxed);
            }
        }
        self.at = self.group;
        dropped
    }
}

impl<T> Consumer<T> {
    /// Whether an item is there. Looks at the producer's count only when the
    /// known items are used up.
    #[inline]
    pub fn ready(&mut self) -> bool {
        if self.at.count < self.seen {
            return true;
        }
        // SeqCst: pairs with publish, see there; includes Acquire for the items.
        self.seen = self.shared.published.0.load(Ordering::SeqCst);
        self.at.count < self.seen
    }

    /// Items known to wait.
    pub fn waiting(&mut self) -> usize {
        self.ready();
        self.seen - self.at.count
    }

    /// Items taken out since the beginning.
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
        // SAFETY: below the published count, so written and visible; the
        // producer does not touch it again.
        unsafe { Some(self.at.slot().with(|slot| (*slot).assume_init_ref())) }
    }

    /// Takes the next item.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        if !self.ready() {
            return None;
        }
        self.step();
        // SAFETY: as in peek; the index moves on, so it is read out once.
        let item = unsafe { self.at.slot().with(|slot| (*slot).assume_init_read()) };
        self.at.advance();
        Some(item)
    }

    /// As [`pop`](Self::pop), straight to where the item is to be. What was
    /// there is forgotten, not dropped. False if there is no item.
    #[inline]
    pub fn pop_into(&mut self, into: &mut T) -> bool {
        if !self.ready() {
            return false;
        }
        self.step();
        // SAFETY: as in pop.
        unsafe {
            let slot = self.at.slot();
            slot.with(|slot| ptr::copy_nonoverlapping((*slot).as_ptr(), into, 1));
        }
        self.at.advance();
        true
    }

    /// Goes to the next chunk if the current one is used up. A published item
    /// must be known to follow.
    #[inline]
    fn step(&mut self) {
        if self.at.exhausted() {
            self.next_chunk();
        }
    }

    #[cold]
    fn next_chunk(&mut self) {
        // SAFETY: the consumer's chunk is alive until it leaves it here; the
        // next one was linked before the published item.
        unsafe {
            let next = self.at.link(&self.shared).load(Ordering::Relaxed);
            if !self.at.chunk.is_null() {
                self.give_back(self.at.chunk);
            }
            self.at.enter(next);
        }
    }

    fn give_back(&self, chunk: *mut Chunk<T>) {
        // SAFETY: the consumer has left the chunk and the producer is past it.
        unsafe {
            let old = match Chunk::capacity(chunk) {
                // Release: our reads of the slots come before its next use.
                LARGEST => self.shared.spare.swap(chunk, Ordering::AcqRel),
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
        self.publish();
    }
}

impl<T> Drop for Consumer<T> {
    fn drop(&mut self) {
        let at = self.at;
        self.shared.rest.with_mut(|rest| {
            // SAFETY: only the consumer writes it, once; Shared::drop reads it
            // after both ends are gone.
            unsafe { *rest = at }
        });
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        let end = self.published.0.load(Ordering::Relaxed);
        // SAFETY: both ends are gone; from the consumer's place on everything
        // up to the published count is initialised and ours.
        unsafe {
            let mut place = self.rest.with(|rest| *rest);
            while place.count < end {
                if place.exhausted() {
                    let next = place.link(self).load(Ordering::Relaxed);
                    if !place.chunk.is_null() {
                        drop(Box::from_raw(place.chunk));
                    }
                    place.enter(next);
                }
                place.slot().with_mut(|slot| (*slot).assume_init_drop());
                place.advance();
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
mod tests {
    use super::*;

    #[test]
    fn groups_appear_whole_and_roll_back() {
        let (mut tx, mut rx) = queue::<u32>();
        tx.push(1, false);
        tx.publish();
        assert_eq!(rx.pop(), None);
        tx.push(2, true);
        tx.push(3, false);
        assert!(tx.publish());
        assert_eq!(rx.peek(), Some(&1));
        assert_eq!(tx.rollback(), 1);
        for i in 10..1000 {
            tx.push(i, false);
        }
        assert_eq!(tx.rollback(), 990);
        let mut item = 4;
        tx.push_from(&mut item, true);
        assert_eq!(item, 0);
        tx.publish();
        let got: Vec<_> = std::iter::from_fn(|| rx.pop()).collect();
        assert_eq!(got, [1, 2, 4]);
    }

    #[test]
    fn long_runs_across_threads_keep_order() {
        let (mut tx, mut rx) = queue::<Box<u64>>();
        const N: u64 = if cfg!(miri) { 2_000 } else { 300_000 };
        let thread = std::thread::spawn(move || {
            for i in 0..N {
                tx.push(Box::new(i), true);
                if i % 7 == 0 {
                    tx.publish();
                }
            }
            tx.publish();
        });
        let mut expected = 0;
        while expected < N {
            match rx.pop() {
                Some(value) => {
                    assert_eq!(*value, expected);
                    expected += 1;
                }
                None => std::thread::yield_now(),
            }
        }
        thread.join().unwrap();
    }

    #[test]
    fn leftovers_are_dropped_wherever_the_ends_stand() {
        let value = std::sync::Arc::new(());
        for (pushed, popped) in [
            (0, 0),
            (3, 0),
            (3, 3),
            (4, 4),
            (500, 130),
            (500, 500),
            (5, 4),
        ] {
            let (mut tx, mut rx) = queue();
            for _ in 0..pushed {
                tx.push(value.clone(), true);
            }
            tx.publish();
            for _ in 0..popped {
                assert!(rx.pop().is_some());
            }
            tx.push(value.clone(), false);
            if popped % 2 == 0 {
                drop(rx);
                drop(tx);
            } else {
                drop(tx);
                drop(rx);
            }
            assert_eq!(std::sync::Arc::strong_count(&value), 1, "{pushed} {popped}");
        }
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;

    #[test]
    fn order_and_visibility() {
        loom::model(|| {
            let (mut tx, mut rx) = queue::<u32>();
            let thread = loom::thread::spawn(move || {
                for i in 0..4 {
                    tx.push(i, true);
                    if i != 1 {
                        tx.publish();
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
