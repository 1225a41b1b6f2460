//! Sockets. The functions here take a handle's address and are safe from any thread. Each locks
//! the socket's slot, so that calls on one socket serialise; a blocking call releases the
//! lock while it waits.
//!
//! [`Socket`] is what the lock protects. What other threads reach without it is `Shared`.

#![forbid(unsafe_code)]

mod disconnected;
mod drops;
pub mod endpoints;
mod flags;
pub mod groups;
mod handles;
mod options;
mod records;
mod state;
mod transfer;
mod wait;
mod watch;

pub use flags::{DONTWAIT, POLLERR, POLLIN, POLLOUT, POLLPRI, SLEEPS, SNDMORE};
pub use handles::{SOCKETS, close, create, exists, find, is_thread_safe, ready, with};
pub use options::{get_option, give_descriptor, news_descriptor, set_option};
pub use state::Socket;
pub use transfer::{recv, recv_into, send, send_bytes, send_from};
pub use watch::{peer_state, watch};
