//! An ordered list of pipes that keeps the position of each.
//!
//! Routing keeps the usable pipes in a prefix of the list and swaps pipes across its end: no
//! search, no shifting, and the same order as in libzmq.

#![forbid(unsafe_code)]

use crate::pipe::PipeId;

const ABSENT: u32 = u32::MAX;

/// Pipes in an order that the owner chooses; all operations take constant time.
#[derive(Default)]
pub struct PipeList {
    pipes: Vec<PipeId>,
    /// By pipe id (ids are small): the position, or [`ABSENT`].
    places: Vec<u32>,
}

impl PipeList {
    /// Number of pipes.
    #[inline]
    pub fn len(&self) -> usize {
        self.pipes.len()
    }

    /// The pipe at a position.
    #[inline]
    pub fn at(&self, index: usize) -> Option<PipeId> {
        self.pipes.get(index).copied()
    }

    /// The position of a pipe.
    #[inline]
    pub fn index(&self, pipe: PipeId) -> Option<usize> {
        match self.places.get(pipe.0 as usize) {
            Some(&place) if place != ABSENT => Some(place as usize),
            _ => None,
        }
    }

    /// Appends a pipe; false (and no change) if it is listed already.
    pub fn push(&mut self, pipe: PipeId) -> bool {
        if self.index(pipe).is_some() {
            return false;
        }
        let id = pipe.0 as usize;
        if self.places.len() <= id {
            self.places.resize(id + 1, ABSENT);
        }
        self.places[id] = self.pipes.len() as u32;
        self.pipes.push(pipe);
        true
    }

    /// Exchanges two positions; both must exist.
    #[inline]
    pub fn swap(&mut self, a: usize, b: usize) {
        if a == b {
            return;
        }
        self.pipes.swap(a, b);
        self.places[self.pipes[a].0 as usize] = a as u32;
        self.places[self.pipes[b].0 as usize] = b as u32;
    }

    /// Removes the pipe at a position; the last pipe takes its place.
    pub fn remove(&mut self, index: usize) {
        let pipe = self.pipes.swap_remove(index);
        self.places[pipe.0 as usize] = ABSENT;
        if let Some(moved) = self.pipes.get(index) {
            self.places[moved.0 as usize] = index as u32;
        }
    }

    /// The pipes in their order.
    pub fn iter(&self) -> impl Iterator<Item = PipeId> + '_ {
        self.pipes.iter().copied()
    }
}
