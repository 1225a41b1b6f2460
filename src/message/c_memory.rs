//! Messages in the memory of a C program.

use super::Msg;
use std::ffi::c_void;

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
        // SAFETY: every bit pattern is a valid Msg for the language (integers and raw pointers
        // only); the memory is valid and unaliased by the caller's promise.
        let msg = unsafe { &mut *msg.cast::<Msg>() };
        msg.is_valid().then_some(msg)
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
