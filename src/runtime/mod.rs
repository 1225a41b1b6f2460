//! What the C API is made of, without C: contexts, sockets and their helpers.

#![forbid(unsafe_code)]

pub mod timers;
pub mod z85;
