//! The C API: `extern "C"` shells that check pointers, make one safe call and
//! convert the result.
//!
//! Pointer contract, for every exported function unless it says otherwise:
//! - a pointer may be NULL only where its documentation says what NULL means;
//!   the library nevertheless answers `EFAULT` (or does nothing) and does not
//!   crash wherever it can tell;
//! - any other pointer must be aligned and valid for the access and the size
//!   the documentation states, for the time of the call;
//! - strings end with a NUL byte;
//! - a `void *` handle came from the matching `…_new`, `…_start` or
//!   `zmq_socket` call.

pub mod boundary;
pub mod constants;
pub mod ctx;
pub mod errors;
mod exit;
mod fork;
pub mod msg;
pub mod poll;
mod pool;
pub mod socket;
pub mod threads;
pub mod timers;
pub mod transfer;
pub mod types;
pub mod utils;

use crate::sys::room::Room;
use std::ffi::c_void;
use std::mem::MaybeUninit;

/// `length` bytes at `data`; `None` for NULL.
///
/// # Safety
/// `data` is NULL or valid for reads of `length` bytes.
#[inline]
unsafe fn bytes<'a>(data: *const c_void, length: usize) -> Option<&'a [u8]> {
    if data.is_null() {
        return None;
    }
    // SAFETY: by the caller's promise.
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
    // SAFETY: by the caller's promise.
    let bytes = unsafe { std::slice::from_raw_parts_mut(data.cast::<MaybeUninit<u8>>(), *length) };
    Some(bytes.into())
}
