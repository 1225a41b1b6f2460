//! The C API: `extern "C"` shells that check pointers, make one safe call and
//! convert the result. The program calls them from any thread; [`boundary`] catches panics,
//! sleeps, and sets `errno`.
//!
//! Pointer contract, for every exported function unless it says otherwise:
//! - a pointer may be NULL only where its documentation says what NULL means;
//!   a NULL elsewhere fails with `EFAULT` (or has no effect) wherever the library
//!   can detect it;
//! - any other pointer must be aligned and valid for the access and the size
//!   the documentation states, for the time of the call;
//! - strings end with a NUL byte;
//! - a `void *` handle came from the matching `…_new`, `…_start` or
//!   `zmq_socket` call.

pub mod boundary;
pub mod ctx;
pub mod draft;
pub mod errors;
mod exit;
mod fork;
pub mod groups;
pub mod msg;
pub mod peers;
pub mod poll;
pub mod poller;
pub mod socket;
pub mod threads;
pub mod timers;
pub mod transfer;
pub mod types;
pub mod utils;

use crate::sys::room::Room;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// The `length` bytes at `data`; `None` for NULL.
///
/// # Safety
/// `data` is NULL or valid for reads of `length` bytes.
#[inline]
unsafe fn bytes<'a>(data: *const c_void, length: usize) -> Option<&'a [u8]> {
    if data.is_null() {
        return None;
    }
    // SAFETY: not NULL, and valid for `length` bytes by the caller's promise.
    Some(unsafe { std::slice::from_raw_parts(data.cast(), length) })
}

/// Room for the `*length` bytes at `data`, which need not be initialised; `None` if
/// either is NULL.
///
/// # Safety
/// `length` is NULL or valid, `data` NULL or valid for writes of `*length` bytes.
unsafe fn output<'a>(data: *mut c_void, length: *const usize) -> Option<Room<'a>> {
    if data.is_null() || length.is_null() {
        return None;
    }
    // SAFETY: neither is NULL, and both are valid by the caller's promise; the bytes are
    // `MaybeUninit`, so they need not be initialised.
    let bytes = unsafe { std::slice::from_raw_parts_mut(data.cast::<MaybeUninit<u8>>(), *length) };
    Some(bytes.into())
}
