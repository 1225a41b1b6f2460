//! Futexes: sleeps on a word of memory.

use super::super::errno::last_errno;
use std::ffi::{c_int, c_long};
use std::sync::atomic::AtomicU32;
use std::time::Duration;

/// Of `pthread_setcanceltype`.
const ASYNCHRONOUS: c_int = 1;

// Cancellation unwinds through these.
unsafe extern "C-unwind" {
    fn pthread_setcanceltype(kind: c_int, old: *mut c_int) -> c_int;
    fn syscall(number: c_long, ...) -> c_long;
}

/// Sleeps while `word` holds `expected`, at most for `limit`.
///
/// `Ok` on a wake-up, which may be spurious, or if the word had another value;
/// otherwise the errno: `ETIMEDOUT`, or `EINTR` when a signal handler ran.
pub fn futex_wait(word: &AtomicU32, expected: u32, limit: Duration) -> Result<(), i32> {
    let spec = timespec(limit);
    // SAFETY: the word outlives the call, the timespec is valid, and the
    // remaining arguments are unused by FUTEX_WAIT.
    let result = unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAIT | libc::FUTEX_PRIVATE_FLAG,
            expected,
            &spec as *const libc::timespec,
        )
    };
    if result == 0 {
        return Ok(());
    }
    match last_errno() {
        libc::EAGAIN => Ok(()),
        code => Err(code),
    }
}

fn timespec(time: Duration) -> libc::timespec {
    libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos() as libc::c_long,
    }
}

/// Wakes one thread that sleeps in [`futex_wait`] on `word`.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: FUTEX_WAKE only uses the address as a key.
    unsafe {
        libc::syscall(
            libc::SYS_futex,
            word.as_ptr(),
            libc::FUTEX_WAKE | libc::FUTEX_PRIVATE_FLAG,
            1,
        );
    }
}

/// As [`futex_wait`], but a cancellation point.
///
/// # Safety
/// The word lives until the call returns or the thread ends; no frame between here and
/// the program's code has a destructor.
pub unsafe fn futex_wait_cancellable(
    word: *const AtomicU32,
    expected: u32,
    limit: Duration,
) -> Result<(), i32> {
    let spec = timespec(limit);
    let mut old = 0;
    // SAFETY: the word and the timespec are valid for the call. Asynchronous cancellation
    // may unwind at any instruction between the two calls: there are only integers and
    // pointers in this frame, and no destructor.
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
