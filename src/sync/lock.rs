//! The lock around a socket: almost always free, and almost always taken by the same thread.
//!
//! Unlocking is a plain Release store where other locks use an exchange, which is a tenth of what a
//! small message costs. The price is a possible lost wake-up: the holder's load of `waiting` and a
//! new waiter's increment are not ordered, so the holder may unlock without waking the waiter. The
//! waiter therefore rechecks after [`RECHECK_INTERVAL`] at the latest. Contention is rare: libzmq
//! forbids that threads use one socket together.
//!
//! Locking is a plain store as well for a thread that took the lock many times in a row: the lock
//! is then biased to it ([`Bias`]). Another thread that takes the lock revokes the bias with an
//! asymmetric fence (`membarrier`); each revocation doubles the number of locks in a row that the
//! next bias needs.
//!
//! Fairness: a holder that unlocks while `waiting` is not 0 leaves the lock [`RESERVED`]. A
//! newcomer, the former holder included, takes a reserved lock only after it has slept once, so
//! that the waiters come first.
//!
//! The models in `lock/models.rs` check mutual exclusion, visibility, revocation and nested calls.

mod bias;

use super::ForkedChild;
use super::atomic::{AtomicU32, Ordering};
use crate::sys;
use bias::{Attempt, Bias};
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

const FREE: u32 = 0;
/// Free, but only a thread that has slept in [`Gate::wait`] may take it.
const RESERVED: u32 = 1;
/// Set in the state of a held gate, beside some bits of its holder's number.
const HELD: u32 = 2;

/// The state of a gate that the thread `me` holds. Two threads' may be equal.
const fn held_by(me: usize) -> u32 {
    // A thread's number is the address of a thread-local; its low bits are the same for all.
    let number = if cfg!(loom) { me } else { me >> 6 };
    (number as u32) << 2 | HELD
}

/// The longest sleep of a waiter before it rechecks the state: what bounds a lost wake-up.
const RECHECK_INTERVAL: std::time::Duration = std::time::Duration::from_micros(500);

/// One step of a spin.
fn pause() {
    #[cfg(loom)]
    loom::thread::yield_now();
    #[cfg(not(loom))]
    std::hint::spin_loop();
}

/// The lock without the value that it protects.
#[derive(Debug)]
#[repr(C)]
struct Gate {
    state: AtomicU32,
    /// Threads in `wait`. Incremented with Relaxed, see the module for the lost wake-up.
    waiting: AtomicU32,
    bias: Bias,
}

/// How a lock was taken: by the bias, from the seat of this number, or by the gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct By(u8);

impl By {
    const GATE: By = By(u8::MAX);
    /// By the gate, for the last time needed in a row: the lock is biased to its holder when that
    /// one unlocks.
    const LAST_GATE: By = By(u8::MAX - 1);

    fn gate(learned: bool) -> By {
        if learned { By::LAST_GATE } else { By::GATE }
    }
}

