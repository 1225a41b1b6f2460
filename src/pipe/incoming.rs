//! Where a part that is read goes.

#![forbid(unsafe_code)]

use super::parts::Frame;
use crate::message::{Lender, Metadata, Msg};
use std::sync::Arc;

/// The destination of a received part. Patterns and pipes are compiled once for each kind of
/// destination, so that a short body is copied from the run to where it is wanted.
///
/// Used by the thread that receives, under the socket's lock; no method blocks.
pub trait Incoming {
    /// Puts a frame in place of the content. `metadata` are those of its connection. Returns whether
    /// further parts of its message follow.
    fn put_frame(&mut self, frame: Frame<'_>, metadata: Option<&Arc<Metadata>>) -> bool;

    /// Puts a message in place of the content: `fill` gives one to an empty message. `metadata`
    /// are those of its connection.
    fn put_msg(&mut self, metadata: Option<&Arc<Metadata>>, fill: impl FnOnce(&mut Msg));

    /// Puts a message in place of the content, with what metadata it has.
    #[inline]
    fn put(&mut self, msg: Msg) {
        self.put_msg(None, |into| *into = msg);
    }

    /// Whether further parts of the content's message follow.
    fn more(&self) -> bool;

    /// Drops the content.
    fn clear(&mut self) {}

    /// The number of the peer that the content came from.
    fn set_routing_id(&mut self, _number: u32) {}

    /// The group that the content was sent to.
    fn set_group(&mut self, _group: &[u8]) {}

    /// Called when the content is handed to the application, see [`Msg::hand_out`].
    fn hand_out(&mut self, _lender: &'static Lender) {}
}

impl Incoming for Msg {
    #[inline(always)]
    fn put_frame(&mut self, frame: Frame<'_>, metadata: Option<&Arc<Metadata>>) -> bool {
        frame.take_into(self);
        self.refer_to(metadata);
        Msg::more(self)
    }

    #[inline]
    fn put_msg(&mut self, metadata: Option<&Arc<Metadata>>, fill: impl FnOnce(&mut Msg)) {
        let held = self.vacate();
        fill(self);
        if let Some(metadata) = metadata {
            self.set_metadata(Some(Metadata::share(metadata, held)));
        }
    }

    #[inline]
    fn more(&self) -> bool {
        Msg::more(self)
    }

    fn clear(&mut self) {
        Msg::clear(self);
    }

    #[inline]
    fn set_routing_id(&mut self, number: u32) {
        Msg::set_routing_id(self, number);
    }

    fn set_group(&mut self, group: &[u8]) {
        Msg::set_group(self, group);
    }

    #[inline]
    fn hand_out(&mut self, lender: &'static Lender) {
        Msg::hand_out(self, lender);
    }
}

/// A message whose metadata will not be read, and are not attached.
pub struct Bare<'a>(pub &'a mut Msg);

impl Incoming for Bare<'_> {
    #[inline(always)]
    fn put_frame(&mut self, frame: Frame<'_>, _metadata: Option<&Arc<Metadata>>) -> bool {
        self.0.put_frame(frame, None)
    }

    #[inline]
    fn put_msg(&mut self, _metadata: Option<&Arc<Metadata>>, fill: impl FnOnce(&mut Msg)) {
        self.0.put_msg(None, fill);
    }

    #[inline]
    fn more(&self) -> bool {
        self.0.more()
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn set_routing_id(&mut self, number: u32) {
        self.0.set_routing_id(number);
    }

    fn hand_out(&mut self, lender: &'static Lender) {
        self.0.hand_out(lender);
    }
}

/// A function that is passed the body.
pub struct Reading<F> {
    read: F,
    more: bool,
}

impl<F: FnMut(&[u8])> Reading<F> {
    /// Passes the body to `read`.
    #[inline]
    pub fn new(read: F) -> Reading<F> {
        Reading { read, more: false }
    }
}

impl<F: FnMut(&[u8])> Incoming for Reading<F> {
    #[inline(always)]
    fn put_frame(&mut self, frame: Frame<'_>, _metadata: Option<&Arc<Metadata>>) -> bool {
        self.more = frame.show(&mut self.read);
        self.more
    }

    #[inline]
    fn put_msg(&mut self, _metadata: Option<&Arc<Metadata>>, fill: impl FnOnce(&mut Msg)) {
        let mut msg = Msg::new();
        fill(&mut msg);
        (self.read)(msg.data());
        self.more = msg.more();
    }

    #[inline]
    fn more(&self) -> bool {
        self.more
    }
}
