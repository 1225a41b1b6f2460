//! Memory for the small objects that C holds by `void *`: counters, stopwatches, timers,
//! threads.
//!
//! A slot is never freed, only reused for another object of its kind. So a handle that is
//! used after its end leads to a slot that is marked as free, not to foreign memory. Any
//! thread may take, find and end handles; the values must be safe to share.

#![forbid(unsafe_code)]

use super::arena::Arena;
use crate::error::{Error, Result};
use crate::sync::atomic::{AtomicBool, Ordering};
use std::ffi::c_void;

#[derive(Debug, Default)]
struct Live<T> {
    /// True between [`Pool::take`] and [`Pool::end`].
    is_live: AtomicBool,
    value: T,
}

/// The slots of one kind of object.
///
/// `T` is shared by all threads that have the handle and is never dropped, only reset
/// by its owner when the slot is taken.
pub struct Pool<T: 'static>(Arena<Live<T>>);

impl<T: Default + Sync> Pool<T> {
    /// An empty pool.
    pub const fn new() -> Self {
        Pool(Arena::new())
    }

    /// Takes a slot: its handle for C, and its value in the state in which the last owner
    /// left it. The Release store pairs with the Acquire load in [`Pool::find`].
    ///
    /// # Errors
    /// [`Error::NoMemory`] if there is no memory.
    pub fn take(&self) -> Result<(*mut c_void, &'static T)> {
        let slot = self.0.take().ok_or(Error::NoMemory)?;
        slot.is_live.store(true, Ordering::Release);
        Ok((slot.handle(), &slot.value))
    }

    /// The value behind a handle.
    ///
    /// # Errors
    /// [`Error::Fault`] if `handle` is not a slot of this pool, or the slot is free.
    #[inline]
    pub fn find(&self, handle: *mut c_void) -> Result<&'static T> {
        let slot = self.0.find(handle as usize).ok_or(Error::Fault)?;
        match slot.is_live.load(Ordering::Acquire) {
            true => Ok(&slot.value),
            false => Err(Error::Fault),
        }
    }

    /// Ends a handle and calls `last` with its value; then the slot is free.
    ///
    /// # Errors
    /// As [`Pool::find`].
    pub fn end<R>(&self, handle: *mut c_void, last: impl FnOnce(&T) -> R) -> Result<R> {
        let slot = self.0.find(handle as usize).ok_or(Error::Fault)?;
        // Of two threads that end the same handle, one reads true. AcqRel: it sees what the
        // other users of the handle did before, and the next `take` sees the mark.
        if !slot.is_live.swap(false, Ordering::AcqRel) {
            return Err(Error::Fault);
        }
        let result = last(&slot.value);
        self.0.give_back(slot);
        Ok(result)
    }

    /// Keeps slots from being taken or given back until the returned guard is dropped.
    pub fn lock_over_fork(&'static self) -> impl Sized {
        self.0.lock_over_fork()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI32;

    #[test]
    fn a_handle_lives_from_take_to_end() {
        static POOL: Pool<AtomicI32> = Pool::new();
        let (handle, value) = POOL.take().unwrap();
        value.store(5, Ordering::Relaxed);
        assert_eq!(POOL.find(handle).unwrap().load(Ordering::Relaxed), 5);
        let last = POOL.end(handle, |value| value.load(Ordering::Relaxed));
        assert_eq!(last, Ok(5));
        assert_eq!(POOL.find(handle).err(), Some(Error::Fault));
        assert_eq!(POOL.end(handle, |_| ()), Err(Error::Fault));
    }

    #[test]
    fn foreign_pointers_are_refused() {
        static OTHER: Pool<AtomicI32> = Pool::new();
        static POOL: Pool<AtomicI32> = Pool::new();
        let (own, _) = POOL.take().unwrap();
        let (others, _) = OTHER.take().unwrap();
        let nowhere = std::ptr::without_provenance_mut(usize::MAX);
        let null = std::ptr::null_mut();
        for wrong in [null, nowhere, own.wrapping_byte_add(1), others] {
            assert_eq!(POOL.find(wrong).err(), Some(Error::Fault));
            assert_eq!(POOL.end(wrong, |_| ()), Err(Error::Fault));
        }
        POOL.end(own, |_| ()).unwrap();
        OTHER.end(others, |_| ()).unwrap();
    }
}
