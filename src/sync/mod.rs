//! Synchronisation: the switch between real and model-checked primitives, the thread
//! [`Parker`](parker::Parker), the lock-free [`Mailbox`](mailbox::Mailbox), the [`Mutex`], the
//! biased [`Lock`](lock::Lock) of a socket, and the [`WorkLock`](work_lock::WorkLock) of a
//! connection, whose holder does the work of all threads.
//!
//! A handshake takes one of the forms in [`event_count`], or has a form of its own for a reason:
//! docs/handshakes.md lists all of them, with that reason and the models.
//!
//! Everything lock-free in the library takes its atomics from here, so that `RUSTFLAGS="--cfg
//! loom"` replaces them with loom's and the models in this folder and in `pipe/` explore every
//! interleaving.

pub mod event_count;
mod fork;
mod futex_word;
pub mod local;
pub mod lock;
pub mod mailbox;
pub mod membarrier;
#[cfg(loom)]
mod model;
mod mutex;
mod once;
pub mod parker;
pub mod readiness;
pub mod suspend;
pub mod waiter;
pub mod work_lock;

pub use fork::{ForkedChild, lock_for_fork};
pub use mutex::{Mutex, MutexGuard};
pub use once::OnceLock;

/// A value that is set once, whose ordering loom sees; in a model it cannot be in a static.
#[cfg(loom)]
pub use model::SetOnce;
#[cfg(not(loom))]
pub use once::OnceLock as SetOnce;

/// Atomic types and fences: `std`'s, or loom's in a model.
pub mod atomic {
    #[cfg(loom)]
    pub use super::model::*;
    #[cfg(not(loom))]
    pub use std::sync::atomic::{
        AtomicBool, AtomicI32, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering,
        fence,
    };
}

#[cfg(loom)]
pub use loom::sync::Arc;
#[cfg(not(loom))]
pub use std::sync::Arc;

/// A memory cell whose accesses loom can check.
///
/// In ordinary builds this is `std::cell::UnsafeCell` and costs nothing.
#[derive(Debug)]
pub struct SyncCell<T>(
    #[cfg(loom)] loom::cell::UnsafeCell<T>,
    #[cfg(not(loom))] std::cell::UnsafeCell<T>,
);

impl<T> SyncCell<T> {
    /// Wraps a value.
    pub fn new(value: T) -> Self {
        #[cfg(loom)]
        return SyncCell(loom::cell::UnsafeCell::new(value));
        #[cfg(not(loom))]
        return SyncCell(std::cell::UnsafeCell::new(value));
    }

    /// Runs `f` on a pointer for reading.
    #[inline(always)]
    pub fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
        #[cfg(loom)]
        return self.0.with(f);
        #[cfg(not(loom))]
        return f(self.0.get());
    }

    /// Runs `f` on a pointer for writing.
    #[inline(always)]
    pub fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
        #[cfg(loom)]
        return self.0.with_mut(f);
        #[cfg(not(loom))]
        return f(self.0.get());
    }
}
