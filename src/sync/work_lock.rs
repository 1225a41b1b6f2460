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
//! The models at the end of this file check that no work is lost, that it sees what was written
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
    /// SeqCst for a Dekker handshake of the callers: a producer sets bits here, then exchanges its
    /// own flag, with SeqCst too (`flush_pending` in `connection`); the I/O thread clears the flag,
    /// SeqCst fence, then loads the bits. One of the two sees the other's store.
    #[inline]
    pub fn mark(&self, work: u32) {
        debug_assert!(work & !WORK == 0);
        self.word.fetch_or(work & WORK, Ordering::SeqCst);
    }

    /// Whether there is work that no holder has begun. In the handshake of [`mark`](Self::mark) the
    /// fence comes before.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::atomic::AtomicU32;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    /// Records work; panics if there is none.
    fn add(bits: &mut Vec<u32>, work: u32) {
        assert_ne!(work, 0);
        bits.push(work);
    }

    #[test]
    fn work_waits_for_the_next_serve() {
        let lock = WorkLock::new(Vec::new());
        lock.mark(1);
        lock.mark(4);
        assert!(lock.has_work());
        assert_eq!(lock.serve(2, add), Served::Done);
        assert!(!lock.has_work());
        assert_eq!(lock.serve(0, add), Served::Done);
        assert_eq!(lock.wait_and_serve(8, add), Served::Done);
        let bits = lock.with(|bits| bits.clone(), add);
        assert_eq!(bits, (vec![7, 8], Served::Done));
        lock.mark(16);
        let before = lock.try_with(|bits| bits.len(), add);
        assert_eq!(before, Some((2, Served::Done)));
        assert_eq!(lock.with(|bits| bits.pop(), add).0, Some(16));
    }

    #[test]
    fn a_holder_leaves_work_that_comes_without_end() {
        let lock = WorkLock::new(0);
        let endless = |lock: &WorkLock<u32>, done: &mut u32| {
            *done += 1;
            lock.mark(2);
        };
        assert_eq!(lock.serve(1, |done, _| endless(&lock, done)), Served::Left);
        assert!(lock.has_work());
        let (done, served) = lock.with(|done| *done, |done, _| endless(&lock, done));
        assert_eq!((done, served), (ROUNDS, Served::Left));
        lock.mark(4);
        let mut rest = 0;
        assert_eq!(lock.wait_and_serve(8, |_, work| rest |= work), Served::Done);
        assert_eq!(rest, 2 | 4 | 8);
    }

    #[test]
    fn the_holder_does_the_work_of_failed_try_locks() {
        let lock = WorkLock::new(0);
        let mut order = Vec::new();
        let served = lock.serve(1, |_, work| {
            if work == 1 {
                let inner = lock.serve(2, |_, _| panic!("held by this very thread"));
                assert_eq!(inner, Served::Busy);
                assert_eq!(lock.try_with(|_| (), |_, _| ()), None);
            }
            order.push(work);
        });
        assert_eq!((&order[..], served), (&[1, 2][..], Served::Done));
        let _ = lock.with(|_| lock.mark(4), |_, work| order.push(work));
        assert_eq!(order, [1, 2, 4]);
    }

    #[test]
    fn a_panic_unlocks_and_the_rest_of_the_work_is_for_the_next() {
        let lock = Arc::new(WorkLock::new(()));
        let other = lock.clone();
        let panicking = std::thread::spawn(move || {
            let _ = other.serve(1, |_, _| {
                other.mark(2);
                std::panic::resume_unwind(Box::new(()));
            });
        });
        assert!(panicking.join().is_err());
        let mut done = 0;
        assert_eq!(lock.serve(4, |_, work| done |= work), Served::Done);
        assert_eq!(done, 6);
    }

    /// Threads that serve, wait and only reach the value, all at once: each piece of work is done,
    /// and by the end of the wait where a thread waited for it.
    #[test]
    fn no_work_is_lost_and_none_is_done_twice_at_a_time() {
        const TIMES: u32 = if cfg!(miri) { 30 } else { 30_000 };
        let lock = WorkLock::new([0u32; 4]);
        let asked: [AtomicU32; 4] = Default::default();
        let ended = AtomicBool::new(false);
        // A thread that serves until nothing is left stands for the I/O thread.
        let finish = |lock: &WorkLock<[u32; 4]>, mut served, run: &dyn Fn(&mut [u32; 4], u32)| {
            while served == Served::Left {
                served = lock.serve(0, run);
            }
        };
        let run = |done: &mut [u32; 4], work: u32| {
            for (bit, done) in done.iter_mut().enumerate() {
                if work & 1 << bit != 0 {
                    *done = asked[bit].load(Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|bit| {
                    let (lock, asked) = (&lock, &asked[bit]);
                    scope.spawn(move || {
                        for round in 1..=TIMES {
                            asked.store(round, Ordering::Relaxed);
                            if bit < 2 {
                                finish(lock, lock.serve(1 << bit, run), &run);
                            } else {
                                finish(lock, lock.wait_and_serve(1 << bit, run), &run);
                                let (done, served) = lock.with(|done| done[bit], run);
                                assert!(done == round);
                                finish(lock, served, &run);
                            }
                        }
                    })
                })
                .collect();
            scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    if let Some((_, served)) = lock.try_with(|_| (), run) {
                        finish(&lock, served, &run);
                    }
                }
            });
            let outcomes: Vec<_> = workers.into_iter().map(|one| one.join()).collect();
            ended.store(true, Ordering::Relaxed);
            assert!(outcomes.iter().all(Result::is_ok));
        });
        assert!(!lock.has_work(), "left behind");
        assert_eq!(lock.with(|done| *done, run).0, [TIMES; 4]);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::Arc;
    use crate::sync::atomic::{AtomicBool, AtomicU32, fence};

    /// What each thread asks for. Relaxed: only the lock orders it.
    struct Bench {
        asked: [AtomicU32; 3],
    }

    type Shared = Arc<(Bench, WorkLock<u32>)>;

    fn shared() -> Shared {
        let asked = [0; 3].map(AtomicU32::new);
        Arc::new((Bench { asked }, WorkLock::new(0)))
    }

    /// The work: what was asked for is visible, and recorded as done.
    fn run(shared: &Shared) -> impl FnMut(&mut u32, u32) + '_ {
        |done, work| {
            for (bit, asked) in shared.0.asked.iter().enumerate() {
                if work & 1 << bit != 0 {
                    assert_eq!(asked.load(Ordering::Relaxed), 1, "not seen");
                    *done |= 1 << bit;
                }
            }
        }
    }

    /// Serves, and what is left again: another thread would do it in between or here.
    fn serve(shared: &Shared, work: u32) {
        let mut served = shared.1.serve(work, run(shared));
        while served == Served::Left {
            served = shared.1.serve(0, run(shared));
        }
    }

    fn ask(shared: &Shared, bit: usize) {
        shared.0.asked[bit].store(1, Ordering::Relaxed);
    }

    /// No work is left, and all of it was done.
    fn check(shared: &Shared, expected: u32) {
        assert!(!shared.1.has_work(), "work was left behind");
        let (done, _) = shared.1.with(|done| *done, |_, _| ());
        assert_eq!(done, expected);
    }

    fn spawn(
        shared: &Shared,
        body: impl FnOnce(&Shared) + 'static,
    ) -> loom::thread::JoinHandle<()> {
        let shared = shared.clone();
        loom::thread::spawn(move || body(&shared))
    }

    fn a_failed_try_lock_leaves_its_work_to_the_holder(threads: usize, bound: Option<usize>) {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = bound;
        model.check(move || {
            let shared = shared();
            let ask_and_serve = |shared: &Shared, bit: usize| {
                ask(shared, bit);
                serve(shared, 1 << bit);
            };
            let others: Vec<_> = (1..threads)
                .map(|bit| spawn(&shared, move |shared| ask_and_serve(shared, bit)))
                .collect();
            ask_and_serve(&shared, 0);
            for thread in others {
                thread.join().unwrap();
            }
            check(&shared, (1 << threads) - 1);
        });
    }

    #[test]
    fn one_of_two_leaves_its_work_to_the_holder() {
        a_failed_try_lock_leaves_its_work_to_the_holder(2, None);
    }

    #[test]
    fn two_of_three_leave_their_work_to_the_holder() {
        a_failed_try_lock_leaves_its_work_to_the_holder(3, Some(2));
    }

    #[test]
    fn a_try_with_does_the_work_that_came_meanwhile() {
        loom::model(|| {
            let shared = shared();
            let thread = spawn(&shared, |shared| {
                ask(shared, 1);
                serve(shared, 2);
            });
            if let Some((_, Served::Left)) = shared.1.try_with(|_| (), run(&shared)) {
                serve(&shared, 0);
            }
            thread.join().unwrap();
            check(&shared, 2);
        });
    }

    #[test]
    fn a_waiting_thread_finds_its_work_done() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared = shared();
            let thread = spawn(&shared, |shared| {
                ask(shared, 1);
                if shared.1.wait_and_serve(2, run(shared)) == Served::Left {
                    serve(shared, 0);
                }
                let (done, served) = shared.1.with(|done| *done, run(shared));
                assert_eq!(done & 2, 2);
                if served == Served::Left {
                    serve(shared, 0);
                }
            });
            ask(&shared, 0);
            serve(&shared, 1);
            thread.join().unwrap();
            check(&shared, 3);
        });
    }

    /// A thread that waited for the lock holds it as one that may be waited for. So the holder
    /// reports the work that comes as left, though no thread sleeps.
    #[test]
    fn work_that_comes_while_no_thread_sleeps_is_done() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared = shared();
            let thread = spawn(&shared, |shared| {
                if shared.1.with(|_| (), run(shared)).1 == Served::Left {
                    serve(shared, 0);
                }
            });
            for bit in 0..2 {
                ask(&shared, bit);
                serve(&shared, 1 << bit);
            }
            thread.join().unwrap();
            check(&shared, 3);
        });
    }

    /// The handshake of [`WorkLock::mark`], as `flush_pending` in `connection`: while the flag is
    /// set the I/O thread is due to check for work.
    #[test]
    fn marked_work_is_found_or_a_check_is_due() {
        loom::model(|| {
            let shared = Arc::new((WorkLock::new(()), AtomicBool::new(true)));
            let other = shared.clone();
            let thread = loom::thread::spawn(move || {
                other.0.mark(1);
                other.1.swap(true, Ordering::SeqCst)
            });
            shared.1.store(false, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            let found = shared.0.has_work();
            let was_due = thread.join().unwrap();
            assert!(found || !was_due, "no thread will find the work");
        });
    }
}
