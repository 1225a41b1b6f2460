//! I/O threads: readiness, timers, and work that must not wait for the application.
//!
//! A [`Source`] is anything with a descriptor or a timer: a connection, a listener. It
//! registers once and gets a key. The I/O thread calls it, with no lock held, when its
//! descriptor is ready (once for each [`Reactor::arm`]), when its timer is due, and after
//! [`Reactor::schedule`]. The methods of [`Reactor`] may be called from any thread, all
//! but `stop` also under a connection's lock: their own locks are held for short list
//! operations only. The thread starts with the reactor and ends with [`Reactor::stop`].

#![forbid(unsafe_code)]

mod registry;
mod source;
mod thread;
mod timers;
mod waker;

pub use source::{After, Key, Ready, Source};
pub use thread::Reactor;
