//! What the C API is made of, without C: contexts, sockets and their helpers.

#![forbid(unsafe_code)]

pub mod arena;
pub mod context;
pub mod curve_keys;
mod deferred;
mod disconnected;
pub mod endpoints;
mod eventfd;
pub mod fork;
#[cfg(all(test, not(loom)))]
mod given_up;
mod inproc;
mod many;
pub mod monitor;
#[cfg(all(test, not(loom)))]
mod panics;
pub mod poll;
pub mod proxy;
mod random;
mod requests;
mod shared;
pub mod slots;
pub mod socket;
pub mod timers;
mod wait;
mod waiting;
mod zap;

/// At the end of the process: leaves no memory behind that is kept for later.
pub use many::end;

pub use crate::options::z85;
