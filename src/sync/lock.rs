//! A lock that is almost always free: the one around a socket.
//!
//! Unlocking is a plain store where other locks pay for an exchange, which is a
//! tenth of what a small message costs. The price is that the holder may
//! overlook somebody who begins to wait at that very moment; so whoever waits
//! looks again by itself after [`PATIENCE`]. Threads that use one socket
//! together are rare, and libzmq forbids it.
//!
//! Waiting is fair enough: who unlocks while somebody waits leaves the lock
//! [`GIVEN`], which a newcomer, the holder of before included, does not take
//! until the others had time to.

use super::ForkedChild;
use super::atomic::{AtomicU32, Ordering};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Free, but for one who has waited.
const GIVEN: u32 = 2;

/// How long a waiter sleeps before it looks again by itself.
#[cfg(not(loom))]
const PATIENCE: std::time::Duration = std::time::Duration::from_micros(500);

/// The lock without what it protects.
#[derive(Debug)]
struct Gate {
    state: AtomicU32,
    /// Threads in `wait`.
    waiting: AtomicU32,
}

impl Gate {
    fn new() -> Gate {
        Gate {
            state: AtomicU32::new(FREE),
            waiting: AtomicU32::new(0),
        }
    }

    /// Acquire, here and in `wait`: what was done under the lock is visible.
    #[inline]
    fn take(&self, from: u32) -> bool {
        self.state
            .compare_exchange(from, HELD, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[inline]
    fn lock(&self) {
        if !self.take(FREE) {
            self.wait();
        }
    }

    #[cold]
    fn wait(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut patient = false;
        while !self.look(&mut patient) {}
        // Before this thread unlocks, so that who unlocks sees only others.
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Takes the lock if it can be had, or sleeps for a moment.
    fn look(&self, patient: &mut bool) -> bool {
        match self.state.load(Ordering::Relaxed) {
            FREE => self.take(FREE),
            GIVEN if *patient => self.take(GIVEN),
            state => {
                self.sleep(state);
                *patient = true;
                false
            }
        }
    }

    #[inline]
    fn unlock(&self) {
        // Those it counts cannot have left: only the holder lets them in. So a
        // lock that is given is taken in the end.
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.state.store(FREE, Ordering::Release);
        } else {
            self.give();
        }
    }

    #[cold]
    fn give(&self) {
        self.state.store(GIVEN, Ordering::Release);
        #[cfg(all(not(loom), target_os = "linux"))]
        crate::sys::futex_wake(&self.state);
    }

    /// Sleeps while the state is `state`, at most for a moment. Not by giving
    /// way alone: the holder may be of lower priority.
    fn sleep(&self, state: u32) {
        #[cfg(loom)]
        {
            let _ = state;
            loom::thread::yield_now();
        }
        #[cfg(all(not(loom), target_os = "linux"))]
        // A signal or a time-out is as good as a wake-up.
        let _ = crate::sys::futex_wait(&self.state, state, PATIENCE);
        #[cfg(all(not(loom), not(target_os = "linux")))]
        {
            let _ = state;
            std::thread::sleep(PATIENCE / 10);
        }
    }
}

/// A value that one thread at a time can reach.
#[derive(Debug)]
pub struct Lock<T> {
    gate: Gate,
    value: UnsafeCell<T>,
}

// SAFETY: the value is reached by one thread at a time, through the guard.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Lock<T> {
        Lock {
            gate: Gate::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock if it is free and nobody waits for it.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        self.gate.take(FREE).then(|| Guard {
            lock: self,
            thread: PhantomData,
        })
    }

    /// Waits until nobody else holds the lock. Not recursive.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        self.gate.lock();
        Guard {
            lock: self,
            thread: PhantomData,
        }
    }
}

