//! What is sent: a part, in whichever form the caller has it.

#![forbid(unsafe_code)]

use super::msg::{Kind, Msg, flag};
use super::run::writer::FRAMED_MAX;

/// A part to be sent. Patterns and pipes are compiled once for each kind of part, so that a short
/// body is copied from the caller's memory to a run, with no message in between.
///
/// Used by the thread that sends, under the socket's lock; no method blocks.
pub trait Outgoing {
    /// Removes what came with a received part, and sets whether further parts of its message follow.
    fn renew(&mut self, more: bool);

    /// The body.
    fn body(&self) -> &[u8];

    /// Whether further parts of its message follow.
    fn more(&self) -> bool;

    /// The number of the peer that it is for, 0 for none.
    fn routing_id(&self) -> u32 {
        0
    }

    /// Sets the number of the peer that it is for.
    fn set_routing_id(&mut self, _number: u32) {}

    /// The group that it is for.
    fn group(&self) -> &[u8] {
        &[]
    }

    /// Drops the group.
    fn clear_group(&mut self) {}

    /// Whether it may be copied to a run: it is short, and nothing but a body.
    fn is_framable(&self) -> bool;

    /// Releases what the part holds, after it was sent or dropped.
    fn clear(&mut self);

    /// Moves the part to a message of its own. `None`, and nothing is moved, if there is no memory.
    fn take_msg(&mut self) -> Option<Msg>;

    /// A copy of the part, which shares its body if it can. `None` if there is no memory.
    fn copy_msg(&mut self) -> Option<Msg>;
}

impl Outgoing for Msg {
    #[inline]
    fn renew(&mut self, more: bool) {
        if !self.metadata.is_null() {
            self.leave_connection();
        }
        self.flags = (self.flags & flag::SHARED) | if more { flag::MORE } else { 0 };
    }

    #[inline]
    fn body(&self) -> &[u8] {
        self.data()
    }

    #[inline]
    fn more(&self) -> bool {
        Msg::more(self)
    }

    #[inline]
    fn routing_id(&self) -> u32 {
        Msg::routing_id(self)
    }

    #[inline]
    fn set_routing_id(&mut self, number: u32) {
        Msg::set_routing_id(self, number);
    }

    fn group(&self) -> &[u8] {
        Msg::group(self).to_bytes()
    }

    fn clear_group(&mut self) {
        self.set_group(&[]);
    }

    #[inline]
    fn is_framable(&self) -> bool {
        self.flags & !(flag::MORE | flag::SHARED) == 0
            && self.metadata.is_null()
            && self.routing_id == 0
            && self.group[0] == 0
            && self.kind != Kind::User
            && self.len() <= FRAMED_MAX
    }

    #[inline]
    fn clear(&mut self) {
        Msg::clear(self);
    }

    #[inline]
    fn take_msg(&mut self) -> Option<Msg> {
        self.end_loan();
        Some(self.take())
    }

    #[inline]
    fn copy_msg(&mut self) -> Option<Msg> {
        Some(self.share())
    }
}

/// A part that is only a body in the caller's memory, of [`FRAMED_MAX`] bytes at most.
pub struct Body<'a> {
    bytes: &'a [u8],
    more: bool,
}

impl<'a> Body<'a> {
    /// A part with this body, the last of its message. `None` if it is too long.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Option<Body<'a>> {
        let more = false;
        (bytes.len() <= FRAMED_MAX).then_some(Body { bytes, more })
    }
}

impl Outgoing for Body<'_> {
    #[inline]
    fn renew(&mut self, more: bool) {
        self.more = more;
    }

    #[inline]
    fn body(&self) -> &[u8] {
        self.bytes
    }

    #[inline]
    fn more(&self) -> bool {
        self.more
    }

    #[inline]
    fn is_framable(&self) -> bool {
        true
    }

    #[inline]
    fn clear(&mut self) {}

    #[cold]
    fn take_msg(&mut self) -> Option<Msg> {
        self.copy_msg()
    }

    #[cold]
    fn copy_msg(&mut self) -> Option<Msg> {
        let mut msg = Msg::copy_from(self.bytes).ok()?;
        msg.set(flag::MORE, self.more);
        Some(msg)
    }
}
