//! Where copied bodies of medium size go: one allocation for many messages.

use super::{Block, INLINE_MAX, Msg};
use crate::error::Result;

/// Bytes in one block of an arena.
const BLOCK: usize = 16 * 1024;
/// Longer bodies get an allocation of their own.
const LARGEST: usize = 2 * 1024;

/// Copies bodies into shared blocks. One per sending socket, used under its
/// lock; it holds no memory until the first body that needs it.
#[derive(Debug, Default)]
pub struct Arena {
    block: Option<Block>,
    used: usize,
}

impl Arena {
    /// Makes the empty message `into` one with a copy of `bytes`: inline if
    /// short, a slice of the arena's block if medium, on the heap if long.
    #[inline]
    pub fn copy(&mut self, bytes: &[u8], into: &mut Msg) -> Result<()> {
        if bytes.len() <= INLINE_MAX {
            into.fill_inline(bytes);
        } else {
            *into = match bytes.len() > LARGEST {
                true => Msg::copy_from(bytes)?,
                false => self.slice(bytes)?,
            };
        }
        Ok(())
    }

    fn slice(&mut self, bytes: &[u8]) -> Result<Msg> {
        let len = bytes.len();
        if self.block.is_none() || self.used + len > BLOCK {
            if !self.block.as_mut().is_some_and(Block::reclaim) {
                self.block = Block::new(BLOCK);
            }
            self.used = 0;
        }
        let Some(block) = &mut self.block else {
            return Msg::copy_from(bytes);
        };
        let start = self.used;
        if let Some(room) = block.room(start).get_mut(..len) {
            room.copy_from_slice(bytes);
        }
        // Keep bodies aligned for programs that cast them to structs.
        self.used = (start + len).next_multiple_of(16);
        Ok(Msg::slice(block, start, start + len))
    }
}
