//! Handlers that the C library calls around each fork (`pthread_atfork`).
//!
//! `before` runs in the forking thread and takes the few locks that all contexts share; the
//! other two release them, in the parent and in the child. So no other thread holds them at
//! the fork, and the child can use them.

use std::any::Any;
use std::sync::Once;

use super::boundary::plain;
use super::{poller, threads, timers, utils};
use crate::runtime::fork;
use crate::sync::ForkedChild;
use crate::sync::local::thread_cell;
use crate::sys;

thread_cell! {
    /// The locks that the forking thread holds during the fork.
    static LOCKS: Vec<Box<dyn Any>> = Vec::new();
}

/// Registers the handlers, once.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    // Without memory the handlers are missing: a child must then not use the library.
    ONCE.call_once(|| sys::at_fork(before, in_parent, in_child));
}

extern "C" fn before() {
    plain(|| {
        let mut locks = Vec::new();
        fork::prepare(&mut locks);
        poller::lock_over_fork(&mut locks);
        timers::lock_over_fork(&mut locks);
        threads::lock_over_fork(&mut locks);
        utils::lock_over_fork(&mut locks);
        LOCKS.set(locks);
    });
}

extern "C" fn in_parent() {
    plain(|| drop(LOCKS.take()));
}

extern "C" fn in_child() {
    plain(|| {
        // SAFETY: the C library calls this in a child that was just forked, on its only thread.
        let child = unsafe { ForkedChild::new() };
        fork::begin_child(&child);
        drop(LOCKS.take());
    });
}
