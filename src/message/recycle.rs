//! Memory of long bodies, kept for the next one.
//!
//! Fresh memory of this size comes from the system page by page, each one
//! cleared on first use, which takes longer than copying the body. So a few
//! areas that bodies have left are handed to the next bodies of about that
//! size. What is kept is bounded, and [`forget`] lets go of it.

use crate::sync::{Mutex, lock_for_fork};
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// Shorter areas are left to the allocator, which keeps them itself.
const SHORTEST: usize = 64 * 1024;
/// Areas kept, and bytes in all of them.
const AREAS: usize = 8;
const BYTES: usize = 8 * 1024 * 1024;

struct Area {
    place: NonNull<u8>,
    layout: Layout,
}

// SAFETY: an area is memory that belongs to whoever holds it.
unsafe impl Send for Area {}

struct Kept {
    areas: [Option<Area>; AREAS],
    bytes: usize,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    areas: [const { None }; AREAS],
    bytes: 0,
});

/// Memory for `layout`, and the layout with which it must be given back, which
/// may be longer. `None` if there is no memory.
pub(super) fn get(layout: Layout) -> Option<(NonNull<u8>, Layout)> {
    if layout.size() == 0 {
        return None;
    }
    if layout.size() >= SHORTEST {
        if let Some(area) = reuse(layout) {
            return Some((area.place, area.layout));
        }
    }
    // SAFETY: the layout is not empty.
    Some((NonNull::new(unsafe { alloc(layout) })?, layout))
}

fn reuse(layout: Layout) -> Option<Area> {
    let mut kept = KEPT.try_lock()?;
    let fits = |area: &Option<Area>| {
        area.as_ref().is_some_and(|area| {
            let (size, wanted) = (area.layout.size(), layout.size());
            size >= wanted && size - wanted <= wanted / 4 && area.layout.align() == layout.align()
        })
    };
    let index = kept.areas.iter().rposition(fits)?;
    let area = kept.areas[index].take()?;
    kept.bytes -= area.layout.size();
    Some(area)
}

/// Takes memory back.
///
/// # Safety
/// It came from [`get`] with this layout, and nobody uses it any more.
pub(super) unsafe fn put(place: NonNull<u8>, layout: Layout) {
    if layout.size() >= SHORTEST {
        if let Some(mut kept) = KEPT.try_lock() {
            let room = kept.areas.iter().position(Option::is_none);
            if let (Some(index), true) = (room, kept.bytes + layout.size() <= BYTES) {
                kept.bytes += layout.size();
                kept.areas[index] = Some(Area { place, layout });
                return;
            }
        }
    }
    // SAFETY: from `alloc` with this layout, by the caller's promise.
    unsafe { dealloc(place.as_ptr(), layout) };
}

/// Keeps others away from what is kept, until what comes back is dropped.
pub fn hold() -> impl Sized {
    lock_for_fork(&KEPT)
}

/// Gives everything that is kept back to the allocator.
pub(super) fn forget() {
    let areas = {
        let Some(mut kept) = lock_for_fork(&KEPT) else {
            return;
        };
        kept.bytes = 0;
        std::mem::replace(&mut kept.areas, [const { None }; AREAS])
    };
    for area in areas.into_iter().flatten() {
        // SAFETY: an area kept here is nobody else's.
        unsafe { dealloc(area.place.as_ptr(), area.layout) };
    }
}
