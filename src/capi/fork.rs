//! The C library calls these around a fork, so that a child can be started at
//! any time, whatever the other threads are doing.

use std::any::Any;
use std::sync::Once;

use super::boundary::plain;
use super::{threads, timers, utils};
use crate::runtime::fork;
use crate::sync::ForkedChild;
use crate::sync::local::thread_cell;
use crate::sys;

thread_cell! {
    /// Locks that the forking thread holds meanwhile.
    static LOCKS: Vec<Box<dyn Any>> = Vec::new();
}

/// Sees to it that forks are noticed from now on.
pub(super) fn watch() {
    static ONCE: Once = Once::new();
    // Without memory for it, a child had better not touch what it inherits.
    ONCE.call_once(|| sys::at_fork(before, in_parent, in_child));
}

extern "C" fn before() {
    plain(|| {
        let mut locks = Vec::new();
        fork::prepare(&mut locks);
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
        // SAFETY: the C library calls this in a child that was just forked.
        let child = unsafe { ForkedChild::new() };
        fork::begin_child(&child);
        drop(LOCKS.take());
    });
}
