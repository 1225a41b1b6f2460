//! Messages: the 64 bytes of a `zmq_msg_t` and the representations of a body.
//!
//! | kind | body | made by |
//! | --- | --- | --- |
//! | inline | up to [`INLINE_MAX`] bytes in the struct itself | small sends and receives |
//! | heap | one allocation: count and bytes | `zmq_msg_init_size`, large receives |
//! | user | the caller's buffer and its free function, counted | `zmq_msg_init_data` |
//! | constant | the caller's buffer, never freed | `zmq_send_const`, no free function |
//! | slice | part of a [`Block`] shared with other messages | receive buffers, runs of frames |
//! | borrowed | the caller's buffer for the time of a call | `zmq_send` of short bodies |
//! | run | no message, but many, see [`FrameReader`] | pipes |
//!
//! Moving a [`Msg`] moves 64 bytes. A body of the heap, user and slice kinds is counted, so that
//! [`Msg::share`] (`zmq_msg_copy`) copies no bytes. A message belongs to one thread at a time; only
//! the counts are shared.

mod block;
mod body;
mod c_memory;
pub(crate) mod copy;
mod filling;
mod frames;
mod loan;
mod metadata;
mod recycle;
mod released;
mod run;
pub(crate) mod usage;

pub use block::Block;
pub use body::FreeFn;
pub use filling::Filling;
pub use frames::{FRAMED_MAX, FrameReader, FrameWriter, Place, Taken};
pub use loan::Lender;
pub use metadata::Metadata;
pub use recycle::lock_over_fork as lock_spare_memory;
pub use released::run_released;
pub use run::Run;

use crate::error::{Error, Result};
use block::Header as BlockHeader;
use body::Content;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::Arc;

/// Frees the memory that is kept for later. Called when the process ends.
pub fn end() {
    usage::MEMORY.end();
    usage::MEMORY.forget();
}

/// Largest body kept inside the struct, in bytes; libzmq's value on 64 bits.
pub const INLINE_MAX: usize = 33;

/// Bits of [`Msg::flags`]. `MORE` is public (`ZMQ_MORE`), the others are internal.
pub mod flag {
    /// More parts of the same message follow.
    pub const MORE: u8 = 1;
    /// The body is the peer's routing id, not a message for the application.
    pub const ROUTING_ID: u8 = 2;
    /// The body is `01`/`00` + topic: a subscription or its end.
    pub const SUBSCRIPTION: u8 = 4;
    /// Carries only new [`Metadata`](super::Metadata) for the messages that follow.
    pub const CONTROL: u8 = 8;
    /// On a message to receive into: the caller does not read the metadata.
    pub const BARE: u8 = 16;
    /// The body may be referred to by another message (`ZMQ_SHARED`).
    pub const SHARED: u8 = 128;
}

#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    Inline = 0xA1,
    Heap = 0xA2,
    User = 0xA3,
    Constant = 0xA4,
    Slice = 0xA5,
    /// The C API never has a message of this kind, nor of the next.
    Borrowed = 0xB1,
    Run = 0xB2,
}

const CLOSED: u8 = 0;

/// A message. Exactly the memory of a `zmq_msg_t`.
///
/// Dropping it releases its body. The C API keeps it in the caller's memory, where `zmq_msg_close`
/// takes the place of the drop; see [`Msg::from_c`].
#[repr(C, align(8))]
pub struct Msg {
    metadata: *const Metadata,
    /// Pointer kinds: address, size, owner; a slice adds its lender, if it is on loan. A run has no
    /// size, and its end after the owner. Inline: the first 32 bytes.
    words: [usize; 4],
    /// The 33rd inline byte.
    tail: u8,
    inline_len: u8,
    kind: u8,
    flags: u8,
    routing_id: u32,
    group: [u8; 16],
}

const _: () = assert!(size_of::<Msg>() == 64 && align_of::<Msg>() == 8);
const _: () = assert!(std::mem::offset_of!(Msg, tail) - std::mem::offset_of!(Msg, words) == 32);

