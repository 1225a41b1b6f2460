//! Asymmetric fences: a full memory barrier on all threads of the process at once (`membarrier`),
//! paid for by one of them.
//!
//! In a Dekker handshake both sides need a full barrier between their own store and the load of the
//! other's flag. If one side runs millions of times a second and the other seldom, the seldom side
//! can pay for both: the frequent side calls [`light`], a compiler fence, and the seldom side calls
//! [`heavy`], after which each other thread has passed a full barrier since the call began. Users
//! are the bias of a socket's lock (`lock/bias.rs`) and the reader of a pipe (`pipe/read.rs`).
//!
//! The kernel requires a process to register, which takes microseconds as long as that has one
//! thread, and ten milliseconds afterwards. ThreadSanitizer does not know such barriers; under it,
//! and under Miri, the pair is never ready. In a loom model both sides exchange one word with
//! AcqRel: of two such exchanges the later one sees all that came before the other, as the two
//! sides of a barrier do; alone, either side orders nothing.

// Not from sync::atomic: a static, which loom's types cannot be in.
use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
// Not from sync::atomic: not compiled with loom.
use std::sync::atomic::{compiler_fence, fence};

use crate::sys::is_single_threaded;
use crate::sys::membarrier::{EXISTS, barrier, register};

static PROCESS: Registration = Registration {
    ready: AtomicBool::new(cfg!(loom)),
    tried: AtomicBool::new(!EXISTS || cfg!(loom)),
};

/// The registration with the kernel, which is tried once.
struct Registration {
    ready: AtomicBool,
    tried: AtomicBool,
}

impl Registration {
    /// Calls `register` if it is due and was not called before.
    fn prepare(&self, is_due: impl FnOnce() -> bool, register: impl FnOnce() -> bool) {
        if !self.tried.load(Ordering::Relaxed)
            && is_due()
            && !self.tried.swap(true, Ordering::Relaxed)
        {
            self.ready.store(register(), Ordering::Relaxed);
        }
    }
}

/// Whether the pair may be relied on. Once true, always.
#[inline]
pub fn is_ready() -> bool {
    PROCESS.ready.load(Ordering::Relaxed)
}

/// Whether [`prepare`] has nothing left to do.
pub fn is_prepared() -> bool {
    PROCESS.tried.load(Ordering::Relaxed)
}

/// Registers the process, once: if it has one thread (microseconds), or in any case if `anyway`
/// (ten milliseconds).
pub fn prepare(anyway: bool) {
    PROCESS.prepare(|| anyway || is_single_threaded(), register);
}

/// The frequent side's barrier, once [`is_ready`] was true: between its store and its load, in
/// program order.
#[inline]
pub fn light() {
    #[cfg(loom)]
    model::meet();
    #[cfg(not(loom))]
    compiler_fence(Ordering::SeqCst);
}

/// The seldom side's barrier: when it returns, all other threads of the process have passed a full
/// barrier, as the calling one has.
pub fn heavy() {
    // A forked child may have to register anew.
    if EXISTS && !cfg!(loom) && !(barrier() || (register() && barrier())) {
        // Not expected. A store becomes visible to the other processors in far less time.
        crate::sys::sleep(std::time::Duration::from_millis(1));
    }
    #[cfg(loom)]
    model::meet();
    #[cfg(not(loom))]
    fence(Ordering::SeqCst);
}

#[cfg(loom)]
mod model {
    use loom::sync::atomic::{AtomicUsize, Ordering};

    loom::lazy_static! {
        static ref WORD: AtomicUsize = AtomicUsize::new(0);
    }

    pub fn meet() {
        WORD.fetch_add(1, Ordering::AcqRel);
    }
}

#[cfg(all(test, not(any(loom, tsan, miri, stand_ins))))]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn a_registered_process_has_barriers() {
        prepare(true);
        assert!(is_prepared());
        // To register again does no harm, and shows whether the kernel knows it.
        assert_eq!((is_ready(), barrier()), (register(), register()));
        heavy();
        // Later calls change nothing.
        let before = is_ready();
        prepare(true);
        assert_eq!(is_ready(), before);
    }

    #[test]
    fn a_process_is_registered_when_it_is_due_and_once() {
        for registered in [false, true] {
            let process = Registration {
                ready: AtomicBool::new(false),
                tried: AtomicBool::new(false),
            };
            let calls = Cell::new(0);
            let register = || {
                calls.set(calls.get() + 1);
                registered
            };
            process.prepare(|| false, register);
            assert_eq!(
                (calls.get(), process.tried.load(Ordering::Relaxed)),
                (0, false)
            );
            for _ in 0..2 {
                process.prepare(|| true, register);
                assert_eq!(
                    (calls.get(), process.tried.load(Ordering::Relaxed)),
                    (1, true)
                );
                assert_eq!(process.ready.load(Ordering::Relaxed), registered);
            }
        }
    }
}
