//! Memory for the small objects that C holds by `void *`.
//!
//! A slot is never given back to the allocator but used again for the next
//! object of its kind, so that a handle which is used after its end leads to a
//! slot marked as free, not to foreign memory. The tag in front tells the
//! kinds, and pointers to something else, apart.

use std::alloc::{Layout, alloc};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::sync::{Mutex, lock_for_fork};

use crate::error::{Error, Result};

/// The tag of every free slot.
const FREE: u32 = 0;

#[repr(C)]
struct Slot<T> {
    tag: AtomicU32,
    value: T,
}

/// The slots of one kind of object.
///
/// `T` is shared by all who have the handle and is never dropped, only reset
/// by its owner when the slot is taken.
pub struct Pool<T: 'static> {
    tag: u32,
    free: Mutex<Vec<&'static Slot<T>>>,
    /// Every slot there is: what is reachable is no leak to a leak checker.
    all: Mutex<Vec<&'static Slot<T>>>,
}

impl<T: Default + Sync> Pool<T> {
    /// An empty pool whose live slots carry `tag`, which is neither 0 nor the
    /// tag of another pool.
    pub const fn new(tag: u32) -> Self {
        assert!(tag != FREE);
        Pool {
            tag,
            free: Mutex::new(Vec::new()),
            all: Mutex::new(Vec::new()),
        }
    }

    /// A live slot: its handle for C, and its value as its last owner left it.
    ///
    /// # Errors
    /// [`Error::NoMemory`] if there is no memory.
    pub fn take(&self) -> Result<(*mut c_void, &'static T)> {
        let used = self.free.lock().pop();
        let slot = match used {
            Some(slot) => slot,
            None => {
                let slot = Self::allocate()?;
                self.all.lock().push(slot);
                slot
            }
        };
        slot.tag.store(self.tag, Ordering::Release);
        Ok((std::ptr::from_ref(slot).cast_mut().cast(), &slot.value))
    }

    /// The value behind a handle.
    ///
    /// # Errors
    /// [`Error::Fault`] if `handle` is NULL, not a slot of this pool, or free.
    ///
    /// # Safety
    /// `handle` is NULL, or at least four bytes can be read there.
    #[inline]
    pub unsafe fn find(&self, handle: *mut c_void) -> Result<&'static T> {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.live(handle) }.map(|slot| &slot.value)
    }

    /// Ends the life of a handle and gives its value a last time; the slot is
    /// free once the closure has run.
    ///
    /// # Errors
    /// As [`Pool::find`].
    ///
    /// # Safety
    /// As [`Pool::find`].
    pub unsafe fn end<R>(&self, handle: *mut c_void, last: impl FnOnce(&T) -> R) -> Result<R> {
        // SAFETY: the caller's promise is passed on.
        let slot = unsafe { self.live(handle) }?;
        let (live, free) = (Ordering::AcqRel, Ordering::Acquire);
        // Of two threads that end the same handle only one gets past this.
        let tag = slot.tag.compare_exchange(self.tag, FREE, live, free);
        tag.map_err(|_| Error::Fault)?;
        let result = last(&slot.value);
        self.free.lock().push(slot);
        Ok(result)
    }

    /// Keeps slots from being taken or given back until what comes back is
    /// dropped.
    pub fn hold(&'static self) -> impl Sized {
        (lock_for_fork(&self.free), lock_for_fork(&self.all))
    }

    /// # Safety
    /// As [`Pool::find`].
    #[inline]
    unsafe fn live(&self, handle: *mut c_void) -> Result<&'static Slot<T>> {
        let slot = handle.cast::<Slot<T>>();
        if slot.is_null() || !slot.is_aligned() {
            return Err(Error::Fault);
        }
        // SAFETY: aligned, and readable as far as this by the caller's promise.
        let tag = unsafe { AtomicU32::from_ptr(slot.cast()) };
        if tag.load(Ordering::Acquire) != self.tag {
            return Err(Error::Fault);
        }
        // SAFETY: the tag says that it is a slot, and slots are never unmapped.
        Ok(unsafe { &*slot })
    }

    fn allocate() -> Result<&'static Slot<T>> {
        // SAFETY: the layout is not empty, there is a tag in it.
        let slot = unsafe { alloc(Layout::new::<Slot<T>>()) }.cast::<Slot<T>>();
        if slot.is_null() {
            return Err(Error::NoMemory);
        }
        let fresh = Slot {
            tag: AtomicU32::new(FREE),
            value: T::default(),
        };
        // SAFETY: freshly allocated with this type's layout.
        unsafe { slot.write(fresh) };
        // SAFETY: initialised and never freed.
        Ok(unsafe { &*slot })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicI32;

    #[test]
    fn a_handle_lives_from_take_to_end() {
        static POOL: Pool<AtomicI32> = Pool::new(7);
        let pool = &POOL;
        let (handle, value) = pool.take().unwrap();
        value.store(5, Ordering::Relaxed);
        // SAFETY: a handle of this pool.
        unsafe {
            assert_eq!(pool.find(handle).unwrap().load(Ordering::Relaxed), 5);
            assert_eq!(
                pool.end(handle, |value| value.load(Ordering::Relaxed)),
                Ok(5)
            );
            assert_eq!(pool.find(handle).err(), Some(Error::Fault));
            assert_eq!(pool.end(handle, |_| ()), Err(Error::Fault));
        }
        assert_eq!(pool.take().unwrap().0, handle, "the slot is used again");
        // SAFETY: as above.
        unsafe { pool.end(handle, |_| ()) }.unwrap();
    }

    #[test]
    fn foreign_pointers_are_refused() {
        static OTHER: Pool<AtomicI32> = Pool::new(8);
        let (pool, other) = (Pool::<AtomicI32>::new(7), &OTHER);
        let mut words = [1u64; 2];
        let start: *mut c_void = words.as_mut_ptr().cast();
        let (handle, _) = other.take().unwrap();
        for wrong in [
            std::ptr::null_mut(),
            start,
            start.wrapping_byte_add(1),
            handle,
        ] {
            // SAFETY: NULL or readable.
            assert_eq!(unsafe { pool.find(wrong) }.err(), Some(Error::Fault));
        }
        // SAFETY: its own pool's handle.
        unsafe { other.end(handle, |_| ()) }.unwrap();
    }
}
