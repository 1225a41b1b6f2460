//! A lock that is almost always free and almost always taken by the same thread:
//! the one around a socket.
//!
//! Unlocking is a plain store where other locks pay for an exchange, which is a
//! tenth of what a small message costs. The price is that the holder may
//! overlook somebody who begins to wait at that very moment; so whoever waits
//! looks again by itself after [`RECHECK_INTERVAL`]. Threads that use one socket
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

mod bias;

use super::ForkedChild;
use super::atomic::{AtomicU32, Ordering};
use crate::sys;
use bias::{Attempt, Bias};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

const FREE: u32 = 0;
/// Free, but for a thread that has waited.
const GIVEN: u32 = 1;
/// In the state of a gate that is held, beside some bits of its holder's number.
const HELD: u32 = 2;

/// The state of a gate that the thread `me` holds. Two threads' may be equal.
const fn held_by(me: usize) -> u32 {
    // A thread's number is an address; its last bits are the same for all.
    let number = if cfg!(loom) { me } else { me >> 6 };
    (number as u32) << 2 | HELD
}

/// How long a waiter sleeps before it looks again by itself.
const RECHECK_INTERVAL: std::time::Duration = std::time::Duration::from_micros(500);

/// Lets others go on for a moment.
fn pause() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// The lock without what it protects.
#[derive(Debug)]
#[repr(C)]
struct Gate {
    state: AtomicU32,
    /// Threads in `wait`.
    waiting: AtomicU32,
    bias: Bias,
}

/// How a lock was taken: by the bias, from the seat of this number, or by the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct By(u8);

impl By {
    const GATE: By = By(u8::MAX);
    /// By the gate, once more in a row: the lock is biased to its holder from then on.
    const LAST_GATE: By = By(u8::MAX - 1);

    fn gate(learned: bool) -> By {
        if learned { By::LAST_GATE } else { By::GATE }
    }
}

