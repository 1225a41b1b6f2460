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

use super::kept::{AREAS, Area, BYTES, Dropped, Kept, SHORTEST, SPARE, give_back};
use super::usage::{MEMORY, Memory};
use crate::sync::{MutexGuard, lock_for_fork};

impl Memory {
    /// How many bytes may be kept when `more` bytes more are in use.
    fn room(&self, more: usize) -> usize {
        self.below_peak(more).clamp(SPARE, BYTES)
    }

    /// An area of at least `size` bytes. `None` if there is no memory.
    pub(super) fn get(&self, size: usize) -> Option<Area> {
        if size >= SHORTEST {
            if let Some(area) = self.reuse(size) {
                return Some(area);
            }
        }
        Area::fresh(size)
    }

    fn reuse(&self, size: usize) -> Option<Area> {
        let mut kept = self.kept.try_lock()?;
        if let Some(area) = kept.take_for(size) {
            return Some(area);
        }
        let mut dropped = Dropped::new();
        kept.shrink(self.room(size), AREAS, &mut dropped);
        drop(kept);
        give_back(dropped);
        None
    }

    /// Keeps or frees an area.
    ///
    /// # Safety
    /// It came from [`get`](Self::get), and nothing refers to it any more.
    pub(super) unsafe fn put(&'static self, area: Area) {
        if area.size() >= SHORTEST {
            let beside = self.room(0).checked_sub(area.size());
            if let (Some(beside), Some(kept)) = (beside, self.kept.try_lock()) {
                return self.keep(kept, area, beside);
            }
        }
        // SAFETY: nothing refers to the area, by the caller's promise.
        unsafe { area.give_back() };
    }

    /// Keeps an area, and at most `beside` bytes of other areas.
    fn keep(&'static self, mut kept: MutexGuard<'_, Kept>, area: Area, beside: usize) {
        let mut dropped = Dropped::new();
        kept.add(area, beside, &mut dropped);
        let much = kept.is_much();
        drop(kept);
        give_back(dropped);
        if much && !self.watch() {
            self.forget();
        }
    }

    /// Whether more is kept than [`SPARE`].
    pub(super) fn keeps_much(&self) -> bool {
        self.kept.lock().is_much()
    }

    /// Called each second: frees the areas kept for longer than that, as long as
    /// [much](Self::keeps_much) is kept.
    pub(super) fn give_back_unused(&self) {
        let mut dropped = Dropped::new();
        self.kept.lock().age(&mut dropped);
        give_back(dropped);
    }

    /// Frees all kept areas.
    pub(super) fn forget(&self) {
        let kept = lock_for_fork(&self.kept);
        let areas = kept.map(|mut kept| kept.take_all());
        give_back(areas.unwrap_or_default());
    }
}

/// Locks the kept areas until the result is dropped.
pub fn lock_over_fork() -> impl Sized {
    lock_for_fork(&MEMORY.kept)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::kept::{ALIGN, MAPPED};
    use super::*;
    use std::time::Duration;

    #[test]
    fn an_area_serves_what_needs_most_of_it() {
        static MEMORY: Memory = Memory::new(Duration::MAX);
        let size = 3 << 20;
        let serves = |wanted| {
            let area = MEMORY.get(size).unwrap();
            let place = area.place;
            // SAFETY: just had, and not used.
            unsafe { MEMORY.put(area) };
            let again = MEMORY.get(wanted).unwrap();
            let same = again.size() == size && again.place == place;
            // SAFETY: as above.
            unsafe { again.give_back() };
            MEMORY.forget();
            same
        };
        assert!(serves(size - ALIGN) && serves(size / 5 * 4 + ALIGN));
        assert!(!serves(size / 5 * 4 - ALIGN), "a quarter more at most");
        assert!(!serves(size + ALIGN));
    }

    #[test]
    fn more_than_a_little_is_kept_only_while_the_thread_watches() {
        static WATCHED: Memory = Memory::new(Duration::from_secs(3600));
        static ENDING: Memory = Memory::new(Duration::ZERO);
        ENDING.end();
        for (memory, expected) in [(&WATCHED, &[SPARE, MAPPED][..]), (&ENDING, &[])] {
            // There is room below the peak.
            memory.report((SPARE + MAPPED) as isize);
            memory.report(-((SPARE + MAPPED) as isize));
            // SAFETY: just had, and not used.
            unsafe { memory.put(memory.get(SPARE).unwrap()) };
            assert!(!memory.keeps_much());
            assert_eq!(memory.kept.lock().sizes(), [SPARE]);
            // SAFETY: as above.
            unsafe { memory.put(memory.get(MAPPED).unwrap()) };
            assert_eq!(memory.kept.lock().sizes(), expected);
            assert_eq!(memory.keeps_much(), !expected.is_empty());
            memory.forget();
            assert!(memory.kept.lock().sizes().is_empty());
        }
        WATCHED.end();
    }
}
