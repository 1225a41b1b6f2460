//! Messaging patterns: one file for each socket type, routing helpers in `routing/`.
//!
//! A pattern decides to which pipe a part goes and from which pipe the next one is read.
//! The runtime calls it under the socket's lock, from an application thread or from an I/O
//! thread that does deferred work. It works on the socket's pipes, reads no clock, uses no
//! descriptor and never blocks: a call that would block returns [`Again`](crate::error::Error::Again), and the
//! runtime waits. What must be done outside the pattern is left in [`Env::requests`].

#![forbid(unsafe_code)]

mod any;
mod base;
mod dealer;
mod dish;
mod pair;
mod pub_;
mod pull;
mod push;
mod radio;
mod rep;
mod req;
mod router;
pub mod routing;
mod server;
mod stream;
mod sub;
mod xpub;
mod xsub;

#[cfg(all(test, not(loom)))]
mod tests;

pub use any::AnyPattern;
pub use base::{Attachment, Env, Pattern, Request};
