//! What the sleeps in a call on one socket and in `zmq_poll` have in common.

#![forbid(unsafe_code)]

use super::shared::Shared;
#[cfg(not(loom))]
use crate::error::Error;
use crate::error::Result;
use crate::sync::parker::Parker;
#[cfg(not(loom))]
use crate::sync::parker::Wake;
use std::sync::Arc;
use std::time::Instant;

/// Sockets with which a parker is registered, until this is dropped.
pub struct Registrations {
    /// The sockets.
    pub sockets: Vec<Arc<Shared>>,
    /// The parker.
    pub parker: Arc<Parker>,
}

impl Registrations {
    /// Registers. The caller then rechecks the sockets.
    pub fn new(sockets: Vec<Arc<Shared>>, parker: &Arc<Parker>) -> Registrations {
        let parker = parker.clone();
        for socket in &sockets {
            socket.mail.waiters.prepare(&parker);
        }
        Registrations { sockets, parker }
    }
}

impl Drop for Registrations {
    fn drop(&mut self) {
        for socket in &self.sockets {
            socket.mail.waiters.cancel(&self.parker);
        }
    }
}

/// For an oversubscribed CPU: sleeps in `poll` on the sockets' caller-driven streams, for
/// 10 ms at most, until `check` finds something. The kernel then wakes this thread when
/// data arrives, mostly on the processor of the sender, which is about to sleep. A wake-up
/// through the I/O thread would wait for a time slice twice: for that thread, then for
/// this one, on another processor. `None`: nothing was found, the caller parks.
#[cfg(not(loom))]
pub fn sleep_on_streams<R>(
    sockets: &[Arc<Shared>],
    parker: &Arc<Parker>,
    deadline: Option<Instant>,
    mut check: impl FnMut() -> Option<Result<R>>,
) -> Option<Result<R>> {
    use crate::io_policy::tunables::{STREAM_SLEEP, STREAM_SLEEP_WAKES};
    parker.reset();
    for socket in sockets {
        socket.mail.waiters.prepare(parker);
        socket.caller_driven.spin(true);
    }
    let end = Instant::now() + STREAM_SLEEP;
    let end = deadline.map_or(end, |at| at.min(end));
    let mut outcome = None;
    for _ in 0..STREAM_SLEEP_WAKES {
        // Recheck after the registration: a command sent before it woke no thread.
        let streams: Vec<_> = sockets
            .iter()
            .flat_map(|one| one.caller_driven.streams())
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
            socket.caller_driven.drive_inputs();
        }
    }
    for socket in sockets {
        socket.caller_driven.spin(false);
        socket.mail.waiters.cancel(parker);
    }
    outcome
}

/// A loom model has no such sleep: the caller parks.
#[cfg(loom)]
pub fn sleep_on_streams<R>(
    _sockets: &[Arc<Shared>],
    _parker: &Arc<Parker>,
    _deadline: Option<Instant>,
    _check: impl FnMut() -> Option<Result<R>>,
) -> Option<Result<R>> {
    None
}
