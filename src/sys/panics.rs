//! Containment of panics: a panic in the library fails one call, one connection or one
//! reply, and is logged.

#![forbid(unsafe_code)]

use super::log::{self, Level, Origin};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `f`. `None` if it panicked; `cost` is the consequence, for the log line.
#[inline]
pub fn contain<R>(cost: &str, f: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            report(payload, cost);
            None
        }
    }
}

/// Logs a caught panic: the first of the process always, later ones if `ZMQ_LOG` is
/// set. The panic hook has printed its location before.
#[cold]
fn report(payload: Box<dyn Any + Send>, cost: &str) {
    static REPORTED: AtomicBool = AtomicBool::new(false);
    if !REPORTED.swap(true, Ordering::Relaxed) || log::enabled(Level::Error) {
        log::write(
            Level::Error,
            Origin::LIBRARY,
            format_args!("internal error, {cost}; please report this"),
        );
    }
    // Dropping a payload runs code that may panic in turn.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
}
