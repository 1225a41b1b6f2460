//! What a socket and its connection report to each other about the peer, through the pipe between
//! them. Each flag is set before the close that announces it, whose event orders it, or may be seen
//! late; so all are Relaxed.

#![forbid(unsafe_code)]

use super::{PipeEnd, event};
use crate::message::Msg;
use crate::sync::atomic::Ordering;

impl PipeEnd {
    /// The socket rejects the peer. Called before it closes its end.
    pub fn refuse(&mut self) {
        self.shared.refused.store(true, Ordering::Relaxed);
    }

    /// Whether the socket closed its end because it rejects the peer.
    pub fn is_refused(&self) -> bool {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Closes, and takes back what was written: the other end reads no further message, except the
    /// rest of one that it has begun.
    pub fn withdraw(&mut self) {
        self.shared.withdrawn.store(true, Ordering::Relaxed);
        self.close();
    }

    /// Whether the other end has closed and taken back what it wrote.
    pub fn is_withdrawn(&self) -> bool {
        self.shared.withdrawn.load(Ordering::Relaxed)
    }

    /// Whether the peer is known to have disconnected; its messages may still come. If it is not
    /// known yet, the connection is sent an inquiry, and checks now or soon.
    pub fn has_peer_left(&self) -> bool {
        let left = || self.is_peer_closed() || self.shared.peer_left.load(Ordering::Relaxed);
        left() || {
            self.shared.notify(1 - self.side, event::INQUIRY);
            left()
        }
    }

    /// The connection's answer to an inquiry: whether the peer has disconnected; what it sent may
    /// still come.
    pub fn set_peer_left(&self, left: bool) {
        self.shared.peer_left.store(left, Ordering::Relaxed);
    }

    /// Drops the messages at the front for which `unwanted` is true, up to one that is in a run.
    pub fn skip_while(&mut self, unwanted: impl Fn(&Msg) -> bool) {
        while self.check_read() && self.rx.item().is_some_and(&unwanted) {
            self.rx.take_item();
        }
    }

    /// Drops the routing id that the other end sent first, if it is next.
    pub fn skip_routing_id(&mut self) {
        if self.is_introduction_next() {
            self.rx.take_item();
        }
    }
}
