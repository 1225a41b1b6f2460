//! A lock that is almost always free and almost always taken by the same thread:
//! the one around a socket.
//!
//! Unlocking is a plain store where other locks pay for an exchange, which is a
//! tenth of what a small message costs. The price is that the holder may
//! overlook somebody who begins to wait at that very moment; so whoever waits
//! looks again by itself after [`PATIENCE`]. Threads that use one socket
//! together are rare, and libzmq forbids it.
//!
//! Locking is a plain store as well for a thread that took the lock many times in
//! a row: the lock is then biased to it ([`Bias`]). Another thread that comes pays
//! for both, with a barrier on all threads, and the bias is off; each time it
//! takes longer until there is one again.
//!
//! Waiting is fair enough: who unlocks while somebody waits leaves the lock
//! [`GIVEN`], which a newcomer, the holder of before included, does not take
//! until the others had time to.

use super::ForkedChild;
use super::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use super::membarrier;
use crate::sys;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

const FREE: u32 = 0;
const HELD: u32 = 1;
/// Free, but for one who has waited.
const GIVEN: u32 = 2;

/// How long a waiter sleeps before it looks again by itself.
const PATIENCE: std::time::Duration = std::time::Duration::from_micros(500);

/// Locks in a row by one thread until the lock is biased to it; twice as many after
/// each time that another one came, up to a limit.
const STREAK: u32 = if cfg!(loom) { 1 } else { 64 };
const STREAK_MOST: u32 = 1 << 20;

/// The thread that takes the lock by a plain store: it says that it is inside, and
/// then looks whether the lock is still its own. Who takes that away, holding the
/// gate, looks whether the owner is inside. One of the two sees the other, since the
/// latter has a barrier on all threads in between.
#[derive(Debug)]
struct Bias {
    /// The thread, or 0. Changed by the holder of the gate only.
    owner: AtomicUsize,
    inside: AtomicBool,
    /// Who took the gate last, and how often in a row; for the holder of the gate.
    last: AtomicUsize,
    streak: AtomicU32,
    /// How many make a bias.
    needed: AtomicU32,
}

impl Bias {
    fn new() -> Bias {
        Bias {
            owner: AtomicUsize::new(0),
            inside: AtomicBool::new(false),
            last: AtomicUsize::new(0),
            streak: AtomicU32::new(0),
            needed: AtomicU32::new(STREAK),
        }
    }

    /// Takes the lock for its owner. Not if it is inside already, which is a call from
    /// a signal handler.
    #[inline]
    fn enter(&self, me: usize) -> bool {
        if self.owner.load(Ordering::Relaxed) != me || self.inside.load(Ordering::Relaxed) {
            return false;
        }
        self.inside.store(true, Ordering::Relaxed);
        membarrier::light();
        // What others did under the lock before it became this thread's it has seen
        // when it took the gate.
        if self.owner.load(Ordering::Relaxed) == me {
            return true;
        }
        self.leave();
        false
    }

    /// Release: for who waits in [`revoke`](Self::revoke).
    #[inline]
    fn leave(&self) {
        self.inside.store(false, Ordering::Release);
    }

    /// Whether another thread than `me` is the owner. To be asked with the gate held.
    #[inline]
    fn is_anothers(&self, me: usize) -> bool {
        let owner = self.owner.load(Ordering::Relaxed);
        owner != 0 && owner != me
    }

    /// Ends the bias, with the gate held. False if the owner is inside.
    #[cold]
    fn revoke(&self) -> bool {
        self.owner.store(0, Ordering::Relaxed);
        let needed = self.needed.load(Ordering::Relaxed);
        let more = needed.saturating_mul(2).min(STREAK_MOST);
        self.needed.store(more, Ordering::Relaxed);
        membarrier::heavy();
        !self.inside.load(Ordering::Acquire)
    }

    /// Learns, with the gate held, who comes.
    #[inline]
    fn learn(&self, me: usize) {
        if self.last.load(Ordering::Relaxed) != me {
            self.last.store(me, Ordering::Relaxed);
            self.streak.store(0, Ordering::Relaxed);
        }
        let streak = self.streak.load(Ordering::Relaxed).saturating_add(1);
        self.streak.store(streak, Ordering::Relaxed);
        if streak >= self.needed.load(Ordering::Relaxed) && membarrier::is_ready() {
            self.streak.store(0, Ordering::Relaxed);
            self.owner.store(me, Ordering::Relaxed);
        }
    }
}

/// Lets others go on for a moment.
fn pause() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// The lock without what it protects.
#[derive(Debug)]
struct Gate {
    state: AtomicU32,
    /// Threads in `wait`.
    waiting: AtomicU32,
    bias: Bias,
}

/// How a lock was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Bias,
    Gate,
}

