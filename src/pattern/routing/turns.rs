//! Pipes that take turns.

#![forbid(unsafe_code)]

use super::pipe_list::PipeList;
use crate::pipe::PipeId;

/// A list of pipes of which some are active: each of those has its turn.
#[derive(Default)]
pub struct Turns {
    /// The first `active` pipes are the active ones.
    pipes: PipeList,
    active: usize,
    /// The pipe whose turn it is; below `active` unless there is none.
    current: usize,
}

impl Turns {
    /// Adds a pipe, as an active one.
    pub fn attach(&mut self, pipe: PipeId) {
        if self.pipes.push(pipe) {
            self.activate(pipe);
        }
    }

    /// Whether the pipe is in the list.
    pub fn contains(&self, pipe: PipeId) -> bool {
        self.pipes.index(pipe).is_some()
    }

    /// Makes a pipe active. Does nothing for active or unknown pipes.
    pub fn activate(&mut self, pipe: PipeId) {
        match self.pipes.index(pipe) {
            Some(index) if index >= self.active => {
                self.pipes.swap(index, self.active);
                self.active += 1;
            }
            _ => {}
        }
    }

    /// Removes a pipe. `stay`: if it is not the current pipe, that one keeps its turn.
    pub fn remove(&mut self, pipe: PipeId, stay: bool) {
        let Some(index) = self.pipes.index(pipe) else {
            return;
        };
        if index >= self.active {
            return self.pipes.remove(index);
        }
        self.active -= 1;
        self.pipes.swap(index, self.active);
        if self.current == self.active {
            // If the current pipe was the one moved, it is at `index` now.
            self.current = if stay { index } else { 0 };
        }
        self.pipes.remove(self.active);
    }

    /// The pipe whose turn it is. `None` if none is active.
    #[inline]
    pub fn current(&self) -> Option<PipeId> {
        match self.active {
            0 => None,
            _ => self.pipes.at(self.current),
        }
    }

    /// Whether it is this pipe's turn, or was when it became inactive.
    pub fn is_current(&self, pipe: PipeId) -> bool {
        self.pipes.index(pipe) == Some(self.current)
    }

    /// Gives the turn to the next active pipe.
    #[inline]
    pub fn advance(&mut self) {
        self.current += 1;
        if self.current >= self.active {
            self.current = 0;
        }
    }

    /// Makes the current pipe, which must be active, inactive.
    pub fn deactivate(&mut self) {
        self.active -= 1;
        self.pipes.swap(self.current, self.active);
        if self.current == self.active {
            self.current = 0;
        }
    }
}
