//! What a connection has written to its socket, so that what a disconnected peer leaves unread can
//! be given in bytes, though readers count messages only.

#![forbid(unsafe_code)]

use super::PipeEnd;
use crate::sync::atomic::Ordering;
use std::collections::VecDeque;

/// How much had been written at times: (whole messages, bytes), cumulative and ascending, from the
/// last mark that has been read. One mark for each time that `PIPE_BATCH` bytes were
/// written.
#[derive(Default)]
pub(super) struct Ledger {
    marks: VecDeque<(u64, u64)>,
}

impl Ledger {
    /// Adds a mark: `messages` written by now in all, and `bytes` since the last mark. Marks before
    /// `read` are dropped.
    fn note(&mut self, messages: u64, bytes: usize, read: u64) {
        let before = self.marks.back().map_or(0, |(_, bytes)| *bytes);
        while self
            .marks
            .get(1)
            .is_some_and(|(messages, _)| *messages <= read)
        {
            self.marks.pop_front();
        }
        self.marks.push_back((messages, before + bytes as u64));
    }

    /// An upper bound of the bytes written after the first `read` messages.
    fn behind(&self, read: u64) -> u64 {
        let whole = self
            .marks
            .partition_point(|(messages, _)| *messages <= read);
        let before = whole.checked_sub(1).and_then(|last| self.marks.get(last));
        let end = self.marks.back().map_or(0, |(_, bytes)| *bytes);
        end - before.map_or(0, |(_, bytes)| *bytes)
    }
}

impl PipeEnd {
    /// Adds what was written since the last time to the ledger, if this is a connection's end.
    pub(super) fn keep_ledger(&mut self) {
        let load = std::mem::take(&mut self.load);
        let channel = &self.shared.channels[self.side];
        if !channel.is_written_by_socket() {
            let read = channel.read.load(Ordering::Relaxed);
            self.shared.ledger.lock().note(self.written, load, read);
        }
    }

    /// Bytes that a connection has written and that this end has not read, each message counting
    /// [`MESSAGE_COST`](super::MESSAGE_COST) more; as of the connection's last mark.
    pub fn unread_bytes(&self) -> u64 {
        self.shared.ledger.lock().behind(self.read)
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
