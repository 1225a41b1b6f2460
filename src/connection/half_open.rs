//! The bound on handshakes under way at one listener.
//!
//! A peer that connects and sends nothing holds a descriptor. Beyond the bound the acceptor
//! ends the oldest handshake, if it is older than [`GRACE`], to make room for the next. If
//! none is that old, many peers connect at once, and the acceptor pauses until some have
//! finished.
//!
//! The acceptor's I/O thread and the connections (under their locks) call this. The list
//! has a lock of its own; a connection is evicted after that is released.

#![forbid(unsafe_code)]

use crate::sync::Mutex;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Most handshakes under way at a listener, if the process may have twice as many
/// descriptors.
const MOST: usize = 4096;
/// Age from which a handshake may be ended in favour of another.
const GRACE: Duration = Duration::from_secs(1);

/// A handshake under way: a connection.
pub(super) trait Evict: Send + Sync {
    /// Ends the handshake, unless it is complete.
    fn evict(&self);
}

/// The handshakes under way, oldest first. `count` is that of the tickets that exist;
/// `queue` may hold dead ones.
pub(super) struct HalfOpen {
    count: AtomicUsize,
    queue: Mutex<VecDeque<Weak<Ticket>>>,
}

/// Owned by a connection until its handshake ends, well or badly.
pub(super) struct Ticket {
    place: Arc<HalfOpen>,
    handshake: Weak<dyn Evict>,
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

    /// Adds a handshake. The connection owns the ticket.
    pub(super) fn enter(self: &Arc<Self>, handshake: Weak<dyn Evict>) -> Arc<Ticket> {
        self.count.fetch_add(1, Ordering::Relaxed);
        let ticket = Arc::new(Ticket {
            place: self.clone(),
            handshake,
            since: Instant::now(),
        });
        let mut queue = self.queue.lock();
        if queue.len() == queue.capacity() {
            queue.retain(|ticket| ticket.strong_count() > 0);
        }
        queue.push_back(Arc::downgrade(&ticket));
        ticket
    }

    /// Whether one more connection may be accepted now. Ends old handshakes to make room.
    pub(super) fn has_room(&self) -> bool {
        // At most half of the descriptors that the process may have: the rest is for
        // established connections and for the program.
        let most = (crate::sys::descriptor_limit() / 2).clamp(1, MOST);
        while self.count.load(Ordering::Relaxed) >= most {
            if !self.shed() {
                return false;
            }
        }
        true
    }

    /// Ends the oldest handshake, if it is older than [`GRACE`]. False if there is none.
    pub(super) fn shed(&self) -> bool {
        let Some(oldest) = self.take_old() else {
            return false;
        };
        let handshake = oldest.handshake.upgrade();
        drop(oldest);
        if let Some(handshake) = handshake {
            handshake.evict();
        }
        true
    }

    /// Takes the oldest handshake, if it is older than [`GRACE`].
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
