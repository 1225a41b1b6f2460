//! Counted bodies: on the heap, or in a user's buffer.

use super::kept::{self, Area, Extent};
use super::usage::{self, MEMORY};
use std::ffi::c_void;
use std::ptr::{self, NonNull};
// Not from sync::atomic: a reference count, as Arc's, which models take for granted.
use std::sync::atomic::{AtomicUsize, Ordering};

/// `zmq_free_fn`: called once with the buffer and the hint.
/// It may throw (C++), and end its thread.
pub type FreeFn = unsafe extern "C-unwind" fn(data: *mut c_void, hint: *mut c_void);

/// The reference count of a body and how to free it. The bytes of a heap body follow directly.
#[repr(C, align(16))]
pub(super) struct Content {
    pub(super) refs: AtomicUsize,
    /// The extent of the whole allocation.
    extent: Extent,
    pub(super) data: *mut u8,
    pub(super) free: Option<FreeFn>,
    pub(super) hint: *mut c_void,
    /// The link in the thread's list of released buffers, see `released.rs`.
    pub(super) next: *mut Content,
}

const _: () = assert!(align_of::<Content>() <= kept::ALIGN);

impl Content {
    pub(super) fn with_size(size: usize) -> Option<NonNull<Content>> {
        let total = size.checked_add(size_of::<Content>())?;
        let area = MEMORY.get(total)?;
        Some(Content::place(area, ptr::null_mut(), None, ptr::null_mut()))
    }

    pub(super) fn for_user(
        data: *mut u8,
        free: FreeFn,
        hint: *mut c_void,
    ) -> Option<NonNull<Content>> {
        let area = MEMORY.get(size_of::<Content>())?;
        Some(Content::place(area, data, Some(free), hint))
    }

    /// `area` has at least the size of the header.
    fn place(
        area: Area,
        data: *mut u8,
        free: Option<FreeFn>,
        hint: *mut c_void,
    ) -> NonNull<Content> {
        usage::took(area.extent.size());
        let place = area.place.cast::<Content>();
        let content = Content {
            refs: AtomicUsize::new(1),
            extent: area.extent,
            data,
            free,
            hint,
            next: ptr::null_mut(),
        };
        // SAFETY: the area was just allocated for this, is large enough and aligned.
        unsafe { place.as_ptr().write(content) };
        place
    }

    /// Address of a heap body.
    pub(super) fn bytes(this: NonNull<Content>) -> *mut u8 {
        // SAFETY: the header is allocated with the bytes of a heap body directly behind it, so the
        // result is in bounds or one past the end.
        unsafe { this.as_ptr().add(1).cast() }
    }

    /// # Safety
    /// The caller holds a reference.
    pub(super) unsafe fn retain(this: NonNull<Content>) {
        // SAFETY: alive by the caller's reference. Relaxed: as in Arc::clone, a new reference
        // publishes nothing.
        unsafe { this.as_ref() }
            .refs
            .fetch_add(1, Ordering::Relaxed);
    }

    /// Frees the memory.
    ///
    /// # Safety
    /// The caller gives up the last reference.
    pub(super) unsafe fn dispose(this: NonNull<Content>) {
        // SAFETY: alive by the caller's reference, which was the last.
        unsafe {
            let extent = this.as_ref().extent;
            usage::gave_back(extent.size());
            MEMORY.put(Area {
                place: this.cast(),
                extent,
            });
        }
    }
}
