//! Areas of memory for long bodies, and those that are kept for the next ones (`recycle.rs`).

use crate::sys::memory;
use std::alloc::{Layout, alloc, dealloc};
use std::ptr::NonNull;

/// Shorter areas, in bytes, are left to the allocator, which keeps them itself.
pub(super) const SHORTEST: usize = 64 * 1024;
/// Longer areas, in bytes, are mappings of their own.
pub(super) const MAPPED: usize = 4 * 1024 * 1024;
/// The sizes of mappings are multiples of this, and so of every system's page size.
const PAGES: usize = 64 * 1024;
/// The most areas that are kept, and the most bytes in all of them.
pub(super) const AREAS: usize = 256;
pub(super) const BYTES: usize = 256 * 1024 * 1024;
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
    pub(super) fn fresh(size: usize) -> Option<Area> {
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

    pub(super) fn size(&self) -> usize {
        self.extent.size()
    }

    /// # Safety
    /// Nothing refers to the area any more.
    pub(super) unsafe fn give_back(self) {
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
pub(super) type Dropped = smallvec::SmallVec<[Area; 4]>;

pub(super) fn give_back(areas: Dropped) {
    for area in areas {
        // SAFETY: a kept area is not in use.
        unsafe { area.give_back() };
    }
}

/// Areas for the next bodies.
pub(super) struct Kept {
    /// In the order in which they came, each with the number of the second.
    areas: Vec<(Area, u32)>,
    bytes: usize,
    second: u32,
}

impl Kept {
    pub(super) const fn new() -> Kept {
        Kept {
            areas: Vec::new(),
            bytes: 0,
            second: 0,
        }
    }

    fn take(&mut self, index: usize) -> Area {
        let (area, _) = self.areas.remove(index);
        self.bytes -= area.size();
        area
    }

    /// Takes the area that came last of those for a body of `size` bytes.
    pub(super) fn take_for(&mut self, size: usize) -> Option<Area> {
        let fits = |(area, _): &(Area, u32)| area.size() >= size && area.size() - size <= size / 4;
        let index = self.areas.iter().rposition(fits)?;
        Some(self.take(index))
    }

    /// Removes all areas.
    pub(super) fn take_all(&mut self) -> Dropped {
        self.bytes = 0;
        let areas = std::mem::take(&mut self.areas);
        areas.into_iter().map(|(area, _)| area).collect()
    }

    /// Removes the oldest areas until there are at most so many bytes and areas.
    pub(super) fn shrink(&mut self, bytes: usize, areas: usize, dropped: &mut Dropped) {
        while self.bytes > bytes || self.areas.len() > areas {
            dropped.push(self.take(0));
        }
    }

    /// Keeps an area, and at most `beside` bytes of other areas.
    pub(super) fn add(&mut self, area: Area, beside: usize, dropped: &mut Dropped) {
        self.shrink(beside, AREAS - 1, dropped);
        if self.areas.try_reserve(1).is_ok() {
            self.bytes += area.size();
            self.areas.push((area, self.second));
        } else {
            dropped.push(area);
        }
    }

    /// Whether more is kept than [`SPARE`].
    pub(super) fn is_much(&self) -> bool {
        self.bytes > SPARE
    }

    /// Called each second: removes the areas kept for longer than that, as long as
    /// [much](Self::is_much) is kept.
    pub(super) fn age(&mut self, dropped: &mut Dropped) {
        let last = self.second;
        self.second = last.wrapping_add(1);
        while self.is_much() && self.areas[0].1 != last {
            dropped.push(self.take(0));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    impl Kept {
        /// Areas of these sizes.
        pub(in crate::message) fn holding(sizes: impl IntoIterator<Item = usize>) -> Kept {
            let mut kept = Kept::new();
            for size in sizes {
                kept.add(Area::fresh(size).unwrap(), usize::MAX, &mut Dropped::new());
            }
            kept
        }

        /// Sizes of the areas.
        pub(in crate::message) fn sizes(&self) -> Vec<usize> {
            let sizes: Vec<usize> = self.areas.iter().map(|(area, _)| area.size()).collect();
            assert_eq!(self.bytes, sizes.iter().sum());
            sizes
        }
    }

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
        let mut kept = Kept::holding([1, 2, 3, 4, 5].map(|units| units * ALIGN));
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
    fn the_last_areas_are_kept() {
        let mut kept = Kept::new();
        let mut dropped = Dropped::new();
        for units in 1..=AREAS + 2 {
            let area = Area::fresh(units * ALIGN).unwrap();
            kept.add(area, usize::MAX, &mut dropped);
        }
        let expected: Vec<usize> = (3..=AREAS + 2).map(|units| units * ALIGN).collect();
        assert_eq!((kept.sizes(), dropped.len()), (expected, 2));
        kept.add(Area::fresh(ALIGN).unwrap(), 0, &mut dropped);
        assert_eq!(kept.sizes(), [ALIGN]);
        kept.shrink(0, 0, &mut dropped);
        give_back(dropped);
    }

    #[test]
    fn areas_that_are_not_used_for_a_second_go_until_the_rest_is_not_much() {
        let mut kept = Kept::holding([SPARE / 2; 2]);
        let mut dropped = Dropped::new();
        assert!(!kept.is_much());
        for _ in 0..3 {
            kept.age(&mut dropped);
        }
        assert!(dropped.is_empty(), "so much is kept for ever");
        for _ in 0..3 {
            let area = Area::fresh(SPARE / 2).unwrap();
            kept.add(area, usize::MAX, &mut dropped);
            assert!(kept.is_much());
        }
        kept.age(&mut dropped);
        assert_eq!((kept.sizes().len(), dropped.len()), (3, 2), "the old ones");
        kept.age(&mut dropped);
        assert_eq!((kept.sizes().len(), dropped.len()), (2, 3));
        kept.shrink(0, 0, &mut dropped);
        give_back(dropped);
    }

    #[cfg(not(miri))]
    #[test]
    fn what_is_dropped_goes_back_to_the_system() {
        let goes = || {
            let area = Area::fresh(MAPPED).unwrap();
            let place = area.place.as_ptr();
            give_back(smallvec::smallvec![area]);
            let mut state = 0;
            // SAFETY: asks for one page, and there is a byte for the answer.
            unsafe { libc::mincore(place.cast(), 1, &mut state) != 0 }
        };
        // Another thread may map something else there at once.
        assert!((0..100).any(|_| goes()));
    }
}
