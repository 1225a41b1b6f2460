//! The state of the library in a forked child.
//!
//! A forked child has a copy of the parent's memory, and of its threads only the one that
//! forked. So that thread holds the few locks that all contexts share across the fork.
//! Contexts and sockets may be locked by other threads of the parent, or half changed: the
//! child does not touch or free them.

#![forbid(unsafe_code)]

use super::context::{self, CONTEXTS};
use super::poll;
use super::socket::SOCKETS;
use crate::connection::Connection;
use crate::sync::ForkedChild;
use crate::{message, transport};
use std::any::Any;

/// To be called before a fork, by the forking thread: takes the shared locks. `locks` is to
/// be dropped after the fork, in both processes.
pub fn prepare(locks: &mut Vec<Box<dyn Any>>) {
    locks.push(Box::new(CONTEXTS.lock_over_fork()));
    locks.push(Box::new(SOCKETS.lock_over_fork()));
    locks.push(Box::new(poll::lock_over_fork()));
    locks.push(Box::new(message::lock_spare_memory()));
    locks.push(Box::new(transport::lock_lookups()));
}

/// To be called in the child, with those locks still held. Afterwards context handles stand
/// for new contexts with the same options, and socket handles are good for `zmq_close` only.
pub fn begin_child(child: &ForkedChild) {
    context::leave_to_parent(child);
    SOCKETS.leave_to_parent(child, |_| None);
    Connection::forget_unflushed();
}
