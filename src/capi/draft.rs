//! Functions of the draft API that have no file of their own.

use std::ffi::{c_int, c_long, c_void};

use super::boundary::{call, sending, shielded};
use super::msg::place;
use super::poll::poll_items;
use super::types::{zmq_msg_t, zmq_pollitem_t};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::runtime::{context, socket};

/// Sets a context option from size bytes at value: an int, or for
/// ZMQ_THREAD_NAME_PREFIX also a text of up to 16 bytes that has not the size of an
/// int. Returns 0, or -1 with EINVAL (unknown option, wrong size or value) or EFAULT
/// (no context).
///
/// # Safety
/// `value` is valid for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_set_ext(
    context: *mut c_void,
    option: c_int,
    value: *const c_void,
    size: usize,
) -> c_int {
    shielded(|| {
        // SAFETY: the caller promises that `value` is valid for `size` bytes.
        let bytes = unsafe { super::bytes(value, size) };
        context::set_bytes(context as usize, option, bytes).map(|()| 0)
    })
}

/// Copies a context option to value, which has room for *size bytes: an int, or for
/// ZMQ_THREAD_NAME_PREFIX the text without a final NUL, unless *size is that of an
/// int. *size is not changed. Returns 0, or -1 with EINVAL (unknown option, wrong
/// size) or EFAULT (no context, or a NULL pointer).
///
/// # Safety
/// `size` is NULL or valid, `value` NULL or valid for writes of `*size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_get_ext(
    context: *mut c_void,
    option: c_int,
    value: *mut c_void,
    size: *mut usize,
) -> c_int {
    shielded(|| {
        // SAFETY: valid or NULL by the caller's promise.
        let room = unsafe { super::output(value, size) }.ok_or(Error::Fault)?;
        context::get_bytes(context as usize, option, room).map(|()| 0)
    })
}

/// Initialises a message with a copy of size bytes at data, which may be NULL if size
/// is 0. Returns 0, or -1 with ENOMEM; EINVAL for a NULL pointer with a size.
///
/// # Safety
/// `msg` points to an uninitialised or closed message; `data` is valid for `size`
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_init_buffer(
    msg: *mut zmq_msg_t,
    data: *const c_void,
    size: usize,
) -> c_int {
    call(|| {
        // SAFETY: the caller promises that `data` is valid for `size` bytes.
        let content: Result<&[u8]> = match unsafe { super::bytes(data, size) } {
            None if size > 0 => Err(Error::Invalid),
            bytes => Ok(bytes.unwrap_or_default()),
        };
        // SAFETY: the caller promises that `msg` points to the memory of a message.
        unsafe { place(msg, content.and_then(Msg::copy_from)) }
    })
}

/// Returns ZMQ_POLLOUT if a ROUTER or REP could send a message now to the peer with the
/// routing id of size bytes at id, 0 if that peer's queue is full, or -1 with
/// EHOSTUNREACH (no such peer), ENOTSUP (another type of socket), EINVAL (NULL with a
/// size), ETERM or ENOTSOCK.
///
/// # Safety
/// `id` is valid for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_socket_get_peer_state(
    socket: *mut c_void,
    id: *const c_void,
    size: usize,
) -> c_int {
    shielded(|| {
        // SAFETY: the caller promises that `id` is valid for `size` bytes.
        match unsafe { super::bytes(id, size) } {
            None if size > 0 => socket::exists(socket as usize).and(Err(Error::Invalid)),
            bytes => socket::peer_state(socket as usize, bytes.unwrap_or_default()),
        }
    })
}

/// As zmq_poll, with the signal mask sigmask while the thread sleeps, if that is not
/// NULL. A pending signal that the mask does not block gives EINTR at once, unless an
/// item has events. Descriptors may have any number.
///
/// # Safety
/// `items` is valid for `count` items; `sigmask` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ppoll(
    items: *mut zmq_pollitem_t,
    count: c_int,
    timeout: c_long,
    sigmask: *const libc::sigset_t,
) -> c_int {
    // SAFETY: NULL, or valid by the caller's promise; `items` too, for `count` items.
    let once = || unsafe { poll_items(items, count, timeout, sigmask.as_ref()) };
    sending(once, once)
}
