//! Sockets: the exported functions that make and close them, set options, bind and connect.
//! A socket is found by its handle, which is checked, so any pointer may be passed for it.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::boundary::{sending, shielded};
use crate::abi::options::ZMQ_USE_FD;
use crate::error::{Error, Result};
use crate::runtime::socket::{self, endpoints};
use crate::sys::adopt::GivenFd;

/// Creates a socket of a type (ZMQ_PAIR, ...). Returns its handle, or NULL with
/// EFAULT (no context), EINVAL (no such type), EMFILE (ZMQ_MAX_SOCKETS reached),
/// ETERM (context shut down) or ENOMEM.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_socket(
    context: *mut c_void,
    socket_type: c_int,
) -> *mut c_void {
    shielded(|| Ok(socket::create(context as usize, socket_type)?.handle()))
}

/// Closes a socket without waiting; what it had to send is still sent within
/// its ZMQ_LINGER. Returns 0, or -1 with ENOTSOCK.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_close(socket: *mut c_void) -> c_int {
    shielded(|| socket::close(socket as usize).map(|()| 0))
}

/// Sets a socket option from length bytes at value. Returns 0, or -1 with EINVAL
/// (unknown option, wrong length or value), ETERM or ENOTSOCK.
///
/// # Safety
/// `value` is valid for `length` bytes. A descriptor that ZMQ_USE_FD names is the
/// library's from the bind on that takes it.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_setsockopt(
    socket: *mut c_void,
    option: c_int,
    value: *const c_void,
    length: usize,
) -> c_int {
    shielded(|| {
        // SAFETY: the caller promises that `value` is valid for `length` bytes.
        let bytes = unsafe { super::bytes(value, length) };
        let handle = socket as usize;
        match (option, bytes, length) {
            (_, None, 1..) => socket::with(handle, |_| Err(Error::Invalid))?,
            // SAFETY: the caller promises to give up the descriptor.
            (ZMQ_USE_FD, Some(bytes), _) => unsafe { give_descriptor(handle, bytes)? },
            (_, bytes, _) => socket::set_option(handle, option, bytes)?,
        }
        Ok(0)
    })
}

/// Sets `ZMQ_USE_FD`: a descriptor for the next bind, or -1 for none.
///
/// # Safety
/// As zmq_setsockopt.
unsafe fn give_descriptor(handle: usize, bytes: &[u8]) -> Result<()> {
    match bytes.try_into().map(i32::from_ne_bytes) {
        // SAFETY: the caller promises to give up the descriptor `fd`.
        Ok(fd @ 0..) => socket::give_descriptor(handle, fd, unsafe { GivenFd::new(fd) }),
        _ => socket::set_option(handle, ZMQ_USE_FD, Some(bytes)),
    }
}

/// Reads a socket option into value, whose size is *length; *length becomes the
/// size of what was written. Returns 0, or -1 with EINVAL (unknown option,
/// unsuitable size), ETERM or ENOTSOCK.
///
/// # Safety
/// `length` is valid, and `value` for `*length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_getsockopt(
    socket: *mut c_void,
    option: c_int,
    value: *mut c_void,
    length: *mut usize,
) -> c_int {
    let once = || {
        // SAFETY: the caller promises that `length` is valid, and `value` for `*length` bytes.
        let out = unsafe { super::output(value, length) };
        let Some(out) = out else {
            return socket::with(socket as usize, |_| Err(Error::Invalid));
        };
        let written = socket::get_option(socket as usize, option, out)?;
        // SAFETY: `output` has checked that `length` is not NULL, and so it is valid.
        unsafe { *length = written };
        Ok(0)
    };
    sending(once, once)
}

/// The text of an endpoint, without its NUL; [`Error::Invalid`] for NULL.
///
/// # Safety
/// `address` is NULL or a string.
pub(super) unsafe fn text<'a>(address: *const c_char) -> Result<&'a [u8]> {
    match address.is_null() {
        true => Err(Error::Invalid),
        // SAFETY: not NULL, so a string by the caller's promise.
        false => Ok(unsafe { CStr::from_ptr(address) }.to_bytes()),
    }
}

/// Calls an endpoint function. If handle and address are both bad, the error is the handle's.
///
/// # Safety
/// `address` is NULL or a string.
unsafe fn endpoint(
    socket: *mut c_void,
    address: *const c_char,
    f: fn(usize, &[u8]) -> Result<()>,
) -> Result<c_int> {
    // SAFETY: the caller promises that `address` is NULL or a string.
    match unsafe { text(address) } {
        Ok(text) => f(socket as usize, text).map(|()| 0),
        Err(error) => socket::with(socket as usize, |_| Err(error)),
    }
}

/// Accepts connections at an endpoint. tcp and ipc listen when it returns;
/// ZMQ_LAST_ENDPOINT names what a wildcard became. Returns 0, or -1 with EINVAL,
/// EPROTONOSUPPORT, ENOCOMPATPROTO, EADDRINUSE, EADDRNOTAVAIL, ENODEV, EMTHREAD,
/// ENAMETOOLONG, ETERM, ENOTSOCK, or an error of the system.
///
/// # Safety
/// `address` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_bind(socket: *mut c_void, address: *const c_char) -> c_int {
    // SAFETY: the caller promises that `address` is a string.
    shielded(|| unsafe { endpoint(socket, address, endpoints::bind) })
}

/// Connects to an endpoint, now or whenever the peer is there, and again when
/// the connection is lost. Returns 0, or -1 with EINVAL, EPROTONOSUPPORT,
/// ENOCOMPATPROTO, EMTHREAD, ENAMETOOLONG, ETERM or ENOTSOCK.
///
/// # Safety
/// `address` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_connect(socket: *mut c_void, address: *const c_char) -> c_int {
    // SAFETY: the caller promises that `address` is a string.
    shielded(|| unsafe { endpoint(socket, address, endpoints::connect) })
}

/// Stops accepting at an endpoint, as ZMQ_LAST_ENDPOINT names it. Connections
/// that were accepted stay. Returns 0, or -1 with ENOENT (not bound there),
/// EINVAL, EPROTONOSUPPORT, ETERM or ENOTSOCK.
///
/// # Safety
/// `address` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_unbind(socket: *mut c_void, address: *const c_char) -> c_int {
    // SAFETY: the caller promises that `address` is a string.
    shielded(|| unsafe { endpoint(socket, address, endpoints::release) })
}

/// Ends all connections that were made to an endpoint; what is queued for them
/// is still sent within ZMQ_LINGER. Returns 0, or -1 with ENOENT (not connected
/// there), EINVAL, EPROTONOSUPPORT, ETERM or ENOTSOCK.
///
/// # Safety
/// `address` is a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_disconnect(
    socket: *mut c_void,
    address: *const c_char,
) -> c_int {
    // SAFETY: the caller promises that `address` is a string.
    shielded(|| unsafe { endpoint(socket, address, endpoints::release) })
}
