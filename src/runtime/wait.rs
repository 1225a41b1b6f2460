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
use crate::sync::local::thread_cell;
use crate::sync::parker::{Parker, Wake};
use crate::sync::suspend::{self, SleepOn};
use crate::sys::cancel::Shield;
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
const OVERSUBSCRIBED: Duration = Duration::from_millis(2);
const BACKOFF_MIN: Duration = Duration::from_millis(5);
const BACKOFF_MAX: Duration = Duration::from_millis(100);

/// How long a stream is left to gather.
const BATCHING_DELAY: Duration = Duration::from_micros(2);

thread_cell! {
    static PARKER: Option<Arc<Parker>> = None;
}

/// The calling thread's sleeping place. Another one for each call inside of a call that
/// has one: a signal handler's may come just before the sleep, and would use up the wake-up
/// of the call that it interrupts.
pub(super) fn parker() -> Arc<Parker> {
    let unused = |parker: &Arc<Parker>| Arc::strong_count(parker) == 1;
    let parker = PARKER.take().filter(unused).unwrap_or_default();
    PARKER.set(Some(parker.clone()));
    parker
}

/// The end of a wait that begins now and lasts for an option's value.
pub(super) fn limit(millis: i32) -> Option<Instant> {
    timeout(millis).and_then(|limit| Instant::now().checked_add(limit))
}

/// How a call waits.
pub(super) struct Wait {
    /// Its end.
    pub deadline: Option<Instant>,
    /// For a message.
    pub reads: bool,
    /// The call is suspended instead of sleeping, see [`suspend`].
    pub suspends: bool,
}

/// Sockets to which a parker is announced, until this is dropped.
pub(super) struct Registrations {
    pub sockets: Vec<Arc<Shared>>,
    pub parker: Arc<Parker>,
}

impl Registrations {
    pub(super) fn new(sockets: Vec<Arc<Shared>>, parker: &Arc<Parker>) -> Registrations {
        let parker = parker.clone();
        for socket in &sockets {
            socket.register(&parker);
        }
        Registrations { sockets, parker }
    }
}

impl Drop for Registrations {
    fn drop(&mut self) {
        for socket in &self.sockets {
            socket.unregister(&self.parker);
        }
    }
}

/// What a suspended [`until`] keeps.
struct Paused {
    _registrations: Registrations,
    streaming: bool,
}

/// Repeats `attempt` until it answers something else than [`Error::Again`] or
/// the time is over. The socket is unlocked in between.
pub(super) fn until<R>(
    slot: &'static Slot<Socket>,
    mut guard: Locked,
    mut how: Wait,
    mut attempt: impl FnMut(&mut Socket) -> Result<R>,
) -> Result<R> {
    let _shield = Shield::new();
    let Some(socket) = guard.as_mut() else {
        return Err(Error::NotSocket);
    };
    let shared = socket.shared.clone();
    // One receive after the other, with nothing sent in between: a stream.
    let mut streaming = !std::mem::replace(&mut socket.has_sent, false);
    let mut delays = streaming && shared.may_spin;
    if let Some(resumed) = how.suspends.then(suspend::resume).flatten() {
        // Anything else was a stop of this call before it came to wait.
        if let Some(paused) = resumed.held.downcast_ref::<Paused>() {
            how.deadline = resumed.deadline;
            streaming = paused.streaming;
            delays = false;
            // The call has looked again, since it was made again.
            slept(resumed.wake)?;
        }
    }
    let parker = parker();
    loop {
        if std::mem::replace(&mut delays, false) {
            drop(guard);
            batching_delay();
            guard = slot.lock()?;
        }
        let done = poll_for_a_while(slot, guard, &shared, streaming, how.deadline, &mut attempt);
        if let Some(done) = done {
            return done;
        }
        if how.reads && !streaming && shared.is_backing_off() {
            let check = || try_again(slot, &shared, &mut attempt);
            let sockets = std::slice::from_ref(&shared);
            if let Some(done) = sleep_on_streams(sockets, &parker, how.deadline, check) {
                return done;
            }
        }
        parker.reset();
        let registrations = Registrations::new(vec![shared.clone()], &parker);
        shared.hand_to_io_thread();
        // After the announcement, once more: what came before it woke no thread.
        if let Some(done) = try_again(slot, &shared, &mut attempt) {
            return done;
        }
        if how.suspends {
            let held = Box::new(Paused {
                _registrations: registrations,
                streaming,
            });
            suspend::suspend(SleepOn::Parker(parker), how.deadline, held);
            return Err(Error::Suspended);
        }
        let wake = parker.park(how.deadline);
        drop(registrations);
        if let Some(done) = try_again(slot, &shared, &mut attempt) {
            return done;
        }
        slept(wake)?;
        guard = slot.lock()?;
    }
}

/// What a wait comes to that has slept and found nothing.
fn slept(wake: Wake) -> Result<()> {
    match wake {
        Wake::Interrupted => Err(Error::Interrupted),
        Wake::TimedOut => Err(Error::Again),
        Wake::Notified => Ok(()),
    }
}