impl<T> Lock<T> {
    /// Takes the lock in a forked child, whoever held it in the parent. The value
    /// is as that thread left it: look at no more of it than one word.
    pub fn seize(&self, _child: &ForkedChild) -> Guard<'_, T> {
        self.gate.waiting.store(0, Ordering::Relaxed);
        self.gate.state.store(FREE, Ordering::Relaxed);
        self.lock()
    }
}

/// Access to the value until it is dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    /// Keeps the guard from being Sync where T is not.
    thread: PhantomData<*mut T>,
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard stands for the lock.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard stands for the lock.
        unsafe { &mut *self.lock.value.get() }
    }
}

impl<T> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.lock.gate.unlock();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicUsize};
    use std::time::{Duration, Instant};

    #[test]
    fn one_at_a_time() {
        const N: u64 = if cfg!(miri) { 50 } else { 20_000 };
        let lock = Lock::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..N).for_each(|_| *lock.lock() += 1));
            }
        });
        assert_eq!(*lock.lock(), 4 * N);
    }

    #[test]
    fn a_thread_that_never_pauses_lets_others_in() {
        let (lock, stop) = (Lock::new(()), AtomicBool::new(false));
        let turns = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(Ordering::Relaxed) {
                    drop(lock.lock());
                }
            });
            let start = Instant::now();
            while turns.load(Ordering::Relaxed) < 50 && start.elapsed() < Duration::from_secs(10) {
                drop(lock.lock());
                turns.fetch_add(1, Ordering::Relaxed);
            }
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(turns.load(Ordering::Relaxed), 50);
    }

    #[test]
    fn a_try_leaves_a_held_lock_alone() {
        let lock = Lock::new(1);
        let guard = lock.try_lock().expect("nobody has it");
        assert!(lock.try_lock().is_none());
        assert!(lock.try_lock().is_none());
        drop(guard);
        assert!(lock.try_lock().is_some());
    }

    #[test]
    fn a_child_takes_what_a_lost_thread_held() {
        let lock = Lock::new(3);
        std::mem::forget(lock.lock());
        // SAFETY: the holder is gone, as after a fork.
        let child = unsafe { ForkedChild::new() };
        assert_eq!(*lock.seize(&child), 3);
        assert_eq!(*lock.lock(), 3);
    }

    #[test]
    fn a_panic_unlocks() {
        let lock = Lock::new(1);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _guard = lock.lock();
            panic!("on purpose");
        }));
        assert!(outcome.is_err());
        assert_eq!(*lock.lock(), 1);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::{Arc, Slot};

    /// As `lock`, but gives up after some looks: time, which ends every wait,
    /// does not pass in a model.
    fn lock_within(gate: &Gate, looks: usize) -> bool {
        if gate.take(FREE) {
            return true;
        }
        gate.waiting.fetch_add(1, Ordering::Relaxed);
        let mut patient = false;
        let taken = (0..looks).any(|_| gate.look(&mut patient));
        gate.waiting.fetch_sub(1, Ordering::Relaxed);
        taken
    }

    #[test]
    fn one_at_a_time_and_each_sees_what_was_done_before() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared = Arc::new((Gate::new(), Slot::new(0)));
            let add = |shared: &(Gate, Slot<i32>), looks| {
                let taken = lock_within(&shared.0, looks);
                if taken {
                    // SAFETY: under the lock; loom watches.
                    shared.1.with_mut(|value| unsafe { *value += 1 });
                    shared.0.unlock();
                }
                i32::from(taken)
            };
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let shared = shared.clone();
                    loom::thread::spawn(move || add(&shared, 3))
                })
                .collect();
            let mut sum = add(&shared, 3);
            for thread in threads {
                sum += thread.join().unwrap();
            }
            // However they went, nobody holds it now: the second look has it.
            assert_eq!(add(&shared, 2), 1);
            // SAFETY: all threads have ended.
            shared
                .1
                .with(|value| assert_eq!(unsafe { *value }, sum + 1));
            assert_eq!(shared.0.waiting.load(Ordering::Relaxed), 0);
        });
    }
}
