//! Large blocks of memory: none, so that the caller uses the allocator.

use std::ptr::NonNull;

/// `None`: no block.
pub fn map(_size: usize) -> Option<NonNull<u8>> {
    None
}

/// Does nothing.
///
/// # Safety
/// `place` came from [`map`], so this is never called.
pub unsafe fn unmap(_place: NonNull<u8>, _size: usize) {}

/// Does nothing.
pub fn trim_memory() {}
