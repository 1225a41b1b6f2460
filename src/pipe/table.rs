//! The pipes of one socket, by small integer ids.

use super::PipeEnd;

/// The number of a pipe within its socket. May be used again after [`Pipes::remove`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PipeId(pub u32);

/// The pipes of one socket.
#[derive(Default)]
pub struct Pipes {
    ends: Vec<Option<PipeEnd>>,
    free: Vec<u32>,
    /// Ids that must not be used again yet.
    kept: Vec<u32>,
    live: usize,
}

impl Pipes {
    /// Adds an end and returns its id.
    pub fn insert(&mut self, end: PipeEnd) -> PipeId {
        self.live += 1;
        match self.free.pop() {
            Some(index) => {
                self.ends[index as usize] = Some(end);
                PipeId(index)
            }
            None => {
                // Most sockets have one pipe: no spare capacity for more.
                if self.ends.len() == self.ends.capacity() {
                    self.ends.reserve_exact((self.ends.len() / 2).max(1));
                }
                self.ends.push(Some(end));
                PipeId(self.ends.len() as u32 - 1)
            }
        }
    }

    /// The end, unless it was removed.
    #[inline]
    pub fn get(&mut self, id: PipeId) -> Option<&mut PipeEnd> {
        self.ends.get_mut(id.0 as usize)?.as_mut()
    }

    /// Removes an end. Dropping it closes it.
    pub fn remove(&mut self, id: PipeId) -> Option<PipeEnd> {
        let end = self.ends.get_mut(id.0 as usize)?.take()?;
        if !self.kept.contains(&id.0) {
            self.free.push(id.0);
        }
        self.live -= 1;
        Some(end)
    }

    /// Reserves the id beyond the pipe's removal, until [`let_go`](Self::let_go).
    pub fn keep(&mut self, id: PipeId) {
        self.kept.push(id.0);
    }

    /// The id of a removed pipe may be used again.
    pub fn let_go(&mut self, id: PipeId) {
        if let Some(index) = self.kept.iter().position(|kept| *kept == id.0) {
            self.kept.swap_remove(index);
            self.free.push(id.0);
        }
    }

    /// Number of pipes.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.live
    }

    /// Whether there are no pipes.
    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// The ids in use, ascending.
    pub fn ids(&self) -> impl Iterator<Item = PipeId> + '_ {
        (0u32..)
            .zip(&self.ends)
            .filter(|(_, end)| end.is_some())
            .map(|(index, _)| PipeId(index))
    }
}
