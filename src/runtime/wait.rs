//! Blocking: spin for a short while, then sleep.
//!
//! Called by the application thread in a blocking send or receive, which takes the
//! socket's lock for each attempt and releases it in between. The thread first spins: it
//! reads the caller-driven connections and checks the mailbox, with a `sched_yield`
//! between tries, for [`SPIN`] at most. Then it registers its parker with the socket,
//! hands the connections to the I/O thread, checks once more, and parks. Registration
//! before the last check is the waiter's half of a Dekker handshake with
//! [`Shared::signal`], so no wake-up is lost. Whether spinning pays is learned for each
//! socket (`io_policy::Spin`).

#![forbid(unsafe_code)]

use super::shared::Shared;
use super::slots::Slot;
use super::socket::{Locked, Socket, timeout};
use crate::error::{Error, Result};
use crate::io_policy::tunables::{RECEIVE_BATCHING, SPIN};
use crate::sync::local::thread_cell;
use crate::sync::parker::{Parker, Wake};
use crate::sync::suspend::{self, SleepOn};
use crate::sys::cancel::Shield;
use std::sync::Arc;
use std::time::Instant;

thread_cell! {
    static PARKER: Option<Arc<Parker>> = None;
}

/// The calling thread's parker. A nested call (from a signal handler) gets another one:
/// with the same parker it could consume the wake-up of the call that it interrupts.
pub(super) fn parker() -> Arc<Parker> {
    let unused = |parker: &Arc<Parker>| Arc::strong_count(parker) == 1;
    let parker = PARKER.take().filter(unused).unwrap_or_default();
    PARKER.set(Some(parker.clone()));
    parker
}

/// The deadline of a wait that begins now, from a `…TIMEO` value in milliseconds. `None`
/// (a negative value): no deadline.
pub(super) fn limit(millis: i32) -> Option<Instant> {
    timeout(millis).and_then(|limit| Instant::now().checked_add(limit))
}

/// How a call waits.
pub(super) struct Wait {
    /// When the call fails with [`Error::Again`]; `None`: never.
    pub deadline: Option<Instant>,
    /// The call waits for a message, not for room.
    pub reads: bool,
    /// The call is suspended instead of parking the thread, see [`suspend`].
    pub suspends: bool,
}

/// Sockets with which a parker is registered, until this is dropped.
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

/// State that [`until`] keeps while its call is suspended.
struct Paused {
    _registrations: Registrations,
    streaming: bool,
}

/// Repeats `attempt` until it returns something else than [`Error::Again`] or the deadline
/// is reached. The socket is unlocked in between.
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
    // A stream: one receive after the other, with nothing sent in between.
    let mut streaming = !std::mem::replace(&mut socket.has_sent, false);
    let mut delays = streaming && shared.spin_policy.is_allowed();
    if let Some(resumed) = how.suspends.then(suspend::resume).flatten() {
        // Another type was stored by a suspension of this call before its wait.
        if let Some(paused) = resumed.held.downcast_ref::<Paused>() {
            how.deadline = resumed.deadline;
            streaming = paused.streaming;
            delays = false;
            // The repeated call has already made an attempt, so a timeout may end it.
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
        // Recheck after the registration: a command sent before it woke no thread.
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

/// The result of a wait whose attempt after the sleep failed. `Ok`: wait again.
fn slept(wake: Wake) -> Result<()> {
    match wake {
        Wake::Interrupted => Err(Error::Interrupted),
        Wake::TimedOut => Err(Error::Again),
        Wake::Notified => Ok(()),
    }
}

/// Spins for [`RECEIVE_BATCHING`]. A reader that is faster than its writer would take each
/// message singly, at the cost of a wake-up for each; during the delay the writer batches
/// a few dozen.
fn batching_delay() {
    let end = Instant::now() + RECEIVE_BATCHING;
    while Instant::now() < end {
        for _ in 0..8 {
            std::hint::spin_loop();
        }
    }
}

/// Locks the socket, processes its commands and makes one attempt. `None`: wait on.
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
        return Some(Err(Error::NotSocket)); // closed, and the slot holds another socket
    }
    if let Err(error) = socket.process_commands() {
        return Some(Err(error));
    }
    match attempt(socket) {
        Err(Error::Again) => None,
        done => Some(done),
    }
}

/// Unlocks the socket, writes out what its connections have queued, and spins for [`SPIN`]
/// at most if its policy allows it. Arriving bytes extend that time. `None`: nothing came.
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
    if !shared.begins_spin() {
        return None;
    }
    let limit = |now: Instant| deadline.map_or(now + SPIN, |at| at.min(now + SPIN));
    let mut end = limit(Instant::now());
    let mut inputs = shared.inputs();
    shared.spin(true);
    let mut yielded = false;
    // Sleeping is considered at first, and again after bytes have arrived.
    let mut may_sleep = true;
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
            end = limit(now); // bytes arrived: part of a long message
            may_sleep = true;
        }
        if now >= end {
            break None;
        }
        if std::mem::take(&mut may_sleep) && shared.sleep_on_long_body() {
            may_sleep = true;
            continue;
        }
        if !yield_cpu(shared, now) {
            break None;
        }
        yielded = true;
    };
    shared.spin(false);
    shared.spin_policy.ended(outcome.is_some());
    if yielded && outcome.is_some() {
        // In a stream the busy thread on this CPU may be the peer: the back-off is reset.
        match streaming {
            true => shared.spin_policy.reset_backoff(),
            false => shared.spin_policy.decay_backoff(|| shared.clock()),
        }
    }
    outcome
}

/// For an oversubscribed CPU: sleeps in `poll` on the sockets' caller-driven streams, for
/// 10 ms at most, until `check` finds something. The kernel then wakes this thread when
/// data arrives, mostly on the processor of the sender, which is about to sleep. A wake-up
/// through the I/O thread would wait for a time slice twice: for that thread, then for
/// this one, on another processor. `None`: nothing was found, the caller parks.
#[cfg(not(loom))]
pub(super) fn sleep_on_streams<R>(
    sockets: &[Arc<Shared>],
    parker: &Arc<Parker>,
    deadline: Option<Instant>,
    mut check: impl FnMut() -> Option<Result<R>>,
) -> Option<Result<R>> {
    use crate::io_policy::tunables::{STREAM_SLEEP, STREAM_SLEEP_WAKES};
    parker.reset();
    for socket in sockets {
        socket.register(parker);
        socket.spin(true);
    }
    let end = Instant::now() + STREAM_SLEEP;
    let end = deadline.map_or(end, |at| at.min(end));
    let mut outcome = None;
    for _ in 0..STREAM_SLEEP_WAKES {
        // Recheck after the registration: a command sent before it woke no thread.
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

/// A loom model has no such sleep: the caller parks.
#[cfg(loom)]
pub(super) fn sleep_on_streams<R>(
    _sockets: &[Arc<Shared>],
    _parker: &Arc<Parker>,
    _deadline: Option<Instant>,
    _check: impl FnMut() -> Option<Result<R>>,
) -> Option<Result<R>> {
    None
}

/// Yields the processor; `now` is the time of the call. False if the spin is to end.
pub(super) fn yield_cpu(shared: &Shared, now: Instant) -> bool {
    std::thread::yield_now();
    shared.spin_policy.yielded(now.elapsed(), || shared.clock())
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
