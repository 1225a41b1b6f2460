//! A lock with a work queue of bits: the thread that holds the lock does the work of all.
//!
//! One word has the work bits and the lock. A thread with work sets its bits and tries to take the
//! lock, both by one exchange (`fetch_or`). The holder drains the bits, does that work, and unlocks
//! by a compare-exchange that fails while bits are set. So a thread whose try-lock fails may
//! return: the holder will do its work.
//!
//! A holder drains the bits [`ROUNDS`] times at most. Other threads may set them faster than it
//! does the work, and it would never return to its own. What is left it reports to its caller,
//! which hands it to another thread.
//!
//! Bits and lock change in one modification order, so no fence is needed: the exchange that set
//! bits and found the lock held comes before the one that unlocks, which therefore sees the bits.
//! The models in `work_lock/models.rs` check that no work is lost, that it sees what was written
//! before its bits were set, and that a sleeping thread is woken.

use super::SyncCell;
use super::atomic::Ordering;
use super::futex_word::{ATTEMPTS, FutexWord, pause};

/// The lock is held.
const HELD: u32 = 1 << 31;
/// Held, and there may be threads that sleep until it is not.
const AWAITED: u32 = 1 << 30;
/// What a thread leaves in the word that may sleep, or that has slept.
const TAKEN: u32 = HELD | AWAITED;
/// The bits that stand for work.
const WORK: u32 = AWAITED - 1;

/// How many times one holder drains the bits.
const ROUNDS: u32 = if cfg!(loom) { 2 } else { 8 };

/// A value and its work bits, see the module.
#[derive(Debug)]
pub struct WorkLock<T> {
    word: FutexWord,
    value: SyncCell<T>,
}

// SAFETY: only the thread that set HELD reaches the value, through `Held`; so sharing the lock
// moves a `T` between threads at most, which `T: Send` allows.
unsafe impl<T: Send> Sync for WorkLock<T> {}

/// What became of a thread's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Served {
    /// Another thread holds the lock and does it.
    Busy,
    /// This thread did it, and there is no more.
    Done,
    /// This thread did it, and its rounds are used up: work that came later is left. The
    /// caller has to see to it that a thread serves again.
    Left,
}

impl<T> WorkLock<T> {
    /// Wraps a value, with no work.
    pub fn new(value: T) -> WorkLock<T> {
        WorkLock {
            word: FutexWord::new(0),
            value: SyncCell::new(value),
        }
    }

    /// Sets work bits for a later [`serve`](Self::serve), by any thread.
    ///
    /// Release publishes to the holder what was written before. A producer that then requests a
    /// check (`Due`) is sure that the check finds the bits.
    #[inline]
    pub fn mark(&self, work: u32) {
        debug_assert!(work & !WORK == 0);
        self.word.fetch_or(work & WORK, Ordering::Release);
    }

    /// Whether there is work that no holder has begun.
    #[inline]
    pub fn has_work(&self) -> bool {
        self.word.load(Ordering::Relaxed) & WORK != 0
    }

