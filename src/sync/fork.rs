//! Locks and forks.

use super::{Mutex, MutexGuard};
use std::time::Duration;

/// Locks a mutex before a fork, so that no other thread holds it in the child. `None` after a
/// second of attempts: then the calling thread itself holds it, interrupted by a signal handler
/// that forks.
pub fn lock_for_fork<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for _ in 0..1000 {
        if let Some(guard) = mutex.try_lock() {
            return Some(guard);
        }
        crate::sys::sleep(Duration::from_millis(1));
    }
    None
}

/// Proof that this process is a forked child in which only the forking thread runs: any other
/// thread that held a lock does not exist here and will not unlock it.
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
