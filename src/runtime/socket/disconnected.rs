//! Unread messages of disconnected peers, and the bounds on them.
//!
//! The messages stay for the application to read. If there are too many disconnected
//! peers with unread messages, or too many bytes of these, the pipes of the peers that
//! disconnected first are dropped. A REP keeps fewer, because its answers would have no
//! destination. The messages of the last peer are kept whatever their size, as they would
//! be if the peer were still connected. Peers over inproc belong to this process and are
//! not bounded, and `ZMQ_RCVHWM` 0 asks for no bound.
//!
//! Used under the socket's lock. Disconnects that are still in the mail are counted by
//! `PendingDisconnects` in `shared/peers.rs`.

#![forbid(unsafe_code)]

use crate::pipe::{PipeId, Pipes};
use std::collections::{HashMap, VecDeque};

/// The largest number of disconnected peers whose messages are kept, by a REP and by others.
const MAX_PEERS_OF_REP: usize = 1000;
const MAX_PEERS: usize = 10_000;
/// The largest number of bytes kept. Each message counts as 64 bytes more, each peer as
/// `PEER_COST` more.
const MAX_BYTES: u64 = 256 << 20;
const PEER_COST: u64 = 4096;

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
    /// Adds a pipe whose peer has disconnected, with its number of unread bytes.
    pub(super) fn add(&mut self, id: PipeId, bytes: u64) {
        let bytes = bytes + PEER_COST;
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

    /// Removes a pipe.
    pub(super) fn remove(&mut self, id: PipeId) {
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

    /// The pipe that is to be dropped, with its number of unread parts, if the bounds are
    /// exceeded: the oldest. `answers`: the socket is a REP.
    pub(super) fn beyond_bounds(
        &mut self,
        pipes: &mut Pipes,
        answers: bool,
    ) -> Option<(PipeId, usize)> {
        let max = if answers { MAX_PEERS_OF_REP } else { MAX_PEERS };
        while self.is_too_much(max) {
            let oldest = self.oldest()?;
            let Some(end) = pipes.get(oldest) else {
                self.remove(oldest);
                continue;
            };
            let (bytes, parts) = (end.unread_bytes() + PEER_COST, end.unread());
            self.renew(oldest, bytes);
            if self.is_too_much(max) {
                return Some((oldest, parts));
            }
        }
        None
    }
}
