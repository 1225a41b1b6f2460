//! Messages in the memory of a C program.

use super::msg::{Kind, Msg};
use std::ffi::c_void;
use std::mem::offset_of;

impl Msg {
    /// The message in C memory, or `None` if it is not one (NULL, closed, never initialised as far
    /// as can be seen).
    ///
    /// # Safety
    /// `msg` must be NULL or point to 64 readable and writable bytes aligned to 8, with no other
    /// access during `'a`.
    #[inline]
    pub unsafe fn from_c<'a>(msg: *mut c_void) -> Option<&'a mut Msg> {
        if msg.is_null() || (msg as usize) % align_of::<Msg>() != 0 {
            return None;
        }
        // SAFETY: the byte is readable, by the caller's promise.
        let kind = unsafe { msg.cast::<u8>().add(offset_of!(Msg, kind)).read() };
        if !(Kind::Inline as u8..=Kind::Slice as u8).contains(&kind) {
            return None;
        }
        // SAFETY: the kind is valid, and the other fields (integers and raw pointers) are whatever
        // their bytes; the memory is valid and unaliased by the caller's promise.
        Some(unsafe { &mut *msg.cast::<Msg>() })
    }

    /// Writes a message to C memory, and neither reads nor drops what was there.
    ///
    /// # Safety
    /// `place` must point to 64 writable bytes aligned to 8.
    #[inline]
    pub unsafe fn write_c(self, place: *mut c_void) {
        // SAFETY: by the caller's promise.
        unsafe { place.cast::<Msg>().write(self) };
    }
}
