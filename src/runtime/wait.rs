//! Blocking: first poll for a short while, then sleep.
//!
//! A thread that waits reads the connections left to it and looks at the
//! mailbox, giving way to other threads between tries, for as long as an answer
//! may take that somebody is working on; then it hands the connections back to
//! the I/O thread and sleeps until it is signalled. Whether polling pays is
//! learned for each socket: a few failures in a row end it, and from then on
//! only now and then a wait begins with it, to see whether things have changed.

#![forbid(unsafe_code)]

use super::shared::Shared;
use super::slots::Slot;
use super::socket::{Locked, Socket, timeout};
use crate::error::{Error, Result};
use crate::sync::parker::{Parker, Wake};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// How long a wait polls, when it does. An answer from another process takes
/// that long if that one sleeps, and a tenth of it if that one polls too.
pub(super) const POLL: Duration = Duration::from_micros(50);
/// Failures that a fresh socket has to spare.
pub const CREDIT_START: i32 = 4;
/// Failures that the most successful socket has to spare.
const CREDIT_MAX: i32 = 8;
/// Without credit, one wait in so many polls all the same.
const PROBE_EVERY: i32 = 16;

/// Giving way took this long: somebody else is busy on this processor, and who
/// sleeps gets it back sooner than who polls. So for a while nobody polls, twice as
/// long each time.
const CROWDED: Duration = Duration::from_millis(2);
const REST_LEAST: Duration = Duration::from_millis(5);
const REST_MOST: Duration = Duration::from_millis(100);

/// How long a stream is left to gather.
const GATHER: Duration = Duration::from_micros(2);

thread_local! {
    static PARKER: Arc<Parker> = Arc::new(Parker::new());
}

/// The calling thread's sleeping place.
pub(super) fn parker() -> Arc<Parker> {
    PARKER
        .try_with(Clone::clone)
        .unwrap_or_else(|_| Arc::new(Parker::new()))
}

/// The end of a wait that begins now and lasts for an option's value.
pub(super) fn limit(millis: i32) -> Option<Instant> {
    timeout(millis).and_then(|limit| Instant::now().checked_add(limit))
}

/// Repeats `attempt` until it answers something else than [`Error::Again`] or
/// the time is over. The socket is unlocked in between. `reads`: it waits for a message.
pub(super) fn until<R>(
    slot: &'static Slot<Socket>,
    mut guard: Locked,
    deadline: Option<Instant>,
    reads: bool,
    mut attempt: impl FnMut(&mut Socket) -> Result<R>,
) -> Result<R> {
    let Some(socket) = guard.as_mut() else {
        return Err(Error::NotSocket);
    };
    let shared = socket.shared.clone();
    // One receive after the other, with nothing sent in between: a stream.
    let streaming = !std::mem::replace(&mut socket.has_sent, false);
    let mut gathers = streaming && shared.may_spin;
    let parker = parker();
    loop {
        if std::mem::replace(&mut gathers, false) {
            drop(guard);
            let_it_gather();
            guard = slot.lock();
        }
        let done = poll_for_a_while(slot, guard, &shared, streaming, deadline, &mut attempt);
        if let Some(done) = done {
            return done;
        }
        if reads && !streaming && shared.is_resting() {
            let look = || try_again(&mut slot.lock(), &shared, &mut attempt);
            let sockets = std::slice::from_ref(&shared);
            if let Some(done) = sleep_on_streams(sockets, &parker, deadline, look) {
                return done;
            }
        }
        parker.reset();
        shared.register(&parker);
        shared.cool();
        // After the announcement, once more: what came before it woke nobody.
        guard = slot.lock();
        let outcome = try_again(&mut guard, &shared, &mut attempt);
        drop(guard);
        if outcome.is_some() {
            shared.unregister(&parker);
            return outcome.unwrap_or(Err(Error::Again));
        }
        let wake = parker.park(deadline);
        shared.unregister(&parker);
        guard = slot.lock();
        if let Some(done) = try_again(&mut guard, &shared, &mut attempt) {
            return done;
        }
        match wake {
            Wake::Interrupted => return Err(Error::Interrupted),
            Wake::TimedOut => return Err(Error::Again),
            Wake::Notified => {}
        }
    }
}

/// A reader that is faster than its writer would take each message for itself,
/// and both would pay for a wake-up each time. Left alone for a moment, the
/// writer gets a few dozen together.
fn let_it_gather() {
    let end = Instant::now() + GATHER;
    while Instant::now() < end {
        for _ in 0..8 {
            std::hint::spin_loop();
        }
    }
}

/// One attempt. `None` means: not yet.
fn try_again<R>(
    guard: &mut Locked,
    shared: &Arc<Shared>,
    attempt: &mut impl FnMut(&mut Socket) -> Result<R>,
) -> Option<Result<R>> {
    let Some(socket) = guard.as_mut() else {
        return Some(Err(Error::NotSocket));
    };
    if !Arc::ptr_eq(&socket.shared, shared) {
        return Some(Err(Error::NotSocket)); // closed, and the handle is another's now
    }
    if let Err(error) = socket.process_commands() {
        return Some(Err(error));
    }
    match attempt(socket) {
        Err(Error::Again) => None,
        done => Some(done),
    }
}

