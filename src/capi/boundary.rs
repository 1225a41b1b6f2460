//! The entry and exit of every exported function.
//!
//! A function of the C API is a thin `extern "C-unwind"` shell around one closure. The
//! functions here catch a panic of the closure, and differ in what else it may do:
//!
//! - [`plain`]: it cannot fail and makes no system call;
//! - [`call`]: it can fail, and never sleeps;
//! - [`shielded`]: the same, with system calls during which the thread must not be
//!   cancelled;
//! - [`sending`], [`receiving`]: it may sleep, and is a cancellation point. After each sleep
//!   another closure makes the call again ([`crate::sync::suspend`]).
//!
//! Invariant: `errno` is written last, after the closure and all it owned are dropped, so
//! that no destructor changes it; a call that succeeds restores its old value. The program's
//! own code runs from here only, with no lock held and nothing to drop on the stack: the free
//! functions of released messages (`message/released.rs`), which may throw, and
//! the end of a cancelled thread ([`crate::sys::cancel`]). `errno` is 0 at the beginning of
//! the closure, and not 0 after it if any of this may be due.
//!
//! The shells are plain items and not the output of a macro because the header
//! generator reads them from the source text.

use std::ffi::c_int;

use crate::error::{Result, SUSPENDED};
use crate::message::run_released;
use crate::sync::suspend;
use crate::sys::Errno;
use crate::sys::cancel::{self, Shield};
use crate::sys::panics::contain;
pub use crate::sys::{last_errno as errno, set_errno};

/// The `errno` of a call in which the library itself panicked.
///
/// Such a call is not completed, and the object that it was called on may refuse further
/// calls.
pub const EPANIC: c_int = libc::ENOTRECOVERABLE;

/// The line about it on stderr.
const FAILED: &str = "a call failed with errno ENOTRECOVERABLE";

/// A type that a function of the C API returns.
pub trait CReturn: Copy {
    /// The return value of a failed call.
    const FAIL: Self;
}

macro_rules! c_return {
    ($($kind:ty => $fail:expr),* $(,)?) => {
        $(impl CReturn for $kind { const FAIL: Self = $fail; })*
    };
}

// Fixed widths, so that `int`, `long` and `unsigned long` are covered once
// each whatever the platform makes of them.
c_return! {
    () => (),
    i32 => -1,
    i64 => -1,
    u32 => 0,
    u64 => 0,
    usize => 0,
}

impl<T> CReturn for *mut T {
    const FAIL: Self = std::ptr::null_mut();
}

impl<T> CReturn for *const T {
    const FAIL: Self = std::ptr::null();
}

/// The error number of success.
const DONE: c_int = 0;

/// Runs a body once. Returns its value, and its error's number or [`DONE`]. Afterwards
/// `errno` is not [`DONE`] if messages may have been released or the thread cancelled.
#[inline(always)]
fn attempt<T: CReturn>(errno: Errno, body: impl FnOnce() -> Result<T>) -> (T, c_int) {
    errno.set(DONE);
    match contain(FAILED, body) {
        Some(Ok(value)) => (value, DONE),
        Some(Err(error)) => (T::FAIL, error.errno()),
        None => (T::FAIL, EPANIC),
    }
}

/// The last step: sets `errno` to `code`, or to its old value after success.
#[inline(always)]
fn finish<T>(errno: Errno, value: T, code: c_int, before: c_int) -> T {
    errno.set(if code == DONE { before } else { code });
    value
}

/// Runs the body of an exported function that can fail.
///
/// `Ok` is returned as it is, with `errno` as it was before the call. `Err`
/// gives [`CReturn::FAIL`] and sets `errno` to [`Error::errno`]; a panic gives
/// the same with [`EPANIC`].
///
/// [`Error::errno`]: crate::error::Error::errno
#[inline]
pub fn call<T: CReturn>(body: impl FnOnce() -> Result<T>) -> T {
    let errno = Errno::here();
    let before = errno.get();
    let (value, code) = attempt(errno, body);
    if errno.get() != DONE {
        run_released();
    }
    finish(errno, value, code, before)
}

