//! Locks and forks.

use super::{Mutex, MutexGuard};
use std::time::Duration;

/// Locks a mutex before a fork, so that nobody holds it in the child. `None` if
/// that takes a second: then this very thread has it, in a signal handler.
pub fn lock_for_fork<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for _ in 0..1000 {
        if let Some(guard) = mutex.try_lock() {
            return Some(guard);
        }
        crate::sys::sleep(Duration::from_millis(1));
    }
    None
}

/// Proof that this process is a forked child of which only the forking thread
/// runs: whoever else held a lock is not here to unlock it.
#[derive(Debug)]
pub struct ForkedChild(());

impl ForkedChild {
    /// # Safety
    /// The process was just made by fork, and no other thread was started in it.
    pub unsafe fn new() -> ForkedChild {
        ForkedChild(())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_for_a_fork_is_had_unless_its_holder_stays() {
        let mutex = Mutex::new(7);
        assert_eq!(lock_for_fork(&mutex).map(|guard| *guard), Some(7));
        let guard = mutex.lock();
        assert!(lock_for_fork(&mutex).is_none());
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| lock_for_fork(&mutex).is_some());
            drop(guard);
            assert!(waits.join().unwrap());
        });
    }
}
