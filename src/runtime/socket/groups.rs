//! `zmq_join` and `zmq_leave`.

#![forbid(unsafe_code)]

use super::handles::with;
use crate::error::Result;
use crate::pattern::Pattern;

/// Joins a group. Errors as [`Pattern::join`].
pub fn join(address: usize, group: &[u8]) -> Result<()> {
    with(address, |socket| {
        socket.with_pattern(|pattern, env| pattern.join(env, group))
    })
}

/// Leaves a group. Errors as [`Pattern::leave`].
pub fn leave(address: usize, group: &[u8]) -> Result<()> {
    with(address, |socket| {
        socket.with_pattern(|pattern, env| pattern.leave(env, group))
    })
}
