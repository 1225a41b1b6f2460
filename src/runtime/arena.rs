//! Handles: places that are never unmapped.
//!
//! What C holds as `void *` is the address of a place in an arena that only grows. An
//! address is compared with the arena's chunks before it is dereferenced, so a stale,
//! foreign or invented pointer is refused. [`Arena::find`] takes no lock; taking and
//! freeing places do. Places are reused in the order in which they were freed, and not
//! before [`QUARANTINE`] others are free, so that a stale handle stays dead for long.

#![forbid(unsafe_code)]

use crate::sync::{Mutex, OnceLock, lock_for_fork};
use crate::sys::pages;
use std::sync::atomic::{AtomicUsize, Ordering};

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
#[derive(Debug)]
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

/// The type of an arena's elements.
pub trait Place: Sync + Sized + 'static {
    /// The offset of its [`HandleWord`], which must be 0.
    const WORD: usize;

    /// A new place with nothing in it.
    fn vacant() -> Self;

    /// The address of the next place in the list of free places, or 0. Accessed by the
    /// holder of the arena's lock only.
    fn next(&self) -> &AtomicUsize;

    /// The address that C holds as the handle.
    fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }
}

/// All places for objects of one kind.
pub struct Arena<P: 'static> {
    chunks: [OnceLock<&'static [P]>; CHUNKS],
    free: Mutex<Free<P>>,
}

/// The free places, in the order in which they were freed.
struct Free<P: 'static> {
    ends: Option<(&'static P, &'static P)>,
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

impl<P: Place> Free<P> {
    fn push(&mut self, place: &'static P) {
        place.next().store(0, Ordering::Relaxed);
        let first = match self.ends {
            Some((first, last)) => {
                last.next().store(place.address(), Ordering::Relaxed);
                first
            }
            None => place,
        };
        self.ends = Some((first, place));
        self.count += 1;
    }

    fn pop(&mut self, arena: &Arena<P>) -> Option<&'static P> {
        let (first, last) = self.ends?;
        let next = arena.find(first.next().load(Ordering::Relaxed));
        self.ends = next.map(|next| (next, last));
        self.count -= 1;
        Some(first)
    }
}

impl<P: Place> Default for Arena<P> {
    fn default() -> Self {
        Self::new()
    }
}

impl<P: Place> Arena<P> {
    /// An arena without places.
    pub const fn new() -> Self {
        const { assert!(P::WORD == 0) };
        Arena {
            chunks: [const { OnceLock::new() }; CHUNKS],
            free: Mutex::new(Free {
                ends: None,
                count: 0,
            }),
        }
    }

    /// A free place, in the state in which it was given back; `None` without memory.
    pub fn take(&self) -> Option<&'static P> {
        let mut free = self.free.lock();
        if free.count < QUARANTINE {
            self.grow(&mut free);
        }
        free.pop(self)
    }

    fn grow(&self, free: &mut Free<P>) {
        let empty = |(_, chunk): &(usize, &OnceLock<_>)| chunk.get().is_none();
        let Some((index, chunk)) = self.chunks.iter().enumerate().find(empty) else {
            return;
        };
        let Some(places) = pages::for_ever(FIRST << index, P::vacant) else {
            return;
        };
        if chunk.set(places).is_ok() {
            places.iter().for_each(|place| free.push(place));
        }
    }

    /// The place at an address, if there is one.
    #[inline(always)]
    pub fn find(&self, address: usize) -> Option<&'static P> {
        // Most programs need one chunk only.
        match find_in(self.chunks[0].get()?, address) {
            None => self.find_later(address),
            found => found,
        }
    }

    #[inline(never)]
    fn find_later(&self, address: usize) -> Option<&'static P> {
        let chunks = self.chunks[1..].iter().map_while(OnceLock::get);
        chunks.filter_map(|places| find_in(places, address)).next()
    }

    /// Makes a place that was taken available for another object.
    pub fn give_back(&self, place: &'static P) {
        self.free.lock().push(place);
    }

    /// Every place, free or not.
    pub fn all(&self) -> impl Iterator<Item = &'static P> {
        let chunks = self.chunks.iter().filter_map(OnceLock::get);
        chunks.copied().flatten()
    }

    /// Keeps places from being taken or given back until the returned guard is dropped.
    pub fn lock_over_fork(&self) -> impl Sized + use<'_, P> {
        lock_for_fork(&self.free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    struct Number {
        _word: HandleWord,
        next: AtomicUsize,
    }

    impl Place for Number {
        const WORD: usize = std::mem::offset_of!(Number, _word);

        fn vacant() -> Number {
            Number {
                _word: HandleWord::VALUE,
                next: AtomicUsize::new(0),
            }
        }

        fn next(&self) -> &AtomicUsize {
            &self.next
        }
    }

    #[test]
    fn places_are_found_by_their_address_only() {
        let arena: Arena<Number> = Arena::new();
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
        let arena: Arena<Number> = Arena::new();
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
