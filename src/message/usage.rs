//! How much memory messages take, and the end of a burst.
//!
//! The C library keeps much of what is freed, page by page, between what is not.
//! After a burst it is made to give that back: when far less is in use than was,
//! for [`PAUSE`] at least, by a thread that lives as long as that takes. Nobody
//! waits for it, and a stream that goes on, however unevenly, does not see it.

#![forbid(unsafe_code)]

use super::recycle;
use crate::sync::Mutex;
use crate::sync::local::thread_cell;
use crate::sync::parker::{Parker, Wake};
use crate::sys;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

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
/// The thread that was started last. Never waited for: another process' thread may
/// have it locked.
static WATCHER: Mutex<Option<Watcher>> = Mutex::new(None);
/// The process ends, and starts no more threads.
static ENDING: AtomicBool = AtomicBool::new(false);

struct Watcher {
    thread: JoinHandle<()>,
    process: u32,
    /// Ends its pause, and the thread.
    parker: Arc<Parker>,
}

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
        let _ = watch(); // without a thread there is no trimming
    }
}

/// How much less than at the peak is in use, if so much more were.
pub(super) fn below_peak(more: usize) -> usize {
    let in_use = IN_USE.load(Ordering::Relaxed).saturating_add_unsigned(more);
    usize::try_from(MOST.load(Ordering::Relaxed) - in_use).unwrap_or(0)
}

/// Starts the thread, unless there is one. False if none can be had.
pub(super) fn watch() -> bool {
    if ENDING.load(Ordering::Relaxed) {
        return false;
    }
    if !claim() {
        return true;
    }
    let parker = Arc::new(Parker::new());
    let its = parker.clone();
    let thread = std::thread::Builder::new().name("ZMQ-memory".into());
    let thread = thread.stack_size(64 * 1024);
    match (
        thread.spawn(move || wait_and_trim(&its)),
        WATCHER.try_lock(),
    ) {
        (Ok(thread), Some(mut watcher)) => {
            *watcher = Some(Watcher {
                thread,
                process: std::process::id(),
                parker,
            });
        }
        (Ok(_), None) => {}
        (Err(_), _) => {
            AT_IT.store(0, Ordering::Relaxed);
            return false;
        }
    }
    true
}

/// True for the first call in this process since [`AT_IT`] was 0.
fn claim() -> bool {
    let process = std::process::id();
    AT_IT.swap(process, Ordering::SeqCst) != process
}

/// Whether there is something to wait for.
fn is_needed() -> bool {
    MOST.load(Ordering::SeqCst) - IN_USE.load(Ordering::SeqCst) >= BURST || recycle::keeps_much()
}

/// At the end of the process: ends the thread, so that nothing of it is left.
pub(super) fn end() {
    ENDING.store(true, Ordering::Relaxed);
    let watcher = WATCHER.try_lock().and_then(|mut watcher| watcher.take());
    match watcher {
        Some(watcher) if watcher.process == std::process::id() => {
            watcher.parker.unpark();
            let _ = watcher.thread.join();
        }
        // Not this process' thread: there is nothing to detach either.
        other => std::mem::forget(other),
    }
}

fn wait_and_trim(parker: &Parker) {
    sys::block_signals();
    let mut falling = 0;
    loop {
        MOST_LATELY.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
        if parker.park(Some(Instant::now() + PAUSE)) == Wake::Notified {
            return;
        }
        recycle::give_back_unused();
        if !is_needed() {
            AT_IT.store(0, Ordering::SeqCst);
            // A call of `watch` that came before this left it to this thread.
            if !is_needed() || !claim() {
                return;
            }
        }
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
