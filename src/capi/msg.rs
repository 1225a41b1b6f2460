//! Messages: the exported functions on a `zmq_msg_t`.
//!
//! A `zmq_msg_t` is in the caller's memory, and no lock protects it: one thread uses it at a
//! time. A function that takes an initialised message detects a closed one and, as far as its
//! bytes show it, memory that was never initialised.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;

use super::boundary::{call, plain};
use super::types::{zmq_free_fn, zmq_msg_t};
use crate::abi::numbers::{ZMQ_MORE, ZMQ_SHARED, ZMQ_SRCFD};
use crate::error::{Error, Result};
use crate::message::Msg;

/// The message at a pointer, [`Error::Fault`] if there is none.
///
/// # Safety
/// `msg` is NULL or points to a `zmq_msg_t` that nothing else uses during the call.
#[inline]
pub(super) unsafe fn message<'a>(msg: *const zmq_msg_t) -> Result<&'a mut Msg> {
    // SAFETY: the caller promises that it is NULL or a message that nothing else uses.
    unsafe { Msg::from_c(msg.cast_mut().cast()) }.ok_or(Error::Fault)
}

/// Writes a new message to the caller's memory.
///
/// # Safety
/// `place` is NULL or points to 64 writable bytes.
pub(super) unsafe fn place(place: *mut zmq_msg_t, msg: Result<Msg>) -> Result<c_int> {
    if place.is_null() {
        return Err(Error::Fault);
    }
    // SAFETY: not NULL, so 64 writable bytes by the caller's promise.
    unsafe { msg?.write_c(place.cast()) };
    Ok(0)
}

/// Initialises an empty message. Returns 0.
///
/// # Safety
/// `msg` points to an uninitialised or closed message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_init(msg: *mut zmq_msg_t) -> c_int {
    // SAFETY: the caller promises that `msg` points to the memory of a message.
    call(|| unsafe { place(msg, Ok(Msg::new())) })
}

/// Initialises a message of size bytes with unspecified content. Up to 33 bytes
/// need no allocation. Returns 0, or -1 with ENOMEM.
///
/// # Safety
/// As zmq_msg_init. The content is written before it is sent or read.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_init_size(msg: *mut zmq_msg_t, size: usize) -> c_int {
    // SAFETY: the caller promises that `msg` points to the memory of a message, and to write
    // the body before it is read.
    call(|| unsafe { place(msg, Msg::with_size(size)) })
}

/// Initialises a message over the caller's buffer. free_fn is called once, with
/// data and hint, when the library needs the buffer no more: from an I/O thread,
/// or from the thread whose call released the message, before that call returns.
/// It may call the library, and throw where its language can. Without a free_fn
/// the buffer must stay valid and unchanged for ever. Returns
/// 0, or -1 with ENOMEM; EINVAL for a NULL buffer with a size.
///
/// # Safety
/// As zmq_msg_init; data is valid for size bytes until free_fn is called.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_init_data(
    msg: *mut zmq_msg_t,
    data: *mut c_void,
    size: usize,
    free_fn: Option<zmq_free_fn>,
    hint: *mut c_void,
) -> c_int {
    call(|| match data.is_null() && size > 0 {
        true => Err(Error::Invalid),
        // SAFETY: the caller promises that `data` is valid until `free_fn` is called, and that
        // `msg` points to the memory of a message.
        false => unsafe { place(msg, Msg::from_user(data.cast(), size, free_fn, hint)) },
    })
}

/// Releases a message's content; it can be initialised again. Returns 0, or -1
/// with EFAULT if it is not an initialised message.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_close(msg: *mut zmq_msg_t) -> c_int {
    // SAFETY: the caller promises that `msg` points to a message.
    call(|| unsafe { message(msg) }.map(Msg::close).map(|()| 0))
}

