//! Tests of the lock with real threads.

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
