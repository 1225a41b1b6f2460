//! What a fork leaves behind.
//!
//! A forked child has a copy of everything but the threads: of those, only the
//! one that forked goes on in it. So the few locks that all contexts share are
//! held over the fork by that thread. What belongs to contexts and sockets may be
//! locked by other threads, or half changed: the child leaves all of it alone.

#![forbid(unsafe_code)]

use super::context::{self, CONTEXTS};
use super::many;
use super::socket::SOCKETS;
use crate::connection::Connection;
use crate::sync::ForkedChild;
use crate::{message, transport};
use std::any::Any;

/// Before a fork, in the forking thread: takes the shared locks. Afterwards, in
/// both processes, `locks` is to be dropped.
pub fn prepare(locks: &mut Vec<Box<dyn Any>>) {
    locks.push(Box::new(CONTEXTS.lock_over_fork()));
    locks.push(Box::new(SOCKETS.lock_over_fork()));
    locks.push(Box::new(many::lock_over_fork()));
    locks.push(Box::new(message::lock_spare_memory()));
    locks.push(Box::new(transport::lock_lookups()));
}

/// In the child, with those locks still held. Handles of contexts now stand for
/// fresh contexts with the same options; handles of sockets are good for
/// `zmq_close` only.
pub fn begin_child(child: &ForkedChild) {
    context::leave_to_parent(child);
    SOCKETS.leave_to_parent(child, |_| None);
    Connection::forget_unflushed();
}
