//! A panic ends where it is caught: with one call, one connection, one answer.

#![forbid(unsafe_code)]

use std::any::Any;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

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

/// Says once per process that a panic was stopped; the panic hook has already
/// printed where it came from.
#[cold]
fn report(payload: Box<dyn Any + Send>, cost: &str) {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = writeln!(
            std::io::stderr(),
            "libzmq (ferrozmq): internal error, {cost}; please report this"
        );
    });
    // Dropping a payload runs code that may panic in turn.
    let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
}
