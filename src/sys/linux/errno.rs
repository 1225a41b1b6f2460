//! The calling thread's `errno`.

/// The calling thread's `errno`.
#[inline]
pub fn last_errno() -> i32 {
    // SAFETY: glibc and musl give each thread a valid errno location.
    unsafe { *libc::__errno_location() }
}

/// Sets the calling thread's `errno`.
#[inline]
pub fn set_errno(code: i32) {
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = code }
}
