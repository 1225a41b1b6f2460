//! `zmq_poll`: waiting for several sockets and descriptors at once.
//!
//! Called by application threads, with no lock held; each check of a socket takes that
//! socket's lock, unless its slot is quiet. With sockets only, the thread spins, registers
//! one parker with each socket, rechecks and parks; the registration comes before the
//! recheck, so no wake-up is lost. Lists longer than [`FEW`] keep their registrations
//! ([`many`]). With descriptors in the list the thread sleeps in the system's `poll` on
//! those and on the sockets' `ZMQ_FD`.

#![forbid(unsafe_code)]

mod item;
mod many;

pub use item::Item;
pub use many::{end, lock_over_fork};

use super::shared::Shared;
use super::sleep::{Registrations, sleep_on_streams};
use super::socket;
use crate::error::{Error, Result};
use crate::io_policy::tunables::SPIN;
use crate::sync::parker::{self, Parker, Wake};
use crate::sync::suspend::{self, Resumed, SleepOn};
use crate::sys::cancel::Shield;
use item::{check, descriptors};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// With more sockets than this, neither a spin nor a new registration for each sleep pays.
const FEW: usize = 32;

/// `zmq_poll`: waits for an event, `timeout` milliseconds at most (negative: for ever).
/// `ready[i]` gets the events of `items[i]`; returns how many items have some.
/// `suspends`: the call is suspended instead of sleeping, and made again ([`suspend`]).
///
/// [`Error::NotSocket`] for a bad handle, [`Error::Term`] after the context was shut down,
/// [`Error::Interrupted`] by a signal.
pub fn poll(items: &[Item], ready: &mut [i16], timeout: i64, suspends: bool) -> Result<usize> {
    let count = check(items, ready)?;
    if count > 0 || timeout == 0 {
        return Ok(count);
    }
    let _shield = Shield::new();
    let suspends = suspends && suspend::is_possible();
    if let Some(resumed) = suspends.then(suspend::resume).flatten() {
        return after_sleep(items, ready, resumed);
    }
    let limit = (timeout >= 0).then(|| Duration::from_millis(timeout.unsigned_abs()));
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    match items.iter().any(|item| matches!(item, Item::Fd(..))) {
        true => with_descriptors(items, ready, deadline, suspends, None),
        false => sockets_only(items, ready, deadline, suspends),
    }
}

/// `zmq_ppoll`: as [`poll`], with the signal mask `mask` while the thread sleeps. A signal that is
/// pending and that the mask does not block ends the call at once, unless there are events.
/// The thread sleeps in the system's `ppoll`, which alone changes the mask atomically.
pub fn ppoll(
    items: &[Item],
    ready: &mut [i16],
    timeout: i64,
    mask: &libc::sigset_t,
) -> Result<usize> {
    let count = check(items, ready)?;
    if count > 0 {
        return Ok(count);
    }
    let _shield = Shield::new();
    let suspends = suspend::is_possible();
    let deadline = match suspends.then(suspend::resume).flatten() {
        Some(resumed) => match resumed.wake {
            Wake::Interrupted => return Err(Error::Interrupted),
            Wake::TimedOut => return Ok(0),
            Wake::Notified => resumed.deadline,
        },
        None => {
            let limit = (timeout >= 0).then(|| Duration::from_millis(timeout.unsigned_abs()));
            limit.and_then(|limit| Instant::now().checked_add(limit))
        }
    };
    with_descriptors(items, ready, deadline, suspends, Some(mask))
}

/// Continues a suspended call after its sleep and a check that found nothing.
fn after_sleep(items: &[Item], ready: &mut [i16], resumed: Resumed) -> Result<usize> {
    match resumed.wake {
        Wake::Interrupted => return Err(Error::Interrupted),
        Wake::TimedOut => return Ok(0),
        Wake::Notified => {}
    }
    let deadline = resumed.deadline;
    if resumed.held.is::<many::Sleeping>() {
        drop(resumed.held);
        return many::wait(items, deadline, true, &mut || check(items, ready));
    }
    let sleep_on = match resumed.held.downcast_ref::<Registrations>() {
        // Registered since before that check: the thread can sleep again.
        Some(registrations) => SleepOn::Parker(registrations.parker.clone()),
        None => SleepOn::Descriptors(descriptors(items)?, None),
    };
    suspend::suspend(sleep_on, deadline, resumed.held);
    Err(Error::Suspended)
}

