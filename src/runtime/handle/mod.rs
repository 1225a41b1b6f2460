//! Handles: what C holds as `void *`. One mechanism refuses stale, NULL, foreign and invented
//! ones: each is the address of a place in an [`arena`], and is compared with the arena's bounds.
//! Contexts and sockets are in [`slot`]s, which have a lock; counters, stopwatches, timers and
//! threads are in [`pool`]s.

#![forbid(unsafe_code)]

mod arena;
mod pool;
mod slot;

pub use pool::Pool;
pub use slot::{Slot, Table};
