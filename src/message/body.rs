//! Counted bodies: on the heap, or in a user's buffer.

use super::recycle::{self, Area, Extent};
use super::released::{self, Released};
use super::usage;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// `zmq_free_fn`: called once with the buffer and the hint.
/// It may throw (C++), and end its thread.
pub type FreeFn = unsafe extern "C-unwind" fn(data: *mut c_void, hint: *mut c_void);

/// Count, and what to do when it reaches zero. Heap bodies follow directly.
#[repr(C, align(16))]
pub(super) struct Content {
    refs: AtomicUsize,
    /// Of the whole allocation.
    extent: Extent,
    data: *mut u8,
    free: Option<FreeFn>,
    hint: *mut c_void,
    /// In the list of those whose free function is to be called.
    pub(super) next: *mut Content,
}

const _: () = assert!(align_of::<Content>() <= recycle::ALIGN);

impl Content {
    pub(super) fn with_size(size: usize) -> Option<NonNull<Content>> {
        let total = size.checked_add(size_of::<Content>())?;
        let area = recycle::get(total)?;
        Some(Content::place(area, ptr::null_mut(), None, ptr::null_mut()))
    }

    pub(super) fn for_user(
        data: *mut u8,
        free: FreeFn,
        hint: *mut c_void,
    ) -> Option<NonNull<Content>> {
        let area = recycle::get(size_of::<Content>())?;
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
        // SAFETY: memory of ours, large enough and aligned.
        unsafe { place.as_ptr().write(content) };
        place
    }

    /// Address of a heap body.
    pub(super) fn bytes(this: NonNull<Content>) -> *mut u8 {
        // SAFETY: the bytes follow the header in the same allocation.
        unsafe { this.as_ptr().add(1).cast() }
    }

    /// # Safety
    /// The caller holds a reference.
    pub(super) unsafe fn retain(this: NonNull<Content>) {
        // SAFETY: alive by the caller's reference. Relaxed: see Arc::clone.
        unsafe { this.as_ref() }
            .refs
            .fetch_add(1, Ordering::Relaxed);
    }

    /// # Safety
    /// The caller gives up a reference it held.
    pub(super) unsafe fn release(this: NonNull<Content>) {
        // SAFETY: alive by the caller's reference.
        let refs = &unsafe { this.as_ref() }.refs;
        // A sole holder needs no read-modify-write: nobody else can add.
        if refs.load(Ordering::Acquire) != 1 && refs.fetch_sub(1, Ordering::Release) != 1 {
            return;
        }
        // Acquire: the other holders' uses of the bytes are over.
        fence(Ordering::Acquire);
        // SAFETY: the last reference is ours.
        unsafe {
            match this.as_ref().free {
                Some(_) => released::add(this),
                None => Content::dispose(this),
            }
        }
    }

    /// What is to be called for a user's buffer, once.
    ///
    /// # Safety
    /// The caller has the last reference.
    pub(super) unsafe fn take_free(this: NonNull<Content>) -> Option<Released> {
        // SAFETY: alive by the caller's reference.
        let content = unsafe { ptr::read(this.as_ptr()) };
        // SAFETY: by the caller's promise.
        unsafe { Content::dispose(this) };
        Some(Released::new(content.free?, content.data, content.hint))
    }

    /// Gives the memory back.
    ///
    /// # Safety
    /// The caller gives up the last reference.
    unsafe fn dispose(this: NonNull<Content>) {
        // SAFETY: alive by the caller's reference, which was the last.
        unsafe {
            let extent = this.as_ref().extent;
            usage::gave_back(extent.size());
            recycle::put(Area {
                place: this.cast(),
                extent,
            });
        }
    }
}