/// The calling thread already holds the lock: a signal handler has interrupted it under the lock.
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

    /// Takes the gate if its state is `from`. Acquire pairs with the Release stores in
    /// [`unlock`](Self::unlock) and [`unlock_reserved`](Self::unlock_reserved): what earlier
    /// holders wrote is visible.
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
                self.put_back(owner);
                return None;
            }
        }
        Some(By::gate(self.bias.learn(me)))
    }

    /// Lets go of the gate with the bias as it was: the next holder must know of the owner that is
    /// inside.
    #[cold]
    fn put_back(&self, owner: usize) {
        self.bias.owner.store(owner, Ordering::Relaxed);
        self.unlock();
    }

    /// After the gate was taken: revokes the bias and waits until its owner has left.
    ///
    /// This thread may be that owner, inside: while another thread in `try_lock` has revoked the
    /// bias, before it puts it back, the owner's nested call finds neither the bias nor, a moment
    /// later, a holder of the gate.
    #[inline]
    fn taken(&self, me: usize) -> Result<By, Nested> {
        if let Some(owner) = self.bias.owner() {
            if !self.bias.revoke(owner) {
                if Bias::is_of(owner, me) {
                    self.put_back(owner);
                    return Err(Nested);
                }
                self.wait_for(owner);
            }
        }
        Ok(By::gate(self.bias.learn(me)))
    }

    /// Waits for a former owner of the bias. It wakes no thread when it leaves, so this one
    /// rechecks `inside`: 100 times while it spins, then every [`RECHECK_INTERVAL`].
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
        // While this thread holds the lock: a holder that unlocks then counts other threads only.
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the calling thread itself holds the lock.
    ///
    /// The gate's state holds some bits of the holder's number. If they are equal to this thread's,
    /// [`Bias::last`] decides, which the holder sets shortly after it has taken the gate. If the
    /// state stays the same for 100 checks (5 ms) and `last` is never this thread, the holder is
    /// taken for this thread, interrupted before it set `last`.
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

    /// Takes the lock if this thread may, or sleeps once and sets `fair`.
    fn attempt(&self, me: usize, fair: &mut bool) -> bool {
        match self.state.load(Ordering::Relaxed) {
            FREE => self.take(FREE, me),
            RESERVED if *fair => self.take(RESERVED, me),
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

    /// As [`leave`](Self::leave), and gives up the bias: the life of the protected object ends, and
    /// the next one may be used by another thread.
    fn retire(&self, by: By, me: usize) {
        if by == By::GATE || by == By::LAST_GATE {
            return self.unlock();
        }
        match self.take(FREE, me) {
            true => {
                self.bias.give_up(me, by.0);
                self.unlock();
            }
            // The holder of the gate waits for this thread, and has revoked the bias or will.
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
        // The threads counted here are still waiting, since they leave `wait` only with the lock
        // held. So a RESERVED lock is taken by one of them.
        if self.waiting.load(Ordering::Relaxed) == 0 {
            self.state.store(FREE, Ordering::Release);
        } else {
            self.unlock_reserved();
        }
    }

    #[cold]
    fn unlock_reserved(&self) {
        self.state.store(RESERVED, Ordering::Release);
        #[cfg(not(loom))]
        crate::sys::futex_wake(&self.state);
    }

    /// Sleeps while the state is `state`, for [`RECHECK_INTERVAL`] at most. Yielding alone would
    /// not do: the holder may be of lower priority.
    fn sleep(&self, state: u32) {
        #[cfg(loom)]
        {
            let _ = state;
            loom::thread::yield_now();
        }
        #[cfg(not(loom))]
        // A signal or a time-out counts as a spurious wake-up: the caller rechecks.
        let _ = crate::sys::futex_wait(&self.state, state, RECHECK_INTERVAL);
    }
}

/// A value that one thread at a time can reach.
#[derive(Debug)]
#[repr(C)]
pub struct Lock<T> {
    value: UnsafeCell<T>,
    gate: Gate,
}

/// Bytes from the beginning of a lock around a pointer that locking and unlocking usually touch.
pub const HOT_BYTES: usize = std::mem::offset_of!(Lock<usize>, gate.bias.threads);

// SAFETY: the value is reached through the guard only, and one thread at a time has a guard; so
// sharing the lock moves a `T` between threads at most, which `T: Send` allows.
unsafe impl<T: Send> Sync for Lock<T> {}

impl<T> Lock<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Lock<T> {
        Lock {
            gate: Gate::new(),
            value: UnsafeCell::new(value),
        }
    }

    /// Takes the lock if it is free and no thread waits for it. Never blocks.
    pub fn try_lock(&self) -> Option<Guard<'_, T>> {
        let by = self.gate.try_lock(sys::thread_number())?;
        Some(self.guard(by))
    }

    /// Waits until no other thread holds the lock.
    ///
    /// # Errors
    /// [`Nested`] if the calling thread holds it.
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

    /// Takes the lock in a forked child, even if a thread of the parent held it. That thread may
    /// have left the value half changed: the caller may use no more of it than one word.
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
    /// Unlocks, and gives up the bias: the life of the protected object has ended.
    pub fn retire(self) {
        let guard = std::mem::ManuallyDrop::new(self);
        guard.lock.gate.retire(guard.by, sys::thread_number());
    }
}

impl<T> Deref for Guard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the guard is proof that this thread holds the lock, and `value` is reached
        // through guards only; so no exclusive reference exists.
        unsafe { &*self.lock.value.get() }
    }
}

impl<T> DerefMut for Guard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: the guard is proof that this thread holds the lock, and it is borrowed
        // exclusively; so no other reference exists.
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
