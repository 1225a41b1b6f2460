//! What the locks share that are one word: a short wait, and a sleep on the word.

#![forbid(unsafe_code)]

use super::atomic::AtomicU32;

/// Checks of a lock before a sleep: the first `PAUSES` each followed by a spin of 2, 4 and 8
/// steps, the others by a yield. Most locks here are held for less than that.
pub const ATTEMPTS: u32 = if cfg!(loom) { 1 } else { 10 };
#[cfg(not(loom))]
const PAUSES: u32 = 3;

/// A word on which threads sleep while it has a value: a futex, in a model loom's.
#[derive(Debug)]
pub struct FutexWord {
    word: AtomicU32,
    #[cfg(loom)]
    sleepers: super::model::Sleepers,
}

impl FutexWord {
    /// A word with a value.
    #[cfg(not(loom))]
    pub const fn new(value: u32) -> FutexWord {
        FutexWord {
            word: AtomicU32::new(value),
        }
    }

    /// A word with a value.
    #[cfg(loom)]
    pub fn new(value: u32) -> FutexWord {
        FutexWord {
            word: AtomicU32::new(value),
            sleepers: Default::default(),
        }
    }

    /// Sleeps until [`wake`](Self::wake), unless the word differs from `before`. It may also end
    /// without a reason.
    pub fn sleep(&self, before: u32) {
        #[cfg(loom)]
        self.sleepers.wait(&self.word, before);
        #[cfg(not(loom))]
        {
            // A futex wait always has a limit, see `futex_wait`.
            const LONG: std::time::Duration = std::time::Duration::from_secs(3600);
            let _ = crate::sys::futex_wait(&self.word, before, LONG);
        }
    }

    /// Wakes one sleeping thread.
    #[cold]
    pub fn wake(&self) {
        #[cfg(loom)]
        self.sleepers.wake();
        #[cfg(not(loom))]
        crate::sys::futex_wake(&self.word);
    }
}

impl std::ops::Deref for FutexWord {
    type Target = AtomicU32;

    #[inline]
    fn deref(&self) -> &AtomicU32 {
        &self.word
    }
}

/// A spin or a yield between two checks.
pub fn pause(_round: u32) {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    match _round < PAUSES {
        true => (0..2 << _round).for_each(|_| std::hint::spin_loop()),
        false => std::thread::yield_now(),
    }
}
