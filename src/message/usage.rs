//! How much memory messages take, and the end of a burst.
//!
//! The C library keeps much of what is freed, page by page, between what is not.
//! After a burst it is made to give that back: when far less is in use than was,
//! for [`PAUSE`] at least, by a thread that lives as long as that takes. Nobody
//! waits for it, and a stream that goes on, however unevenly, does not see it.

#![forbid(unsafe_code)]

use super::recycle;
use crate::sync::local::thread_cell;
use crate::sys;
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::time::Duration;

/// A thread reports what it took or gave back when it is so much.
const GRAIN: isize = 64 * 1024;
/// What counts as a burst.
const BURST: isize = 16 * 1024 * 1024;
/// While so much is given back between two looks, memory is not trimmed yet: for
/// so many looks at most.
const RESTLESS: isize = 1024 * 1024;
const FALLING_MAX: u32 = 4;
/// So long a burst must be over.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes in use, the most of them since memory was last given back, and the most
/// since the thread last looked.
static IN_USE: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);
static MOST_LATELY: AtomicIsize = AtomicIsize::new(0);
/// The process whose thread is at it. (A forked child has none.)
static AT_IT: AtomicU32 = AtomicU32::new(0);

thread_cell! {
    /// Not reported yet.
    static CHANGE: isize = 0;
}

/// So much was allocated.
#[inline]
pub(crate) fn took(bytes: usize) {
    change(bytes as isize);
}

/// So much was freed.
#[inline]
pub(crate) fn gave_back(bytes: usize) {
    change(-(bytes as isize));
}

#[inline]
fn change(bytes: isize) {
    CHANGE.with(|change| {
        let sum = change.get() + bytes;
        change.set(sum);
        if sum.abs() >= GRAIN {
            change.set(0);
            report(sum);
        }
    });
}

#[cold]
fn report(change: isize) {
    let in_use = IN_USE.fetch_add(change, Ordering::Relaxed) + change;
    if change > 0 {
        for most in [&MOST, &MOST_LATELY] {
            if most.load(Ordering::Relaxed) < in_use {
                most.fetch_max(in_use, Ordering::Relaxed);
            }
        }
    } else if MOST.load(Ordering::Relaxed) - in_use >= BURST {
        watch();
    }
}

/// Starts the thread, unless there is one.
fn watch() {
    let process = std::process::id();
    if AT_IT.swap(process, Ordering::Relaxed) == process {
        return;
    }
    let thread = std::thread::Builder::new().name("ZMQ-memory".into());
    if thread.stack_size(64 * 1024).spawn(wait_and_trim).is_err() {
        AT_IT.store(0, Ordering::Relaxed);
    }
}

fn wait_and_trim() {
    sys::block_signals();
    let mut falling = 0;
    loop {
        MOST_LATELY.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
        std::thread::sleep(PAUSE);
        let lately = MOST_LATELY.load(Ordering::Relaxed);
        if MOST.load(Ordering::Relaxed) - lately >= BURST / 2 {
            // Perhaps there is more to come.
            falling += 1;
            if lately - IN_USE.load(Ordering::Relaxed) < RESTLESS || falling > FALLING_MAX {
                break;
            }
        }
    }
    MOST.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
    // From here on the next burst gets a thread of its own.
    AT_IT.store(0, Ordering::Relaxed);
    recycle::forget();
    sys::trim_memory();
}