// SAFETY: bodies are plain bytes; bodies and metadata are counted atomically, and a user's free
// function may, by its contract, run on any thread.
unsafe impl Send for Msg {}
// SAFETY: a shared Msg is only read.
unsafe impl Sync for Msg {}

impl Default for Msg {
    fn default() -> Self {
        Msg::new()
    }
}

impl Msg {
    const fn raw(kind: Kind, words: [usize; 4]) -> Msg {
        Msg {
            metadata: ptr::null(),
            words,
            tail: 0,
            inline_len: 0,
            kind: kind as u8,
            flags: 0,
            routing_id: 0,
            group: [0; 16],
        }
    }

    /// An empty message.
    #[inline]
    pub const fn new() -> Msg {
        Msg::raw(Kind::Inline, [0; 4])
    }

    /// A message of `size` bytes with unspecified content.
    ///
    /// [`Error::NoMemory`] if there is no memory.
    ///
    /// # Safety
    /// The body is written before it is read, by [`data`](Msg::data) or anything else. See
    /// [`Filling`], which ensures that.
    pub unsafe fn with_size(size: usize) -> Result<Msg> {
        if size <= INLINE_MAX {
            let mut msg = Msg::new();
            msg.inline_len = size as u8;
            return Ok(msg);
        }
        let content = Content::with_size(size).ok_or(Error::NoMemory)?;
        Ok(Msg::raw(
            Kind::Heap,
            [
                Content::bytes(content) as usize,
                size,
                content.as_ptr() as usize,
                0,
            ],
        ))
    }

    /// A message with a copy of `bytes`.
    #[inline]
    pub fn copy_from(bytes: &[u8]) -> Result<Msg> {
        // SAFETY: a fresh body of exactly this length, not shared, and written here.
        unsafe {
            let mut msg = Msg::with_size(bytes.len())?;
            copy::copy(bytes.as_ptr(), msg.data_ptr_mut(), bytes.len());
            Ok(msg)
        }
    }

    /// A message of at most [`INLINE_MAX`] bytes; longer input is cut.
    #[inline]
    pub fn inline(bytes: &[u8]) -> Msg {
        let mut msg = Msg::new();
        msg.fill_inline(bytes);
        msg
    }

    /// Gives an empty message a body, as [`inline`](Msg::inline).
    #[inline]
    pub fn fill_inline(&mut self, bytes: &[u8]) {
        if self.kind != Kind::Inline as u8 {
            return;
        }
        let len = bytes.len().min(INLINE_MAX);
        // SAFETY: the inline area holds INLINE_MAX bytes.
        unsafe { copy::copy(bytes.as_ptr(), self.inline_ptr_mut(), len) };
        self.inline_len = len as u8;
    }

    /// A message over the caller's buffer. `free` is called exactly once with `data` and `hint`, on
    /// any thread, after the last reference has ended (see [`released`]); without it the
    /// buffer counts as constant and must live for ever.
    ///
    /// # Safety
    /// `data` must be valid for `size` bytes until `free` is called (or for ever), and `free` must
    /// be callable from any thread.
    pub unsafe fn from_user(
        data: *mut u8,
        size: usize,
        free: Option<FreeFn>,
        hint: *mut c_void,
    ) -> Result<Msg> {
        let Some(free) = free else {
            return Ok(Msg::raw(Kind::Constant, [data as usize, size, 0, 0]));
        };
        let content = Content::for_user(data, free, hint).ok_or(Error::NoMemory)?;
        Ok(Msg::raw(
            Kind::User,
            [data as usize, size, content.as_ptr() as usize, 0],
        ))
    }

    /// A message over the caller's buffer, for the lifetime of that. A function that keeps the
    /// message longer must [`own`](Msg::own) it.
    ///
    /// # Safety
    /// `bytes` must outlive the message and all that is moved out of it.
    #[inline]
    pub unsafe fn borrow(bytes: &[u8]) -> Msg {
        Msg::raw(Kind::Borrowed, [bytes.as_ptr() as usize, bytes.len(), 0, 0])
    }

    /// Whether the body is in a caller's buffer, see [`borrow`](Msg::borrow).
    #[inline]
    pub fn is_borrowed(&self) -> bool {
        self.kind == Kind::Borrowed as u8
    }

