//! Pollers: `runtime::poller` behind handles.
//!
//! Each poller has a lock of its own, which is not held during a wait.

use std::any::Any;
use std::ffi::{c_int, c_long, c_short, c_void};
use std::mem::MaybeUninit;

use super::boundary::{call, sending};
use super::types::zmq_fd_t;
use crate::error::{Error, Result};
use crate::runtime::handle::Pool;
use crate::runtime::poller::{Poller, Target, Watch};
use crate::sync::Mutex;

static POLLERS: Pool<Mutex<Poller>> = Pool::new();

/// Locks the handles until the fork is over.
pub(super) fn lock_over_fork(locks: &mut Vec<Box<dyn Any>>) {
    locks.push(Box::new(POLLERS.lock_over_fork()));
}

/// What a poller found: a socket, or a descriptor if socket is NULL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[allow(non_camel_case_types)]
pub struct zmq_poller_event_t {
    /// The socket, or NULL.
    pub socket: *mut c_void,
    /// The descriptor, or -1.
    pub fd: zmq_fd_t,
    /// As it was given when the socket or descriptor was added.
    pub user_data: *mut c_void,
    /// The ZMQ_POLL... flags that are there.
    pub events: c_short,
}

/// Creates an empty poller: a list of sockets and descriptors to wait for.
///
/// Returns its handle, to be given to zmq_poller_destroy, or NULL with ENOMEM. All
/// functions on it fail with EFAULT if the handle is not one. Threads may share a
/// poller: a wait goes by the list as it was when the wait began.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_poller_new() -> *mut c_void {
    call(|| {
        let (handle, poller) = POLLERS.take()?;
        poller.lock().clear();
        Ok(handle)
    })
}

/// Frees a poller and sets the handle that is pointed at to NULL.
///
/// Returns 0, or -1 with EFAULT.
///
/// # Safety
/// `poller_p` is NULL or points at NULL or a handle from zmq_poller_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_destroy(poller_p: *mut *mut c_void) -> c_int {
    call(|| {
        // SAFETY: NULL, or valid by the caller's promise.
        let place = unsafe { poller_p.as_mut() }.ok_or(Error::Fault)?;
        POLLERS.end(*place, |poller| poller.lock().clear())?;
        *place = std::ptr::null_mut();
        Ok(0)
    })
}

/// Returns how many sockets and descriptors a poller has, or -1 with EFAULT.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_size(poller: *mut c_void) -> c_int {
    call(|| {
        let size = on(poller, |poller| Ok(poller.size()))?;
        Ok(c_int::try_from(size).unwrap_or(c_int::MAX))
    })
}

/// Adds a socket to a poller, which reports it with user_data when it has one of
/// the ZMQ_POLL... flags in events. Without any it is kept, but not reported.
///
/// Returns 0, or -1 with EFAULT, ENOTSOCK, EINVAL (unknown flags, or the socket is
/// there already) or ENOMEM. Remove a socket before it is closed.
///
/// # Safety
/// Safe for any pointers; `user_data` is only given back.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_add(
    poller: *mut c_void,
    socket: *mut c_void,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    call(|| add(poller, Target::Socket(socket as usize), user_data, events))
}

/// Changes the flags for which a poller reports a socket.
///
/// Returns 0, or -1 with EFAULT, ENOTSOCK, or EINVAL (unknown flags, or the socket is
/// not there).
///
/// # Safety
/// Safe for any pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_modify(
    poller: *mut c_void,
    socket: *mut c_void,
    events: c_short,
) -> c_int {
    call(|| modify(poller, Target::Socket(socket as usize), events))
}

/// Removes a socket from a poller.
///
/// Returns 0, or -1 with EFAULT, ENOTSOCK, or EINVAL (the socket is not there).
///
/// # Safety
/// Safe for any pointers.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_remove(
    poller: *mut c_void,
    socket: *mut c_void,
) -> c_int {
    call(|| remove(poller, Target::Socket(socket as usize)))
}

/// Adds a descriptor to a poller, as zmq_poller_add does a socket.
///
/// Returns 0, or -1 with EFAULT, EBADF (the descriptor is -1), EINVAL (unknown flags,
/// or it is there already) or ENOMEM.
///
/// # Safety
/// Safe for any pointers; `user_data` is only given back.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_add_fd(
    poller: *mut c_void,
    fd: zmq_fd_t,
    user_data: *mut c_void,
    events: c_short,
) -> c_int {
    call(|| add(poller, Target::Fd(fd), user_data, events))
}

/// Changes the flags for which a poller reports a descriptor.
///
/// Returns 0, or -1 with EFAULT, EBADF (the descriptor is -1), or EINVAL (unknown
/// flags, or it is not there).
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_modify_fd(
    poller: *mut c_void,
    fd: zmq_fd_t,
    events: c_short,
) -> c_int {
    call(|| modify(poller, Target::Fd(fd), events))
}

/// Removes a descriptor from a poller.
///
/// Returns 0, or -1 with EFAULT, EBADF (the descriptor is -1), or EINVAL (it is not
/// there).
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_remove_fd(poller: *mut c_void, fd: zmq_fd_t) -> c_int {
    call(|| remove(poller, Target::Fd(fd)))
}

