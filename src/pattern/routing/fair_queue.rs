//! Reads whole messages from several pipes in turn.

#![forbid(unsafe_code)]

use super::pipe_list::PipeList;
use crate::message::{Msg, flag};
use crate::pattern::Env;
use crate::pipe::{PipeEnd, PipeId};
use std::collections::VecDeque;

/// Fair queue: one message from each pipe that has any, in turn.
#[derive(Default)]
pub struct FairQueue {
    /// The first `active` pipes may have something to read.
    pipes: PipeList,
    active: usize,
    /// The pipe read next; below `active` unless there is none.
    current: usize,
    /// The part read last had [`flag::MORE`].
    more: bool,
    /// The unread parts of a message whose pipe was detached in mid-message.
    rest: VecDeque<Msg>,
}

impl FairQueue {
    /// Adds a pipe, as one that may have messages.
    pub fn attach(&mut self, pipe: PipeId) {
        if self.pipes.push(pipe) {
            self.pipes.swap(self.active, self.pipes.len() - 1);
            self.active += 1;
        }
    }

    /// Whether the pipe is in the queue.
    pub fn contains(&self, pipe: PipeId) -> bool {
        self.pipes.index(pipe).is_some()
    }

    /// The pipe has messages, or its end. Does nothing for a pipe that is not in the queue.
    pub fn activated(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let Some(index) = self.pipes.index(pipe) else {
            return;
        };
        // It may be only the end, also of a pipe that was never read.
        if let Some(end) = env.pipes.get(pipe) {
            if !end.check_read() {
                if end.is_ended() {
                    env.close(pipe);
                }
                return;
            }
        }
        if index >= self.active {
            self.pipes.swap(index, self.active);
            self.active += 1;
        }
    }

    /// Removes a pipe. If a message was read in part, its other parts are kept in `rest`.
    pub fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let Some(index) = self.pipes.index(pipe) else {
            return;
        };
        let interrupted = self.more && self.rest.is_empty() && index == self.current;
        if interrupted {
            self.rescue(env, pipe);
        }
        if index < self.active {
            self.active -= 1;
            self.pipes.swap(index, self.active);
            if self.current == self.active {
                // Stay with the pipe in mid-message if it was the one moved.
                let follow = self.more && self.rest.is_empty() && !interrupted;
                self.current = if follow { index } else { 0 };
            }
            self.pipes.remove(self.active);
            return;
        }
        self.pipes.remove(index);
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
    pub fn recv(&mut self, env: &mut Env<'_>, into: &mut Msg) -> Option<PipeId> {
        if !self.rest.is_empty() {
            return self.recv_rest(into);
        }
        while let Some(pipe) = self.next_pipe() {
            let Some(end) = env.pipes.get(pipe) else {
                self.deactivate();
                continue;
            };
            if !end.read_into(into) {
                if end.is_ended() {
                    env.close(pipe);
                }
                self.more = false;
                self.deactivate();
                continue;
            }
            if into.has(flag::ROUTING_ID) {
                into.clear();
                continue;
            }
            self.read_part(into.more());
            return Some(pipe);
        }
        None
    }

    /// The short path of [`recv`](Self::recv): succeeds only if `read` gets a part from the
    /// current pipe. The boolean that `read` returns is whether other parts follow.
    #[inline(always)]
    pub fn recv_frame<R>(
        &mut self,
        env: &mut Env<'_>,
        read: impl FnOnce(&mut PipeEnd) -> Option<(R, bool)>,
    ) -> Option<(R, bool)> {
        if !self.rest.is_empty() {
            return None;
        }
        let pipe = self.next_pipe()?;
        let (result, more) = read(env.pipes.get(pipe)?)?;
        self.read_part(more);
        Some((result, more))
    }

    #[inline]
    fn read_part(&mut self, more: bool) {
        self.more = more;
        if !more {
            self.current += 1;
            if self.current >= self.active {
                self.current = 0;
            }
        }
    }

    /// Takes a part from `rest`. Its pipe was detached; the id returned is that of no pipe.
    #[cold]
    fn recv_rest(&mut self, into: &mut Msg) -> Option<PipeId> {
        *into = self.rest.pop_front()?;
        self.more = into.more();
        Some(PipeId(u32::MAX))
    }

    /// Whether [`recv`](Self::recv) would succeed.
    pub fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.more || !self.rest.is_empty() {
            return true;
        }
        while let Some(pipe) = self.next_pipe() {
            if let Some(end) = env.pipes.get(pipe) {
                if end.check_read() {
                    return true;
                }
                if end.is_ended() {
                    env.close(pipe);
                }
            }
            self.deactivate();
        }
        false
    }

    #[inline]
    fn next_pipe(&self) -> Option<PipeId> {
        if self.active == 0 {
            return None;
        }
        self.pipes.at(self.current)
    }

    /// Moves the current pipe behind the active ones.
    fn deactivate(&mut self) {
        self.active -= 1;
        self.pipes.swap(self.current, self.active);
        if self.current == self.active {
            self.current = 0;
        }
    }
}
