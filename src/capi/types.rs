//! Types of the public header: arguments of the exported functions.
//!
//! `zmq_fd_t`, `zmq_msg_t` and the function types are written by hand in the header's preamble
//! (`cbindgen.toml`), because they depend on the platform or have a form that Rust does not
//! have.

#![allow(non_camel_case_types)]

use std::ffi::{c_int, c_short, c_void};
use std::mem::MaybeUninit;

/// A descriptor of the operating system: a file descriptor, or a `SOCKET` on
/// Windows.
#[cfg(not(windows))]
pub type zmq_fd_t = c_int;
/// A descriptor of the operating system: a file descriptor, or a `SOCKET` on
/// Windows.
#[cfg(windows)]
pub type zmq_fd_t = usize;

/// Releases the data of a message: called with the data and the hint that were given
/// to `zmq_msg_init_data`. Runs once, on any thread.
pub type zmq_free_fn = unsafe extern "C-unwind" fn(data: *mut c_void, hint: *mut c_void);

/// The handler of a timer: called with its id and the argument given to `zmq_timers_add`.
pub type zmq_timer_fn = unsafe extern "C-unwind" fn(timer_id: c_int, arg: *mut c_void);

/// The body of a thread: called with the argument given to `zmq_threadstart`.
pub type zmq_thread_fn = unsafe extern "C-unwind" fn(arg: *mut c_void);

/// One thing that zmq_poll watches: a socket, or a descriptor if socket is
/// NULL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct zmq_pollitem_t {
    /// The socket, or NULL.
    pub socket: *mut c_void,
    /// The descriptor; ignored if there is a socket.
    pub fd: zmq_fd_t,
    /// The events asked for: ZMQ_POLLIN, ZMQ_POLLOUT, ZMQ_POLLERR, ZMQ_POLLPRI.
    pub events: c_short,
    /// The events that are there; written by the call.
    pub revents: MaybeUninit<c_short>,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<zmq_pollitem_t>() == 16);
#[cfg(all(target_pointer_width = "32", not(windows)))]
const _: () = assert!(size_of::<zmq_pollitem_t>() == 12);

/// A message: 64 bytes whose content is the library's. Initialise it before
/// use, close it afterwards, and never copy it by assignment.
pub type zmq_msg_t = crate::message::Msg;
