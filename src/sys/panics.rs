//! A panic ends where it is caught: with one call, one connection, one answer.

#![forbid(unsafe_code)]

use super::log::{self, Level, Origin};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// Runs `f`. `None` if it panicked; `cost` says what has come of that.
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

/// Says once per process that a panic was stopped, or each time if `ZMQ_LOG` is
/// set; the panic hook has already printed where it came from.
#[cold]
fn report(payload: Box<dyn Any + Send>, cost: &str) {
    static SAID: AtomicBool = AtomicBool::new(false);
    if !SAID.swap(true, Ordering::Relaxed) || log::enabled(Level::Error) {
        let text = format_args!("internal error, {cost}; please report this");
        log::write(Level::Error, Origin::LIBRARY, text);
    }
    // Dropping a payload runs code that may panic in turn.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
}
