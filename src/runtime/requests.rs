//! Requests of a pattern to its socket, and the socket's log lines about drops and options.
//!
//! A pattern, called under the socket's lock, appends [`Request`]s to a list. The socket
//! acts on them when the pattern's call returns, under the same lock: it closes pipes, and
//! counts dropped messages, which it logs once in [`INTERVAL`] for each reason.

#![forbid(unsafe_code)]

use super::socket::Socket;
use crate::abi::socket_type::SocketType;
use crate::error::Result;
use crate::options::{Named, Options, When};
use crate::pattern::Request;
use crate::sys::cancel::Shield;
use crate::sys::log::{Level, Origin, enabled, log};
use std::sync::atomic::{AtomicU32, Ordering};
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
enum Reason {
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

/// The name in the log for a new socket: its type and a number.
pub(super) fn origin(kind: SocketType) -> Origin {
    static SOCKETS: AtomicU32 = AtomicU32::new(0);
    Origin {
        kind: kind.name(),
        number: SOCKETS.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
    }
}

impl Socket {
    #[cold]
    pub(super) fn act_on_requests(&mut self) {
        let _shield = Shield::new();
        while let Some(note) = self.requests.pop() {
            match note {
                Request::Close(pipe) => self.detach(pipe),
                Request::Full => self.count(Reason::Full, 1),
                Request::Unroutable => self.count(Reason::Unroutable, 1),
            }
        }
    }

    /// Counts dropped message parts of disconnected peers.
    pub(super) fn count_forgotten(&mut self, parts: u64) {
        self.count(Reason::Disconnected, parts);
    }

    fn count(&mut self, why: Reason, messages: u64) {
        if !enabled(Level::Warn) {
            return;
        }
        let tally = &mut self.drops.0[why as usize];
        tally.count += messages;
        let now = Instant::now();
        if tally.logged.is_none_or(|logged| now - logged >= INTERVAL) {
            tally.logged = Some(now);
            self.log_drops(why);
        }
    }

    fn log_drops(&mut self, why: Reason) {
        let count = match std::mem::take(&mut self.drops.0[why as usize].count) {
            0 => return,
            count => count,
        };
        let (origin, hwm) = (self.shared.origin, self.options.sndhwm);
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

    /// Sets an option and logs that, without the value, which may be secret.
    pub(super) fn set_option_and_log(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        let (origin, result) = (self.shared.origin, self.set_option(option, value));
        let name = Named(option);
        let when = Options::when(option).map_or("with effect at once", When::text);
        match result {
            Ok(()) => log!(Trace, origin, "{name} is set, {when}"),
            Err(error) => log!(Warn, origin, "{name} is refused: {error}"),
        }
        result
    }

    /// Logs the drops that were counted since the last line, when the socket closes.
    pub(super) fn log_last_drops(&mut self) {
        for why in [Reason::Full, Reason::Unroutable, Reason::Disconnected] {
            self.log_drops(why);
        }
    }
}
