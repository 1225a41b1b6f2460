//! The order in which pipes are read and written, as libzmq's users see it.

#![forbid(unsafe_code)]

/// Pipes, of which the first `active` have their turn.
#[derive(Default)]
pub struct Turn {
    pipes: Vec<usize>,
    active: usize,
    current: usize,
    /// In the middle of a message.
    pub more: bool,
}

impl Turn {
    /// The pipe whose turn it is.
    pub fn current(&self) -> Option<usize> {
        (self.active > 0).then(|| self.pipes[self.current])
    }

    /// A new pipe.
    pub fn attach(&mut self, pipe: usize) {
        self.pipes.push(pipe);
        self.activate(pipe);
    }

    /// The pipe has its turn again; nothing if it is unknown.
    pub fn activate(&mut self, pipe: usize) {
        let place = self.pipes.iter().position(|other| *other == pipe);
        if let Some(place) = place.filter(|place| *place >= self.active) {
            self.pipes.swap(place, self.active);
            self.active += 1;
        }
    }

    /// The current pipe has nothing, or no room.
    pub fn skip(&mut self) {
        self.active -= 1;
        self.pipes.swap(self.current, self.active);
        if self.current == self.active {
            self.current = 0;
        }
    }

    /// A part was moved, and more of its message follow or not.
    pub fn moved(&mut self, more: bool) {
        self.more = more;
        if !more {
            self.current = (self.current + 1) % self.active;
        }
    }

    /// Whether the pipe is in the middle of a message.
    pub fn is_amid(&self, pipe: usize) -> bool {
        self.more && self.pipes.get(self.current) == Some(&pipe)
    }

    /// Forgets a pipe; `amid` tells that a message goes on with another one.
    pub fn detach(&mut self, pipe: usize, amid: bool) {
        let Some(place) = self.pipes.iter().position(|other| *other == pipe) else {
            return;
        };
        let mut place = place;
        if place < self.active {
            self.active -= 1;
            self.pipes.swap(place, self.active);
            if self.current == self.active {
                self.current = if amid { place } else { 0 };
            }
            place = self.active;
        }
        self.pipes.swap_remove(place);
    }
}
