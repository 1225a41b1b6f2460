//! Free functions that are to be called.
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

/// Adds a content at the end of the list.
///
/// # Safety
/// The caller gives up the last reference to `content`, which has a free function.
pub(super) unsafe fn add(content: NonNull<Content>) {
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
