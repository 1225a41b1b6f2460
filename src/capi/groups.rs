//! Groups: the draft functions for RADIO and DISH sockets.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::boundary::{call, plain, shielded};
use super::msg::message;
use super::socket::text;
use super::types::zmq_msg_t;
use crate::error::{Error, Result};
use crate::runtime::socket::{self, groups};

/// Makes a DISH receive what is sent to a group, of up to 255 bytes. Returns 0, or -1
/// with EINVAL (it has joined already, or too long), ENOTSUP (not a DISH), ETERM or
/// ENOTSOCK.
///
/// # Safety
/// `group` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_join(socket: *mut c_void, group: *const c_char) -> c_int {
    // SAFETY: the caller promises that `group` is NULL or a string.
    shielded(|| unsafe { with_group(socket, group, groups::join) })
}

/// Takes back one zmq_join. Returns 0, or -1 with EINVAL (it has not joined), ENOTSUP
/// (not a DISH), ETERM or ENOTSOCK.
///
/// # Safety
/// `group` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_leave(socket: *mut c_void, group: *const c_char) -> c_int {
    // SAFETY: the caller promises that `group` is NULL or a string.
    shielded(|| unsafe { with_group(socket, group, groups::leave) })
}

/// Calls a function on a group. If handle and group are both bad, the error is the handle's.
///
/// # Safety
/// `group` is NULL or a string.
unsafe fn with_group(
    socket: *mut c_void,
    group: *const c_char,
    f: fn(usize, &[u8]) -> Result<()>,
) -> Result<c_int> {
    // SAFETY: the caller promises that `group` is NULL or a string.
    match unsafe { text(group) } {
        Ok(group) => f(socket as usize, group).map(|()| 0),
        Err(error) => socket::with(socket as usize, |_| Err(error)),
    }
}

/// Sets the group to which a RADIO sends the message; it is cut to 255 bytes. Returns 0,
/// or -1 with EFAULT.
///
/// # Safety
/// `msg` points to a message, `group` to a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_set_group(
    msg: *mut zmq_msg_t,
    group: *const c_char,
) -> c_int {
    call(|| {
        // SAFETY: the caller promises that `msg` points to a message.
        let msg = unsafe { message(msg)? };
        if group.is_null() {
            return Err(Error::Fault);
        }
        // SAFETY: not NULL, so a string by the caller's promise.
        msg.set_group(unsafe { CStr::from_ptr(group) }.to_bytes());
        Ok(0)
    })
}

/// Returns the group of a message, valid until the message or its group changes; an
/// empty string if it has none.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_group(msg: *mut zmq_msg_t) -> *const c_char {
    plain(|| {
        // SAFETY: the caller promises that `msg` points to a message.
        let group = unsafe { message(msg) }.map(|msg| msg.group().as_ptr());
        group.unwrap_or(c"".as_ptr())
    })
}
