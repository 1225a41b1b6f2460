//! Sleeps on a word of memory, by one mutex and condition variable for all words.
//!
//! Invariant: a thread checks its word under the mutex before it sleeps, and one that changes the
//! word takes the mutex before it notifies, so no wake-up is lost. In a forked child the mutex may
//! be left locked by a thread that only the parent has; a futex has no such state.

use super::super::cancel;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

static GATE: Mutex<()> = Mutex::new(());
static CHANGED: Condvar = Condvar::new();

/// Sleeps while `word` holds `expected`, at most for `limit`.
///
/// `Ok` on a wake-up, which may be spurious, or if the word had another value;
/// otherwise `ETIMEDOUT`.
pub fn futex_wait(word: &AtomicU32, expected: u32, limit: Duration) -> Result<(), i32> {
    let _shield = cancel::Shield::new();
    let gate = GATE.lock().unwrap_or_else(PoisonError::into_inner);
    // Acquire pairs with the release of the thread that changed the word, which may not have the
    // mutex yet.
    if word.load(Ordering::Acquire) != expected {
        return Ok(());
    }
    let woken = CHANGED.wait_timeout(gate, limit);
    match woken.unwrap_or_else(PoisonError::into_inner).1.timed_out() {
        true => Err(libc::ETIMEDOUT),
        false => Ok(()),
    }
}

/// Wakes all threads that sleep in [`futex_wait`], among them those on `_word`.
pub fn futex_wake(_word: &AtomicU32) {
    let _shield = cancel::Shield::new();
    drop(GATE.lock().unwrap_or_else(PoisonError::into_inner));
    CHANGED.notify_all();
}

/// As [`futex_wait`], but a cancellation point: within 100 ms.
///
/// # Safety
/// The word lives until the call returns or the thread ends; no frame between here and the
/// program's code has a destructor.
pub unsafe fn futex_wait_cancellable(
    word: *const AtomicU32,
    expected: u32,
    limit: Duration,
) -> Result<(), i32> {
    const STEP: Duration = Duration::from_millis(100);
    cancel::act();
    // SAFETY: the word lives, by the caller's promise.
    match futex_wait(unsafe { &*word }, expected, limit.min(STEP)) {
        // A spurious wake-up: the caller calls again.
        Err(_) if limit > STEP => Ok(()),
        result => result,
    }
}
