//! Loom models of the lock.

use super::*;
use crate::sync::Arc;
use crate::sync::atomic::AtomicU32;
use crate::sync::event_count::Due;

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

fn spawn(shared: &Shared, body: impl FnOnce(&Shared) + 'static) -> loom::thread::JoinHandle<()> {
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

/// Work that is marked and not served, as a pending flush in `connection`.
#[test]
fn marked_work_is_found_or_a_check_is_due() {
    loom::model(|| {
        let shared = Arc::new((WorkLock::new(()), Due::default()));
        assert!(shared.1.request());
        let other = shared.clone();
        let thread = loom::thread::spawn(move || {
            other.0.mark(1);
            other.1.request()
        });
        shared.1.begin();
        let found = shared.0.has_work();
        let is_due = thread.join().unwrap();
        assert!(found || is_due, "no thread will find the work");
    });
}
