//! The library's mutex: one word, and a futex wait under contention.
//!
//! Invariant: it keeps no state outside of that word, because of forks. A mutex with a table of
//! waiters that all mutexes share can be left locked for good in a forked child, by a thread that
//! only the parent has. The model checks exclusion, visibility and that a sleeping thread is woken.

/// A mutex without poisoning: a panic unlocks it.
pub type Mutex<T> = lock_api::Mutex<RawMutex, T>;
/// Unlocks the mutex when dropped.
pub type MutexGuard<'a, T> = lock_api::MutexGuard<'a, RawMutex, T>;

#[cfg(loom)]
pub use parking_lot::RawMutex;

#[cfg(not(loom))]
pub use futex::RawMutex;

#[cfg(any(test, not(loom)))]
mod futex {
    use super::super::atomic::Ordering;
    use super::super::futex_word::{ATTEMPTS, FutexWord, pause};

    const FREE: u32 = 0;
    const LOCKED: u32 = 1;
    /// Locked, and a thread may sleep.
    const AWAITED: u32 = 2;

    /// The word, see the module.
    #[derive(Debug)]
    pub struct RawMutex {
        word: FutexWord,
    }

    // SAFETY: only the thread that changes FREE into something else holds the lock, until that
    // thread stores FREE. The Acquire of that change pairs with the Release of `release`.
    #[cfg(not(loom))]
    unsafe impl lock_api::RawMutex for RawMutex {
        #[allow(clippy::declare_interior_mutable_const)]
        const INIT: RawMutex = RawMutex {
            word: FutexWord::new(FREE),
        };

        type GuardMarker = lock_api::GuardSend;

        #[inline]
        fn lock(&self) {
            self.acquire();
        }

        #[inline]
        fn try_lock(&self) -> bool {
            self.try_acquire()
        }

        #[inline]
        unsafe fn unlock(&self) {
            self.release();
        }

        #[inline]
        fn is_locked(&self) -> bool {
            self.word.load(Ordering::Relaxed) != FREE
        }
    }

    impl RawMutex {
        #[inline]
        fn acquire(&self) {
            if !self.try_acquire() {
                self.wait();
            }
        }

        #[inline]
        fn try_acquire(&self) -> bool {
            self.change(FREE, LOCKED)
        }

        /// Called by the holder only.
        #[inline]
        fn release(&self) {
            if self.word.swap(FREE, Ordering::Release) == AWAITED {
                self.word.wake();
            }
        }

        #[cold]
        fn wait(&self) {
            if self.attempt(LOCKED) {
                return;
            }
            // From here on the word is AWAITED while it is locked. A thread that gets the lock this
            // way leaves it so: other threads may sleep.
            while self.word.swap(AWAITED, Ordering::Acquire) != FREE {
                self.word.sleep(AWAITED);
                if self.attempt(AWAITED) {
                    return;
                }
            }
        }

        /// Checks for [`ATTEMPTS`] rounds, to change FREE to `mark`. True with the lock.
        fn attempt(&self, mark: u32) -> bool {
            for round in 0..ATTEMPTS {
                let word = self.word.load(Ordering::Relaxed);
                if word == AWAITED && mark == LOCKED {
                    return false; // a thread sleeps: no overtaking
                }
                if word == FREE && self.change(FREE, mark) {
                    return true;
                }
                pause(round);
            }
            false
        }

        #[inline]
        fn change(&self, from: u32, to: u32) -> bool {
            self.word
                .compare_exchange(from, to, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
        }
    }

    #[cfg(all(test, loom))]
    mod models {
        use super::*;
        use crate::sync::{Arc, SyncCell};

        #[test]
        fn one_at_a_time_and_a_sleeper_is_woken() {
            let mut model = loom::model::Builder::new();
            model.preemption_bound = Some(3);
            model.check(|| {
                let mutex = RawMutex {
                    word: FutexWord::new(FREE),
                };
                let shared = Arc::new((mutex, SyncCell::new(0)));
                let add = |shared: &(RawMutex, SyncCell<i32>)| {
                    shared.0.acquire();
                    // SAFETY: this thread holds the mutex.
                    shared.1.with_mut(|value| unsafe { *value += 1 });
                    shared.0.release();
                };
                let others = [(), ()].map(|()| {
                    let shared = shared.clone();
                    loom::thread::spawn(move || add(&shared))
                });
                add(&shared);
                for thread in others {
                    thread.join().unwrap();
                }
                add(&shared);
                // SAFETY: all threads have ended.
                shared.1.with(|value| assert_eq!(unsafe { *value }, 4));
            });
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::{Duration, Instant};

    #[test]
    fn one_at_a_time() {
        const EACH: u64 = if cfg!(miri) { 50 } else { 50_000 };
        let count = Arc::new(Mutex::new(0u64));
        let add = |count: Arc<Mutex<u64>>| {
            move || {
                for _ in 0..EACH {
                    let mut guard = count.lock();
                    let before = *guard;
                    std::hint::black_box(&mut *guard);
                    *guard = before + 1;
                }
            }
        };
        let threads: Vec<_> = (0..4)
            .map(|_| std::thread::spawn(add(count.clone())))
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(*count.lock(), 4 * EACH);
    }

    #[test]
    fn a_sleeper_is_woken_and_a_busy_holder_lets_others_in() {
        let mutex = Arc::new(Mutex::new(false));
        let guard = mutex.lock();
        assert!(mutex.try_lock().is_none());
        let other = mutex.clone();
        let inside = Arc::new(AtomicBool::new(false));
        let its = inside.clone();
        let sleeper = std::thread::spawn(move || {
            let mut guard = other.lock();
            its.store(true, Ordering::SeqCst);
            *guard = true;
        });
        std::thread::sleep(Duration::from_millis(20));
        assert!(!inside.load(Ordering::SeqCst), "two in it");
        drop(guard);
        let end = Instant::now() + Duration::from_secs(10);
        // Takes the lock again and again: the sleeping thread must get its turn.
        while !*mutex.lock() {
            assert!(Instant::now() < end, "starved");
        }
        sleeper.join().unwrap();
    }

    #[test]
    fn a_lock_that_sleepers_wait_for_is_left_so() {
        use super::futex::RawMutex;
        use lock_api::RawMutex as _;
        let mutex = RawMutex::INIT;
        assert!(!mutex.is_locked());
        mutex.lock();
        assert!(mutex.is_locked() && !mutex.try_lock());
        // SAFETY: this thread has it.
        unsafe { mutex.unlock() };
        assert!(!mutex.is_locked() && mutex.try_lock());
    }

    #[test]
    fn a_panic_unlocks() {
        let mutex = Arc::new(Mutex::new(1));
        let other = mutex.clone();
        let panicking = std::thread::spawn(move || {
            let _guard = other.lock();
            std::panic::resume_unwind(Box::new(()));
        });
        assert!(panicking.join().is_err());
        assert_eq!(mutex.try_lock().map(|value| *value), Some(1));
    }
}
