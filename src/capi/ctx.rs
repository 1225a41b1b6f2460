//! Contexts: the exported functions that make, set and terminate them. A context is found by
//! its handle, which is checked, so any pointer may be passed.

use std::ffi::{c_int, c_void};

use super::boundary::{sending, shielded};
use super::fork;
use crate::abi::numbers::ZMQ_IO_THREADS_DFLT;
use crate::abi::options::ZMQ_IO_THREADS;
use crate::error::{Error, Result};
use crate::runtime::context;

/// Creates a context. Returns its handle, or NULL with ENOMEM. No thread is
/// started and no descriptor opened before they are needed.
///
/// # Safety
/// Always safe.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_new() -> *mut c_void {
    shielded(|| new_with_threads(ZMQ_IO_THREADS_DFLT))
}

/// Terminates a context: blocking calls on its sockets end with ETERM; waits
/// until all its sockets are closed and what they had to send is sent or their
/// ZMQ_LINGER has passed. The handle is invalid afterwards. Returns 0, or -1
/// with EFAULT (no context) or EINTR (a signal came; call again).
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_term(context: *mut c_void) -> c_int {
    terminate(context)
}

/// Makes blocking calls on the context's sockets end with ETERM, and all later
/// calls but zmq_close fail with it. Does not wait; zmq_ctx_term is still due.
/// Returns 0, or -1 with EFAULT.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_shutdown(context: *mut c_void) -> c_int {
    shielded(|| context::shutdown(context as usize).map(|()| 0))
}

/// Sets a context option. Returns 0, or -1 with EINVAL (unknown option or value
/// out of range) or EFAULT (no context).
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_set(
    context: *mut c_void,
    option: c_int,
    value: c_int,
) -> c_int {
    shielded(|| context::set(context as usize, option, value).map(|()| 0))
}

/// Returns the value of a context option, or -1 with EINVAL (unknown option) or
/// EFAULT (no context). An option's value can itself be -1.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_get(context: *mut c_void, option: c_int) -> c_int {
    shielded(|| context::get(context as usize, option))
}

/// Deprecated: zmq_ctx_new and ZMQ_IO_THREADS in one. Returns NULL with EINVAL
/// for a negative number of threads.
///
/// # Safety
/// Always safe.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_init(io_threads: c_int) -> *mut c_void {
    shielded(|| new_with_threads(io_threads))
}

fn terminate(context: *mut c_void) -> c_int {
    let once = || context::terminate(context as usize, true).map(|()| 0);
    sending(once, once)
}

fn new_with_threads(io_threads: c_int) -> Result<*mut c_void> {
    if io_threads < 0 {
        return Err(Error::Invalid);
    }
    fork::watch();
    let address = context::create()?.address();
    if io_threads != ZMQ_IO_THREADS_DFLT {
        context::set(address, ZMQ_IO_THREADS, io_threads)?;
    }
    Ok(address as *mut c_void)
}

/// Deprecated name of zmq_ctx_term.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_term(context: *mut c_void) -> c_int {
    terminate(context)
}

/// Deprecated name of zmq_ctx_term.
///
/// # Safety
/// Safe for any pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_ctx_destroy(context: *mut c_void) -> c_int {
    terminate(context)
}
