//! The implementation of the C API, without C: contexts, sockets, polling, proxies, monitors.

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

/// To be called at the end of the process: frees memory that is kept for reuse.
pub use many::end;

pub use crate::options::z85;
