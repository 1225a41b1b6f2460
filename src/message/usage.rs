//! How much memory messages use, and the end of a burst.
//!
//! The C library keeps much of what is freed, in pages between what is not. After a burst, when
//! [`BURST`] bytes less are in use than were, a thread is started that waits until use has stayed
//! low for [`PAUSE`], frees kept areas, has the C library trim its heaps, and ends. No other thread
//! waits for it, and it does not act during a continuing stream, however uneven.
//!
//! Threads count what they allocate and free, and report it in steps of [`GRAIN`]. At most one such
//! thread runs per process, see [`WATCHING`].

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

/// A thread reports what it allocated or freed when the sum reaches this, in bytes.
const GRAIN: isize = 64 * 1024;
/// What counts as a burst, in bytes.
const BURST: isize = 16 * 1024 * 1024;
/// Memory is not trimmed yet while this many bytes are freed between two checks, for at most so
/// many checks.
const RESTLESS: isize = 1024 * 1024;
const FALLING_MAX: u32 = 4;
/// How long a burst must be over.
const PAUSE: Duration = Duration::from_secs(1);

/// Bytes in use, the peak since memory was last trimmed, and the peak since the thread's last
/// check.
static IN_USE: AtomicIsize = AtomicIsize::new(0);
static MOST: AtomicIsize = AtomicIsize::new(0);
static MOST_LATELY: AtomicIsize = AtomicIsize::new(0);
/// The id of the process whose thread is running, or 0. (A forked child has no such thread.)
///
/// A thread that reports changes the counters, then exchanges this; if the thread is running, the
/// report is left to it. The thread stores 0, then rechecks the counters before it ends.
static WATCHING: AtomicU32 = AtomicU32::new(0);
/// The thread that was started last. Only try-locked: in a forked child it may have been left
/// locked by a thread of the parent.
static WATCHER: Mutex<Option<Watcher>> = Mutex::new(None);
/// The process ends, and starts no more threads.
static ENDING: AtomicBool = AtomicBool::new(false);

struct Watcher {
    thread: JoinHandle<()>,
    process: u32,
    /// Ends the thread's pause, and the thread.
    parker: Arc<Parker>,
}

thread_cell! {
    /// Bytes that this thread has not reported yet.
    static CHANGE: isize = 0;
}

/// Counts allocated bytes.
#[inline]
pub(crate) fn took(bytes: usize) {
    change(bytes as isize);
}

/// Counts freed bytes.
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

/// How many bytes less than at the peak are in use, if `more` bytes more were.
pub(super) fn below_peak(more: usize) -> usize {
    let in_use = IN_USE.load(Ordering::Relaxed).saturating_add_unsigned(more);
    usize::try_from(MOST.load(Ordering::Relaxed) - in_use).unwrap_or(0)
}

/// Starts the thread, unless it is running. False if it cannot be started.
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
            WATCHING.store(0, Ordering::Relaxed);
            return false;
        }
    }
    true
}

/// True for the first call in this process since [`WATCHING`] was 0.
fn claim() -> bool {
    let process = std::process::id();
    WATCHING.swap(process, Ordering::SeqCst) != process
}

/// Whether the thread has something to wait for.
fn is_needed() -> bool {
    MOST.load(Ordering::SeqCst) - IN_USE.load(Ordering::SeqCst) >= BURST || recycle::keeps_much()
}

/// Called when the process ends: ends the thread and joins it.
pub(super) fn end() {
    ENDING.store(true, Ordering::Relaxed);
    let watcher = WATCHER.try_lock().and_then(|mut watcher| watcher.take());
    match watcher {
        Some(watcher) if watcher.process == std::process::id() => {
            watcher.parker.unpark();
            let _ = watcher.thread.join();
        }
        // Another process' thread: neither joined nor detached here.
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
            WATCHING.store(0, Ordering::SeqCst);
            // A report that came before this store was left to this thread.
            if !is_needed() || !claim() {
                return;
            }
        }
        let lately = MOST_LATELY.load(Ordering::Relaxed);
        if MOST.load(Ordering::Relaxed) - lately >= BURST / 2 {
            // Use is low, but may still be falling.
            falling += 1;
            if lately - IN_USE.load(Ordering::Relaxed) < RESTLESS || falling > FALLING_MAX {
                break;
            }
        }
    }
    MOST.store(IN_USE.load(Ordering::Relaxed), Ordering::Relaxed);
    // From here on the next burst starts a thread of its own.
    WATCHING.store(0, Ordering::Relaxed);
    recycle::forget();
    sys::trim_memory();
}