/// Waits until something in a poller has events, timeout milliseconds at most (-1:
/// for ever; 0: not at all), and writes the first that has.
///
/// Returns 0, or -1 with EAGAIN (time-out), EFAULT (no poller, event is NULL, or
/// nothing to wait for without end), EINTR, ETERM or ENOTSOCK; then the event is
/// cleared.
///
/// # Safety
/// `event` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_wait(
    poller: *mut c_void,
    event: *mut zmq_poller_event_t,
    timeout: c_long,
) -> c_int {
    let once = || {
        // SAFETY: NULL, or valid for one event by the caller's promise.
        let found = unsafe { wait(poller, event, 1, timeout) };
        if found.is_err() && !event.is_null() {
            // SAFETY: not NULL, so valid by the caller's promise.
            unsafe { event.write(CLEARED) };
        }
        found.map(|_| 0)
    };
    sending(once, once)
}

/// As zmq_poller_wait, for up to n_events; returns how many were written. The others
/// are cleared. Also EINVAL, if n_events is negative.
///
/// # Safety
/// `events` is NULL or valid for writing `n_events`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_wait_all(
    poller: *mut c_void,
    events: *mut zmq_poller_event_t,
    n_events: c_int,
    timeout: c_long,
) -> c_int {
    // SAFETY: NULL, or valid for `n_events` by the caller's promise.
    let once = || unsafe { wait(poller, events, n_events, timeout) };
    sending(once, once)
}

/// Writes a descriptor that becomes readable when the poller may have events of sockets:
/// then zmq_poller_wait is to be called until it fails with EAGAIN. The descriptor is the
/// poller's, and not to be read or closed.
///
/// Returns 0, or -1 with EFAULT, or EINVAL before a socket was added that several threads
/// may use.
///
/// # Safety
/// `fd` is NULL or valid for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_poller_fd(poller: *mut c_void, fd: *mut zmq_fd_t) -> c_int {
    call(|| {
        let number = on(poller, |poller| {
            if fd.is_null() {
                return Err(Error::Fault);
            }
            poller.fd()
        })?;
        // SAFETY: not NULL, so valid by the caller's promise.
        unsafe { fd.write(number) };
        Ok(0)
    })
}

fn on<R>(poller: *mut c_void, f: impl FnOnce(&mut Poller) -> Result<R>) -> Result<R> {
    f(&mut POLLERS.find(poller)?.lock())
}

fn add(
    poller: *mut c_void,
    target: Target,
    user_data: *mut c_void,
    events: c_short,
) -> Result<c_int> {
    let watch = Watch {
        target,
        user_data: user_data as usize,
        events,
    };
    on(poller, |poller| poller.add(watch).map(|()| 0))
}

fn modify(poller: *mut c_void, target: Target, events: c_short) -> Result<c_int> {
    on(poller, |poller| poller.modify(target, events).map(|()| 0))
}

fn remove(poller: *mut c_void, target: Target) -> Result<c_int> {
    on(poller, |poller| poller.remove(target).map(|()| 0))
}

/// Writes up to `count` events, clears the others, and returns how many there are.
///
/// # Safety
/// `events` is NULL or valid for writing `count` events.
unsafe fn wait(
    poller: *mut c_void,
    events: *mut zmq_poller_event_t,
    count: c_int,
    timeout: c_long,
) -> Result<c_int> {
    let watched = on(poller, |poller| Ok(poller.watched()))?;
    // SAFETY: NULL, or valid for writing `count` events by the caller's promise.
    let events = unsafe { room(events, count)? };
    #[allow(clippy::unnecessary_cast)] // a long has 32 bits elsewhere
    let found = watched.wait(events.len(), timeout as i64)?;
    let rest = std::iter::repeat(CLEARED);
    for (place, event) in events.iter_mut().zip(found.iter().map(event).chain(rest)) {
        place.write(event);
    }
    Ok(c_int::try_from(found.len()).unwrap_or(c_int::MAX))
}

/// Room for `count` events, which need not be initialised; [`Error::Fault`] for NULL,
/// [`Error::Invalid`] for a negative number.
///
/// # Safety
/// `events` is NULL or valid for writing `count` events.
unsafe fn room<'a>(
    events: *mut zmq_poller_event_t,
    count: c_int,
) -> Result<&'a mut [MaybeUninit<zmq_poller_event_t>]> {
    if events.is_null() {
        return Err(Error::Fault);
    }
    let count = usize::try_from(count).map_err(|_| Error::Invalid)?;
    // SAFETY: not NULL, so valid for `count` events by the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(events.cast(), count) })
}

/// What stands for no event.
const CLEARED: zmq_poller_event_t = zmq_poller_event_t {
    socket: std::ptr::null_mut(),
    fd: -1,
    user_data: std::ptr::null_mut(),
    events: 0,
};

fn event(found: &Watch) -> zmq_poller_event_t {
    let (socket, fd) = match found.target {
        Target::Socket(address) => (address as *mut c_void, CLEARED.fd),
        Target::Fd(fd) => (CLEARED.socket, fd),
    };
    zmq_poller_event_t {
        socket,
        fd,
        user_data: found.user_data as *mut c_void,
        events: found.events,
    }
}
