//! Slots: the places of sockets and contexts behind C handles, each with its own lock.
//!
//! Any thread finds a slot by the handle's address and locks it; the lock can always be
//! taken, whether the object is there or gone, since slots are never freed. A slot is
//! quiet when the last check of its object found nothing to do and nothing has happened
//! since. `quiet` is a Dekker handshake: the checking thread stores it, fences and
//! rechecks ([`Slot::mark_quiet`]); a thread with news for the object publishes it, fences
//! and clears `quiet` ([`Slot::mark_ready`]).

#![forbid(unsafe_code)]

use super::arena::{Arena, HandleWord, Place};
use crate::error::{Error, Result};
use crate::message::Lender;
use crate::sync::ForkedChild;
use crate::sync::lock::{Guard, Lock, Nested};
use crate::sync::waiter::Registration;
use std::mem::offset_of;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering, fence};

/// A place for one `T`, behind its own lock. Aligned against false sharing: neighbouring
/// sockets are used by different threads, as a rule.
#[repr(C, align(128))]
pub struct Slot<T: 'static> {
    word: HandleWord,
    /// A check found nothing to do, and since then the slot was not locked nor
    /// [marked ready](Self::mark_ready).
    quiet: AtomicBool,
    /// In a forked child: the object belonged to the parent process.
    orphan: AtomicBool,
    value: Lock<Option<Box<T>>>,
    /// See [`Place::next`].
    next: AtomicUsize,
    /// Whether a message received here is on loan, see [`Lender`].
    pub lender: Lender,
    /// The registration of a thread that waits on many slots, this one among them.
    pub waiter: Registration,
}

// A call that takes the lock touches one cache line of the slot. (Loom's types are larger.)
#[cfg(not(loom))]
const _: () = assert!(offset_of!(Slot<()>, value) + crate::sync::lock::HOT_BYTES <= 64);

impl<T: Send> Place for Slot<T> {
    const WORD: usize = offset_of!(Self, word);

    fn vacant() -> Self {
        Slot {
            word: HandleWord::VALUE,
            quiet: AtomicBool::new(false),
            orphan: AtomicBool::new(false),
            value: Lock::new(None),
            next: AtomicUsize::new(0),
            lender: Lender::new(),
            waiter: Registration::default(),
        }
    }

    fn next(&self) -> &AtomicUsize {
        &self.next
    }
}

