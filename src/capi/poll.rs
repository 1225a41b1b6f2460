//! Waiting for several sockets, and proxies.

use std::ffi::{CStr, c_char, c_int, c_long, c_void};

use super::boundary::{sending, shielded};
use super::types::zmq_pollitem_t;
use crate::error::{Error, Result};
use crate::runtime::poll::{self, Item};
use crate::runtime::proxy::Proxy;
use crate::runtime::socket;

/// Waits until an item has one of the events asked for, at most timeout
/// milliseconds (-1: for ever; 0: not at all). Returns the number of items with
/// events, 0 on time-out, or -1 with EFAULT, EINVAL, EINTR, ETERM or ENOTSOCK.
///
/// # Safety
/// `items` is valid for `count` items.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poll(
    items: *mut zmq_pollitem_t,
    count: c_int,
    timeout: c_long,
) -> c_int {
    // SAFETY: valid for `count` items by the caller's promise.
    let once = || unsafe { poll_items(items, count, timeout, None) };
    sending(once, once)
}

/// `zmq_poll`, or with a signal mask `zmq_ppoll`.
///
/// # Safety
/// As zmq_poll.
pub(super) unsafe fn poll_items(
    items: *mut zmq_pollitem_t,
    count: c_int,
    timeout: c_long,
    mask: Option<&libc::sigset_t>,
) -> Result<c_int> {
    let count = usize::try_from(count).map_err(|_| Error::Invalid)?;
    if items.is_null() && count > 0 {
        return Err(Error::Fault);
    }
    let items = match count {
        0 => &mut [][..],
        // SAFETY: not NULL, so valid for `count` items by the caller's promise.
        _ => unsafe { std::slice::from_raw_parts_mut(items, count) },
    };
    #[allow(clippy::unnecessary_cast)] // a long has 32 bits elsewhere
    let timeout = timeout as i64;
    poll_list(items, |list, ready| match mask {
        None => poll::poll(list, ready, timeout, true),
        Some(mask) => poll::ppoll(list, ready, timeout, mask),
    })
}

/// Calls `poll`, and stores the events that it finds.
fn poll_list(
    items: &mut [zmq_pollitem_t],
    poll: impl FnOnce(&[Item], &mut [i16]) -> Result<usize>,
) -> Result<c_int> {
    let to_item = |item: &zmq_pollitem_t| match item.socket.is_null() {
        true => Item::Fd(item.fd, item.events),
        false => Item::Socket(item.socket as usize, item.events),
    };
    let list: smallvec::SmallVec<[Item; 16]> = items.iter().map(to_item).collect();
    let mut ready: smallvec::SmallVec<[i16; 16]> = smallvec::smallvec![0; items.len()];
    let outcome = poll(&list, &mut ready);
    if outcome != Err(Error::Suspended) {
        for (item, ready) in items.iter_mut().zip(ready) {
            item.revents.write(ready);
        }
    }
    outcome.map(|count| c_int::try_from(count).unwrap_or(c_int::MAX))
}

/// Moves messages between two sockets, in both directions, and a copy of each to
/// capture unless that is NULL. Returns -1 when an error ends it, as a rule
/// ETERM; EFAULT for a NULL socket.
///
/// # Safety
/// Safe for any pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_proxy(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
) -> c_int {
    let control = std::ptr::null_mut();
    sending(|| run(frontend, backend, capture, control), resume)
}

fn resume() -> Result<c_int> {
    Proxy::resume().map(|()| 0)
}

fn run(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> Result<c_int> {
    if frontend.is_null() || backend.is_null() {
        return Err(Error::Fault);
    }
    let capture = (!capture.is_null()).then_some(capture as usize);
    let mut proxy = Proxy::new(frontend as usize, backend as usize, capture);
    if !control.is_null() {
        proxy.obey(control as usize)?;
    }
    proxy.suspending().run().map(|()| 0)
}

/// As zmq_proxy, obeying the words that come from a control socket: PAUSE,
/// RESUME, TERMINATE, which makes it return 0, and STATISTICS, which is answered
/// with eight 64-bit numbers in parts of their own: parts and bytes received by
/// the frontend, sent by it, received and sent by the backend. A REP control gets
/// an empty answer to everything else. With a NULL control it is zmq_proxy.
///
/// # Safety
/// Safe for any pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_proxy_steerable(
    frontend: *mut c_void,
    backend: *mut c_void,
    capture: *mut c_void,
    control: *mut c_void,
) -> c_int {
    sending(|| run(frontend, backend, capture, control), resume)
}

/// Deprecated: zmq_proxy without capture; the type is ignored.
///
/// # Safety
/// Safe for any pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_device(
    device_type: c_int,
    frontend: *mut c_void,
    backend: *mut c_void,
) -> c_int {
    let _ = device_type;
    let none = std::ptr::null_mut();
    sending(|| run(frontend, backend, none, none), resume)
}

/// Reports events of a socket's connections to the PAIR socket that connects to
/// an inproc address: two parts each, ZMQ_EVENT_ number (16 bits) with a value
/// (32 bits) in native byte order, and the endpoint. events is a mask. A NULL
/// address ends it. Events that are not read are dropped, never waited for.
/// Returns 0, or -1 with EINVAL, EPROTONOSUPPORT (not inproc), EADDRINUSE, ETERM
/// or ENOTSOCK.
///
/// # Safety
/// `address` is NULL or a string.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_socket_monitor(
    socket: *mut c_void,
    address: *const c_char,
    events: c_int,
) -> c_int {
    shielded(|| {
        // SAFETY: not NULL, so a string by the caller's promise.
        let text = (!address.is_null()).then(|| unsafe { CStr::from_ptr(address) }.to_bytes());
        // The first version of monitor events has sixteen bits.
        let mask = u16::try_from(events).map_err(|_| Error::Invalid)?;
        socket::watch(socket as usize, text, mask.into()).map(|()| 0)
    })
}
