//! Handshakes under way at one listener, and how many there may be.
//!
//! Anybody can connect and then say nothing. Beyond a bound the oldest handshake
//! gives way to the next, if it has had the time that an honest one needs; if
//! none is that old, this is a rush of honest peers, and the listener lets them
//! finish before it accepts more.

#![forbid(unsafe_code)]

use super::Connection;
use crate::sync::Mutex;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Most handshakes under way, where the process may have descriptors enough.
const MOST: usize = 4096;
/// How long a handshake may take when there are too many.
const GRACE: Duration = Duration::from_secs(1);

/// The handshakes under way, oldest first.
pub(super) struct HalfOpen {
    count: AtomicUsize,
    queue: Mutex<VecDeque<Weak<Ticket>>>,
}

/// Held by a connection for as long as its handshake is not done.
pub(super) struct Ticket {
    place: Arc<HalfOpen>,
    connection: Weak<Connection>,
    since: Instant,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.place.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl HalfOpen {
    pub(super) fn new() -> Arc<HalfOpen> {
        Arc::new(HalfOpen {
            count: AtomicUsize::new(0),
            queue: Mutex::default(),
        })
    }

    /// One more. The connection keeps what comes back.
    pub(super) fn enter(self: &Arc<Self>, connection: &Arc<Connection>) -> Arc<Ticket> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let ticket = Arc::new(Ticket {
            place: self.clone(),
            connection: Arc::downgrade(connection),
            since: Instant::now(),
        });
        let mut queue = self.queue.lock();
        if queue.len() == queue.capacity() {
            queue.retain(|ticket| ticket.strong_count() > 0);
        }
        queue.push_back(Arc::downgrade(&ticket));
        ticket
    }

    /// Whether one more may be accepted now; sees to it that old ones go.
    pub(super) fn has_room(&self) -> bool {
        // At most half of the descriptors that the process may have: the rest is
        // for those who have shown who they are, and for the host.
        let most = (crate::sys::descriptor_limit() / 2).clamp(1, MOST);
        while self.count.load(Ordering::Relaxed) >= most {
            if !self.shed() {
                return false;
            }
        }
        true
    }

    /// Ends the oldest handshake, if it has had its time.
    pub(super) fn shed(&self) -> bool {
        let Some(oldest) = self.take_old() else {
            return false;
        };
        let connection = oldest.connection.upgrade();
        drop(oldest);
        if let Some(connection) = connection {
            connection.evict();
        }
        true
    }

    /// The oldest handshake, if it has had its time.
    fn take_old(&self) -> Option<Arc<Ticket>> {
        let mut queue = self.queue.lock();
        loop {
            let Some(oldest) = queue.front()?.upgrade() else {
                queue.pop_front();
                continue;
            };
            if oldest.since.elapsed() < GRACE {
                return None;
            }
            queue.pop_front();
            return Some(oldest);
        }
    }
}
