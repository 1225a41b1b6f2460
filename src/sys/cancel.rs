//! Thread cancellation (`pthread_cancel`).
//!
//! Cancellation unwinds a thread's stack by force, which frames of Rust with something to
//! drop must not see. So it is switched off around every system call in the library that
//! could act on it ([`Shield`]). It is acted on where the stack between here and the
//! program's code has nothing to drop: in the functions of the C API, after a call that has
//! been shielded ([`act`]), and in their sleeps ([`futex_wait`], [`poll`]).
//!
//! A call knows by `errno` whether to look: it is 0 when the call begins and something else
//! when there was a shield, a system call that failed, or a message whose free function
//! waits to be called ([`mark_call`]).

#[cfg(all(target_os = "linux", not(loom)))]
pub use linux::{futex_wait, poll};

#[cfg(unix)]
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
    }
}

/// Functions of the system whose calls a thread may end in, or whose callbacks it may end
/// in: they unwind their callers.
#[cfg(unix)]
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

/// Keeps the thread from being cancelled as long as it lives.
#[derive(Debug)]
pub struct Shield {
    #[cfg(unix)]
    was_enabled: bool,
}

impl Shield {
    /// Switches cancellation off, if it is on.
    #[inline]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Shield {
        #[cfg(unix)]
        {
            let mut old = posix::DISABLE;
            // SAFETY: `old` is valid; the call has no other conditions.
            unsafe { posix::pthread_setcancelstate(posix::DISABLE, &mut old) };
            Shield {
                was_enabled: old == posix::ENABLE,
            }
        }
        #[cfg(not(unix))]
        Shield {}
    }
}

impl Drop for Shield {
    #[inline]
    fn drop(&mut self) {
        #[cfg(unix)]
        if self.was_enabled {
            let mut old = 0;
            // SAFETY: as above. This is no cancellation point.
            unsafe { posix::pthread_setcancelstate(posix::ENABLE, &mut old) };
            mark_call();
        }
    }
}

/// Has the function of the C API that this thread is in look, at its end, for what is to be
/// done outside of the library.
#[inline]
pub fn mark_call() {
    super::set_errno(libc::EINTR);
}

/// Ends the thread if it has been cancelled. Frames between here and the program's code must
/// have nothing to drop.
#[inline]
pub fn act() {
    // SAFETY: the callers are functions of the C API that keep to what is said above.
    #[cfg(unix)]
    unsafe {
        posix::pthread_testcancel()
    };
}

#[cfg(all(target_os = "linux", not(loom)))]
mod linux {
    use crate::sys::{last_errno, timespec};
    use std::ffi::{c_int, c_long};
    use std::sync::atomic::AtomicU32;
    use std::time::Duration;

    const ASYNCHRONOUS: c_int = 1;

    unsafe extern "C-unwind" {
        fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
        fn syscall(number: c_long, ...) -> c_long;
        #[link_name = "poll"]
        fn poll_unwinding(fds: *mut libc::pollfd, count: libc::nfds_t, timeout: c_int) -> c_int;
    }

    /// As [`futex_wait`](crate::sys::futex_wait), and a cancellation point.
    ///
    /// # Safety
    /// The word stays until the thread wakes up or ends; frames between here and the
    /// program's code have nothing to drop.
    pub unsafe fn futex_wait(
        word: *const AtomicU32,
        expected: u32,
        limit: Duration,
    ) -> Result<(), i32> {
        let spec = timespec(limit);
        let mut old = 0;
        // SAFETY: the word and the timespec are valid. A cancellation that comes between
        // the two calls finds nothing but numbers here.
        let result = unsafe {
            pthread_setcanceltype(ASYNCHRONOUS, &mut old);
            let operation = libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG;
            let result = syscall(libc::SYS_futex, word, operation, expected, &raw const spec);
            pthread_setcanceltype(old, &mut old);
            result
        };
        match result {
            0 => Ok(()),
            _ => match last_errno() {
                libc::EAGAIN => Ok(()),
                code => Err(code),
            },
        }
    }

    /// `poll`, a cancellation point as ever. Negative: an error, told by `errno`.
    ///
    /// # Safety
    /// The array stays until the thread wakes up or ends; frames between here and the
    /// program's code have nothing to drop.
    pub unsafe fn poll(fds: *mut libc::pollfd, count: usize, timeout_ms: i32) -> i32 {
        // SAFETY: by the caller's promise.
        unsafe { poll_unwinding(fds, count as libc::nfds_t, timeout_ms) }
    }
}
