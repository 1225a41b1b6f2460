//! Contexts: what the sockets of an application share, and the end of it.
//!
//! A context reaches its sockets by the trait [`Member`] alone, so nothing here imports them.

#![forbid(unsafe_code)]

mod core;
mod handles;
pub mod inproc;
mod io_threads;
mod lingering;
mod member;
pub mod zap;

pub use self::core::Core;
pub use handles::{
    CONTEXTS, create, find, get, get_bytes, leave_to_parent, set, set_bytes, shutdown, terminate,
};
pub use member::Member;
