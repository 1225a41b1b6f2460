//! What a socket and a connection tell each other, through the pipe between them,
//! of the peer.

#![forbid(unsafe_code)]

use super::{PipeEnd, event};
use crate::message::Msg;
use crate::sync::atomic::Ordering;

impl PipeEnd {
    /// The socket does not want the peer: says so, before it closes its end.
    pub fn refuse(&mut self) {
        self.shared.refused.store(true, Ordering::SeqCst);
    }

    /// Whether the socket closed its end because it does not want the peer.
    pub fn is_refused(&self) -> bool {
        self.shared.refused.load(Ordering::SeqCst)
    }

    /// Closes, and takes back what was written: the other end is to read no message
    /// of it that it has not begun.
    pub fn withdraw(&mut self) {
        self.shared.withdrawn.store(true, Ordering::SeqCst);
        self.close();
    }

    /// Whether the other end has closed and taken back what it wrote.
    pub fn is_withdrawn(&self) -> bool {
        self.shared.withdrawn.load(Ordering::SeqCst)
    }

    /// Whether the peer is known to have gone, though its messages may still
    /// come. A connection that has not noticed yet looks now, or soon.
    pub fn has_peer_left(&self) -> bool {
        let left = || self.is_peer_closed() || self.shared.peer_left.load(Ordering::SeqCst);
        left() || {
            self.shared.notify(1 - self.side, event::INQUIRY);
            left()
        }
    }

    /// The connection's answer: whether the peer has gone; what it sent may
    /// still come.
    pub fn set_peer_left(&self, left: bool) {
        self.shared.peer_left.store(left, Ordering::SeqCst);
    }

    /// Drops the messages at the front that `unwanted` names, up to one that lies in
    /// a run.
    pub fn skip_while(&mut self, unwanted: impl Fn(&Msg) -> bool) {
        while self.check_read() && self.rx.item().is_some_and(&unwanted) {
            self.rx.take_item();
        }
    }

    /// Drops the routing id with which the other end introduced itself.
    pub fn skip_routing_id(&mut self) {
        if self.is_introduction_next() {
            self.rx.take_item();
        }
    }
}