/// A reader that is faster than its writer would take each message for itself,
/// and both would pay for a wake-up each time. Left alone for a moment, the
/// writer gets a few dozen together.
fn batching_delay() {
    let end = Instant::now() + BATCHING_DELAY;
    while Instant::now() < end {
        for _ in 0..8 {
            std::hint::spin_loop();
        }
    }
}

/// One attempt. `None` means: not yet.
fn try_again<R>(
    slot: &'static Slot<Socket>,
    shared: &Arc<Shared>,
    attempt: &mut impl FnMut(&mut Socket) -> Result<R>,
) -> Option<Result<R>> {
    let mut guard = match slot.lock() {
        Ok(guard) => guard,
        Err(error) => return Some(Err(error)),
    };
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
    let (mut yielded, mut partly) = (false, false);
    let outcome = loop {
        let news = shared.drive_inputs();
        if shared.has_commands() || news {
            if let Some(done) = try_again(slot, shared, attempt) {
                break Some(done);
            }
        }
        let now = Instant::now();
        let before = std::mem::replace(&mut inputs, shared.inputs());
        if before != inputs {
            end = limit(now); // a long message is coming in
            partly = true;
        }
        if now >= end {
            break None;
        }
        if partly && shared.sleep_on_long_body() {
            continue;
        }
        if !yield_cpu(shared, now) {
            break None;
        }
        yielded = true;
    };
    shared.spin(false);
    learn_spinning(shared, outcome.is_some());
    if yielded && outcome.is_some() {
        // In a stream it may be the peer that is busy.
        match streaming {
            true => shared.backoff.store(0, Ordering::Relaxed),
            false => decay_backoff(shared),
        }
    }
    outcome
}

/// Beside busy threads: sleeps on the sockets' streams themselves, for a moment, until
/// `check` finds something. The kernel then wakes this thread together with what came,
/// mostly on the processor of the sender, which is about to sleep. Woken by the I/O
/// thread, it would have to wait for its turn on another processor, after that thread
/// had to. `None`: it is time for another way of waiting.
#[cfg(all(target_os = "linux", not(loom)))]
pub(super) fn sleep_on_streams<R>(
    sockets: &[Arc<Shared>],
    parker: &Arc<Parker>,
    deadline: Option<Instant>,
    mut check: impl FnMut() -> Option<Result<R>>,
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
        let streams: Vec<_> = sockets
            .iter()
            .flat_map(|one| one.caller_driven_streams())
            .collect();
        outcome = check();
        let left = end.saturating_duration_since(Instant::now());
        if outcome.is_some() || left.is_zero() {
            break;
        }
        if parker.park_beside(&streams, left) == Wake::Interrupted {
            outcome = Some(Err(Error::Interrupted));
            break;
        }
        for socket in sockets {
            socket.drive_inputs();
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
pub(super) fn yield_cpu(shared: &Shared, now: Instant) -> bool {
    std::thread::yield_now();
    if now.elapsed() < OVERSUBSCRIBED {
        return true;
    }
    let backoff = Duration::from_nanos(shared.backoff.load(Ordering::Relaxed));
    let backoff = (backoff * 2).clamp(BACKOFF_MIN, BACKOFF_MAX).as_nanos() as u64;
    shared.backoff.store(backoff, Ordering::Relaxed);
    shared
        .backoff_until
        .store(shared.clock() + backoff, Ordering::Relaxed);
    false
}

/// Giving way was no trouble. If that goes on for as long as the last rest, the next one
/// is half as long.
fn decay_backoff(shared: &Shared) {
    let backoff = shared.backoff.load(Ordering::Relaxed);
    if backoff == 0 {
        return;
    }
    let now = shared.clock();
    if now.saturating_sub(shared.backoff_until.load(Ordering::Relaxed)) > backoff {
        shared.backoff.store(backoff / 2, Ordering::Relaxed);
        shared.backoff_until.store(now, Ordering::Relaxed);
    }
}

/// Whether a wait on the socket is to begin with polling, from what was learned.
pub(super) fn may_poll(shared: &Shared) -> bool {
    let credit = shared.credit.load(Ordering::Relaxed);
    if !shared.may_spin || shared.is_backing_off() {
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
pub(super) fn learn_spinning(shared: &Shared, success: bool) {
    let credit = shared.credit.load(Ordering::Relaxed);
    let learned = match success {
        true => (credit.max(CREDIT_START) + 1).min(CREDIT_MAX),
        false if credit <= 0 => -1,
        false => credit - 1,
    };
    shared.credit.store(learned, Ordering::Relaxed);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_call_inside_of_a_call_sleeps_in_another_place() {
        let outer = parker();
        let inner = parker();
        assert!(!Arc::ptr_eq(&outer, &inner));
        drop((outer, inner));
        let first = Arc::as_ptr(&parker());
        assert_eq!(
            first,
            Arc::as_ptr(&parker()),
            "one after the other, the same"
        );
    }
}
