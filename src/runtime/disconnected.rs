//! What peers leave unread when they go.
//!
//! It stays for the application to read, but not without bound: when there are
//! too many departed peers, or too many bytes of theirs, the messages of those
//! that left first are dropped. A REP keeps less than others, because its answers
//! have no destination. What the last one left is kept whatever its size, as it
//! would be if its peer were still there.
//!
//! Peers over inproc are the process itself, and `ZMQ_RCVHWM` 0 asks for no bound.

#![forbid(unsafe_code)]

use super::shared::Shared;
use super::socket::Socket;
use crate::connection::Link;
use crate::pattern::Pattern;
use crate::pipe::PipeId;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};

/// Departed peers whose messages are kept, by a REP and by others.
const MOST_OF_REP: usize = 1000;
const MOST: usize = 10_000;
/// Bytes of theirs, where a message counts as 64 more, and a peer as so many.
const MOST_BYTES: u64 = 256 << 20;
const PEER: u64 = 4096;

/// An I/O thread reads the mail of a socket that makes no calls when departed peers
/// have left so many bytes, each peer counting as [`PENDING_COST`] more.
const HEARING: u64 = 1 << 20;
const PENDING_COST: u64 = 16 << 10;

/// Departed peers whose end is in the mail, in bytes.
#[derive(Default)]
pub(super) struct PendingDisconnects(AtomicU64);

impl PendingDisconnects {
    /// One more, after its end was put into the mail of the socket.
    pub(super) fn add(&self, bytes: u64, shared: &Shared) {
        if bytes == 0 {
            return;
        }
        let added = bytes.saturating_add(PENDING_COST);
        if self
            .0
            .fetch_add(added, Ordering::SeqCst)
            .saturating_add(added)
            >= HEARING
        {
            shared.defer_mail();
        }
    }

    /// The mail is about to be read.
    pub(super) fn clear(&self) {
        if self.0.load(Ordering::Relaxed) != 0 {
            self.0.store(0, Ordering::SeqCst);
        }
    }
}

/// Departed peers with messages that are not read, in the order in which they left.
#[derive(Default)]
pub(super) struct Disconnected {
    /// With numbers; those that are not in `bytes` any more are gone.
    order: VecDeque<(PipeId, u64)>,
    /// Number and bytes of each.
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

    /// The one that left first.
    fn oldest(&mut self) -> Option<PipeId> {
        loop {
            let (id, number) = *self.order.front()?;
            if self.bytes.get(&id).is_some_and(|(here, _)| *here == number) {
                return Some(id);
            }
            self.order.pop_front();
        }
    }

    /// Some of what it left was read.
    fn renew(&mut self, id: PipeId, bytes: u64) {
        if let Some((_, before)) = self.bytes.get_mut(&id) {
            self.total = self.total - *before + bytes;
            *before = bytes;
        }
    }

    fn is_too_much(&self, most: usize) -> bool {
        self.bytes.len() > most || (self.bytes.len() > 1 && self.total > MOST_BYTES)
    }
}

impl Socket {
    /// A peer has gone, and its pipe has messages left.
    pub(super) fn add_disconnected(&mut self, id: PipeId) {
        let answers = self.pattern.forgets_disconnected();
        let Some(end) = self.pipes.get(id) else {
            return;
        };
        if !answers && (end.is_between_sockets() || self.options.rcvhwm == 0) {
            return;
        }
        self.disconnected.add(id, end.unread_bytes() + PEER);
        let most = if answers { MOST_OF_REP } else { MOST };
        while self.disconnected.is_too_much(most) {
            let Some(oldest) = self.disconnected.oldest() else {
                return;
            };
            let Some(end) = self.pipes.get(oldest) else {
                self.disconnected.remove(oldest);
                continue;
            };
            let (bytes, parts) = (end.unread_bytes() + PEER, end.unread());
            self.disconnected.renew(oldest, bytes);
            if self.disconnected.is_too_much(most) {
                self.count_forgotten(parts as u64);
                self.detach(oldest);
            }
        }
    }

    /// Ends a pipe that the pattern has forgotten.
    pub(super) fn remove_pipe(&mut self, id: PipeId) {
        self.pipes.remove(id);
        self.disconnected.remove(id);
    }
}
