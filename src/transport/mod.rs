//! Byte streams over tcp, ipc, tipc and vsock: listening, dialling, reading and writing;
//! and the client's side of a SOCKS negotiation.
//!
//! Called by connections and acceptors, from the thread that holds their lock. Nothing
//! blocks except the lookup of a host name in [`Listener::bind`]. All descriptors are
//! non-blocking and close-on-exec; readiness is the reactor's business.

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
pub use listener::Listener;
pub use lookup::{end_lookups, lock_over_fork as lock_lookups};
pub use options::StreamOptions;
pub use resolve::{PendingLookup, Resolution, resolved_text};
pub use socks::Socks;
pub use stream::ByteStream;
pub use vsock::check_vsock;
