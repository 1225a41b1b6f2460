//! What a message has beside its body: flags, the properties of its connection, the peer's number.

use super::metadata::Metadata;
use super::msg::{Kind, Msg, flag};
use std::ptr;
use std::sync::Arc;

impl Msg {
    /// All flag bits, see [`flag`].
    #[inline]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether more parts follow.
    #[inline]
    pub fn more(&self) -> bool {
        self.flags & flag::MORE != 0
    }

    /// Whether a flag bit is set.
    #[inline]
    pub fn has(&self, bit: u8) -> bool {
        self.flags & bit != 0
    }

    /// Sets or clears a flag bit.
    #[inline]
    pub fn set(&mut self, bit: u8, on: bool) {
        if on {
            self.flags |= bit
        } else {
            self.flags &= !bit
        }
    }

    /// The message with a flag bit set.
    #[inline]
    pub fn with(mut self, bit: u8) -> Msg {
        self.flags |= bit;
        self
    }

    /// `ZMQ_SHARED`: the body is constant or was shared by reference.
    pub fn is_shared(&self) -> bool {
        self.kind == Kind::Constant || self.has(flag::SHARED)
    }

    /// Properties of the connection the message came from, if it came from one.
    pub fn metadata(&self) -> Option<&Metadata> {
        // SAFETY: a non-null pointer is an Arc reference that self holds.
        unsafe { self.metadata.as_ref() }
    }

    /// Attaches the properties of a connection (or none).
    #[inline]
    pub fn set_metadata(&mut self, metadata: Option<Arc<Metadata>>) {
        if !self.metadata.is_null() {
            // SAFETY: the pointer came from Arc::into_raw below, and its reference ends here.
            drop(unsafe { Arc::from_raw(self.metadata) });
        }
        self.metadata = metadata.map_or(ptr::null(), Arc::into_raw);
    }

    /// As [`set_metadata`](Self::set_metadata); costs nothing if they are already attached.
    #[inline]
    pub fn refer_to(&mut self, metadata: Option<&Arc<Metadata>>) {
        let wanted = metadata.map_or(ptr::null(), Arc::as_ptr);
        if self.metadata != wanted {
            self.set_metadata(metadata.cloned());
        }
    }

    /// Takes the metadata reference out of the message.
    #[inline]
    pub fn take_metadata(&mut self) -> Option<Arc<Metadata>> {
        let raw = std::mem::replace(&mut self.metadata, ptr::null());
        // SAFETY: the pointer came from Arc::into_raw, and the message no longer holds it.
        (!raw.is_null()).then(|| unsafe { Arc::from_raw(raw) })
    }

    /// The number of the peer (`zmq_msg_routing_id`), 0 when unset.
    #[inline]
    pub fn routing_id(&self) -> u32 {
        self.routing_id
    }

    /// Sets the number of the peer that the message came from, or is for.
    #[inline]
    pub fn set_routing_id(&mut self, number: u32) {
        self.routing_id = number;
    }
}
