//! Writes copies of a message to several pipes.

#![forbid(unsafe_code)]

use super::pipe_list::PipeList;
use crate::message::Outgoing;
use crate::pattern::base::{Env, Request};
use crate::pipe::PipeId;

/// Distributor: copies of a message to the matching pipes. For a pipe that is full the whole
/// message is dropped, never a part of it.
///
/// Invariant: the list has the matching pipes first, then other active ones, then those that
/// have room but take part only after the end of the message being sent, then full ones.
#[derive(Default)]
pub struct Distributor {
    pipes: PipeList,
    matching: usize,
    active: usize,
    eligible: usize,
    /// A multipart message is being sent.
    more: bool,
}

impl Distributor {
    /// Adds a pipe. It is sent nothing of a message that is already begun.
    pub fn attach(&mut self, pipe: PipeId) {
        if !self.pipes.push(pipe) {
            return;
        }
        self.make_eligible(self.pipes.len() - 1);
    }

    fn make_eligible(&mut self, index: usize) {
        self.pipes.swap(index, self.eligible);
        self.eligible += 1;
        if !self.more {
            self.pipes.swap(self.eligible - 1, self.active);
            self.active += 1;
        }
    }

    /// Whether the pipe is in the list.
    pub fn contains(&self, pipe: PipeId) -> bool {
        self.pipes.index(pipe).is_some()
    }

    /// There is room in the pipe. Does nothing for eligible or unknown pipes.
    pub fn activated(&mut self, pipe: PipeId) {
        match self.pipes.index(pipe) {
            Some(index) if index >= self.eligible => self.make_eligible(index),
            _ => {}
        }
    }

    /// Removes a pipe.
    pub fn detached(&mut self, pipe: PipeId) {
        self.retire(pipe);
        if let Some(index) = self.pipes.index(pipe) {
            self.pipes.remove(index);
        }
    }

    /// The pipe was restarted: it is sent nothing more of the message being sent.
    pub fn restarted(&mut self, pipe: PipeId) {
        if self.pipes.index(pipe).is_some() {
            self.retire(pipe);
            self.activated(pipe);
        }
    }

    /// Moves a pipe behind the eligible ones.
    fn retire(&mut self, pipe: PipeId) {
        let borders = [&mut self.matching, &mut self.active, &mut self.eligible];
        for border in borders {
            match self.pipes.index(pipe) {
                Some(index) if index < *border => {
                    *border -= 1;
                    self.pipes.swap(index, *border);
                }
                _ => {}
            }
        }
    }

    /// Adds a pipe to the matching ones; a second time does nothing.
    #[inline]
    pub fn match_pipe(&mut self, pipe: PipeId) {
        match self.pipes.index(pipe) {
            Some(index) if index >= self.matching && index < self.eligible => {
                self.pipes.swap(index, self.matching);
                self.matching += 1;
            }
            _ => {}
        }
    }

    /// Exchanges the matching pipes and the other eligible ones.
    pub fn reverse_match(&mut self) {
        let before = self.matching;
        self.matching = 0;
        for index in before..self.eligible {
            self.pipes.swap(index, self.matching);
            self.matching += 1;
        }
    }

    /// Removes all pipes from the matching ones.
    #[inline]
    pub fn unmatch(&mut self) {
        self.matching = 0;
    }

    /// Whether parts of the message being sent are still to come.
    pub fn is_mid_message(&self) -> bool {
        self.more
    }

    /// Whether all matching pipes have room; closed peers do not count.
    pub fn has_room(&self, env: &mut Env<'_>) -> bool {
        (0..self.matching).all(|index| {
            self.pipes
                .at(index)
                .and_then(|pipe| env.pipes.get(pipe))
                .is_none_or(|end| end.check_write() || end.is_peer_closed())
        })
    }

    /// Writes a part to every active pipe.
    pub fn send_to_all<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) {
        self.matching = self.active;
        self.send_to_matching(env, part, false);
    }

    /// Writes a part to the matching pipes and leaves it empty. `surely`, after
    /// [`has_room`](Self::has_room) returned true: without another check, since another thread may
    /// have lowered the HWM in between.
    #[inline]
    pub fn send_to_matching<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P, surely: bool) {
        let more = part.more();
        let mut index = 0;
        while index < self.matching {
            let Some(pipe) = self.pipes.at(index) else {
                break;
            };
            if let Some(end) = env.pipes.get(pipe) {
                // Before a drop, the reader's latest count is read too.
                let has_room = surely && !end.is_peer_closed();
                if has_room || end.check_write() || end.has_room_now() {
                    index += 1;
                    end.write_copy(part);
                    if !more {
                        end.flush();
                    }
                    continue;
                }
                if end.is_mid_message() {
                    end.rollback();
                }
                if !end.is_peer_closed() {
                    env.requests.push(Request::Full);
                }
            }
            self.retire(pipe);
        }
        if !more {
            self.active = self.eligible;
        }
        self.more = more;
        part.clear();
    }

    /// Writes a message of one part, which must not be lost, to all pipes, full ones too. Must
    /// not be called in mid-message.
    pub fn send_unchecked<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) {
        for pipe in self.pipes.iter() {
            if let Some(end) = env.pipes.get(pipe) {
                if !end.is_peer_closed() {
                    end.write_copy(part);
                    end.flush();
                }
            }
        }
    }
}
