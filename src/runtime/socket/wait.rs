//! Blocking: spin for a short while, then sleep.
//!
//! Called by the application thread in a blocking send or receive, which takes the
//! socket's lock for each attempt and releases it in between. The thread first spins: it
//! reads the caller-driven connections and checks the mailbox, with a `sched_yield`
//! between tries, for [`SPIN`] at most. Then it registers its parker with the socket,
//! hands the connections to the I/O thread, checks once more, and parks. Registration
//! before the last check is what its event count asks for, so no wake-up is lost. Whether spinning pays is learned for each
//! socket (`io_policy::Spin`).

#![forbid(unsafe_code)]

use super::state::{Locked, Socket};
use crate::error::{Error, Result};
use crate::io_policy::tunables::{RECEIVE_BATCHING, SPIN};
use crate::runtime::handle::Slot;
use crate::runtime::shared::Shared;
use crate::runtime::sleep::{Registrations, sleep_on_streams};
use crate::sync::parker::{self, Wake};
use crate::sync::suspend::{self, SleepOn};
use crate::sys::cancel::Shield;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The deadline of a wait that begins now, from a `…TIMEO` value in milliseconds. `None`
/// (a negative value): no deadline.
pub(super) fn limit(millis: i32) -> Option<Instant> {
    let limit = (millis >= 0).then(|| Duration::from_millis(millis.max(0) as u64));
    limit.and_then(|limit| Instant::now().checked_add(limit))
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
    let mut delays = streaming && shared.policy.may_spin();
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
    let parker = parker::own();
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
        if how.reads && !streaming && shared.policy.is_backing_off() {
            let check = || try_again(slot, &shared, &mut attempt);
            let sockets = std::slice::from_ref(&shared);
            if let Some(done) = sleep_on_streams(sockets, &parker, how.deadline, check) {
                return done;
            }
        }
        parker.reset();
        let registrations = Registrations::new(vec![shared.clone()], &parker);
        shared.caller_driven.hand_to_io_thread();
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
    if !shared.policy.begins_spin() {
        return None;
    }
    let limit = |now: Instant| deadline.map_or(now + SPIN, |at| at.min(now + SPIN));
    let mut end = limit(Instant::now());
    let mut inputs = shared.caller_driven.inputs();
    shared.caller_driven.spin(true);
    let mut yielded = false;
    // Sleeping is considered at first, and again after bytes have arrived.
    let mut may_sleep = true;
    let outcome = loop {
        let news = shared.caller_driven.drive_inputs();
        if shared.mail.has_commands() || news {
            if let Some(done) = try_again(slot, shared, attempt) {
                break Some(done);
            }
        }
        let now = Instant::now();
        let before = std::mem::replace(&mut inputs, shared.caller_driven.inputs());
        if before != inputs {
            end = limit(now); // bytes arrived: part of a long message
            may_sleep = true;
        }
        if now >= end {
            break None;
        }
        if std::mem::take(&mut may_sleep) && shared.caller_driven.sleep_on_long_body() {
            may_sleep = true;
            continue;
        }
        if !shared.policy.yield_cpu(now) {
            break None;
        }
        yielded = true;
    };
    shared.caller_driven.spin(false);
    shared.policy.spin_ended(outcome.is_some());
    if yielded && outcome.is_some() {
        shared.policy.yield_paid(streaming);
    }
    outcome
}
