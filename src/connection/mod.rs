//! Connections: a ZMTP session over any byte stream, driven by any thread.
//!
//! In this folder:
//!
//! - `machine`: the life of a connection from dial or accept to its end, without I/O;
//! - `driver`: a machine with a stream, under one lock: a [`Connection`];
//! - `acceptor`: listening, and `half_open`: the bound on handshakes under way;
//! - [`engine`]: a connection as its socket sees it; [`link`]: the socket as its connections see
//!   it; `settings`: its options at bind or connect; [`event`] and `security`: what they report to
//!   the monitor and ask the ZAP handler.

#![forbid(unsafe_code)]

mod acceptor;
mod driver;
pub mod engine;
pub mod event;
mod half_open;
pub mod link;
mod machine;
mod security;
mod settings;

pub use acceptor::Acceptor;
pub use driver::Connection;
pub use engine::Engine;
pub use event::{Diagnostics, Event};
pub use link::{Authentication, Driving, Link, Membership};
pub use security::{OpenQuestion, ZapClient, ZapQuery};
pub use settings::Settings;
