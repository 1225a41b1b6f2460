//! Options of sockets and contexts: one row an option, in a table.
//!
//! [`Options`] holds what every socket type knows. An option of one socket type only
//! (`ZMQ_ROUTER_MANDATORY`, `ZMQ_SUBSCRIBE`, ...) belongs to that type's pattern, which is
//! asked first; what describes the moment (`ZMQ_RCVMORE`, `ZMQ_FD`, `ZMQ_EVENTS`,
//! `ZMQ_LAST_ENDPOINT`, `ZMQ_THREAD_SAFE`) is answered by the runtime. Both read and write
//! values with the helpers of [`value`], so that lengths are judged alike everywhere.
//!
//! An option without a row is refused with `EINVAL`; none is accepted without effect.

#![forbid(unsafe_code)]

pub mod constants;
pub mod value;
pub mod z85;

mod context;
mod lists;
mod secret;
mod socket;
#[cfg(test)]
mod tests;

pub use context::ContextOptions;
pub use lists::is_property_name;
pub use secret::Secret;
pub use socket::{Options, mechanism};
pub use value::{
    put_bytes, put_i64_exact, put_int_exact, put_int_zero_padded, put_string, put_u64_exact,
};
