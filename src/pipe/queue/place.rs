//! Positions in the chain of a queue's chunks.

use super::chunk::Chunk;
use crate::sync::SyncCell;
use crate::sync::atomic::AtomicPtr;
use std::mem::MaybeUninit;
use std::ptr;

/// A position that is only remembered: no pointer into the chunk's cells.
pub(super) struct Mark<T> {
    pub(super) chunk: *mut Chunk<T>,
    pub(super) index: usize,
    pub(super) count: usize,
}

impl<T> Clone for Mark<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Mark<T> {}

impl<T> Mark<T> {
    pub(super) fn start() -> Self {
        Mark {
            chunk: ptr::null_mut(),
            index: 0,
            count: 0,
        }
    }

    /// Turns the mark into a position.
    ///
    /// # Safety
    /// The chunk is null or alive.
    pub(super) unsafe fn place(self) -> Place<T> {
        let mut place = Place::start();
        if !self.chunk.is_null() {
            // SAFETY: by the caller's promise.
            unsafe { place.enter(self.chunk) };
            place.index = self.index;
        }
        place.count = self.count;
        place
    }
}

/// A position in the chain: the next item goes to or comes from `chunk.cells[index]`; a null chunk
/// means before the first.
pub(super) struct Place<T> {
    pub(super) chunk: *mut Chunk<T>,
    /// The chunk's cells and their number, copied here to spare a load.
    pub(super) cells: *const SyncCell<MaybeUninit<T>>,
    pub(super) capacity: usize,
    pub(super) index: usize,
    /// Units before it.
    pub(super) count: usize,
}

impl<T> Clone for Place<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Place<T> {}

impl<T> Place<T> {
    pub(super) fn start() -> Self {
        Place {
            chunk: ptr::null_mut(),
            cells: ptr::null(),
            capacity: 0,
            index: 0,
            count: 0,
        }
    }

    #[inline]
    pub(super) fn exhausted(&self) -> bool {
        self.index == self.capacity
    }

    /// Moves to the beginning of a chunk.
    ///
    /// # Safety
    /// `chunk` is alive.
    #[inline]
    pub(super) unsafe fn enter(&mut self, chunk: *mut Chunk<T>) {
        // SAFETY: by the caller's promise.
        let cells = unsafe { &(*chunk).cells };
        self.chunk = chunk;
        self.cells = cells.as_ptr();
        self.capacity = cells.len();
        self.index = 0;
    }

    /// The cell here.
    ///
    /// # Safety
    /// The chunk is alive and not exhausted.
    #[inline]
    pub(super) unsafe fn cell<'a>(&self) -> &'a SyncCell<MaybeUninit<T>> {
        // SAFETY: the chunk is alive and `index` is below its capacity, by the caller's promise.
        unsafe { &*self.cells.add(self.index) }
    }

    #[inline]
    pub(super) fn advance(&mut self, units: usize) {
        self.index += 1;
        self.count += units;
    }

    #[inline]
    pub(super) fn mark(&self) -> Mark<T> {
        Mark {
            chunk: self.chunk,
            index: self.index,
            count: self.count,
        }
    }

    /// Whether both are the same cell.
    pub(super) fn is_at(&self, other: &Self) -> bool {
        self.chunk == other.chunk && self.index == other.index
    }

    /// The pointer to the next chunk.
    ///
    /// # Safety
    /// The chunk is null or alive.
    pub(super) unsafe fn link<'a>(
        &self,
        first: &'a AtomicPtr<Chunk<T>>,
    ) -> &'a AtomicPtr<Chunk<T>> {
        if self.chunk.is_null() {
            first
        } else {
            // SAFETY: the chunk is alive by the caller's promise, and is freed only after the last
            // use of the link.
            unsafe { &(*self.chunk).next }
        }
    }
}
