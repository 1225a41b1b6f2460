//! The calling thread's `errno`. Its place is named as on Linux; other systems have other names.

/// The place of one thread's `errno`, which stays that thread's: it is neither `Send` nor `Sync`.
/// For code that reads and sets it several times: the C library is asked once.
#[derive(Clone, Copy, Debug)]
pub struct Errno(*mut i32);

impl Errno {
    /// The calling thread's.
    #[inline(always)]
    pub fn here() -> Errno {
        // SAFETY: may be called at any time, from any thread.
        Errno(unsafe { libc::__errno_location() })
    }

    /// Its value.
    #[inline(always)]
    pub fn get(self) -> i32 {
        // SAFETY: glibc and musl give each thread a location that is valid for as long as the
        // thread runs, and only that thread has this value.
        unsafe { *self.0 }
    }

    /// Sets it.
    #[inline(always)]
    pub fn set(self, code: i32) {
        // SAFETY: as above.
        unsafe { *self.0 = code }
    }
}

/// The calling thread's `errno`.
#[inline]
pub fn last_errno() -> i32 {
    Errno::here().get()
}

/// Sets the calling thread's `errno`.
#[inline]
pub fn set_errno(code: i32) {
    Errno::here().set(code);
}