    /// Whether a thread holds the lock. The answer may be old when it arrives.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.word.load(Ordering::Relaxed) & HELD != 0
    }

    /// Adds `work` and calls `run` with the drained bits until there are no more. If another thread
    /// holds the lock, that thread does the work, and this returns at once.
    #[inline]
    pub fn serve(&self, work: u32, run: impl FnMut(&mut T, u32)) -> Served {
        match self.try_lock(work) {
            Some(held) => held.serve(run),
            None => Served::Busy,
        }
    }

    /// As [`serve`](Self::serve), but waits for the lock: the work is done when this returns.
    pub fn wait_and_serve(&self, work: u32, run: impl FnMut(&mut T, u32)) -> Served {
        self.mark(work);
        self.lock().serve(run)
    }

    /// Reaches the value if no other thread holds the lock, then does the work there is.
    pub fn try_with<R>(
        &self,
        reach: impl FnOnce(&mut T) -> R,
        run: impl FnMut(&mut T, u32),
    ) -> Option<(R, Served)> {
        let held = self.try_lock(0)?;
        let result = held.with(reach);
        Some((result, held.serve(run)))
    }

    /// As [`try_with`](Self::try_with), but waits for the lock.
    pub fn with<R>(
        &self,
        reach: impl FnOnce(&mut T) -> R,
        run: impl FnMut(&mut T, u32),
    ) -> (R, Served) {
        let held = self.lock();
        let result = held.with(reach);
        (result, held.serve(run))
    }

    /// Acquire pairs with the Release of the last unlock; Release publishes to the holder what was
    /// written before `work` was set.
    #[inline]
    fn try_lock(&self, work: u32) -> Option<Held<'_, T>> {
        debug_assert!(work & !WORK == 0);
        let before = self.word.fetch_or(HELD | work & WORK, Ordering::AcqRel);
        (before & HELD == 0).then(|| Held(self))
    }

    fn lock(&self) -> Held<'_, T> {
        for attempt in 0..ATTEMPTS {
            if self.word.load(Ordering::Relaxed) & HELD == 0 {
                if let Some(held) = self.try_lock(0) {
                    return held;
                }
            }
            pause(attempt);
        }
        loop {
            // A thread that gets the lock this way leaves AWAITED set: other threads may sleep.
            // Acquire pairs with the Release of the last unlock.
            let before = self.word.fetch_or(TAKEN, Ordering::Acquire);
            if before & HELD == 0 {
                return Held(self);
            }
            self.word.sleep(before | TAKEN);
        }
    }
}

/// Proof that this thread holds the lock.
struct Held<'a, T>(&'a WorkLock<T>);

impl<T> Held<'_, T> {
    fn with<R>(&self, reach: impl FnOnce(&mut T) -> R) -> R {
        self.0.value.with_mut(|value| {
            // SAFETY: `Held` is made by the thread that set HELD and stays with it, so no other
            // thread is here. The closures do not get it, so they cannot make a second reference.
            reach(unsafe { &mut *value })
        })
    }

    /// Does the work there is and unlocks when there is no more, or after [`ROUNDS`].
    #[inline]
    fn serve(self, mut run: impl FnMut(&mut T, u32)) -> Served {
        for _ in 0..ROUNDS {
            // Acquire pairs with the exchanges that set the bits: the work sees what was written
            // before.
            let work = self.0.word.fetch_and(!WORK, Ordering::Acquire) & WORK;
            if work != 0 {
                self.with(|value| run(value, work));
            }
            // Release pairs with the exchanges in `try_lock` and `lock`: the next holder sees what
            // was written under the lock.
            let unlocked =
                self.0
                    .word
                    .compare_exchange(HELD, 0, Ordering::Release, Ordering::Relaxed);
            match unlocked {
                Ok(_) => {
                    std::mem::forget(self);
                    return Served::Done;
                }
                Err(word) if may_be_awaited(word) => break,
                Err(_) => {}
            }
        }
        self.leave()
    }

    /// Unlocks, and wakes a thread that waits for the lock. `Left` if there is work: a thread
    /// that waits may do it, but only once it runs.
    #[cold]
    fn leave(self) -> Served {
        let lock = self.0;
        drop(self);
        match lock.has_work() {
            true => Served::Left,
            false => Served::Done,
        }
    }
}

/// Unlocks even if there is work, which is left to the next holder.
impl<T> Drop for Held<'_, T> {
    fn drop(&mut self) {
        // Release: as in `serve`.
        let before = self.0.word.fetch_and(WORK, Ordering::Release);
        if may_be_awaited(before) {
            self.0.word.wake();
        }
    }
}

/// Whether threads may sleep until the lock is free.
#[inline]
fn may_be_awaited(word: u32) -> bool {
    word & AWAITED != 0
}

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
