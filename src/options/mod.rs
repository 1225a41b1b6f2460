//! Options of sockets and contexts, in tables with one row per option.
//!
//! [`Options`] holds the options that every socket type has. An option of one socket type
//! only (`ZMQ_ROUTER_MANDATORY`, `ZMQ_SUBSCRIBE`, ...) is handled by that type's pattern,
//! which takes precedence; options that report the socket's state (`ZMQ_RCVMORE`, `ZMQ_FD`,
//! `ZMQ_EVENTS`, `ZMQ_LAST_ENDPOINT`, `ZMQ_THREAD_SAFE`) are handled by the runtime. Both
//! read and write values with the functions of [`value`], so that the same rules for lengths
//! apply everywhere. The values are plain data, guarded by the lock of the socket or context
//! that owns them.
//!
//! An option without a row is refused with `EINVAL`; none is accepted without effect.

#![forbid(unsafe_code)]

pub mod value;
pub mod z85;

mod context;
mod lists;
mod row;
mod secret;
mod socket;
mod table;
#[cfg(test)]
mod tests;

pub use context::ContextOptions;
pub use lists::is_property_name;
pub use secret::Secret;
pub use socket::{Named, Options, mechanism};
pub use table::When;
pub use value::{put_int_zero_padded, put_string, put_u64_exact};
