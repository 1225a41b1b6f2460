//! The log lines about the sockets that `zmq_ctx_term` waits for.
//!
//! A socket is named if it is open, or closed with connections that linger. The thread in
//! `zmq_ctx_term` writes the line, [`FIRST`] after its wait began and every [`NEXT`] from
//! then on, with no lock held.

#![forbid(unsafe_code)]

use super::member::Member;
use crate::sync::Mutex;
use crate::sys::log::{Level, Origin, enabled, log};
use std::fmt::Write;
// Not from sync::atomic: a static, which loom's types cannot be in.
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// The time before the first line about a wait, and between further lines.
const FIRST: Duration = Duration::from_secs(1);
const NEXT: Duration = Duration::from_secs(10);
/// The largest number of open, and of closed, sockets that a line names.
const NAMED: usize = 8;

/// The name in the log for a new context.
pub(super) fn origin() -> Origin {
    static CONTEXTS: AtomicU32 = AtomicU32::new(0);
    Origin {
        kind: "context",
        number: CONTEXTS.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
    }
}

/// When to log a wait that begins now; `None`: never.
pub(super) fn first_report() -> Option<Instant> {
    enabled(Level::Warn).then(|| Instant::now() + FIRST)
}

/// Closed sockets that had connections left when they were closed.
#[derive(Default)]
pub(super) struct Lingering(Mutex<Vec<Weak<dyn Member>>>);

impl Lingering {
    /// Adds a closed socket, if it still has connections. The list is pruned when it is full.
    pub(super) fn add(&self, socket: &Arc<dyn Member>) {
        if !enabled(Level::Warn) || !socket.has_connections() {
            return;
        }
        let mut lingering = self.0.lock();
        if lingering.len() == lingering.capacity() {
            lingering.retain(|socket| socket.strong_count() > 0);
        }
        lingering.push(Arc::downgrade(socket));
    }

    /// Logs a line about these and the open sockets. Returns when to log the next.
    #[cold]
    pub(super) fn report(&self, origin: Origin, open: &[Arc<dyn Member>]) -> Option<Instant> {
        let closed: Vec<_> = self.0.lock().iter().filter_map(Weak::upgrade).collect();
        let closed: Vec<_> = closed
            .iter()
            .filter(|socket| socket.has_connections())
            .collect();
        let mut list = String::new();
        for socket in open.iter().take(NAMED) {
            let _ = write!(list, " {} not closed,", socket.log_name());
        }
        for socket in closed.iter().take(NAMED) {
            let (origin, count) = (socket.log_name(), socket.unsent());
            let _ = write!(list, " {origin} with {count} unsent message parts,");
        }
        let (list, count) = (list.trim_end_matches(','), open.len() + closed.len());
        log!(
            Warn,
            origin,
            "zmq_ctx_term waits for {count} sockets:{list}"
        );
        Some(Instant::now() + NEXT)
    }
}