impl Gate {
    fn new() -> Gate {
        Gate {
            state: AtomicU32::new(FREE),
            waiting: AtomicU32::new(0),
            bias: Bias::new(),
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
    fn lock(&self, me: usize) -> By {
        if self.bias.enter(me) {
            return By::Bias;
        }
        if !self.take(FREE) {
            self.wait();
        }
        self.taken(me);
        By::Gate
    }

    fn try_lock(&self, me: usize) -> Option<By> {
        if self.bias.enter(me) {
            return Some(By::Bias);
        }
        if !self.take(FREE) {
            return None;
        }
        if self.bias.is_anothers(me) {
            let owner = self.bias.owner.load(Ordering::Relaxed);
            if !self.bias.revoke() {
                // As long as it is inside, who takes the gate must know it.
                self.bias.owner.store(owner, Ordering::Relaxed);
                self.unlock();
                return None;
            }
        }
        self.bias.learn(me);
        Some(By::Gate)
    }

    /// The gate was taken: ends another's bias and waits until that one has left.
    #[inline]
    fn taken(&self, me: usize) {
        if self.bias.is_anothers(me) && !self.bias.revoke() {
            self.wait_for_owner();
        }
        self.bias.learn(me);
    }

    /// Nobody wakes this thread: it looks again by itself, soon at first.
    #[cold]
    fn wait_for_owner(&self) {
        for look in 0u32.. {
            if !self.bias.inside.load(Ordering::Acquire) {
                return;
            }
            match look < 100 {
                true => pause(),
                false => std::thread::sleep(PATIENCE),
            }
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
    fn leave(&self, by: By) {
        match by {
            By::Bias => self.bias.leave(),
            By::Gate => self.unlock(),
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
        let by = self.gate.try_lock(sys::thread_number())?;
        Some(self.guard(by))
    }

    /// Waits until nobody else holds the lock. Not recursive.
    #[inline]
    pub fn lock(&self) -> Guard<'_, T> {
        self.guard(self.gate.lock(sys::thread_number()))
    }

    #[inline]
    fn guard(&self, by: By) -> Guard<'_, T> {
        Guard {
            lock: self,
            by,
            thread: PhantomData,
        }
    }

    /// Takes the lock in a forked child, whoever held it in the parent. The value
    /// is as that thread left it: look at no more of it than one word.
    pub fn seize(&self, _child: &ForkedChild) -> Guard<'_, T> {
        self.gate.waiting.store(0, Ordering::Relaxed);
        self.gate.bias.owner.store(0, Ordering::Relaxed);
        self.gate.bias.inside.store(false, Ordering::Relaxed);
        self.gate.state.store(FREE, Ordering::Relaxed);
        self.lock()
    }
}

/// Access to the value until it is dropped.
#[derive(Debug)]
pub struct Guard<'a, T> {
    lock: &'a Lock<T>,
    by: By,
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
        self.lock.gate.leave(self.by);
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
    fn a_bias_ends_when_another_thread_comes() {
        membarrier::prepare(true);
        let lock = Lock::new(0);
        for _ in 0..3 * STREAK {
            *lock.lock() += 1;
        }
        let by = lock.lock().by;
        assert_eq!(by == By::Bias, membarrier::is_ready());
        let guard = lock.lock();
        let other = std::thread::scope(|scope| {
            let held = scope.spawn(|| lock.try_lock().is_none());
            assert!(held.join().unwrap());
            drop(guard);
            scope.spawn(|| *lock.lock()).join().unwrap()
        });
        assert_eq!(other, 3 * STREAK);
        let by = lock.lock().by;
        assert_eq!(by, By::Gate);
    }

    #[test]
    fn biases_come_and_go_and_nothing_is_lost() {
        const N: u64 = if cfg!(miri) { 50 } else { 2_000 };
        membarrier::prepare(true);
        let lock = Lock::new(0u64);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..N / 100 {
                        (0..100).for_each(|_| *lock.lock() += 1);
                        lock.gate.bias.needed.store(STREAK, Ordering::Relaxed);
                        std::thread::sleep(Duration::from_micros(50));
                    }
                });
            }
        });
        assert_eq!(*lock.lock(), 2 * N);
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
    fn lock_within(gate: &Gate, me: usize, looks: usize) -> Option<By> {
        if gate.bias.enter(me) {
            return Some(By::Bias);
        }
        if !gate.take(FREE) {
            gate.waiting.fetch_add(1, Ordering::Relaxed);
            let mut patient = false;
            let taken = (0..looks).any(|_| gate.look(&mut patient));
            gate.waiting.fetch_sub(1, Ordering::Relaxed);
            if !taken {
                return None;
            }
        }
        gate.taken(me);
        Some(By::Gate)
    }

    /// Adds one under the lock, if it can be had. Loom watches.
    fn add(shared: &(Gate, Slot<i32>), by: Option<By>) -> i32 {
        let Some(by) = by else { return 0 };
        // SAFETY: under the lock.
        shared.1.with_mut(|value| unsafe { *value += 1 });
        shared.0.leave(by);
        1
    }

    fn check(preemptions: usize, work: fn(&(Gate, Slot<i32>), usize) -> i32) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(preemptions);
        model.check(move || {
            let shared = Arc::new((Gate::new(), Slot::new(0)));
            let threads: Vec<_> = (2..4)
                .map(|me| {
                    let shared = shared.clone();
                    loom::thread::spawn(move || work(&shared, me))
                })
                .collect();
            let mut sum = work(&shared, 1);
            for thread in threads {
                sum += thread.join().unwrap();
            }
            // However they went, nobody holds it now: the second look has it.
            assert_eq!(add(&shared, lock_within(&shared.0, 1, 2)), 1);
            // SAFETY: all threads have ended.
            shared
                .1
                .with(|value| assert_eq!(unsafe { *value }, sum + 1));
            assert_eq!(shared.0.waiting.load(Ordering::Relaxed), 0);
        });
    }

    #[test]
    fn one_at_a_time_and_each_sees_what_was_done_before() {
        check(3, |shared, me| add(shared, lock_within(&shared.0, me, 3)));
    }

    /// The second time the lock is biased to who took it, if nobody came in between.
    #[test]
    fn a_bias_is_taken_away_only_from_who_is_outside() {
        check(2, |shared, me| {
            let first = add(shared, lock_within(&shared.0, me, 2));
            first + add(shared, shared.0.try_lock(me))
        });
    }
}
