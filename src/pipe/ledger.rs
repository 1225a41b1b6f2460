//! What a connection has written to its socket, so that what a departed peer
//! leaves unread can be told in bytes, though readers count messages only.

#![forbid(unsafe_code)]

use super::PipeEnd;
use crate::sync::atomic::Ordering;
use std::collections::VecDeque;

/// How much had been written at times: (whole messages, bytes), ascending, from
/// the last one that is read on. One for each time that [`FILLING`](super::FILLING)
/// bytes came together.
#[derive(Default)]
pub(super) struct Ledger {
    marks: VecDeque<(u64, u64)>,
}

impl Ledger {
    /// So many messages have been written by now, and so many bytes since the last time.
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

    /// Bytes of what was written behind so many messages, or rather more.
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
    /// Adds what was written since the last time to the ledger, if this is a
    /// connection's end.
    pub(super) fn keep_ledger(&mut self) {
        let load = std::mem::take(&mut self.load);
        let channel = &self.shared.channels[self.side];
        if !channel.is_written_by_socket() {
            let read = channel.read.load(Ordering::Relaxed);
            self.shared.ledger.lock().note(self.written, load, read);
        }
    }

    /// Bytes that a connection has written and that this end has not read, each
    /// message counting as a few more, and as they were when its end was closed.
    pub fn unread_bytes(&self) -> u64 {
        self.shared.ledger.lock().behind(self.read)
    }

    /// The same of what this, the connection's end has written: rather too many,
    /// since readers tell only now and then how far they are.
    pub fn left_unread(&self) -> u64 {
        let read = self.output().read.load(Ordering::SeqCst);
        self.shared.ledger.lock().behind(read)
    }

    /// Lets a connection write as much as it likes: its peer has gone, so there is
    /// no more than the system holds for it.
    pub fn lift_limit(&self) {
        let lift = |hwm| Some(hwm & !u64::from(u32::MAX));
        let channel = self.output();
        // Never fails. A reader's part of 0 is no limit.
        let _ = channel
            .hwm
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, lift);
    }

    /// Whether the other end belongs to a socket too.
    pub fn is_between_sockets(&self) -> bool {
        self.input().is_between_sockets()
    }
}
