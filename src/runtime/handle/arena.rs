//! Handles: places that are never unmapped.
//!
//! What C holds as `void *` is the address of a place in an arena that only grows. An
//! address is compared with the arena's chunks before it is dereferenced, so a stale,
//! foreign or invented pointer is refused. [`Arena::find`] takes no lock; taking and
//! freeing places do. Places are reused in the order in which they were freed, and not
//! before [`QUARANTINE`] others are free, so that a stale handle stays dead for long.

#![forbid(unsafe_code)]

use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::sync::{Mutex, OnceLock, lock_for_fork};
use crate::sys::pages;
use std::ffi::c_void;
use std::mem::offset_of;
use std::ops::Deref;

/// Places in the first chunk; each further one is twice as large.
const FIRST: usize = 64;
/// The largest number of chunks, enough for 64 million places.
const CHUNKS: usize = 20;
/// Places that must be free before one is reused.
const QUARANTINE: usize = 32;

/// The first word of the object behind a handle, constant from the first use of the place
/// to the end of the process.
///
/// Programs read it: a binding that accepts a socket or a descriptor by the same pointer
/// distinguishes them by the first `int`. So each half is negative as a 32-bit `int`,
/// hence no descriptor; the whole is no address; and no part of it is a tag of such a
/// binding's own objects (those contain `cafe`).
#[derive(Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct HandleWord(u64);

impl HandleWord {
    /// The only value there is.
    pub const VALUE: HandleWord = HandleWord(0x9e4d_b3a7_9e4d_b3a7);
}

const _: () = {
    let HandleWord(word) = HandleWord::VALUE;
    assert!((word as i32) < 0 && ((word >> 32) as i32) < 0);
};

/// A place for one object behind a handle. Aligned against false sharing: objects in
/// neighbouring places are used by different threads, as a rule.
#[derive(Debug)]
#[repr(C, align(128))]
pub struct Place<T> {
    word: HandleWord,
    object: T,
    /// The address of the next place in the list of free places, or 0. Accessed by the
    /// holder of the arena's lock only.
    next: AtomicUsize,
}

impl<T: Default> Place<T> {
    fn vacant() -> Self {
        const { assert!(offset_of!(Self, word) == 0) };
        Place {
            word: HandleWord::VALUE,
            object: T::default(),
            next: AtomicUsize::new(0),
        }
    }
}

impl<T> Place<T> {
    /// Offset of the object, in bytes.
    #[cfg(not(loom))]
    pub const OBJECT: usize = offset_of!(Self, object);

    /// The handle for C: this address.
    #[inline]
    pub fn handle(&self) -> *mut c_void {
        debug_assert_eq!(self.word, HandleWord::VALUE);
        std::ptr::from_ref(self).cast_mut().cast()
    }

    /// The handle as a number.
    #[inline]
    pub fn address(&self) -> usize {
        self.handle() as usize
    }
}

impl<T> Deref for Place<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        &self.object
    }
}

/// All places for objects of one kind.
pub struct Arena<T: 'static> {
    chunks: [OnceLock<&'static [Place<T>]>; CHUNKS],
    free: Mutex<Free<T>>,
}

/// The free places, in the order in which they were freed.
struct Free<T: 'static> {
    ends: Option<(&'static Place<T>, &'static Place<T>)>,
    count: usize,
}

/// The place at an address, if that is the address of one in this chunk.
#[inline(always)]
fn find_in<P>(places: &'static [P], address: usize) -> Option<&'static P> {
    let offset = address.wrapping_sub(places.as_ptr() as usize);
    match offset % size_of::<P>() {
        0 => places.get(offset / size_of::<P>()),
        _ => None,
    }
}

impl<T: Default + Sync> Free<T> {
    fn push(&mut self, place: &'static Place<T>) {
        place.next.store(0, Ordering::Relaxed);
        let first = match self.ends {
            Some((first, last)) => {
                last.next.store(place.address(), Ordering::Relaxed);
                first
            }
            None => place,
        };
        self.ends = Some((first, place));
        self.count += 1;
    }

    fn pop(&mut self, arena: &Arena<T>) -> Option<&'static Place<T>> {
        let (first, last) = self.ends?;
        let next = arena.find(first.next.load(Ordering::Relaxed));
        self.ends = next.map(|next| (next, last));
        self.count -= 1;
        Some(first)
    }
}

impl<T: Default + Sync> Arena<T> {
    /// An arena without places.
    pub const fn new() -> Self {
        Arena {
            chunks: [const { OnceLock::new() }; CHUNKS],
            free: Mutex::new(Free {
                ends: None,
                count: 0,
            }),
        }
    }

    /// A free place, in the state in which it was given back; `None` without memory.
    pub fn take(&self) -> Option<&'static Place<T>> {
        let mut free = self.free.lock();
        if free.count < QUARANTINE {
            self.grow(&mut free);
        }
        free.pop(self)
    }

    fn grow(&self, free: &mut Free<T>) {
        let empty = |(_, chunk): &(usize, &OnceLock<_>)| chunk.get().is_none();
        let Some((index, chunk)) = self.chunks.iter().enumerate().find(empty) else {
            return;
        };
        let Some(places) = pages::for_ever(FIRST << index, Place::vacant) else {
            return;
        };
        if chunk.set(places).is_ok() {
            places.iter().for_each(|place| free.push(place));
        }
    }

    /// The place at an address, if there is one.
    #[inline(always)]
    pub fn find(&self, address: usize) -> Option<&'static Place<T>> {
        // Most programs need one chunk only.
        match find_in(self.chunks[0].get()?, address) {
            None => self.find_later(address),
            found => found,
        }
    }

    #[inline(never)]
    fn find_later(&self, address: usize) -> Option<&'static Place<T>> {
        let chunks = self.chunks[1..].iter().map_while(OnceLock::get);
        chunks.filter_map(|places| find_in(places, address)).next()
    }

    /// Makes a place that was taken available for another object.
    pub fn give_back(&self, place: &'static Place<T>) {
        self.free.lock().push(place);
    }

    /// Every place, free or not.
    pub fn all(&self) -> impl Iterator<Item = &'static Place<T>> {
        let chunks = self.chunks.iter().filter_map(OnceLock::get);
        chunks.copied().flatten()
    }

    /// Keeps places from being taken or given back until the returned guard is dropped.
    pub fn lock_over_fork(&self) -> impl Sized + use<'_, T> {
        lock_for_fork(&self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn places_are_found_by_their_address_only() {
        let arena: Arena<u8> = Arena::new();
        for wrong in [0, 1, usize::MAX] {
            assert!(arena.find(wrong).is_none());
        }
        let places: Vec<_> = (0..500).map(|_| arena.take().unwrap()).collect();
        for place in places {
            assert!(std::ptr::eq(arena.find(place.address()).unwrap(), place));
            assert!(arena.find(place.address() + 1).is_none());
        }
        assert!(arena.find(usize::MAX).is_none());
        assert_eq!(arena.all().count(), 64 + 128 + 256 + 512);
    }

    #[test]
    fn a_freed_place_rests() {
        let arena: Arena<u8> = Arena::new();
        let first = arena.take().unwrap();
        arena.give_back(first);
        let mut taken = BTreeSet::new();
        loop {
            let next = arena.take().unwrap();
            assert!(taken.insert(next.address()), "two have the same place");
            if std::ptr::eq(next, first) {
                break;
            }
        }
        assert!(taken.len() > QUARANTINE, "used again after {}", taken.len());
    }
}