/// As [`call`]; the thread cannot be cancelled in the body.
#[inline]
pub fn shielded<T: CReturn>(body: impl FnOnce() -> Result<T>) -> T {
    call(|| {
        let _shield = Shield::new();
        body()
    })
}

/// As [`call`], for a body that may be suspended and that takes no message from the socket:
/// a cancelled thread may end when it is done. `again` is run after each sleep.
#[inline(always)]
pub fn sending<T: CReturn>(first: impl FnOnce() -> Result<T>, again: impl Fn() -> Result<T>) -> T {
    let errno = Errno::here();
    let before = errno.get();
    let (value, code) = attempt(errno, first);
    match errno.get() | code {
        DONE => finish(errno, value, code, before),
        _ => leave((value, code), before, true, again),
    }
}

/// As [`sending`], for a body that receives: a thread that has taken a message is not
/// cancelled before the call returns with it.
#[inline(always)]
pub fn receiving<T: CReturn>(
    first: impl FnOnce() -> Result<T>,
    again: impl Fn() -> Result<T>,
) -> T {
    let errno = Errno::here();
    let before = errno.get();
    let (value, code) = attempt(errno, first);
    match errno.get() | code {
        DONE => finish(errno, value, code, before),
        _ => leave((value, code), before, false, again),
    }
}

/// The slow exit: sleeps and makes the call again until it is not suspended, then runs the
/// free functions of released messages, then acts on a cancellation. `acts_when_done`: also
/// after success. Neither this frame nor its callers have anything to drop.
#[cold]
#[inline(never)]
fn leave<T: CReturn>(
    (mut value, mut code): (T, c_int),
    before: c_int,
    acts_when_done: bool,
    again: impl Fn() -> Result<T>,
) -> T {
    while code == SUSPENDED {
        (value, code) = sleep_and(&again);
    }
    run_released();
    if acts_when_done || code != DONE {
        cancel::act();
    }
    finish(Errno::here(), value, code, before)
}

fn sleep_and<T: CReturn>(again: &impl Fn() -> Result<T>) -> (T, c_int) {
    // SAFETY: called by a function of the C API, whose frames have nothing to drop (`leave`).
    unsafe { suspend::sleep() };
    let (value, code) = attempt(Errno::here(), again);
    if code != SUSPENDED {
        attempt(Errno::here(), || {
            suspend::end();
            Ok(())
        });
    }
    (value, code)
}

/// Runs the body of an exported function that cannot fail and makes no system
/// call, so that `errno` is not changed.
///
/// A panic gives [`CReturn::FAIL`] and sets `errno` to [`EPANIC`].
#[inline]
pub fn plain<T: CReturn>(body: impl FnOnce() -> T) -> T {
    contain(FAILED, body).unwrap_or_else(|| {
        set_errno(EPANIC);
        T::FAIL
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    struct Clobber;

    impl Drop for Clobber {
        fn drop(&mut self) {
            set_errno(libc::EIO);
        }
    }

    #[test]
    fn success_keeps_errno() {
        set_errno(libc::EDOM);
        let value = call(|| {
            set_errno(libc::EIO);
            Ok(7i32)
        });
        assert_eq!((value, errno()), (7, libc::EDOM));
    }

    #[test]
    fn failure_sets_errno_after_drops() {
        let owned = Clobber;
        let value: i32 = call(move || {
            let _owned = owned;
            Err(Error::Term)
        });
        assert_eq!((value, errno()), (-1, crate::abi::errors::ETERM));
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let value: *mut u8 = call(|| panic!("on purpose"));
        assert_eq!((value, errno()), (std::ptr::null_mut(), EPANIC));
        set_errno(0);
        let value: i64 = plain(|| panic!("on purpose"));
        assert_eq!((value, errno()), (-1, EPANIC));
    }

    #[test]
    fn fail_values_follow_the_type() {
        assert_eq!(i32::FAIL, -1);
        assert_eq!(i64::FAIL, -1);
        assert_eq!((u32::FAIL, u64::FAIL, usize::FAIL), (0, 0, 0));
        assert!(<*const u8>::FAIL.is_null());
    }
}
