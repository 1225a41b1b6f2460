//! Slots: the places of sockets and contexts behind C handles, each with its own lock.
//!
//! Any thread finds a slot by the handle's address and locks it; the lock can always be
//! taken, whether the object is there or gone, since slots are never freed. A slot is
//! quiet when the last check of its object found nothing to do and nothing has happened
//! since ([`Quiet`]): the checking thread marks it and rechecks ([`Locked::mark_quiet`]); a
//! thread with news for the object publishes it, fences and clears the mark
//! ([`Locked::mark_ready`]).

#![forbid(unsafe_code)]

use super::arena::{Arena, Place};
use crate::error::{Error, Result};
use crate::message::Lender;
use crate::sync::ForkedChild;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::event_count::Quiet;
use crate::sync::lock::{Guard, Lock, Nested};
use crate::sync::waiter::Registration;

/// A place for one `T`, behind its own lock.
pub type Slot<T> = Place<Locked<T>>;

/// What is in a [`Slot`].
#[repr(C)]
pub struct Locked<T: 'static> {
    /// A check found nothing to do, and since then the slot was not locked nor
    /// [marked ready](Self::mark_ready).
    quiet: Quiet,
    /// In a forked child: the object belonged to the parent process.
    orphan: AtomicBool,
    value: Lock<Option<Box<T>>>,
    /// Whether a message received here is on loan, see [`Lender`].
    pub lender: Lender,
    /// The registration of a thread that waits on many slots, this one among them.
    pub waiter: Registration,
}

// A call that takes the lock touches one cache line of the slot. (Loom's types are larger.)
#[cfg(not(loom))]
const _: () = {
    use std::mem::offset_of;
    let lock = Slot::<()>::OBJECT + offset_of!(Locked<()>, value);
    assert!(lock + crate::sync::lock::HOT_BYTES <= 64);
};

impl<T> Default for Locked<T> {
    fn default() -> Self {
        Locked {
            quiet: Quiet::default(),
            orphan: AtomicBool::new(false),
            value: Lock::new(None),
            lender: Lender::new(),
            waiter: Registration::default(),
        }
    }
}

impl<T> Locked<T> {
    /// Locks the slot, which holds `None` if its object is gone.
    ///
    /// # Errors
    /// [`Error::Nested`] if the calling thread holds the lock.
    #[inline(always)]
    pub fn lock(&self) -> Result<Guard<'_, Option<Box<T>>>> {
        let guard = self.value.lock().map_err(|Nested| Error::Nested)?;
        self.quiet.clear();
        Ok(guard)
    }

    /// Locks the slot if no thread holds the lock.
    pub fn try_lock(&self) -> Option<Guard<'_, Option<Box<T>>>> {
        let guard = self.value.try_lock()?;
        self.quiet.clear();
        Some(guard)
    }

    /// Whether there is nothing to do, without the lock.
    #[inline]
    pub fn is_quiet(&self) -> bool {
        self.quiet.is_set()
    }

    /// Marks the slot as quiet, unless `news` finds something or the object is gone. To be
    /// called under the lock, after a check of the object that found nothing. A thread with
    /// news makes it visible to `news`, and calls [`mark_ready`](Self::mark_ready) afterwards.
    pub fn mark_quiet(&self, guard: &Guard<'_, Option<Box<T>>>, news: impl FnOnce(&T) -> bool) {
        self.quiet.prepare();
        if guard.as_deref().is_none_or(news) {
            self.quiet.clear();
        }
    }

    /// Clears the quiet mark and notifies the registered waiter. To be called after the news
    /// was published and a SeqCst fence: the other half of the handshakes with
    /// [`mark_quiet`](Self::mark_quiet) and `Waiter::arm`.
    #[inline]
    pub fn mark_ready(&self) {
        self.quiet.notify();
        self.waiter.notify();
    }
}

/// All slots for objects of one kind.
pub struct Table<T: 'static>(Arena<Locked<T>>);

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
            slot.quiet.clear();
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
