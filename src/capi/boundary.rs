//! What every exported function passes through on its way in and out.
//!
//! A function of the C API is a thin `extern "C"` shell around one closure:
//! [`call`] where it can fail, [`plain`] where it cannot. Both keep a panic
//! from crossing into C. `call` alone decides what `errno` says afterwards:
//! it writes it last, when the closure and all it owned are gone, so that
//! nothing dropped on the way out can disturb it; a call that succeeds leaves
//! `errno` as it found it.
//!
//! The shells are plain items and not the output of a macro because the header
//! generator reads them from the source text.

use std::ffi::c_int;

// Where this thread's `errno` is, by the name each C library gives it.
#[cfg(any(target_os = "solaris", target_os = "illumos"))]
use libc::___errno as location;
#[cfg(any(target_os = "netbsd", target_os = "openbsd", target_os = "android"))]
use libc::__errno as location;
#[cfg(any(target_os = "linux", target_os = "dragonfly", target_os = "emscripten"))]
use libc::__errno_location as location;
#[cfg(any(target_vendor = "apple", target_os = "freebsd"))]
use libc::__error as location;
#[cfg(windows)]
unsafe extern "C" {
    #[link_name = "_errno"]
    fn location() -> *mut c_int;
}

use crate::error::Result;
use crate::sys::panics::contain;

/// The `errno` of a call in which the library itself panicked.
///
/// Such a call has failed for good: what it was to do is not done, and the
/// object it was called on may refuse further work.
pub const EPANIC: c_int = libc::ENOTRECOVERABLE;

/// What is said of it on stderr.
const FAILED: &str = "a call failed with errno ENOTRECOVERABLE";

/// A type that a function of the C API returns.
pub trait CReturn: Copy {
    /// The value that tells the caller to look at `errno`.
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

/// Runs the body of an exported function that can fail.
///
/// `Ok` is returned as it is, with `errno` as it was before the call. `Err`
/// gives [`CReturn::FAIL`] and sets `errno` to [`Error::errno`]; a panic gives
/// the same with [`EPANIC`].
#[inline]
pub fn call<T: CReturn>(body: impl FnOnce() -> Result<T>) -> T {
    // SAFETY: the C library gives a pointer that is valid for this thread.
    let place = unsafe { location() };
    // SAFETY: as above.
    let before = unsafe { *place };
    let (value, code) = match contain(FAILED, body) {
        Some(Ok(value)) => (value, before),
        Some(Err(error)) => (T::FAIL, error.errno()),
        None => (T::FAIL, EPANIC),
    };
    // SAFETY: as above; a call does not change threads.
    unsafe { *place = code };
    value
}

/// Runs the body of an exported function that cannot fail and makes no system
/// call, so that `errno` needs no care.
///
/// A panic gives [`CReturn::FAIL`] and sets `errno` to [`EPANIC`].
#[inline]
pub fn plain<T: CReturn>(body: impl FnOnce() -> T) -> T {
    contain(FAILED, body).unwrap_or_else(|| {
        set_errno(EPANIC);
        T::FAIL
    })
}

/// The calling thread's `errno`.
#[inline]
pub fn errno() -> c_int {
    // SAFETY: the C library gives a pointer that is valid for this thread.
    unsafe { *location() }
}

/// Sets the calling thread's `errno`.
#[inline]
pub fn set_errno(value: c_int) {
    // SAFETY: the C library gives a pointer that is valid for this thread.
    unsafe { *location() = value }
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
        assert_eq!((value, errno()), (-1, crate::error::ETERM));
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
