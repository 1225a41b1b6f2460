//! The model of a pipe between two sockets.

#![forbid(unsafe_code)]

use std::collections::VecDeque;

/// One direction of a pipe.
#[derive(Default)]
pub struct Direction {
    /// Whole messages; of the first some parts may have been read.
    queue: VecDeque<VecDeque<Vec<u8>>>,
    /// The parts of a message that is not complete.
    open: VecDeque<Vec<u8>>,
    /// The sum of both high-water marks; 0 for none.
    limit: u64,
    written: u64,
    read: u64,
    /// What the writer knows of what was read: it hears of it at each
    /// low-water mark.
    known: u64,
}

impl Direction {
    /// The limits of the writing and the reading socket; the latter is not
    /// there before it has bound.
    pub fn set_limit(&mut self, snd: i32, rcv: Option<i32>) {
        self.limit = match (snd, rcv) {
            (0, _) | (_, Some(0)) => 0,
            (snd, rcv) => snd as u64 + rcv.unwrap_or(0) as u64,
        };
        self.known = self.read;
    }

    /// Whether the writer knows of room.
    pub fn has_room(&self) -> bool {
        self.limit == 0 || self.written - self.known < self.limit
    }

    /// Whether there is something to read.
    pub fn has_messages(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Adds a part.
    pub fn write(&mut self, part: Vec<u8>, more: bool) {
        self.open.push_back(part);
        if !more {
            self.queue.push_back(std::mem::take(&mut self.open));
            self.written += 1;
        }
    }

    /// Takes back the parts of a message that is not complete.
    pub fn rollback(&mut self) {
        self.open.clear();
    }

    /// Everything not read is void.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.open.clear();
    }

    /// Takes a part, and tells whether more follow.
    pub fn read(&mut self) -> Option<(Vec<u8>, bool)> {
        let parts = self.queue.front_mut()?;
        let part = parts.pop_front()?;
        let more = !parts.is_empty();
        if !more {
            self.queue.pop_front();
            self.read += 1;
            let step = self.limit.div_ceil(2);
            if step > 0 && self.read % step == 0 {
                self.known = self.read;
            }
        }
        Some((part, more))
    }
}

/// Both directions, and who is at the ends: first the one that connected.
pub struct Pipe {
    /// The sockets; the second is not there before the name is bound.
    pub ends: [Option<usize>; 2],
    /// Whether each end is open.
    pub open: [bool; 2],
    /// What the first end writes, and what the second.
    pub ways: [Direction; 2],
}

impl Pipe {
    /// Which of the ends belongs to a socket.
    pub fn side(&self, socket: usize) -> usize {
        usize::from(self.ends[0] != Some(socket))
    }

    /// Whether an end can write.
    pub fn has_room(&self, side: usize) -> bool {
        self.open == [true, true] && self.ways[side].has_room()
    }
}
