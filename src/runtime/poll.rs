//! `zmq_poll`: waiting for several sockets and descriptors at once.
//!
//! Called by application threads, with no lock held; each check of a socket takes that
//! socket's lock, unless its slot is quiet. With sockets only, the thread spins, registers
//! one parker with each socket, rechecks and parks; the registration comes before the
//! recheck, so no wake-up is lost. Lists longer than [`FEW`] keep their registrations
//! ([`many`]). With descriptors in the list the thread sleeps in the system's `poll` on
//! those and on the sockets' `ZMQ_FD`.

#![forbid(unsafe_code)]

use super::many;
use super::shared::Shared;
use super::socket::{self, POLLERR, POLLIN, POLLOUT, POLLPRI};
use super::wait::{self, Registrations};
use crate::error::{Error, Result};
use crate::io_policy::tunables::SPIN;
use crate::sync::parker::Wake;
use crate::sync::suspend::{self, Resumed, SleepOn};
use crate::sys::cancel::Shield;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// One thing to wait for.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// A socket handle's address and the events wanted.
    Socket(usize, i16),
    /// A descriptor and the events wanted.
    Fd(i32, i16),
}

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
        true => with_descriptors(items, ready, deadline, suspends),
        false => sockets_only(items, ready, deadline, suspends),
    }
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
        None => SleepOn::Descriptors(descriptors(items)?),
    };
    suspend::suspend(sleep_on, deadline, resumed.held);
    Err(Error::Suspended)
}

/// Checks all items once, without waiting. Descriptors come first: a socket's own `ZMQ_FD`
/// may be among them, and the check of that socket lowers it.
fn check(items: &[Item], ready: &mut [i16]) -> Result<usize> {
    ready.fill(0);
    let mut fds: Vec<libc::pollfd> = items.iter().filter_map(to_pollfd).collect();
    if !fds.is_empty() && crate::sys::poll(&mut fds, 0)? > 0 {
        store(items, ready, &fds);
    }
    for (item, ready) in items.iter().zip(ready.iter_mut()) {
        if let Item::Socket(address, wanted) = *item {
            *ready = socket::ready(address, wanted)?;
        }
    }
    Ok(ready.iter().filter(|events| **events != 0).count())
}

fn to_pollfd(item: &Item) -> Option<libc::pollfd> {
    let Item::Fd(fd, wanted) = *item else {
        return None;
    };
    let pairs = [
        (POLLIN, libc::POLLIN),
        (POLLOUT, libc::POLLOUT),
        (POLLPRI, libc::POLLPRI),
    ];
    let events = pairs
        .iter()
        .filter(|(ours, _)| wanted & ours != 0)
        .fold(0, |all, (_, theirs)| all | theirs);
    Some(libc::pollfd {
        fd,
        events,
        revents: 0,
    })
}

/// Translates the events that the system's `poll` returned for the descriptors.
fn store(items: &[Item], ready: &mut [i16], fds: &[libc::pollfd]) {
    let mut answers = fds.iter();
    for (item, ready) in items.iter().zip(ready.iter_mut()) {
        if !matches!(item, Item::Fd(..)) {
            continue;
        }
        let Some(answer) = answers.next() else { break };
        let known = libc::POLLIN | libc::POLLOUT | libc::POLLPRI;
        for (theirs, ours) in [
            (libc::POLLIN, POLLIN),
            (libc::POLLOUT, POLLOUT),
            (libc::POLLPRI, POLLPRI),
        ] {
            if answer.revents & theirs != 0 {
                *ready |= ours;
            }
        }
        if answer.revents & !known != 0 {
            *ready |= POLLERR;
        }
    }
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
    let parker = wait::parker();
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
    if let Some(teacher) = shareds.first().filter(|first| first.begins_spin()) {
        for shared in &shareds {
            shared.spin(true);
        }
        let outcome = spin(items, ready, deadline, teacher);
        for shared in &shareds {
            shared.spin(false);
        }
        teacher.spin_policy.ended(!matches!(outcome, Ok(0)));
        match outcome {
            Ok(0) => {}
            other => return other,
        }
    }
    if shareds.first().is_some_and(|first| first.is_backing_off()) {
        let check = || match check(items, ready) {
            Ok(0) => None,
            done => Some(done),
        };
        if let Some(done) = wait::sleep_on_streams(&shareds, &parker, deadline, check) {
            return done;
        }
    }
    parker.reset();
    let registrations = Registrations::new(shareds, &parker);
    for shared in &registrations.sockets {
        shared.hand_to_io_thread();
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
        if count > 0 || now >= end || !wait::yield_cpu(teacher, now) {
            return Ok(count);
        }
    }
}

fn sleep(
    items: &[Item],
    ready: &mut [i16],
    deadline: Option<Instant>,
    parker: &crate::sync::parker::Parker,
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

/// The descriptors in the list, and the `ZMQ_FD` of each socket in it.
fn descriptors(items: &[Item]) -> Result<Vec<libc::pollfd>> {
    let mut fds: Vec<libc::pollfd> = items.iter().filter_map(to_pollfd).collect();
    for item in items {
        if let Item::Socket(address, _) = *item {
            let fd = socket::with(address, |socket| socket.shared.event_fd())?;
            fds.push(libc::pollfd {
                fd,
                events: libc::POLLIN,
                revents: 0,
            });
        }
    }
    Ok(fds)
}

fn with_descriptors(
    items: &[Item],
    ready: &mut [i16],
    deadline: Option<Instant>,
    suspends: bool,
) -> Result<usize> {
    let mut fds = descriptors(items)?;
    loop {
        // A `ZMQ_FD` is readable for new mail only: the sockets' state is checked first.
        let count = check(items, ready)?;
        if count > 0 {
            return Ok(count);
        }
        if suspends {
            suspend::suspend(SleepOn::Descriptors(fds), deadline, Box::new(()));
            return Err(Error::Suspended);
        }
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(0);
        }
        let millis = left.map_or(-1, crate::sys::millis_up);
        crate::sys::poll(&mut fds, millis).map_err(|error| match error.raw_os_error() {
            Some(libc::EINTR) => Error::Interrupted,
            _ => error.into(),
        })?;
    }
}
