//! Reads whole messages from several pipes in turn.

#![forbid(unsafe_code)]

use super::turns::Turns;
use crate::message::{Msg, flag};
use crate::pattern::base::Env;
use crate::pipe::{Incoming, PipeId};
use std::collections::VecDeque;

/// Fair queue: one message from each pipe that has any, in turn. A `SINGLE` one drops messages
/// of several parts, and so never stops in the middle of one.
#[derive(Default)]
pub struct FairQueue<const SINGLE: bool = false> {
    /// The active ones may have something to read.
    pipes: Turns,
    /// The part read last had [`flag::MORE`].
    more: bool,
    /// The unread parts of a message whose pipe was detached in mid-message.
    rest: VecDeque<Msg>,
}

impl<const SINGLE: bool> FairQueue<SINGLE> {
    /// Adds a pipe, as one that may have messages.
    pub fn attach(&mut self, pipe: PipeId) {
        self.pipes.attach(pipe);
    }

    /// Whether the pipe is in the queue.
    pub fn contains(&self, pipe: PipeId) -> bool {
        self.pipes.contains(pipe)
    }

    /// The pipe has messages, or its end. Does nothing for a pipe that is not in the queue.
    pub fn activated(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if !self.contains(pipe) {
            return;
        }
        // It may be only the end, also of a pipe that was never read.
        if let Some(end) = env.pipes.get(pipe) {
            if !end.check_read() {
                if end.is_ended() {
                    env.close(pipe);
                }
                return;
            }
        }
        self.pipes.activate(pipe);
    }

    /// Removes a pipe. If a message was read in part, its other parts are kept in `rest`.
    pub fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let in_message = self.more && self.rest.is_empty();
        let interrupted = in_message && self.pipes.is_current(pipe);
        if interrupted {
            self.rescue(env, pipe);
        }
        // In mid-message the pipe of that message keeps its turn.
        self.pipes.remove(pipe, in_message && !interrupted);
    }

    fn rescue(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        // A writer publishes whole messages only, so the other parts can be read, unless this
        // end was closed before it was detached.
        while let Some(part) = env.pipes.get(pipe).and_then(|end| end.read()) {
            let last = !part.more();
            self.rest.push_back(part);
            if last {
                return;
            }
        }
        match self.rest.back_mut() {
            Some(part) => part.set(flag::MORE, false),
            None => self.more = false,
        }
    }

    /// Reads a part in place of the content of `into` and returns its pipe; `None` if no pipe
    /// has one.
    #[inline]
    pub fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Option<PipeId> {
        // Mostly there is a frame in the current pipe.
        let pipe = self.pipes.current().filter(|_| self.rest.is_empty());
        if let Some((pipe, end)) = pipe.and_then(|pipe| Some((pipe, env.pipes.get(pipe)?))) {
            if let Some(flags) = end.read_frame(into) {
                if self.took(flags) {
                    return Some(pipe);
                }
            }
        }
        self.recv_any(env, into)
    }

    /// As [`recv`](Self::recv), in any state.
    #[inline(never)]
    fn recv_any<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Option<PipeId> {
        if !self.rest.is_empty() {
            return self.recv_rest(into);
        }
        while let Some(pipe) = self.pipes.current() {
            let Some(end) = env.pipes.get(pipe) else {
                self.pipes.deactivate();
                continue;
            };
            let Some(flags) = end.read_into(into) else {
                if end.is_ended() {
                    env.close(pipe);
                }
                self.more = false;
                self.pipes.deactivate();
                continue;
            };
            if flags & flag::ROUTING_ID != 0 {
                into.clear();
                continue;
            }
            if self.took(flags) {
                return Some(pipe);
            }
        }
        None
    }

    /// A part with these flags was read from the current pipe. False if it is to be dropped.
    #[inline]
    fn took(&mut self, flags: u8) -> bool {
        let first = !self.more;
        self.more = flags & flag::MORE != 0;
        if !self.more {
            self.pipes.advance();
        }
        !SINGLE || (first && !self.more)
    }

    /// Takes a part from `rest`. Its pipe was detached; the id returned is that of no pipe.
    #[cold]
    fn recv_rest<I: Incoming>(&mut self, into: &mut I) -> Option<PipeId> {
        let part = self.rest.pop_front()?;
        self.more = part.more();
        into.put(part);
        Some(PipeId(u32::MAX))
    }

    /// Whether [`recv`](Self::recv) would succeed.
    pub fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.more || !self.rest.is_empty() {
            return true;
        }
        while let Some(pipe) = self.pipes.current() {
            if let Some(end) = env.pipes.get(pipe) {
                if end.check_read() {
                    if !SINGLE || !end.is_multipart_next() {
                        return true;
                    }
                    while end.read().is_some_and(|part| part.more()) {}
                    self.pipes.advance();
                    continue;
                }
                if end.is_ended() {
                    env.close(pipe);
                }
            }
            self.pipes.deactivate();
        }
        false
    }
}
