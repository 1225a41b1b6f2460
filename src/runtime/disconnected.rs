//! Unread messages of disconnected peers, and the bounds on them.
//!
//! The messages stay for the application to read. If there are too many disconnected
//! peers with unread messages, or too many bytes of these, the pipes of the peers that
//! disconnected first are dropped. A REP keeps fewer, because its answers would have no
//! destination. The messages of the last peer are kept whatever their size, as they would
//! be if the peer were still connected. Peers over inproc belong to this process and are
//! not bounded, and `ZMQ_RCVHWM` 0 asks for no bound.
//!
//! [`Disconnected`] is used under the socket's lock; [`PendingDisconnects`] by the
//! connections, without it.

#![forbid(unsafe_code)]

use super::shared::Shared;
use super::socket::Socket;
use crate::connection::Driving;
use crate::pattern::Pattern;
use crate::pipe::PipeId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

/// The largest number of disconnected peers whose messages are kept, by a REP and by others.
const MAX_PEERS_OF_REP: usize = 1000;
const MAX_PEERS: usize = 10_000;
/// The largest number of bytes kept. Each message counts as 64 bytes more, each peer as
/// `PEER_COST` more.
const MAX_BYTES: u64 = 256 << 20;
const PEER_COST: u64 = 4096;

/// An I/O thread reads the mail of a socket that makes no calls when the pending
/// disconnects reach this number of bytes, each peer counting as [`PENDING_COST`] more.
const PENDING_LIMIT: u64 = 1 << 20;
const PENDING_COST: u64 = 16 << 10;

/// Unread bytes of the peers whose disconnect is still in the mailbox.
#[derive(Default)]
pub(super) struct PendingDisconnects(AtomicU64);

impl PendingDisconnects {
    /// Adds a peer, whose disconnect was put into the mailbox before.
    pub(super) fn add(&self, bytes: u64, shared: &Shared) {
        if bytes == 0 {
            return;
        }
        let added = bytes.saturating_add(PENDING_COST);
        if self
            .0
            .fetch_add(added, Ordering::SeqCst)
            .saturating_add(added)
            >= PENDING_LIMIT
        {
            shared.defer_mail();
        }
    }

    /// To be called before the mail is read.
    pub(super) fn clear(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::SeqCst);
        }
    }
}

/// Disconnected peers with unread messages, in the order of their disconnects.
#[derive(Default)]
pub(super) struct Disconnected {
    /// Pipes and the numbers of their disconnects. An entry whose number is not in `bytes`
    /// is stale.
    order: VecDeque<(PipeId, u64)>,
    /// Number of the disconnect, and unread bytes.
    bytes: HashMap<PipeId, (u64, u64)>,
    total: u64,
    next: u64,
}

impl Disconnected {
    fn add(&mut self, id: PipeId, bytes: u64) {
        self.remove(id);
        if self.order.len() > 2 * self.bytes.len() + 64 {
            let known = &self.bytes;
            self.order
                .retain(|(id, number)| known.get(id).is_some_and(|(here, _)| here == number));
        }
        self.next += 1;
        self.total += bytes;
        self.bytes.insert(id, (self.next, bytes));
        self.order.push_back((id, self.next));
    }

    fn remove(&mut self, id: PipeId) {
        if let Some((_, bytes)) = self.bytes.remove(&id) {
            self.total -= bytes;
        }
    }

    /// The pipe of the peer that disconnected first; drops stale entries before it.
    fn oldest(&mut self) -> Option<PipeId> {
        loop {
            let (id, number) = *self.order.front()?;
            if self.bytes.get(&id).is_some_and(|(here, _)| *here == number) {
                return Some(id);
            }
            self.order.pop_front();
        }
    }

    /// Updates the number of unread bytes of a pipe.
    fn renew(&mut self, id: PipeId, bytes: u64) {
        if let Some((_, before)) = self.bytes.get_mut(&id) {
            self.total = self.total - *before + bytes;
            *before = bytes;
        }
    }

    fn is_too_much(&self, max: usize) -> bool {
        self.bytes.len() > max || (self.bytes.len() > 1 && self.total > MAX_BYTES)
    }
}

impl Socket {
    /// Adds a pipe whose peer has disconnected and which has unread messages; drops the
    /// oldest ones beyond the bounds.
    pub(super) fn add_disconnected(&mut self, id: PipeId) {
        let answers = self.pattern.forgets_disconnected();
        let Some(end) = self.pipes.get(id) else {
            return;
        };
        if !answers && (end.is_between_sockets() || self.options.rcvhwm == 0) {
            return;
        }
        self.disconnected.add(id, end.unread_bytes() + PEER_COST);
        let max = if answers { MAX_PEERS_OF_REP } else { MAX_PEERS };
        while self.disconnected.is_too_much(max) {
            let Some(oldest) = self.disconnected.oldest() else {
                return;
            };
            let Some(end) = self.pipes.get(oldest) else {
                self.disconnected.remove(oldest);
                continue;
            };
            let (bytes, parts) = (end.unread_bytes() + PEER_COST, end.unread());
            self.disconnected.renew(oldest, bytes);
            if self.disconnected.is_too_much(max) {
                self.count_forgotten(parts as u64);
                self.detach(oldest);
            }
        }
    }

    /// Removes a pipe that the pattern has detached.
    pub(super) fn remove_pipe(&mut self, id: PipeId) {
        self.pipes.remove(id);
        self.disconnected.remove(id);
    }
}
