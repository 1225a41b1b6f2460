//! What a connection has written to its socket, so that what a disconnected peer leaves unread can
//! be given in bytes, though readers count messages only.

#![forbid(unsafe_code)]

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
    pub(super) fn note(&mut self, messages: u64, bytes: usize, read: u64) {
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
    pub(super) fn behind(&self, read: u64) -> u64 {
        let whole = self
            .marks
            .partition_point(|(messages, _)| *messages <= read);
        let before = whole.checked_sub(1).and_then(|last| self.marks.get(last));
        let end = self.marks.back().map_or(0, |(_, bytes)| *bytes);
        end - before.map_or(0, |(_, bytes)| *bytes)
    }
}
