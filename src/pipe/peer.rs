//! What a socket and its connection report to each other about the peer, through the pipe between
//! them. Each flag is set before the close that announces it, whose event orders it, or may be seen
//! late; so all are Relaxed.

#![forbid(unsafe_code)]

use super::end::PipeEnd;
use super::event;
use super::parts::Part;
use crate::message::{Msg, flag};
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

    /// Has the other end, which belongs to a socket, write this as its last message when it closes
    /// (`ZMQ_DISCONNECT_MSG` over inproc). Once for a pipe; empty for none.
    pub fn set_farewell(&self, message: &[u8]) {
        if !message.is_empty() {
            let _ = self.shared.farewell.set((1 - self.side, message.into()));
        }
    }

    /// Writes the farewell, if this end is to: past the high-water mark, in place of an unfinished
    /// message. Without memory it is not written.
    pub(super) fn write_farewell(&mut self) {
        let shared = self.shared.clone();
        if let Some((side, message)) = shared.farewell.get() {
            if *side == self.side && !self.is_withdrawn() {
                self.rollback();
                if let Ok(msg) = Msg::copy_from(message) {
                    self.write_unchecked(msg);
                }
            }
        }
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
        while self.check_read() && self.next_is(&unwanted) {
            self.take_part();
        }
    }

    /// Drops the routing id that the other end sent first, if it is next.
    pub fn skip_routing_id(&mut self) {
        if self.is_introduction_next() {
            self.take_part();
        }
    }

    /// Whether the next part is an item of which this is true.
    fn next_is(&mut self, true_of: impl Fn(&Msg) -> bool) -> bool {
        let part = self.reader.parts.part();
        part.is_some_and(|mut part| part.msg().is_some_and(true_of))
    }

    pub(super) fn is_introduction_next(&mut self) -> bool {
        self.next_is(|msg| msg.has(flag::ROUTING_ID))
    }

    fn take_part(&mut self) {
        drop(self.reader.parts.part().map(Part::take));
    }

    /// Adds what was written since the last time to the ledger, if this is a connection's end.
    pub(super) fn keep_ledger(&mut self) {
        let load = std::mem::take(&mut self.writer.load);
        let channel = &self.shared.channels[self.side];
        if !channel.is_written_by_socket() {
            let read = channel.read.load(Ordering::Relaxed);
            self.shared
                .ledger
                .lock()
                .note(self.writer.written, load, read);
        }
    }

    /// Bytes that a connection has written and that this end has not read, each message counting
    /// `MESSAGE_COST` more; as of the connection's last mark.
    pub fn unread_bytes(&self) -> u64 {
        self.shared.ledger.lock().behind(self.reader.read)
    }

    /// The same for the connection's end, of what it has written itself: an upper bound, since
    /// readers publish their count at low-water marks only.
    pub fn left_unread(&self) -> u64 {
        let read = self.output().read.load(Ordering::Relaxed);
        self.shared.ledger.lock().behind(read)
    }

    /// Lets a connection write without limit: its peer has disconnected, so no more will come than
    /// the kernel holds.
    pub fn lift_limit(&self) {
        let lift = |hwm| Some(hwm & !u64::from(u32::MAX));
        let channel = self.output();
        // Never fails. A reader's part of 0 means no limit. Relaxed: only this thread, the writer,
        // acts on it.
        let _ = channel
            .hwm
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, lift);
    }

    /// Whether both ends belong to sockets.
    pub fn is_between_sockets(&self) -> bool {
        self.input().is_between_sockets()
    }
}
