//! Writes whole messages to several pipes in turn.

#![forbid(unsafe_code)]

use super::turns::Turns;
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::pattern::base::Env;
use crate::pipe::PipeId;

/// Load balancer: each message goes to the next pipe that has room.
#[derive(Default)]
pub struct LoadBalancer {
    /// The active ones may have room.
    pipes: Turns,
    /// The part written last has others to follow.
    more: bool,
    /// The pipe was detached in mid-message: the rest of that message is dropped.
    dropping: bool,
}

impl LoadBalancer {
    /// Adds a pipe, as one that may have room.
    pub fn attach(&mut self, pipe: PipeId) {
        self.pipes.attach(pipe);
    }

    /// There is room in the pipe. Does nothing for active or unknown pipes.
    pub fn activated(&mut self, pipe: PipeId) {
        self.pipes.activate(pipe);
    }

    /// Removes a pipe.
    pub fn detached(&mut self, pipe: PipeId) {
        if self.more && self.pipes.is_current(pipe) {
            self.dropping = true;
            self.more = false;
        }
        // In mid-message the pipe of that message keeps its turn.
        self.pipes.remove(pipe, self.more);
    }

    /// Writes a part, which is then empty. It is dropped if the pipe of its message was detached or
    /// takes no more.
    ///
    /// [`Error::Again`] if no pipe has room.
    #[inline]
    pub fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        match !self.dropping && self.write(env, part) {
            true => Ok(()),
            false => self.send_elsewhere(env, part),
        }
    }

    /// Writes a part to the current pipe. False if that does not take it.
    #[inline(always)]
    fn write<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> bool {
        let pipe = self.pipes.current();
        let Some(end) = pipe.and_then(|pipe| env.pipes.get(pipe)) else {
            return false;
        };
        let more = part.more();
        if !end.write_from(part) {
            return false;
        }
        self.more = more;
        if !more {
            end.flush();
            self.pipes.advance();
        }
        true
    }

    /// As [`send`](Self::send), after the current pipe has not taken the part.
    #[cold]
    #[inline(never)]
    fn send_elsewhere<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        if std::mem::take(&mut self.more) {
            // The first parts are in a pipe that takes no more; the others must not be written to
            // another pipe.
            let pipe = self.pipes.current();
            if let Some(end) = pipe.and_then(|pipe| env.pipes.get(pipe)) {
                end.rollback();
            }
            self.dropping = true;
        }
        if self.dropping {
            self.dropping = part.more();
            part.clear();
            return Ok(());
        }
        while self.pipes.current().is_some() {
            self.pipes.deactivate();
            if self.write(env, part) {
                return Ok(());
            }
        }
        Err(Error::Again)
    }

    /// The pipe of the message of which the last part is still to be sent.
    pub fn writing_to(&self) -> Option<PipeId> {
        self.pipes.current().filter(|_| self.more)
    }

    /// Whether [`send`](Self::send) would succeed.
    pub fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        if self.more || self.dropping {
            return true;
        }
        while let Some(pipe) = self.pipes.current() {
            if env.pipes.get(pipe).is_some_and(|end| end.check_write()) {
                return true;
            }
            self.pipes.deactivate();
        }
        false
    }
}
