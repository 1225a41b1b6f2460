//! Loom models of the lock: two or three threads, with bounded preemption.

use super::*;
use crate::sync::{Arc, SyncCell};
use bias::STREAK;

/// As `lock`, but gives up after `attempts` attempts: time, which ends every wait, does not pass in
/// a model.
fn lock_within(gate: &Gate, me: usize, attempts: usize) -> Option<By> {
    match gate.bias.enter(me) {
        Attempt::Taken(seat) => return Some(By(seat)),
        Attempt::Nested => return None,
        Attempt::NotOwner => {}
    }
    if !gate.take(FREE, me) {
        if gate.is_held_by(me) {
            return None;
        }
        gate.waiting.fetch_add(1, Ordering::Relaxed);
        let mut fair = false;
        let taken = (0..attempts).any(|_| gate.attempt(me, &mut fair));
        gate.waiting.fetch_sub(1, Ordering::Relaxed);
        if !taken {
            return None;
        }
    }
    gate.taken(me).ok()
}

/// Adds one under the lock, if it can be had. Loom checks the accesses to the cell.
fn add(shared: &(Gate, SyncCell<i32>), by: Option<By>) -> i32 {
    let Some(by) = by else { return 0 };
    // SAFETY: this thread holds the lock, as `by` shows.
    shared.1.with_mut(|value| unsafe { *value += 1 });
    shared.0.leave(by);
    1
}

fn check(preemptions: usize, work: fn(&(Gate, SyncCell<i32>), usize) -> i32) {
    check_threads(3, preemptions, work);
}

fn check_threads(
    threads: usize,
    preemptions: usize,
    work: fn(&(Gate, SyncCell<i32>), usize) -> i32,
) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(move || {
        let shared = Arc::new((Gate::new(), SyncCell::new(0)));
        let threads: Vec<_> = (2..=threads)
            .map(|me| {
                let shared = shared.clone();
                loom::thread::spawn(move || work(&shared, me))
            })
            .collect();
        let mut sum = work(&shared, 1);
        for thread in threads {
            sum += thread.join().unwrap();
        }
        // No thread holds the lock now, though it may be RESERVED: the second attempt gets it.
        assert_eq!(add(&shared, lock_within(&shared.0, 1, 2)), 1);
        // SAFETY: all threads have ended.
        shared
            .1
            .with(|value| assert_eq!(unsafe { *value }, sum + 1));
        assert_eq!(shared.0.waiting.load(Ordering::Relaxed), 0);
    });
}

/// Each holder asks again while it holds the lock, as a signal handler would: without a bias, with
/// one, and while another thread revokes it.
#[test]
fn a_holder_gets_no_second_guard() {
    check(2, |shared, me| {
        let mut sum = 0;
        for attempts in [2, 0] {
            let by = match attempts {
                0 => shared.0.try_lock(me),
                attempts => lock_within(&shared.0, me, attempts),
            };
            if by.is_some() {
                assert_eq!(lock_within(&shared.0, me, 1), None);
                assert_eq!(shared.0.try_lock(me), None);
            }
            sum += add(shared, by);
        }
        sum
    });
}

/// The first thread gets the bias, enters by it, and once more while the second one revokes it.
#[test]
fn one_of_two_sees_what_was_done_before() {
    check_threads(2, 2, |shared, me| {
        (0..5 - 2 * me)
            .map(|_| add(shared, lock_within(&shared.0, me, 2)))
            .sum()
    });
}

#[test]
fn one_at_a_time_and_each_sees_what_was_done_before() {
    check(3, |shared, me| add(shared, lock_within(&shared.0, me, 3)));
}

/// A thread that is delayed between its load of `owner` and its store must not write to a later
/// owner's seat.
#[test]
fn a_delayed_thread_does_not_clear_a_later_owners_seat() {
    check(2, |shared, me| {
        shared.0.bias.needed.store(STREAK, Ordering::Relaxed);
        let rounds = if me == 1 { 4 } else { 1 };
        (0..rounds)
            .map(|_| add(shared, shared.0.try_lock(me)))
            .sum()
    });
}

/// The second time the lock is biased to the thread that took it, if no other came in between.
#[test]
fn a_bias_is_revoked_only_while_its_owner_is_outside() {
    check(2, |shared, me| {
        let first = add(shared, lock_within(&shared.0, me, 2));
        first + add(shared, shared.0.try_lock(me))
    });
}