fn poll_for_a_while<R>(
    slot: &'static Slot<Socket>,
    guard: Locked,
    shared: &Arc<Shared>,
    streaming: bool,
    deadline: Option<Instant>,
    attempt: &mut impl FnMut(&mut Socket) -> Result<R>,
) -> Option<Result<R>> {
    drop(guard);
    shared.push_outputs();
    if !may_poll(shared) {
        return None;
    }
    let limit = |now: Instant| deadline.map_or(now + POLL, |at| at.min(now + POLL));
    let mut end = limit(Instant::now());
    let mut inputs = shared.inputs();
    shared.spin(true);
    let mut gave_way = false;
    let outcome = loop {
        let news = shared.drive_hot();
        if shared.has_commands() || news {
            let mut guard = slot.lock();
            if let Some(done) = try_again(&mut guard, shared, attempt) {
                break Some(done);
            }
        }
        let now = Instant::now();
        let before = std::mem::replace(&mut inputs, shared.inputs());
        if before != inputs {
            end = limit(now); // a long message is coming in
        }
        if now >= end || !give_way(shared, now) {
            break None;
        }
        gave_way = true;
    };
    shared.spin(false);
    learn(shared, outcome.is_some());
    if gave_way && outcome.is_some() {
        // In a stream it may be the peer that is busy.
        match streaming {
            true => shared.rest.store(0, Ordering::Relaxed),
            false => calm_down(shared),
        }
    }
    outcome
}

/// Beside busy threads: sleeps on the sockets' streams themselves, for a moment, until
/// `look` finds something. The kernel then wakes this thread together with what came,
/// mostly on the processor of the sender, which is about to sleep. Woken by the I/O
/// thread, it would have to wait for its turn on another processor, after that thread
/// had to. `None`: it is time for another way of waiting.
#[cfg(all(target_os = "linux", not(loom)))]
pub(super) fn sleep_on_streams<R>(
    sockets: &[Arc<Shared>],
    parker: &Arc<Parker>,
    deadline: Option<Instant>,
    mut look: impl FnMut() -> Option<Result<R>>,
) -> Option<Result<R>> {
    /// How long at most, and how often woken for nothing meanwhile. Longer, and the I/O
    /// thread is the better watch.
    const LIMIT: Duration = Duration::from_millis(10);
    const WAKES: usize = 8;
    parker.reset();
    for socket in sockets {
        socket.register(parker);
        socket.spin(true);
    }
    let end = Instant::now() + LIMIT;
    let end = deadline.map_or(end, |at| at.min(end));
    let mut outcome = None;
    for _ in 0..WAKES {
        // After the announcement: what came before it woke nobody.
        let streams: Vec<_> = sockets.iter().flat_map(|one| one.hot_streams()).collect();
        outcome = look();
        let left = end.saturating_duration_since(Instant::now());
        if outcome.is_some() || left.is_zero() {
            break;
        }
        if parker.park_beside(&streams, left) == Wake::Interrupted {
            outcome = Some(Err(Error::Interrupted));
            break;
        }
        for socket in sockets {
            socket.drive_hot();
        }
    }
    for socket in sockets {
        socket.spin(false);
        socket.unregister(parker);
    }
    outcome
}

/// Elsewhere there is no such way.
#[cfg(not(all(target_os = "linux", not(loom))))]
pub(super) fn sleep_on_streams<R>(
    _sockets: &[Arc<Shared>],
    _parker: &Arc<Parker>,
    _deadline: Option<Instant>,
    _look: impl FnMut() -> Option<Result<R>>,
) -> Option<Result<R>> {
    None
}

/// Lets other threads run, from `now` on. False if it took so long that polling is
/// the wrong way to wait.
pub(super) fn give_way(shared: &Shared, now: Instant) -> bool {
    std::thread::yield_now();
    if now.elapsed() < CROWDED {
        return true;
    }
    let rest = Duration::from_nanos(shared.rest.load(Ordering::Relaxed));
    let rest = (rest * 2).clamp(REST_LEAST, REST_MOST).as_nanos() as u64;
    shared.rest.store(rest, Ordering::Relaxed);
    shared
        .rest_until
        .store(shared.clock() + rest, Ordering::Relaxed);
    false
}

/// Giving way was no trouble. If that goes on for as long as the last rest, the next one
/// is half as long.
fn calm_down(shared: &Shared) {
    let rest = shared.rest.load(Ordering::Relaxed);
    if rest == 0 {
        return;
    }
    let now = shared.clock();
    if now.saturating_sub(shared.rest_until.load(Ordering::Relaxed)) > rest {
        shared.rest.store(rest / 2, Ordering::Relaxed);
        shared.rest_until.store(now, Ordering::Relaxed);
    }
}

/// Whether a wait on the socket is to begin with polling, from what was learned.
pub(super) fn may_poll(shared: &Shared) -> bool {
    let credit = shared.credit.load(Ordering::Relaxed);
    if !shared.may_spin || shared.is_resting() {
        return false;
    }
    let may = credit > 0 || credit % PROBE_EVERY == 0;
    if !may {
        // Below zero it counts the waits until the next probe.
        shared.credit.store(credit - 1, Ordering::Relaxed);
    }
    may
}

/// Learns whether polling brought something.
pub(super) fn learn(shared: &Shared, success: bool) {
    let credit = shared.credit.load(Ordering::Relaxed);
    let learned = match success {
        true => (credit.max(CREDIT_START) + 1).min(CREDIT_MAX),
        false if credit <= 0 => -1,
        false => credit - 1,
    };
    shared.credit.store(learned, Ordering::Relaxed);
}
