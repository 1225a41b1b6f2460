//! Memory of long bodies, kept for the next ones.
//!
//! Fresh memory of this size comes from the kernel page by page, each cleared on first use, which
//! takes longer than copying the body. So areas of released bodies are used again for the next
//! bodies of about that size, the last area first, since it is the most likely to be in the
//! processor's caches.
//!
//! Invariant: what is kept and what is in use are together at most what was in use at the peak, or
//! [`SPARE`] bytes are kept. An area that was not used for one to two seconds is freed (see
//! `usage`), until no more than [`SPARE`] bytes are kept; at the end of a burst all are freed.
//! Threads share the list under one mutex, which messages only try to lock: under contention an
//! area is allocated or freed as if none were kept.

use super::usage;
use crate::sync::{Mutex, MutexGuard, lock_for_fork};
use crate::sys::memory;
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// Shorter areas, in bytes, are left to the allocator, which keeps them itself.
const SHORTEST: usize = 64 * 1024;
/// Longer areas, in bytes, are mappings of their own.
const MAPPED: usize = 4 * 1024 * 1024;
/// The sizes of mappings are multiples of this, and so of every system's page size.
const PAGES: usize = 64 * 1024;
/// The most areas that are kept, and the most bytes in all of them.
const AREAS: usize = 256;
const BYTES: usize = 256 * 1024 * 1024;
/// Bytes that may be kept for as long as the process lives.
pub(super) const SPARE: usize = 8 * 1024 * 1024;

/// Alignment of all areas.
pub(super) const ALIGN: usize = 16;

/// A piece of memory.
pub(super) struct Area {
    pub place: NonNull<u8>,
    pub extent: Extent,
}

/// The size of an area, a multiple of [`ALIGN`], and in the lowest bit whether it is a mapping, and
/// not allocated.
#[derive(Clone, Copy)]
pub(super) struct Extent(usize);

impl Extent {
    #[inline]
    pub fn size(self) -> usize {
        self.0 & !1
    }

    fn is_mapped(self) -> bool {
        self.0 & 1 == 1
    }
}

// SAFETY: an area is memory that belongs to its holder alone.
unsafe impl Send for Area {}

impl Area {
    /// `None` if there is no memory.
    fn fresh(size: usize) -> Option<Area> {
        if size >= MAPPED {
            let size = size.checked_next_multiple_of(PAGES)?;
            if let Some(place) = memory::map(size) {
                let extent = Extent(size | 1);
                return Some(Area { place, extent });
            }
        }
        let size = size.max(1).checked_next_multiple_of(ALIGN)?;
        let layout = Layout::from_size_align(size, ALIGN).ok()?;
        // SAFETY: the layout is not empty.
        let place = NonNull::new(unsafe { alloc(layout) })?;
        let extent = Extent(size);
        Some(Area { place, extent })
    }

    fn size(&self) -> usize {
        self.extent.size()
    }

    /// # Safety
    /// Nothing refers to the area any more.
    unsafe fn give_back(self) {
        let size = self.size();
        // SAFETY: the area was made by `fresh` with this size, as a mapping or by the allocator,
        // and nothing refers to it by the caller's promise.
        unsafe {
            match self.extent.is_mapped() {
                true => memory::unmap(self.place, size),
                false => dealloc(
                    self.place.as_ptr(),
                    Layout::from_size_align_unchecked(size, ALIGN),
                ),
            }
        }
    }
}

/// Areas to be freed once no lock is held.
type Dropped = smallvec::SmallVec<[Area; 4]>;

fn give_back(areas: Dropped) {
    for area in areas {
        // SAFETY: a kept area is not in use.
        unsafe { area.give_back() };
    }
}

struct Kept {
    /// In the order in which they came, each with the number of the second.
    areas: Vec<(Area, u32)>,
    bytes: usize,
    second: u32,
}

static KEPT: Mutex<Kept> = Mutex::new(Kept {
    areas: Vec::new(),
    bytes: 0,
    second: 0,
});

impl Kept {
    fn take(&mut self, index: usize) -> Area {
        let (area, _) = self.areas.remove(index);
        self.bytes -= area.size();
        area
    }

    /// Removes the oldest areas until there are at most so many bytes and areas.
    fn shrink(&mut self, bytes: usize, areas: usize, dropped: &mut Dropped) {
        while self.bytes > bytes || self.areas.len() > areas {
            dropped.push(self.take(0));
        }
    }
}

/// How many bytes may be kept when `more` bytes more are in use.
fn room(more: usize) -> usize {
    usage::below_peak(more).clamp(SPARE, BYTES)
}

/// An area of at least `size` bytes. `None` if there is no memory.
pub(super) fn get(size: usize) -> Option<Area> {
    if size >= SHORTEST {
        if let Some(area) = reuse(size) {
            return Some(area);
        }
    }
    Area::fresh(size)
}

fn reuse(size: usize) -> Option<Area> {
    let mut kept = KEPT.try_lock()?;
    let fits = |(area, _): &(Area, u32)| area.size() >= size && area.size() - size <= size / 4;
    if let Some(index) = kept.areas.iter().rposition(fits) {
        return Some(kept.take(index));
    }
    let mut dropped = Dropped::new();
    kept.shrink(room(size), AREAS, &mut dropped);
    drop(kept);
    give_back(dropped);
    None
}

