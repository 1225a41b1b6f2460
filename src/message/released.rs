//! The end of a counted body, and free functions that are to be called.
//!
//! A free function is the program's code: it may call the library, throw, or end its thread. So it
//! is not called where the last reference to its buffer ends, which may be under locks and between
//! frames that have something to drop. It is put in a list of the thread, and called where neither
//! is the case: at the end of the function of the C API that the thread is in, before that returns,
//! or between two sources of an I/O thread.

use super::body::{Content, FreeFn};
use crate::sync::local::thread_cell;
use crate::sys;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
// Not from sync::atomic: a reference count, as Arc's, which models take for granted.
use std::sync::atomic::{Ordering, fence};

thread_cell! {
    /// First and last of this thread's list. It has no destructor, so it exists as long as the
    /// thread.
    static LIST: (*mut Content, *mut Content) = (ptr::null_mut(), ptr::null_mut());
}

/// A free function and its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Released {
    free: FreeFn,
    data: *mut u8,
    hint: *mut c_void,
}

impl Released {
    pub(super) fn new(free: FreeFn, data: *mut u8, hint: *mut c_void) -> Released {
        Released { free, data, hint }
    }

    /// Calls the function. The caller holds no lock, and has nothing to drop in the frames between
    /// here and the program's code, which the function may unwind.
    pub fn run(self) {
        // SAFETY: the function may be called from any thread, by the promise made to
        // `Msg::from_user`; this is the only call.
        unsafe { (self.free)(self.data.cast(), self.hint) };
    }
}

impl Content {
    /// # Safety
    /// The caller gives up a reference it held.
    pub(super) unsafe fn release(this: NonNull<Content>) {
        // SAFETY: alive by the caller's reference. Release pairs with the Acquire load and fence of
        // the last holder.
        let refs = &unsafe { this.as_ref() }.refs;
        // A sole holder needs no read-modify-write: no other thread has a reference to clone.
        if refs.load(Ordering::Acquire) != 1 && refs.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Acquire pairs with the Release subtractions of the other holders: their uses of the bytes
        // happen before.
        fence(Ordering::Acquire);
        // SAFETY: the caller's reference was the last, so the content has no other user.
        unsafe {
            match this.as_ref().free {
                Some(_) => add(this),
                None => Content::dispose(this),
            }
        }
    }

    /// Frees the content of a user's buffer, and returns the call of its free function.
    ///
    /// # Safety
    /// The caller has the last reference.
    pub(super) unsafe fn take_free(this: NonNull<Content>) -> Option<Released> {
        // SAFETY: alive by the caller's reference.
        let content = unsafe { ptr::read(this.as_ptr()) };
        // SAFETY: the caller has the last reference, and gives it up here.
        unsafe { Content::dispose(this) };
        Some(Released::new(content.free?, content.data, content.hint))
    }
}

/// Adds a content at the end of the list.
///
/// # Safety
/// The caller gives up the last reference to `content`, which has a free function.
unsafe fn add(content: NonNull<Content>) {
    LIST.with(|list| {
        let (first, last) = list.get();
        // SAFETY: the list owns the last reference to each of its contents, and to this one by the
        // caller's promise; only this thread has the list.
        unsafe {
            (*content.as_ptr()).next = ptr::null_mut();
            match last.is_null() {
                true => list.set((content.as_ptr(), content.as_ptr())),
                false => {
                    (*last).next = content.as_ptr();
                    list.set((first, content.as_ptr()));
                }
            }
        }
    });
    sys::cancel::mark_call();
}

/// Takes the first of this thread's free functions that are to be called, in the order in which
/// their buffers were released.
pub fn next_released() -> Option<Released> {
    let content = LIST.with(|list| {
        let (first, last) = list.get();
        let content = NonNull::new(first)?;
        // SAFETY: the list owns the last reference to each of its contents.
        let next = unsafe { content.as_ref().next };
        list.set((next, if next.is_null() { next } else { last }));
        Some(content)
    })??;
    // SAFETY: the list owned the last reference, which is now this function's.
    unsafe { Content::take_free(content) }
}

/// Calls all of this thread's free functions that are to be called.
pub fn run_released() {
    while let Some(released) = next_released() {
        released.run();
    }
}
