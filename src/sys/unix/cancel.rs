//! Thread cancellation (`pthread_cancel`).
//!
//! Cancellation unwinds the thread's stack by force, which is undefined behaviour for Rust
//! frames that have destructors. So a [`Shield`] disables it around every system call of the
//! library that is a cancellation point. A pending cancellation takes effect only where no
//! frame between here and the program's code has a destructor: at the end of a function of
//! the C API that was shielded ([`act`]), and in its sleeps (`futex_wait` of the backend, [`poll`]).
//!
//! The C API's boundary detects by `errno` whether it has to check for a cancellation or for
//! released messages: `errno` is 0 when a call begins, and not 0 after a shield, a failed
//! system call, or the release of a message whose free function is pending ([`mark_call`]).

mod posix {
    use std::ffi::c_int;

    pub const ENABLE: c_int = 0;
    pub const DISABLE: c_int = 1;

    unsafe extern "C" {
        pub fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
    }

    // Cancellation unwinds through these.
    unsafe extern "C-unwind" {
        pub fn pthread_testcancel();
        #[cfg(not(loom))]
        #[link_name = "poll"]
        pub fn poll_unwinding(fds: *mut libc::pollfd, count: libc::nfds_t, timeout: c_int)
        -> c_int;
        #[cfg(not(loom))]
        #[link_name = "ppoll"]
        pub fn ppoll_unwinding(
            fds: *mut libc::pollfd,
            count: libc::nfds_t,
            timeout: *const libc::timespec,
            mask: *const libc::sigset_t,
        ) -> c_int;
    }
}

/// Functions of the system that unwind their callers if the thread is cancelled or exits in
/// them or in their callbacks; declared `C-unwind` for that reason.
pub mod unwinding {
    use std::ffi::{c_int, c_uint, c_void};

    #[allow(missing_docs)] // POSIX has them
    unsafe extern "C-unwind" {
        pub fn pthread_create(
            thread: *mut libc::pthread_t,
            attributes: *const libc::pthread_attr_t,
            start: extern "C-unwind" fn(*mut c_void) -> *mut c_void,
            arg: *mut c_void,
        ) -> c_int;
        pub fn pthread_join(thread: libc::pthread_t, value: *mut *mut c_void) -> c_int;
        pub fn sleep(seconds: c_uint) -> c_uint;
    }
}

/// Disables cancellation of the calling thread until it is dropped.
#[derive(Debug)]
pub struct Shield {
    was_enabled: bool,
}

impl Shield {
    /// Disables cancellation, if it is enabled. Shields may be nested.
    #[inline]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Shield {
        let mut old = posix::DISABLE;
        // SAFETY: `old` is valid for a write; the call has no other preconditions.
        unsafe { posix::pthread_setcancelstate(posix::DISABLE, &mut old) };
        Shield {
            was_enabled: old == posix::ENABLE,
        }
    }
}

impl Drop for Shield {
    #[inline]
    fn drop(&mut self) {
        if self.was_enabled {
            let mut old = 0;
            // SAFETY: `old` is valid for a write. The call is not a cancellation point, so it
            // does not unwind.
            unsafe { posix::pthread_setcancelstate(posix::ENABLE, &mut old) };
            mark_call();
        }
    }
}

/// Sets `errno`, so that the C API's boundary checks, at the end of this thread's call, for a
/// cancellation and for free functions to be called.
#[inline]
pub fn mark_call() {
    super::super::errno::set_errno(libc::EINTR);
}

/// Ends the thread if it has been cancelled. Precondition: no frame between here and the
/// program's code has a destructor.
#[inline]
pub fn act() {
    // SAFETY: the callers, the C API's boundary and the suspended sleep, call this with no
    // destructor on the stack.
    unsafe { posix::pthread_testcancel() };
}

/// `poll`, as a cancellation point. Negative on an error, which is in `errno`.
///
/// # Safety
/// The array lives until the call returns or the thread ends; no frame between here and
/// the program's code has a destructor.
#[cfg(not(loom))]
pub unsafe fn poll(fds: *mut libc::pollfd, count: usize, timeout_ms: i32) -> i32 {
    // SAFETY: the array is valid and unwinding is allowed, by the caller's promise.
    unsafe { posix::poll_unwinding(fds, count as libc::nfds_t, timeout_ms) }
}

/// `ppoll`, as [`poll`]: the thread's signal mask is `mask` while it waits.
///
/// # Safety
/// As for [`poll`]; the mask lives as long as the array.
#[cfg(not(loom))]
pub unsafe fn ppoll(
    fds: *mut libc::pollfd,
    count: usize,
    timeout_ms: i32,
    mask: *const libc::sigset_t,
) -> i32 {
    let limit = timespec(timeout_ms);
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: array and mask are valid and unwinding is allowed, by the caller's promise; the
    // limit is null or valid.
    unsafe { posix::ppoll_unwinding(fds, count as libc::nfds_t, limit, mask) }
}

/// A time limit of `ppoll`; `None` for a negative one, which means none.
pub(super) fn timespec(timeout_ms: i32) -> Option<libc::timespec> {
    (timeout_ms >= 0).then(|| libc::timespec {
        tv_sec: (timeout_ms / 1000).into(),
        tv_nsec: (timeout_ms % 1000 * 1_000_000).into(),
    })
}