/// Moves the content of source to dest, whose old content is released; source
/// is empty afterwards. Returns 0, or -1 with EFAULT.
///
/// # Safety
/// Both point to messages.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_move(
    dest: *mut zmq_msg_t,
    source: *mut zmq_msg_t,
) -> c_int {
    call(|| {
        // SAFETY: the caller promises a message. Only one reference is used at a time, as
        // both pointers may be equal.
        let content = unsafe { message(source)? }.take();
        // SAFETY: as above.
        *unsafe { message(dest)? } = content;
        Ok(0)
    })
}

/// Makes dest a second message with source's content, which is shared if it is
/// longer than 33 bytes: then neither must be changed. Returns 0, or -1 with
/// EFAULT.
///
/// # Safety
/// Both point to messages.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_copy(
    dest: *mut zmq_msg_t,
    source: *mut zmq_msg_t,
) -> c_int {
    call(|| {
        // SAFETY: the caller promises a message. Only one reference is used at a time, as
        // both pointers may be equal.
        let content = unsafe { message(source)? }.share_to_keep();
        // SAFETY: as above.
        *unsafe { message(dest)? } = content;
        Ok(0)
    })
}

/// Returns the address of the content, which is valid until the message is
/// closed, moved or sent; NULL if it is not an initialised message.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_data(msg: *mut zmq_msg_t) -> *mut c_void {
    plain(|| {
        // SAFETY: the caller promises that `msg` points to a message.
        let data = unsafe { message(msg) }.map(|msg| msg.data_ptr_mut().cast());
        data.unwrap_or(ptr::null_mut())
    })
}

/// Returns the length of the content in bytes; 0 if it is not an initialised
/// message.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_size(msg: *const zmq_msg_t) -> usize {
    // SAFETY: the caller promises that `msg` points to a message.
    plain(|| unsafe { message(msg) }.map_or(0, |msg| msg.len()))
}

/// Returns 1 if more parts of the same message follow, else 0.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_more(msg: *const zmq_msg_t) -> c_int {
    // SAFETY: the caller promises that `msg` points to a message.
    plain(|| unsafe { message(msg) }.map_or(0, |msg| msg.more().into()))
}

/// Returns a property: ZMQ_MORE, ZMQ_SHARED (1 if the content is constant or
/// shared with a copy), ZMQ_SRCFD (descriptor of the connection it came from).
/// -1 with EINVAL for any other, or if it has none.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_get(msg: *const zmq_msg_t, property: c_int) -> c_int {
    call(|| {
        // SAFETY: the caller promises that `msg` points to a message.
        let msg = unsafe { message(msg)? };
        match property {
            ZMQ_MORE => Ok(msg.more().into()),
            ZMQ_SHARED => Ok(msg.is_shared().into()),
            ZMQ_SRCFD => msg
                .metadata()
                .and_then(|m| m.source_fd())
                .ok_or(Error::Invalid),
            _ => Err(Error::Invalid),
        }
    })
}

/// Sets a property. There is none that can be set: returns -1 with EINVAL.
///
/// # Safety
/// Always safe.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_set(
    msg: *mut zmq_msg_t,
    property: c_int,
    value: c_int,
) -> c_int {
    let _ = (msg, property, value);
    call(|| Err(Error::Invalid))
}

/// Returns a property of the connection the message came from (Socket-Type,
/// Identity, Peer-Address, ...), valid as long as the message; NULL with EINVAL
/// if there is none of that name.
///
/// # Safety
/// `msg` points to a message, `property` to a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_gets(
    msg: *const zmq_msg_t,
    property: *const c_char,
) -> *const c_char {
    call(|| {
        if property.is_null() {
            return Err(Error::Invalid);
        }
        // SAFETY: the caller promises a message and a string, which is not NULL.
        let (msg, name) = unsafe { (message(msg)?, CStr::from_ptr(property)) };
        let value = msg.metadata().and_then(|metadata| metadata.get(name));
        value.map(CStr::as_ptr).ok_or(Error::Invalid)
    })
}
