//! Whom `zmq_ctx_term` waits for, for the log.

#![forbid(unsafe_code)]

use super::context::Core;
use super::shared::Shared;
use crate::sys::log::{Level, Origin, enabled, log};
use std::fmt::Write;
use std::sync::Arc;
use std::sync::Weak;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// How long a wait lasts before it is worth a line, and before each further one.
const FIRST: Duration = Duration::from_secs(1);
const NEXT: Duration = Duration::from_secs(10);
/// Sockets that a line names.
const NAMED: usize = 8;

/// A name in the log for a new context.
pub(super) fn origin() -> Origin {
    static CONTEXTS: AtomicU32 = AtomicU32::new(0);
    Origin {
        kind: "context",
        number: CONTEXTS.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
    }
}

/// When a wait that begins now is to be told of; `None`: never.
pub(super) fn first_report() -> Option<Instant> {
    enabled(Level::Warn).then(|| Instant::now() + FIRST)
}

impl Core {
    /// A socket was closed: it may be waited for all the same.
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

    /// The line, and when to write the next.
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
