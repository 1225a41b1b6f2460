//! A message whose body has not been received completely.

use super::msg::Msg;
use crate::error::{Error, Result};
use crate::sys::room::Room;
use std::mem::MaybeUninit;

/// Memory for a body, and how much of it has been written. Invariant: it becomes a message only
/// when all of it has.
#[derive(Debug)]
pub struct Filling {
    msg: Msg,
    filled: usize,
}

impl Filling {
    /// A body of `size` bytes, none of which is written yet.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn with_size(size: usize) -> Result<Filling> {
        // SAFETY: the message is not handed out before all of its body was written.
        let msg = unsafe { Msg::with_size(size)? };
        Ok(Filling { msg, filled: 0 })
    }

    /// As [`Msg::set`].
    pub fn set(&mut self, bit: u8, on: bool) {
        self.msg.set(bit, on);
    }

    /// Room for the missing bytes.
    pub fn room(&mut self) -> Room<'_> {
        let (start, len) = (self.msg.data_ptr_mut(), self.msg.len());
        // SAFETY: the body belongs to this message alone, which is borrowed exclusively; `filled`
        // is at most its length, because Room counts what was written.
        let free = unsafe {
            let start = start.add(self.filled).cast::<MaybeUninit<u8>>();
            std::slice::from_raw_parts_mut(start, len - self.filled)
        };
        Room::counted(free, &mut self.filled)
    }

    /// Number of missing bytes.
    pub fn missing(&self) -> usize {
        self.msg.len() - self.filled
    }

    /// The message, if its body is complete.
    pub fn whole(&self) -> Option<&Msg> {
        (self.filled == self.msg.len()).then_some(&self.msg)
    }

    /// As [`whole`](Self::whole), mutable.
    pub fn whole_mut(&mut self) -> Option<&mut Msg> {
        (self.filled == self.msg.len()).then_some(&mut self.msg)
    }

    /// Turns into the message, if its body is complete.
    pub fn finish(self) -> Option<Msg> {
        (self.filled == self.msg.len()).then_some(self.msg)
    }
}

impl Msg {
    /// A message of one byte followed by a copy of `rest`: a subscription.
    ///
    /// # Errors
    /// [`Error::NoMemory`].
    pub fn with_first(first: u8, rest: &[u8]) -> Result<Msg> {
        let mut body = Filling::with_size(1 + rest.len())?;
        let mut room = body.room();
        room.put(&[first]);
        room.put(rest);
        body.finish().ok_or(Error::NoMemory)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::message::flag;

    #[test]
    fn it_is_a_message_when_all_has_come() {
        for size in [0, 1, 33, 34, 1000] {
            let body: Vec<u8> = (0..size).map(|i| i as u8).collect();
            let mut filling = Filling::with_size(size).unwrap();
            for (at, byte) in body.iter().enumerate() {
                assert_eq!(filling.missing(), size - at);
                assert!(filling.whole().is_none() && filling.whole_mut().is_none());
                assert!(filling.room().put(&[*byte]));
            }
            assert!(!filling.room().put(b"x"), "more than there is room for");
            assert_eq!(filling.missing(), 0);
            assert_eq!(filling.whole_mut().unwrap().data(), body);
            assert_eq!(filling.whole().unwrap().data(), body);
            assert_eq!(filling.finish().unwrap().data(), body);
        }
        assert!(Filling::with_size(34).unwrap().finish().is_none());
    }

    #[test]
    fn its_flags_are_the_messages() {
        for more in [true, false] {
            let mut filling = Filling::with_size(0).unwrap();
            filling.set(flag::MORE, true);
            filling.set(flag::MORE, more);
            assert_eq!(filling.finish().unwrap().more(), more);
        }
    }
}
