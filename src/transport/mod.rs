//! Byte streams over tcp, ipc, tipc and vsock: listening, dialling, reading and writing;
//! and what to say to a SOCKS proxy.
//!
//! Nothing here blocks except, in [`Listener::bind`], the lookup of a host name. All descriptors are non-blocking and
//! close-on-exec; readiness is waited for by the caller, who owns the reactor.

#![forbid(unsafe_code)]

mod dial;
mod filter;
mod listener;
mod lookup;
mod name;
mod options;
mod resolve;
mod socket_file;
mod socks;
mod stream;
mod tipc;
mod tuning;
mod vsock;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod tests;

pub use dial::{Dial, Target};
pub use listener::{BindError, Listener};
pub use lookup::{end_lookups, lock_over_fork as lock_lookups};
pub use options::StreamOptions;
pub use resolve::{LookupJob, PendingLookup, Resolution, resolved_text};
pub use socks::{Refused, Socks};
pub use stream::ByteStream;
pub use vsock::check_vsock;
