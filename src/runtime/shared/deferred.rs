//! Deferred work: a socket's mail that must not wait for the application's next call, and
//! work that is too long for one call.
//!
//! A new peer must get the socket's subscriptions even if the application makes no call.
//! A million subscriptions that arrive, or end with their peer, are a second's work:
//! each call on the socket does a slice of that backlog. For both, a worker in an I/O thread
//! takes the socket's slot by try-lock up to [`SLICES`] times a millisecond and reads the mail,
//! while the application is not in the socket. There is one worker at most: it is due, and
//! no longer when it finds nothing left. Then it rechecks, so that mail which arrives at the end
//! is not lost.

#![forbid(unsafe_code)]

use super::mail::{Mail, Reading};
use crate::sync::atomic::{AtomicU32, Ordering};
use crate::sync::event_count::Due;

/// The retry budget after a backlog, in checks.
const RETRY_BUDGET: u32 = 200;

/// Checks per tick of the I/O thread, which is a millisecond.
pub const SLICES: u32 = 4;

/// The state of a socket's deferred work.
#[derive(Default)]
pub struct DeferredWork {
    /// A worker is scheduled that has yet to read the mail.
    pub(super) due: Due,
    /// The rest of the retry budget: checks that the worker still makes although the
    /// backlog is empty, because more of it tends to arrive in portions.
    retries: AtomicU32,
}

impl DeferredWork {
    /// Reads the mail once, if the socket's lock is free. True if nothing is left to do;
    /// false to be called again: there is more, or another thread holds the lock.
    pub fn work_off(&self, mail: &Mail) -> bool {
        let retries = self.retries.load(Ordering::Relaxed);
        let had_mail = mail.has_commands();
        let (any, backlog) = match mail.try_read() {
            Reading::Busy => return false,
            Reading::Gone => return true,
            Reading::Done { any, backlog } => (any, backlog),
        };
        let left = match backlog || any && retries > 0 {
            true => RETRY_BUDGET,
            false => retries.saturating_sub(1),
        };
        self.retries.store(left, Ordering::Relaxed);
        // No longer due, then recheck: mail that arrives from here on either finds it so, and
        // schedules a worker of its own, or is seen here.
        let done = left == 0 && {
            self.due.begin();
            !mail.has_commands() || !self.due.request()
        };
        if had_mail {
            mail.request_check();
        }
        done
    }
}