    /// Copies a borrowed body to memory of the message's own. False if there is no memory.
    pub fn own(&mut self) -> bool {
        if self.is_borrowed() {
            let Ok(mut copy) = Msg::copy_from(self.data()) else {
                return false;
            };
            copy.flags = self.flags;
            *self = copy;
        }
        true
    }

    /// A message whose body is `block[from..to]`, without copying.
    ///
    /// Bounds are cut to what was filled of the block.
    #[inline]
    pub fn slice(block: &mut Block, from: usize, to: usize) -> Msg {
        let bytes = block.bytes(from, to);
        let (data, size) = (bytes.as_ptr() as usize, bytes.len());
        let header = block.give(if size > 0 { from + size } else { 0 }, 1);
        Msg::raw(Kind::Slice, [data, size, header.as_ptr() as usize, 0])
    }

    /// Whether the memory looks like an initialised, unclosed message.
    #[inline]
    fn is_valid(&self) -> bool {
        (Kind::Inline as u8..=Kind::Slice as u8).contains(&self.kind)
    }

    /// Releases the body and marks the memory so that [`from_c`](Msg::from_c)
    /// refuses it from now on.
    pub fn close(&mut self) {
        self.release();
        self.kind = CLOSED;
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
    fn empty(&mut self) {
        self.kind = Kind::Inline as u8;
        self.inline_len = 0;
        self.empty_marks();
    }

    /// Resets what is neither body nor metadata.
    #[inline]
    fn empty_marks(&mut self) {
        self.flags &= flag::BARE;
        self.routing_id = 0;
        self.group = [0; 16];
    }

    /// Whether the body is memory of the message's own to which no other message refers.
    #[inline]
    pub fn is_own_heap(&self) -> bool {
        self.kind == Kind::Heap as u8 && !self.is_shared()
    }

    /// Takes the message out, leaving an empty one.
    #[inline]
    pub fn take(&mut self) -> Msg {
        std::mem::take(self)
    }

    #[inline]
    fn inline_ptr_mut(&mut self) -> *mut u8 {
        // The 33 bytes reach over `words` and `tail`: the pointer is derived from the whole struct.
        let base = (self as *mut Msg).cast::<u8>();
        // SAFETY: the offset is inside the struct.
        unsafe { base.add(std::mem::offset_of!(Msg, words)) }
    }

    /// Address of the body. Valid until the message is moved or changed.
    #[inline]
    pub fn data_ptr(&self) -> *const u8 {
        if self.kind == Kind::Inline as u8 {
            let base = (self as *const Msg).cast::<u8>();
            // SAFETY: the offset is inside the struct.
            unsafe { base.add(std::mem::offset_of!(Msg, words)) }
        } else {
            self.words[0] as *const u8
        }
    }

    /// Address of the body for writing. The C API returns it for any message; as in libzmq, it is
    /// up to the program not to write to a shared body.
    #[inline]
    pub fn data_ptr_mut(&mut self) -> *mut u8 {
        if self.kind == Kind::Inline as u8 {
            self.inline_ptr_mut()
        } else {
            self.words[0] as *mut u8
        }
    }

    /// Length of the body in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        if self.kind == Kind::Inline as u8 {
            self.inline_len as usize
        } else {
            self.words[1]
        }
    }

    /// Whether the body has no bytes.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The body.
    #[inline]
    pub fn data(&self) -> &[u8] {
        let len = self.len();
        if len == 0 {
            return &[];
        }
        // SAFETY: address and length describe the body, which self keeps alive.
        unsafe { std::slice::from_raw_parts(self.data_ptr(), len) }
    }

    /// Adds the body to `out`.
    #[inline]
    pub fn append_to(&self, out: &mut Vec<u8>) {
        let len = self.len();
        out.reserve(len);
        // SAFETY: address and length describe the body; `out` has reserved room for it behind its
        // length, and the copy initialises it.
        unsafe {
            copy::copy(self.data_ptr(), out.as_mut_ptr().add(out.len()), len);
            out.set_len(out.len() + len);
        }
    }

    /// The body for writing, if no other message refers to it.
    pub fn data_mut(&mut self) -> Option<&mut [u8]> {
        let lent = self.kind == Kind::Slice as u8 || self.is_borrowed();
        if self.is_shared() || lent {
            return None;
        }
        let len = self.len();
        if len == 0 {
            return Some(&mut []);
        }
        // SAFETY: as in data(); the body is not shared, and the message is borrowed exclusively.
        Some(unsafe { std::slice::from_raw_parts_mut(self.data_ptr_mut(), len) })
    }

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

    /// Prepares a received message for sending: removes the metadata and all flags but SHARED, and
    /// sets `more` as given.
    #[inline]
    pub fn renew(&mut self, more: bool) {
        self.set_metadata(None);
        self.flags = (self.flags & flag::SHARED) | if more { flag::MORE } else { 0 };
    }

    /// The message with a flag bit set.
    #[inline]
    pub fn with(mut self, bit: u8) -> Msg {
        self.flags |= bit;
        self
    }

    /// `ZMQ_SHARED`: the body is constant or was shared by reference.
    pub fn is_shared(&self) -> bool {
        self.kind == Kind::Constant as u8 || self.has(flag::SHARED)
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

    /// Draft routing id of the peer (`zmq_msg_routing_id`), 0 when unset.
    pub fn routing_id(&self) -> u32 {
        self.routing_id
    }

    /// A second message with the same content (`zmq_msg_copy`): inline bodies are copied, others
    /// shared by reference, and both messages then count as shared. An empty message if there is no
    /// memory to copy a borrowed body.
    pub fn share(&mut self) -> Msg {
        if self.is_borrowed() && !self.own() {
            return Msg::new();
        }
        let owner = self.owner();
        if !matches!(owner, Owner::None) {
            self.flags |= flag::SHARED;
        }
        // SAFETY: self holds as many references, so the owner is alive.
        unsafe {
            match owner {
                Owner::Content(content) => Content::retain(content),
                Owner::Block(block, count) => BlockHeader::retain(block, count),
                Owner::None => {}
            }
        }
        if !self.metadata.is_null() {
            // SAFETY: self holds a reference to this Arc, so it is alive.
            unsafe { Arc::increment_strong_count(self.metadata) };
        }
        // SAFETY: a bitwise copy; the counts of what both refer to were just raised.
        let mut copy = unsafe { ptr::read(self) };
        if copy.kind == Kind::Slice as u8 {
            copy.words[3] = 0; // a loan stays with the original
        }
        copy
    }

    fn owner(&self) -> Owner {
        let raw = self.words[2] as *mut u8;
        if self.kind == Kind::Heap as u8 || self.kind == Kind::User as u8 {
            NonNull::new(raw.cast()).map_or(Owner::None, Owner::Content)
        } else if self.kind == Kind::Slice as u8 {
            NonNull::new(raw.cast()).map_or(Owner::None, |block| Owner::Block(block, 1))
        } else if self.kind == Kind::Run as u8 {
            NonNull::new(raw.cast()).map_or(Owner::None, |block| Owner::Block(block, run::REFS))
        } else {
            Owner::None
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
    fn release_body(&mut self) {
        if self.kind != Kind::Inline as u8 && self.kind != Kind::Borrowed as u8 {
            self.release_owner();
        }
    }

    fn release_owner(&mut self) {
        self.end_loan();
        // SAFETY: self holds these references to its owner and gives them up here.
        unsafe {
            match self.owner() {
                Owner::Content(content) => Content::release(content),
                Owner::Block(block, count) => BlockHeader::release(block, count),
                Owner::None => {}
            }
        }
    }
}

enum Owner {
    None,
    Content(NonNull<Content>),
    /// With this number of references.
    Block(NonNull<BlockHeader>, usize),
}

impl Drop for Msg {
    #[inline]
    fn drop(&mut self) {
        self.release();
    }
}

impl std::fmt::Debug for Msg {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Msg")
            .field("len", &self.len())
            .field("flags", &self.flags)
            .finish()
    }
}

#[cfg(test)]
mod tests;