fn sockets_only(
    items: &[Item],
    ready: &mut [i16],
    deadline: Option<Instant>,
    suspends: bool,
) -> Result<usize> {
    if items.len() > FEW {
        return many::wait(items, deadline, suspends, &mut || check(items, ready));
    }
    let parker = parker::own();
    let mut shareds = Vec::with_capacity(items.len());
    let mut seen = HashSet::with_capacity(items.len());
    for item in items {
        if let Item::Socket(address, _) = *item {
            let shared = socket::with(address, |socket| Ok(socket.shared.clone()))?;
            if seen.insert(Arc::as_ptr(&shared)) {
                shareds.push(shared);
            }
        }
    }
    for shared in &shareds {
        shared.push_outputs();
    }
    // The spin credit and the back-off of the first socket serve the whole list.
    if let Some(teacher) = shareds.first().filter(|first| first.policy.begins_spin()) {
        for shared in &shareds {
            shared.caller_driven.spin(true);
        }
        let outcome = spin(items, ready, deadline, teacher);
        for shared in &shareds {
            shared.caller_driven.spin(false);
        }
        teacher.policy.spin_ended(!matches!(outcome, Ok(0)));
        match outcome {
            Ok(0) => {}
            other => return other,
        }
    }
    if shareds
        .first()
        .is_some_and(|first| first.policy.is_backing_off())
    {
        let check = || match check(items, ready) {
            Ok(0) => None,
            done => Some(done),
        };
        if let Some(done) = sleep_on_streams(&shareds, &parker, deadline, check) {
            return done;
        }
    }
    parker.reset();
    let registrations = Registrations::new(shareds, &parker);
    for shared in &registrations.sockets {
        shared.caller_driven.hand_to_io_thread();
    }
    if !suspends {
        return sleep(items, ready, deadline, &parker);
    }
    match check(items, ready)? {
        0 => {
            suspend::suspend(SleepOn::Parker(parker), deadline, Box::new(registrations));
            Err(Error::Suspended)
        }
        count => Ok(count),
    }
}

fn spin(
    items: &[Item],
    ready: &mut [i16],
    deadline: Option<Instant>,
    teacher: &Shared,
) -> Result<usize> {
    let mut end = Instant::now() + SPIN;
    if let Some(deadline) = deadline {
        end = end.min(deadline);
    }
    loop {
        let count = check(items, ready)?;
        let now = Instant::now();
        if count > 0 || now >= end || !teacher.policy.yield_cpu(now) {
            return Ok(count);
        }
    }
}

fn sleep(
    items: &[Item],
    ready: &mut [i16],
    deadline: Option<Instant>,
    parker: &Parker,
) -> Result<usize> {
    loop {
        let count = check(items, ready)?;
        if count > 0 {
            return Ok(count);
        }
        match parker.park(deadline) {
            Wake::Interrupted => return Err(Error::Interrupted),
            Wake::TimedOut => return check(items, ready),
            Wake::Notified => {}
        }
    }
}

fn with_descriptors(
    items: &[Item],
    ready: &mut [i16],
    deadline: Option<Instant>,
    suspends: bool,
    mask: Option<&libc::sigset_t>,
) -> Result<usize> {
    let mut fds = descriptors(items)?;
    loop {
        // A `ZMQ_FD` is readable for new mail only: the sockets' state is checked first.
        let count = check(items, ready)?;
        if count > 0 {
            return Ok(count);
        }
        if suspends {
            let mask = mask.copied().map(Box::new);
            suspend::suspend(SleepOn::Descriptors(fds, mask), deadline, Box::new(()));
            return Err(Error::Suspended);
        }
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let is_over = left.is_some_and(|left| left.is_zero());
        let millis = left.map_or(-1, crate::sys::millis_up);
        let slept = match mask {
            Some(mask) => crate::sys::ppoll(&mut fds, millis, mask),
            None if is_over => return Ok(0),
            None => crate::sys::poll(&mut fds, millis),
        };
        slept.map_err(|error| match error.raw_os_error() {
            Some(libc::EINTR) => Error::Interrupted,
            _ => error.into(),
        })?;
        if is_over {
            return Ok(0);
        }
    }
}
