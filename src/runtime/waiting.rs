//! The log lines about the sockets that `zmq_ctx_term` waits for.
//!
//! A socket is named if it is open, or closed with connections that linger. The thread in
//! `zmq_ctx_term` writes the line, [`FIRST`] after its wait began and every [`NEXT`] from
//! then on, with no lock held.

#![forbid(unsafe_code)]

use super::context::Core;
use super::shared::Shared;
use crate::sys::log::{Level, Origin, enabled, log};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicU32, Ordering};
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

impl Core {
    /// Remembers a closed socket that still has connections. The list is pruned when it is
    /// full.
    pub(super) fn add_lingering(&self, shared: &Arc<Shared>) {
        if !enabled(Level::Warn) || !shared.has_connections() {
            return;
        }
        let mut lingering = self.lingering.lock();
        if lingering.len() == lingering.capacity() {
            lingering.retain(|socket| socket.strong_count() > 0);
        }
        lingering.push(Arc::downgrade(shared));
    }

    /// Logs a line. Returns when to log the next.
    #[cold]
    pub(super) fn log_pending_sockets(&self) -> Option<Instant> {
        let open = self.open_sockets();
        let closed: Vec<_> = self
            .lingering
            .lock()
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        let closed: Vec<_> = closed
            .iter()
            .filter(|socket| socket.has_connections())
            .collect();
        let mut list = String::new();
        for socket in open.iter().take(NAMED) {
            let _ = write!(list, " {} not closed,", socket.origin);
        }
        for socket in closed.iter().take(NAMED) {
            let (origin, count) = (socket.origin, socket.unsent());
            let _ = write!(list, " {origin} with {count} unsent message parts,");
        }
        let (list, count) = (list.trim_end_matches(','), open.len() + closed.len());
        log!(
            Warn,
            self.origin,
            "zmq_ctx_term waits for {count} sockets:{list}"
        );
        Some(Instant::now() + NEXT)
    }
}
