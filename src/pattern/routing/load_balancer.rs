//! Writes whole messages to several pipes in turn.

#![forbid(unsafe_code)]

use super::pipe_list::PipeList;
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pattern::Env;
use crate::pipe::PipeId;

/// Load balancer: each message goes to the next pipe that has room.
#[derive(Default)]
pub struct LoadBalancer {
    /// The first `active` pipes may have room.
    pipes: PipeList,
    active: usize,
    /// The pipe written next; below `active` unless there is none.
    current: usize,
    /// The part written last has others to follow.
    more: bool,
    /// The pipe was detached in mid-message: the rest of that message is dropped.
    dropping: bool,
}

impl LoadBalancer {
    /// Adds a pipe, as one that may have room.
    pub fn attach(&mut self, pipe: PipeId) {
        if self.pipes.push(pipe) {
            self.activated(pipe);
        }
    }

    /// There is room in the pipe. Does nothing for active or unknown pipes.
    pub fn activated(&mut self, pipe: PipeId) {
        match self.pipes.index(pipe) {
            Some(index) if index >= self.active => {
                self.pipes.swap(index, self.active);
                self.active += 1;
            }
            _ => {}
        }
    }

    /// Removes a pipe.
    pub fn detached(&mut self, pipe: PipeId) {
        let Some(index) = self.pipes.index(pipe) else {
            return;
        };
        if index == self.current && self.more {
            self.dropping = true;
            self.more = false;
        }
        if index < self.active {
            self.active -= 1;
            self.pipes.swap(index, self.active);
            if self.current == self.active {
                // Stay with the pipe in mid-message if it was the one moved.
                self.current = if self.more { index } else { 0 };
            }
            self.pipes.remove(self.active);
            return;
        }
        self.pipes.remove(index);
    }

    /// Writes a part, which leaves `msg` empty, and returns its pipe; `None` if the part was
    /// dropped because the pipe of its message was detached or takes no more.
    ///
    /// [`Error::Again`] if no pipe has room.
    #[inline]
    pub fn send(&mut self, env: &mut Env<'_>, msg: &mut Msg) -> Result<Option<PipeId>> {
        if self.dropping {
            self.dropping = msg.more();
            msg.clear();
            return Ok(None);
        }
        let more = msg.more();
        while self.active > 0 {
            let Some(pipe) = self.pipes.at(self.current) else {
                break;
            };
            if let Some(end) = env.pipes.get(pipe) {
                if end.write_from(msg) {
                    self.more = more;
                    if !more {
                        end.flush();
                        self.next();
                    }
                    return Ok(Some(pipe));
                }
                if self.more {
                    // The first parts are in a pipe that takes no more; the others must not be
                    // written to another pipe.
                    end.rollback();
                    self.more = false;
                    self.dropping = more;
                    msg.clear();
                    return Ok(None);
                }
            }
            self.deactivate();
        }
        Err(Error::Again)
    }

    /// The short path of [`send`](Self::send) for a part that is only a body: false, and
    /// nothing is written, if the current pipe does not take it at once.
    #[inline]
    pub fn send_frame(&mut self, env: &mut Env<'_>, body: &[u8], more: bool) -> bool {
        if self.active == 0 || self.dropping {
            return false;
        }
        let end = self.pipes.at(self.current).and_then(|id| env.pipes.get(id));
        let Some(end) = end else { return false };
        if !end.write_frame(body, more) {
            return false;
        }
        self.more = more;
        if !more {
            end.flush();
            self.next();
        }
        true
    }

    #[inline]
    fn next(&mut self) {
        self.current += 1;
        if self.current >= self.active {
            self.current = 0;
        }
    }

    /// Whether [`send`](Self::send) would succeed.
    pub fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        if self.more || self.dropping {
            return true;
        }
        while self.active > 0 {
            let Some(pipe) = self.pipes.at(self.current) else {
                break;
            };
            if env.pipes.get(pipe).is_some_and(|end| end.check_write()) {
                return true;
            }
            self.deactivate();
        }
        false
    }

    fn deactivate(&mut self) {
        self.active -= 1;
        self.pipes.swap(self.current, self.active);
        if self.current == self.active {
            self.current = 0;
        }
    }
}
