//! The engines of a socket, from their begin to their end, lingering ones included.
//!
//! Invariant: an engine that opens after [`stop`](Peers::stop) stops at once, and what
//! [`close`](Peers::close) or [`remove`](Peers::remove) finds to be the last is reported once:
//! `stopping` and `closed` are stored and loaded under the lock of the list.

#![forbid(unsafe_code)]

use crate::connection::engine::{self, Engine};
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU64, Ordering};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::Arc;

/// How many engines a call drives for a socket that has many.
const SOME: usize = 16;

#[derive(Default)]
struct List {
    engines: HashMap<usize, Arc<dyn Engine>>,
    /// Set before the engines are stopped; one that opens later stops at once.
    stopping: bool,
    /// The socket is closed; engines may still linger.
    closed: bool,
}

/// See the module.
#[derive(Default)]
pub struct Peers {
    list: Mutex<List>,
    /// Peers whose disconnect is still in the mailbox.
    pub pending_disconnects: PendingDisconnects,
}

impl Peers {
    /// Adds an engine. True if the socket is closing, and the engine is to stop: it was accepted
    /// meanwhile, and [`stop`](Self::stop) did not find it.
    pub(super) fn add(&self, engine: Arc<dyn Engine>) -> bool {
        let mut list = self.list.lock();
        list.engines.insert(engine::address(&*engine), engine);
        list.stopping
    }

    /// Removes the engine at an address: whether it was there, and whether it was the last one
    /// of a closed socket.
    pub(super) fn remove(&self, address: usize) -> (bool, bool) {
        let mut list = self.list.lock();
        let removed = list.engines.remove(&address);
        let last = list.engines.is_empty() && list.closed;
        drop(list);
        (removed.is_some(), last)
    }

    /// The socket is closed. True if there is no engine left.
    pub(super) fn close(&self) -> bool {
        let mut list = self.list.lock();
        list.closed = true;
        list.engines.is_empty()
    }

    /// Stops all engines: each sends what is queued, within the linger time, and ends.
    pub fn stop(&self) {
        let mut list = self.list.lock();
        list.stopping = true;
        let all: Vec<_> = list.engines.values().cloned().collect();
        drop(list);
        for engine in all {
            engine.stop();
        }
    }

    fn some(&self) -> SmallVec<[Arc<dyn Engine>; SOME]> {
        let list = self.list.lock();
        list.engines.values().take(SOME).cloned().collect()
    }

    /// Flushes up to [`SOME`] engines.
    pub fn push_outputs(&self) {
        for engine in &self.some() {
            engine.push_output();
        }
    }

    /// Reads up to [`SOME`] of the engines, caller-driven or not, with no socket locked.
    pub fn settle_inputs(&self) {
        for engine in &self.some() {
            engine.settle();
        }
    }

    /// Whether there are engines, lingering ones included.
    pub fn is_any(&self) -> bool {
        !self.list.lock().engines.is_empty()
    }

    /// About how many parts of messages the engines have yet to send.
    pub fn unsent(&self) -> usize {
        let engines: Vec<_> = self.list.lock().engines.values().cloned().collect();
        engines.iter().map(|engine| engine.unsent()).sum()
    }
}

/// An I/O thread reads the mail of a socket that makes no calls when the pending
/// disconnects reach this number of bytes, each peer counting as [`PENDING_COST`] more.
const PENDING_LIMIT: u64 = 1 << 20;
const PENDING_COST: u64 = 16 << 10;

/// Unread bytes of the peers whose disconnect is still in the mailbox.
#[derive(Default)]
pub struct PendingDisconnects(AtomicU64);

impl PendingDisconnects {
    /// Adds a peer, whose disconnect was put into the mailbox before. True if the mail must not
    /// wait for the application's next call.
    pub(super) fn add(&self, bytes: u64) -> bool {
        let added = bytes.saturating_add(PENDING_COST);
        let before = || self.0.fetch_add(added, Ordering::SeqCst);
        bytes != 0 && before().saturating_add(added) >= PENDING_LIMIT
    }

    /// To be called before the mail is read.
    pub fn clear(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::SeqCst);
        }
    }
}