impl<T> Slot<T> {
    /// Locks the slot, which holds `None` if its object is gone.
    ///
    /// # Errors
    /// [`Error::Nested`] if the calling thread holds the lock.
    #[inline(always)]
    pub fn lock(&self) -> Result<Guard<'_, Option<Box<T>>>> {
        let guard = self.value.lock().map_err(|Nested| Error::Nested)?;
        self.quiet.store(false, Ordering::Relaxed);
        Ok(guard)
    }

    /// Locks the slot if no thread holds the lock.
    pub fn try_lock(&self) -> Option<Guard<'_, Option<Box<T>>>> {
        let guard = self.value.try_lock()?;
        self.quiet.store(false, Ordering::Relaxed);
        Some(guard)
    }

    /// Whether there is nothing to do, without the lock. The Acquire load pairs with the
    /// exchange in [`mark_ready`](Self::mark_ready).
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Acquire)
    }

    /// Marks the slot as quiet, unless `news` finds something or the object is gone. To be
    /// called under the lock, after a check of the object that found nothing. A thread with
    /// news makes it visible to `news`, and calls [`mark_ready`](Self::mark_ready) afterwards.
    pub fn mark_quiet(&self, guard: &Guard<'_, Option<Box<T>>>, news: impl FnOnce(&T) -> bool) {
        // Dekker: store `quiet`, fence, recheck; the thread with news publishes it, fences,
        // and loads `quiet` in `mark_ready`.
        self.quiet.swap(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if guard.as_deref().is_none_or(news) {
            self.quiet.store(false, Ordering::Relaxed);
        }
    }

    /// Clears the quiet mark and notifies the registered waiter. To be called after the news
    /// was published and a SeqCst fence: the other half of the handshakes with
    /// [`mark_quiet`](Self::mark_quiet) and `Waiter::arm`.
    #[inline]
    pub fn mark_ready(&self) {
        if self.quiet.load(Ordering::SeqCst) {
            self.quiet.swap(false, Ordering::SeqCst);
        }
        self.waiter.notify();
    }

    /// The address that C holds as the handle.
    pub fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

/// All slots for objects of one kind.
pub struct Table<T: 'static>(Arena<Slot<T>>);

impl<T: Send> Default for Table<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Send> Table<T> {
    /// A table without slots.
    pub const fn new() -> Self {
        Table(Arena::new())
    }

    /// Puts a value into a free slot.
    ///
    /// # Errors
    /// [`Error::NoMemory`] when memory for slots is used up.
    pub fn insert(&self, value: Box<T>) -> Result<&'static Slot<T>> {
        let slot = self.0.take().ok_or(Error::NoMemory)?;
        *slot.lock()? = Some(value);
        Ok(slot)
    }

    /// The slot at an address, if there is one.
    #[inline]
    pub fn find(&self, address: usize) -> Option<&'static Slot<T>> {
        self.0.find(address)
    }

    /// Empties a slot; one caller gets the value. That caller then ends what is known by the
    /// slot's address, and calls [`give_back`](Self::give_back).
    ///
    /// # Errors
    /// [`Error::Nested`] if the calling thread holds the slot's lock.
    pub fn remove(&self, slot: &'static Slot<T>) -> Result<Option<Box<T>>> {
        let mut guard = slot.lock()?;
        let value = guard.take();
        guard.retire();
        Ok(value)
    }

    /// Makes an emptied slot available for another object.
    pub fn give_back(&self, slot: &'static Slot<T>) {
        self.0.give_back(slot);
    }

    /// Keeps slots from being taken or given back until the returned guard is dropped.
    pub fn lock_over_fork(&self) -> impl Sized + use<'_, T> {
        self.0.lock_over_fork()
    }

    /// In a forked child: leaks every object, and unlocks slots that the parent's threads
    /// had locked. `heir` may supply a new object; otherwise the slot is an orphan until
    /// [`end_orphan`](Self::end_orphan).
    pub fn leave_to_parent(&self, child: &ForkedChild, heir: impl Fn(&T) -> Option<Box<T>>) {
        for slot in self.0.all() {
            let mut value = slot.value.seize(child);
            slot.quiet.store(false, Ordering::Relaxed);
            slot.waiter.end(); // its thread does not exist in the child
            if let Some(old) = value.take() {
                *value = heir(&old);
                slot.orphan.store(value.is_none(), Ordering::Relaxed);
                // Threads and connections of the parent refer to it.
                std::mem::forget(old);
            }
        }
    }

    /// Frees a slot whose object was left to a parent process. False if the slot is no
    /// orphan.
    pub fn end_orphan(&self, slot: &'static Slot<T>) -> bool {
        let orphan = slot.orphan.swap(false, Ordering::Relaxed);
        if orphan {
            self.0.give_back(slot);
        }
        orphan
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quiet_slot_is_stirred_by_news_and_by_each_lock() {
        static TABLE: Table<bool> = Table::new();
        let slot = TABLE.insert(Box::new(false)).unwrap();
        let mark_quiet = || slot.mark_quiet(&slot.lock().unwrap(), |news| *news);
        assert!(!slot.is_quiet());
        mark_quiet();
        assert!(slot.is_quiet());
        slot.mark_ready();
        assert!(!slot.is_quiet());
        mark_quiet();
        drop(slot.lock().unwrap());
        assert!(!slot.is_quiet());
        mark_quiet();
        drop(slot.try_lock());
        assert!(!slot.is_quiet());
        **slot.lock().unwrap().as_mut().unwrap() = true;
        mark_quiet();
        assert!(!slot.is_quiet(), "there was news");
        TABLE.remove(slot).unwrap();
        mark_quiet();
        assert!(!slot.is_quiet(), "and no object is news too");
        TABLE.give_back(slot);
    }

    #[test]
    fn only_live_addresses_are_found() {
        static TABLE: Table<u32> = Table::new();
        assert!(TABLE.find(0).is_none());
        let slots: Vec<_> = (0..500)
            .map(|i| TABLE.insert(Box::new(i)).unwrap())
            .collect();
        for (i, slot) in slots.iter().enumerate() {
            let found = TABLE.find(slot.address()).unwrap();
            assert_eq!(found.lock().unwrap().as_deref(), Some(&(i as u32)));
            assert!(TABLE.find(slot.address() + 1).is_none());
        }
        assert!(TABLE.find(usize::MAX).is_none());
        assert_eq!(TABLE.remove(slots[3]).unwrap().as_deref(), Some(&3));
        TABLE.give_back(slots[3]);
        assert!(TABLE.remove(slots[3]).unwrap().is_none());
        assert!(
            TABLE
                .find(slots[3].address())
                .unwrap()
                .lock()
                .unwrap()
                .is_none()
        );
        let next = TABLE.insert(Box::new(9)).unwrap();
        assert_ne!(next.address(), slots[3].address());
        for slot in slots.into_iter().chain([next]) {
            drop(TABLE.remove(slot));
        }
    }
}
