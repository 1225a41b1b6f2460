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

#[test]
fn a_retired_bias_is_anybodys_again() {
    membarrier::prepare(true);
    let lock = Lock::new(0u32);
    // More threads than there are seats, one after the other.
    for _ in 0..3 * SEATS {
        let work = || {
            for _ in 0..2 * STREAK {
                *lock.lock().unwrap() += 1;
            }
            let guard = lock.lock().unwrap();
            assert_eq!(guard.by != By::GATE, membarrier::is_ready());
            guard.retire();
        };
        std::thread::scope(|scope| scope.spawn(work).join().unwrap());
    }
    assert_eq!(*lock.lock().unwrap(), 3 * SEATS as u32 * 2 * STREAK);
}

#[test]
fn a_child_takes_what_a_lost_thread_held() {
    let lock = Lock::new(3);
    std::mem::forget(lock.lock().unwrap());
    // SAFETY: the holder is gone, as after a fork.
    let child = unsafe { ForkedChild::new() };
    assert_eq!(*lock.seize(&child), 3);
    assert_eq!(*lock.lock().unwrap(), 3);
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
