//! Counted bodies: on the heap, or in a user's buffer.

use super::{recycle, usage};
use std::alloc::Layout;
use std::ffi::c_void;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// `zmq_free_fn`: called once with the buffer and the hint.
pub type FreeFn = unsafe extern "C" fn(data: *mut c_void, hint: *mut c_void);

/// Count, and what to do when it reaches zero. Heap bodies follow directly.
#[repr(C, align(16))]
pub(super) struct Content {
    refs: AtomicUsize,
    /// Heap: size of the whole allocation. User: 0.
    allocated: usize,
    data: *mut u8,
    free: Option<FreeFn>,
    hint: *mut c_void,
}

impl Content {
    pub(super) fn with_size(size: usize) -> Option<NonNull<Content>> {
        let total = size.checked_add(size_of::<Content>())?;
        let layout = Layout::from_size_align(total, align_of::<Content>()).ok()?;
        Content::place(
            layout,
            Content {
                refs: AtomicUsize::new(1),
                allocated: total,
                data: ptr::null_mut(),
                free: None,
                hint: ptr::null_mut(),
            },
        )
    }

    pub(super) fn for_user(
        data: *mut u8,
        free: FreeFn,
        hint: *mut c_void,
    ) -> Option<NonNull<Content>> {
        let content = Content {
            refs: AtomicUsize::new(1),
            allocated: 0,
            data,
            free: Some(free),
            hint,
        };
        Content::place(Layout::new::<Content>(), content)
    }

    fn place(layout: Layout, mut content: Content) -> Option<NonNull<Content>> {
        let (place, given) = recycle::get(layout)?;
        usage::took(given.size());
        let place = place.cast::<Content>();
        if content.allocated > 0 {
            content.allocated = given.size();
        }
        // SAFETY: memory of ours, large enough and aligned.
        unsafe { place.as_ptr().write(content) };
        Some(place)
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
        // SAFETY: the last reference is ours; layouts as at creation; the free
        // function gets what its owner gave us, once.
        unsafe {
            let Content {
                allocated,
                data,
                free,
                hint,
                ..
            } = ptr::read(this.as_ptr());
            let size = if allocated == 0 {
                size_of::<Content>()
            } else {
                allocated
            };
            usage::gave_back(size);
            recycle::put(
                this.cast(),
                Layout::from_size_align_unchecked(size, align_of::<Content>()),
            );
            if let Some(free) = free {
                free(data.cast(), hint);
            }
        }
    }
}
