//! What a message holds references to, and when it gives them up.

use super::block::Header as BlockHeader;
use super::body::Content;
use super::metadata::Metadata;
use super::msg::{Kind, Msg, flag};
use std::ptr::{self, NonNull};
use std::sync::Arc;

impl Msg {
    /// Releases the body and marks the memory so that [`from_c`](Msg::from_c)
    /// refuses it from now on.
    pub fn close(&mut self) {
        self.release();
        self.kind = Kind::Closed;
        self.words[1] = 0; // an empty body, in case a program reads it all the same
    }

    /// Releases the content, leaving an empty message.
    #[inline]
    pub fn clear(&mut self) {
        self.release();
        self.empty();
    }

    /// Releases the body, which the caller replaces at once, and returns the metadata.
    #[inline]
    pub fn vacate(&mut self) -> Option<Arc<Metadata>> {
        let metadata = self.take_metadata();
        self.release_body();
        self.empty();
        metadata
    }

    /// Resets body and flags, which were released before.
    #[inline]
    pub(super) fn empty(&mut self) {
        self.kind = Kind::Inline;
        self.inline_len = 0;
        self.empty_marks();
    }

    /// Resets what is neither body nor metadata.
    #[inline]
    pub(super) fn empty_marks(&mut self) {
        self.flags = 0;
        self.routing_id = 0;
        self.group = [0; 16];
    }

    /// A second message with the same content (`zmq_msg_copy`): inline bodies are copied, others
    /// shared by reference, and both messages then count as shared.
    pub fn share(&mut self) -> Msg {
        let owner = self.owner();
        if !matches!(owner, Owner::None) {
            self.flags |= flag::SHARED;
        }
        // SAFETY: self holds as many references, so the owner is alive.
        unsafe {
            match owner {
                Owner::Content(content) => Content::retain(content),
                Owner::Block(block) => BlockHeader::retain(block, 1),
                Owner::None => {}
            }
        }
        if !self.metadata.is_null() {
            // SAFETY: self holds a reference to this Arc, so it is alive.
            unsafe { Arc::increment_strong_count(self.metadata) };
        }
        // SAFETY: a bitwise copy; the counts of what both refer to were just raised.
        let mut copy = unsafe { ptr::read(self) };
        if copy.kind == Kind::Slice {
            copy.words[3] = 0; // a loan stays with the original
        }
        copy
    }

    fn owner(&self) -> Owner {
        let raw = self.words[2] as *mut u8;
        match self.kind {
            Kind::Heap | Kind::User => NonNull::new(raw.cast()).map_or(Owner::None, Owner::Content),
            Kind::Slice => NonNull::new(raw.cast()).map_or(Owner::None, Owner::Block),
            Kind::Inline | Kind::Constant | Kind::Closed => Owner::None,
        }
    }

    #[inline]
    fn release(&mut self) {
        if !self.metadata.is_null() {
            self.set_metadata(None);
        }
        self.release_body();
    }

    #[inline]
    pub(super) fn release_body(&mut self) {
        if self.kind != Kind::Inline {
            self.release_owner();
        }
    }

    fn release_owner(&mut self) {
        self.end_loan();
        // SAFETY: self holds these references to its owner and gives them up here.
        unsafe {
            match self.owner() {
                Owner::Content(content) => Content::release(content),
                Owner::Block(block) => BlockHeader::release(block, 1),
                Owner::None => {}
            }
        }
    }
}

enum Owner {
    None,
    Content(NonNull<Content>),
    Block(NonNull<BlockHeader>),
}

impl Drop for Msg {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}
