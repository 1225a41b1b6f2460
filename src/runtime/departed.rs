//! What peers leave unread when they go.
//!
//! It stays for the application to read, but not without bound: a REP, whose
//! answers would reach nobody, drops the requests of all but the last [`MOST`]
//! departed peers. Other sockets accept no new peers while there is too much
//! (`connection/acceptor.rs`), which then wait where they are: nothing is lost.

#![forbid(unsafe_code)]

use super::socket::Socket;
use crate::connection::Link;
use crate::pattern::Pattern;
use crate::pipe::PipeId;

/// Departed peers of a REP whose requests are kept.
pub(super) const MOST: usize = 1000;

impl Socket {
    /// A peer has gone, and its pipe has messages left.
    pub(super) fn note_departed(&mut self, id: PipeId) {
        if !self.pattern.forgets_departed() {
            return;
        }
        self.departed.push_back(id);
        while self.departed.len() > MOST {
            if let Some(oldest) = self.departed.pop_front() {
                self.detach(oldest);
            }
        }
    }

    /// Ends a pipe that the pattern has forgotten.
    pub(super) fn remove_pipe(&mut self, id: PipeId) {
        if let Some(mut end) = self.pipes.remove(id) {
            self.shared.taken_back(end.take_left());
        }
        if let Some(place) = self.departed.iter().position(|other| *other == id) {
            self.departed.remove(place);
        }
    }
}