/// Keeps or frees an area.
///
/// # Safety
/// It came from [`get`], and nothing refers to it any more.
pub(super) unsafe fn put(area: Area) {
    if area.size() >= SHORTEST {
        if let (Some(beside), Some(kept)) = (room(0).checked_sub(area.size()), KEPT.try_lock()) {
            return keep(kept, area, beside);
        }
    }
    // SAFETY: nothing refers to the area, by the caller's promise.
    unsafe { area.give_back() };
}

/// Keeps an area, and at most `beside` bytes of other areas.
fn keep(mut kept: MutexGuard<'_, Kept>, area: Area, beside: usize) {
    let mut dropped = Dropped::new();
    kept.shrink(beside, AREAS - 1, &mut dropped);
    if kept.areas.try_reserve(1).is_ok() {
        kept.bytes += area.size();
        let entry = (area, kept.second);
        kept.areas.push(entry);
    } else {
        dropped.push(area);
    }
    let much = kept.bytes > SPARE;
    drop(kept);
    give_back(dropped);
    if much && !usage::watch() {
        forget();
    }
}

/// Whether more is kept than [`SPARE`].
pub(super) fn keeps_much() -> bool {
    KEPT.lock().bytes > SPARE
}

/// Called each second: frees the areas kept for longer than that, as long as [much](keeps_much) is
/// kept.
pub(super) fn give_back_unused() {
    let mut dropped = Dropped::new();
    let mut kept = KEPT.lock();
    let now = kept.second.wrapping_add(1);
    kept.second = now;
    while kept.bytes > SPARE && kept.areas[0].1 != now.wrapping_sub(1) {
        dropped.push(kept.take(0));
    }
    drop(kept);
    give_back(dropped);
}

/// Locks the kept areas until the result is dropped.
pub fn lock_over_fork() -> impl Sized {
    lock_for_fork(&KEPT)
}

/// Frees all kept areas.
pub(super) fn forget() {
    let areas = {
        let Some(mut kept) = lock_for_fork(&KEPT) else {
            return;
        };
        kept.bytes = 0;
        std::mem::take(&mut kept.areas)
    };
    give_back(areas.into_iter().map(|(area, _)| area).collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_knows_its_size_and_how_it_is_given_back() {
        for (size, expected, mapped) in [
            (1, ALIGN, false),
            (ALIGN, ALIGN, false),
            (ALIGN + 1, 2 * ALIGN, false),
            (MAPPED - 1, MAPPED, false),
            (MAPPED, MAPPED, true),
            (MAPPED + 1, MAPPED + PAGES, true),
        ] {
            let area = Area::fresh(size).unwrap();
            assert_eq!((area.size(), area.extent.is_mapped()), (expected, mapped));
            // SAFETY: of that size, and given back once.
            unsafe {
                area.place.write_bytes(7, area.size());
                area.give_back();
            }
        }
        assert!(Area::fresh(usize::MAX).is_none());
    }

    #[test]
    fn the_oldest_areas_go_until_the_rest_is_not_too_much() {
        let mut kept = Kept {
            areas: Vec::new(),
            bytes: 0,
            second: 0,
        };
        for size in [1, 2, 3, 4, 5].map(|units| units * ALIGN) {
            kept.areas.push((Area::fresh(size).unwrap(), 0));
            kept.bytes += size;
        }
        let mut shrink = |units: usize, areas| {
            let mut dropped = Dropped::new();
            kept.shrink(units * ALIGN, areas, &mut dropped);
            let sizes: Vec<_> = dropped.iter().map(|area| area.size() / ALIGN).collect();
            give_back(dropped);
            (sizes, kept.bytes / ALIGN)
        };
        assert_eq!(shrink(15, 5), (vec![], 15));
        assert_eq!(shrink(15, 4), (vec![1], 14));
        assert_eq!(shrink(13, 4), (vec![2], 12));
        assert_eq!(shrink(5, 9), (vec![3, 4], 5));
        assert_eq!(shrink(0, 9), (vec![5], 0));
    }

    #[test]
    fn an_area_serves_what_needs_most_of_it() {
        // Of a size that no other test asks for.
        let size = 3 << 20;
        let serves = |wanted| {
            let area = get(size).unwrap();
            let place = area.place;
            // SAFETY: just had, and not used.
            unsafe { put(area) };
            let again = get(wanted).unwrap();
            let same = again.size() == size && again.place == place;
            // SAFETY: as above.
            unsafe { again.give_back() };
            same
        };
        // What other tests keep at the same time may leave no room for a moment.
        let ever = |wanted| (0..1000).any(|_| serves(wanted));
        for _ in 0..10 {
            assert!(ever(size - ALIGN) && ever(size / 5 * 4 + ALIGN));
        }
        assert!(!serves(size / 5 * 4 - ALIGN), "a quarter more at most");
        assert!(!serves(size + ALIGN));
    }
}
