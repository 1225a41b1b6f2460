//! The socket's log lines about dropped messages: one in [`INTERVAL`] for each reason.

#![forbid(unsafe_code)]

use crate::sys::log::{Level, Origin, enabled, log};
use std::time::{Duration, Instant};

/// Shortest interval between two log lines about drops for one reason. Each line has the
/// number of drops since the last.
const INTERVAL: Duration = Duration::from_secs(1);

/// Drops for one reason since the last log line, and the time of that line.
#[derive(Default)]
struct Tally {
    count: u64,
    logged: Option<Instant>,
}

/// Why messages were dropped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// The peer's pipe is full.
    Full,
    /// No peer has this routing id.
    Unroutable,
    /// Their senders have disconnected, and too much of disconnected peers is unread.
    Disconnected,
}

/// Dropped messages of a socket, by [`Reason`].
#[derive(Default)]
pub(super) struct Drops([Tally; 3]);

impl Drops {
    /// Counts dropped messages (parts, for [`Reason::Disconnected`]). `hwm`: `ZMQ_SNDHWM`.
    pub(super) fn count(&mut self, why: Reason, messages: u64, origin: Origin, hwm: i32) {
        if !enabled(Level::Warn) {
            return;
        }
        let tally = &mut self.0[why as usize];
        tally.count += messages;
        let now = Instant::now();
        if tally.logged.is_none_or(|logged| now - logged >= INTERVAL) {
            tally.logged = Some(now);
            self.log(why, origin, hwm);
        }
    }

    fn log(&mut self, why: Reason, origin: Origin, hwm: i32) {
        let count = match std::mem::take(&mut self.0[why as usize].count) {
            0 => return,
            count => count,
        };
        match why {
            Reason::Full => log!(
                Warn,
                origin,
                "messages dropped: the queue of a peer is full, ZMQ_SNDHWM {hwm} ({count} times)"
            ),
            Reason::Unroutable => log!(
                Warn,
                origin,
                "messages dropped: no peer has this routing id ({count} times)"
            ),
            Reason::Disconnected => log!(
                Warn,
                origin,
                "{count} unread message parts dropped: disconnected peers have left too much, the oldest go first"
            ),
        }
    }

    /// Logs the drops that were counted since the last line, when the socket closes.
    pub(super) fn log_last(&mut self, origin: Origin, hwm: i32) {
        for why in [Reason::Full, Reason::Unroutable, Reason::Disconnected] {
            self.log(why, origin, hwm);
        }
    }
}
