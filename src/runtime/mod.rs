//! The implementation of the C API, without C. From the bottom: [`handle`]s, [`context`]s, the
//! [`shared`] part of a socket that other threads reach, the [`socket`] itself, [`poll`]ing and
//! proxies.

#![forbid(unsafe_code)]

pub mod context;
pub mod curve_keys;
pub mod fork;
pub(crate) mod handle;
mod monitor;
pub mod poll;
pub mod poller;
pub mod proxy;
mod random;
mod shared;
mod sleep;
pub mod socket;
#[cfg(all(test, not(loom)))]
mod tests;
pub mod timers;

pub use crate::options::z85;