/// The thread that asks for a lock holds it already: a signal handler has interrupted what
/// it does under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nested;

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
    fn take(&self, from: u32, me: usize) -> bool {
        self.state
            .compare_exchange(from, held_by(me), Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    #[inline(always)]
    fn lock(&self, me: usize) -> Result<By, Nested> {
        match self.bias.enter(me) {
            Attempt::Taken(seat) => return Ok(By(seat)),
            Attempt::Nested => return Err(Nested),
            Attempt::NotOwner => {}
        }
        if !self.take(FREE, me) {
            self.wait(me)?;
        }
        self.taken(me)
    }

    fn try_lock(&self, me: usize) -> Option<By> {
        match self.bias.enter(me) {
            Attempt::Taken(seat) => return Some(By(seat)),
            Attempt::Nested => return None,
            Attempt::NotOwner => {}
        }
        if !self.take(FREE, me) {
            return None;
        }
        if let Some(owner) = self.bias.owner() {
            if !self.bias.revoke(owner) {
                // As long as it is inside, the next holder of the gate must know it.
                self.bias.owner.store(owner, Ordering::Relaxed);
                self.unlock();
                return None;
            }
        }
        Some(By::gate(self.bias.learn(me)))
    }

    /// The gate was taken: ends the bias and waits until its owner has left.
    ///
    /// The owner itself comes here if it looked while a thread in `try_lock` had the bias
    /// ended, which that one takes back when the owner is inside. With the gate and the
    /// bias it would have two ways in.
    #[inline]
    fn taken(&self, me: usize) -> Result<By, Nested> {
        if let Some(owner) = self.bias.owner() {
            if !self.bias.revoke(owner) {
                if Bias::is_of(owner, me) {
                    self.bias.owner.store(owner, Ordering::Relaxed);
                    self.unlock();
                    return Err(Nested);
                }
                self.wait_for(owner);
            }
        }
        Ok(By::gate(self.bias.learn(me)))
    }

    /// The owner wakes no thread when it leaves, so this one reads `inside` again and
    /// again, at short intervals first.
    #[cold]
    fn wait_for(&self, owner: usize) {
        for round in 0u32.. {
            if !self.bias.is_taken(owner) {
                return;
            }
            match round < 100 {
                true => pause(),
                false => sys::sleep(RECHECK_INTERVAL),
            }
        }
    }

    #[cold]
    fn wait(&self, me: usize) -> Result<(), Nested> {
        if self.is_held_by(me) {
            return Err(Nested);
        }
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut fair = false;
        while !self.attempt(me, &mut fair) {}
        // Before this thread unlocks, so that a thread that unlocks counts only others.
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whether this very thread holds the lock. The gate's state tells it but for threads
    /// whose numbers have the same bits, and [`Bias::last`] tells those apart, as soon as
    /// the holder has come that far: one that does not come any further is this thread,
    /// interrupted.
    fn is_held_by(&self, me: usize) -> bool {
        if self.bias.is_inside(me) {
            return true;
        }
        for _ in 0..100 {
            if self.state.load(Ordering::Relaxed) != held_by(me) {
                return false;
            }
            if self.bias.last.load(Ordering::Relaxed) == me {
                return true;
            }
            #[cfg(not(loom))]
            sys::sleep(RECHECK_INTERVAL / 10);
        }
        true
    }

    /// Takes the lock if it can be had, or sleeps for a moment.
    fn attempt(&self, me: usize, fair: &mut bool) -> bool {
        match self.state.load(Ordering::Relaxed) {
            FREE => self.take(FREE, me),
            GIVEN if *fair => self.take(GIVEN, me),
            state => {
                self.sleep(state);
                *fair = true;
                false
            }
        }
    }

    #[inline]
    fn leave(&self, by: By) {
        match by {
            By::GATE => self.unlock(),
            By::LAST_GATE => self.unlock_biased(),
            By(seat) => self.bias.leave(seat),
        }
    }

    /// As [`leave`](Self::leave), and gives up the bias: what the lock protects ends, and
    /// the next may be another thread's.
    fn retire(&self, by: By, me: usize) {
        if by == By::GATE || by == By::LAST_GATE {
            return self.unlock();
        }
        match self.take(FREE, me) {
            true => {
                self.bias.give_up(me, by.0);
                self.unlock();
            }
            // A thread that waits for this one ends the bias.
            false => self.bias.leave(by.0),
        }
    }

    #[cold]
    fn unlock_biased(&self) {
        self.bias.favour(self.bias.last.load(Ordering::Relaxed));
        self.unlock();
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
        let _ = crate::sys::futex_wait(&self.state, state, RECHECK_INTERVAL);
        #[cfg(all(not(loom), not(target_os = "linux")))]
        {
            let _ = state;
            sys::sleep(RECHECK_INTERVAL / 10);
        }
    }
}

/// A value that one thread at a time can reach.
#[derive(Debug)]
#[repr(C)]
pub struct Lock<T> {
    value: UnsafeCell<T>,
    gate: Gate,
}

/// The bytes of a lock around a pointer that taking and leaving it touches as a rule, from
/// the beginning.
pub const HOT_BYTES: usize = std::mem::offset_of!(Lock<usize>, gate.bias.threads);

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

    /// Takes the lock if it is free and no thread waits for it.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let by = self.gate.try_lock(sys::thread_number())?;
        Some(self.guard(by))
    }

    /// Waits until no other thread holds the lock. [`Nested`] if this one does.
    #[inline(always)]
    pub fn lock(&self) -> Result<Guard<'_, T>, Nested> {
        let by = self.gate.lock(sys::thread_number())?;
        Ok(self.guard(by))
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
        self.gate.bias.reset();
        let me = sys::thread_number();
        self.gate.state.store(held_by(me), Ordering::Relaxed);
        self.guard(By::GATE)
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

impl<T> Guard<'_, T> {
    /// Unlocks for good: what the value stood for has ended.
    pub fn retire(self) {
        let guard = std::mem::ManuallyDrop::new(self);
        guard.lock.gate.retire(guard.by, sys::thread_number());
    }
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

#[cfg(all(test, loom))]
mod models;
#[cfg(all(test, not(loom)))]
mod tests;
