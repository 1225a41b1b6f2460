//! Tests of the lock with real threads, without a bias and with one.

use super::*;
use crate::sync::membarrier;
use bias::{SEATS, STREAK};
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::time::{Duration, Instant};

#[test]
fn one_at_a_time() {
    const N: u64 = if cfg!(miri) { 50 } else { 20_000 };
    let lock = Lock::new(0u64);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..N).for_each(|_| *lock.lock().unwrap() += 1));
        }
    });
    assert_eq!(*lock.lock().unwrap(), 4 * N);
}

#[test]
fn a_thread_that_never_pauses_lets_others_in() {
    let (lock, stop) = (Lock::new(()), AtomicBool::new(false));
    let turns = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                drop(lock.lock().unwrap());
            }
        });
        let start = Instant::now();
        while turns.load(Ordering::Relaxed) < 50 && start.elapsed() < Duration::from_secs(10) {
            drop(lock.lock().unwrap());
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

/// As from a signal handler, at every stage: never a second guard, never a wait.
#[test]
fn a_thread_gets_no_second_guard() {
    membarrier::prepare(true);
    let lock = Lock::new(0);
    for _ in 0..3 * STREAK {
        let mut guard = lock.lock().unwrap();
        *guard += 1;
        assert_eq!(lock.lock().err(), Some(Nested));
        assert!(lock.try_lock().is_none());
    }
    for _ in 0..3 * STREAK {
        let guard = lock.try_lock().unwrap();
        assert_eq!(lock.lock().err(), Some(Nested));
        assert!(lock.try_lock().is_none());
        drop(guard);
    }
    assert_eq!(*lock.lock().unwrap(), 3 * STREAK);
}

/// The bias is revoked while its owner is inside: the owner still gets no second guard.
#[test]
fn a_revoked_owner_inside_gets_no_second_guard() {
    membarrier::prepare(true);
    let lock = Lock::new(0);
    for _ in 0..3 * STREAK {
        drop(lock.lock().unwrap());
    }
    let guard = lock.lock().unwrap();
    std::thread::scope(|scope| {
        let other = scope.spawn(|| *lock.lock().unwrap() += 1);
        let owner = || lock.gate.bias.owner.load(Ordering::Relaxed);
        let end = Instant::now() + Duration::from_secs(10);
        while owner() != 0 && Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(lock.lock().err(), Some(Nested));
        assert!(lock.try_lock().is_none());
        drop(guard);
        other.join().unwrap();
    });
    assert_eq!(*lock.lock().unwrap(), 1);
}

/// Numbers of threads as the system gives them: addresses with the same low bits.
fn number(thread: usize) -> usize {
    thread << 12
}

/// Takes the gate in a row until it is biased to a thread. Returns how that takes it then.
fn settle(gate: &Gate, thread: usize) -> By {
    let me = number(thread);
    gate.bias.needed.store(STREAK, Ordering::Relaxed);
    // If another bias is revoked, twice as many as STREAK are needed.
    for _ in 0..3 * STREAK {
        gate.leave(gate.lock(me).unwrap());
    }
    let by = gate.lock(me).unwrap();
    gate.leave(by);
    by
}

fn seats(gate: &Gate) -> [usize; SEATS] {
    [0, 1, 2, 3].map(|seat| gate.bias.threads[seat].load(Ordering::Relaxed) >> 12)
}

#[test]
fn a_retired_bias_is_anybodys_again() {
    membarrier::prepare(true);
    let gate = Gate::new();
    for thread in 1..3 * SEATS {
        let by = settle(&gate, thread);
        assert_eq!(by == By(0), membarrier::is_ready());
        let me = number(thread);
        gate.retire(gate.lock(me).unwrap(), me);
        assert_eq!(seats(&gate), [0; SEATS]);
        assert_eq!(gate.bias.needed.load(Ordering::Relaxed), STREAK);
    }
    // The guard of a lock does the same, with a bias and without.
    let lock = Lock::new(0);
    let bias = || lock.gate.bias.owner.load(Ordering::Relaxed);
    for _ in 0..2 {
        lock.lock().unwrap().retire();
        (0..2 * STREAK).for_each(|_| drop(lock.lock().unwrap()));
        assert_eq!(bias() != 0, membarrier::is_ready());
        lock.lock().unwrap().retire();
        assert_eq!((bias(), seats(&lock.gate)), (0, [0; SEATS]));
    }
}

#[test]
fn each_thread_has_a_seat_of_its_own_while_there_are_any() {
    membarrier::prepare(true);
    if !membarrier::is_ready() {
        return;
    }
    let gate = Gate::new();
    for thread in 1..=SEATS {
        assert_eq!(settle(&gate, thread), By(thread as u8 - 1));
    }
    assert_eq!(seats(&gate), [1, 2, 3, 4]);
    assert_eq!(settle(&gate, 5), By::GATE, "no seat is left");
    assert_eq!(settle(&gate, 2), By(1), "its seat is kept");
    let me = number(2);
    gate.retire(gate.lock(me).unwrap(), me);
    assert_eq!(seats(&gate), [1, 0, 3, 4]);
    assert_eq!(settle(&gate, 5), By(1));
}

#[test]
fn a_reserved_lock_is_for_threads_that_have_slept() {
    let gate = Gate::new();
    gate.state.store(RESERVED, Ordering::Relaxed);
    assert_eq!(gate.try_lock(number(1)), None);
    let mut fair = false;
    assert!(!gate.attempt(number(1), &mut fair) && fair);
    assert!(gate.attempt(number(1), &mut fair));
    gate.leave(By::GATE);
    // A thread that waits tries until it has the lock.
    gate.state.store(RESERVED, Ordering::Relaxed);
    let by = gate.lock(number(1)).unwrap();
    assert_eq!(
        gate.state.load(Ordering::Relaxed),
        held_by(number(1)),
        "{by:?}"
    );
    assert_eq!(gate.waiting.load(Ordering::Relaxed), 0);
}

#[test]
fn a_child_takes_what_a_lost_thread_held() {
    let lock = Lock::new(3);
    std::mem::forget(lock.lock().unwrap());
    // SAFETY: the holder is gone, as after a fork.
    let child = unsafe { ForkedChild::new() };
    assert_eq!(*lock.seize(&child), 3);
    assert_eq!(*lock.lock().unwrap(), 3);
    // A thread that held it by a bias.
    membarrier::prepare(true);
    settle(&lock.gate, 7);
    lock.gate.lock(number(7)).unwrap();
    assert!(lock.try_lock().is_none());
    *lock.seize(&child) += 1;
    assert_eq!(lock.try_lock().map(|value| *value), Some(4));
    assert_eq!(seats(&lock.gate), [0; SEATS]);
}

#[test]
fn a_bias_ends_when_another_thread_comes() {
    membarrier::prepare(true);
    let lock = Lock::new(0);
    for _ in 0..3 * STREAK {
        *lock.lock().unwrap() += 1;
    }
    let by = lock.lock().unwrap().by;
    assert_eq!(by != By::GATE, membarrier::is_ready());
    let guard = lock.lock().unwrap();
    assert_eq!(lock.lock().err(), Some(Nested), "learned, and held");
    assert!(lock.try_lock().is_none());
    let other = std::thread::scope(|scope| {
        let held = scope.spawn(|| lock.try_lock().is_none());
        assert!(held.join().unwrap());
        drop(guard);
        scope.spawn(|| *lock.lock().unwrap()).join().unwrap()
    });
    assert_eq!(other, 3 * STREAK);
    let by = lock.lock().unwrap().by;
    assert_eq!(by, By::GATE);
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
                    (0..100).for_each(|_| *lock.lock().unwrap() += 1);
                    lock.gate.bias.needed.store(STREAK, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_micros(50));
                }
            });
        }
    });
    assert_eq!(*lock.lock().unwrap(), 2 * N);
}

#[test]
fn a_panic_unlocks() {
    let lock = Lock::new(1);
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _guard = lock.lock().unwrap();
        panic!("on purpose");
    }));
    assert!(outcome.is_err());
    assert_eq!(*lock.lock().unwrap(), 1);
}
