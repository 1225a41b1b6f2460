//! The 64 bytes of a message, how it is made, and its body.

use super::block::Block;
use super::body::{Content, FreeFn};
use super::copy;
use super::metadata::Metadata;
use crate::error::{Error, Result};
use std::ffi::c_void;
use std::ptr;

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
    /// The body may be referred to by another message (`ZMQ_SHARED`).
    pub const SHARED: u8 = 128;
}

/// The representation of a body. Not every byte is one, so a message in C memory is checked
/// before it is referred to, and a pipe's item needs no bytes beyond a message's.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// No message, but the memory of one that was closed.
    Closed = 0,
    Inline = 0xA1,
    Heap = 0xA2,
    User = 0xA3,
    Constant = 0xA4,
    Slice = 0xA5,
}

/// A message. Exactly the memory of a `zmq_msg_t`.
///
/// Dropping it releases its body. The C API keeps it in the caller's memory, where `zmq_msg_close`
/// takes the place of the drop; see [`Msg::from_c`].
#[repr(C, align(8))]
pub struct Msg {
    pub(super) metadata: *const Metadata,
    /// Pointer kinds: address, size, owner; a slice adds its lender, if it is on loan. Inline: the
    /// first 32 bytes.
    pub(super) words: [usize; 4],
    /// The 33rd inline byte.
    pub(super) tail: u8,
    pub(super) inline_len: u8,
    pub(super) kind: Kind,
    pub(super) flags: u8,
    pub(super) routing_id: u32,
    pub(super) group: [u8; 16],
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
    pub(super) const fn raw(kind: Kind, words: [usize; 4]) -> Msg {
        Msg {
            metadata: ptr::null(),
            words,
            tail: 0,
            inline_len: 0,
            kind,
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
    /// [`Filling`](super::Filling), which ensures that.
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
        if self.kind != Kind::Inline {
            return;
        }
        let len = bytes.len().min(INLINE_MAX);
        // SAFETY: the inline area holds INLINE_MAX bytes.
        unsafe { copy::copy(bytes.as_ptr(), self.inline_ptr_mut(), len) };
        self.inline_len = len as u8;
    }

    /// A message over the caller's buffer. `free` is called exactly once with `data` and `hint`, on
    /// any thread, after the last reference has ended (see `released.rs`); without it the
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

    /// Whether the body is memory of the message's own to which no other message refers.
    #[inline]
    pub fn is_own_heap(&self) -> bool {
        self.kind == Kind::Heap && !self.is_shared()
    }

    /// Takes the message out, leaving an empty one.
    #[inline]
    pub fn take(&mut self) -> Msg {
        std::mem::take(self)
    }

    #[inline]
    pub(super) fn inline_ptr_mut(&mut self) -> *mut u8 {
        // The 33 bytes reach over `words` and `tail`: the pointer is derived from the whole struct.
        let base = (self as *mut Msg).cast::<u8>();
        // SAFETY: the offset is inside the struct.
        unsafe { base.add(std::mem::offset_of!(Msg, words)) }
    }

    /// Address of the body. Valid until the message is moved or changed.
    #[inline]
    pub fn data_ptr(&self) -> *const u8 {
        if self.kind == Kind::Inline {
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
        if self.kind == Kind::Inline {
            self.inline_ptr_mut()
        } else {
            self.words[0] as *mut u8
        }
    }

    /// Length of the body in bytes.
    #[inline]
    pub fn len(&self) -> usize {
        if self.kind == Kind::Inline {
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
        if self.is_shared() || self.kind == Kind::Slice {
            return None;
        }
        let len = self.len();
        if len == 0 {
            return Some(&mut []);
        }
        // SAFETY: as in data(); the body is not shared, and the message is borrowed exclusively.
        Some(unsafe { std::slice::from_raw_parts_mut(self.data_ptr_mut(), len) })
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
