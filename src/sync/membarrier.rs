//! Full memory barriers on all threads of the process at once, paid for by one
//! of them.
//!
//! Where one side of an agreement comes by millions of times a second and the
//! other seldom, both would need a full barrier between their own store and the
//! look at the other's. With this, the seldom one has it done for both: the
//! frequent side calls [`light`], which costs nothing, the seldom one [`heavy`],
//! after which each other thread has passed a full barrier since the call began.
//!
//! The system wants a process to register, which takes microseconds as long as
//! that has one thread, and ten milliseconds afterwards. ThreadSanitizer knows
//! nothing of such barriers and does without. In a model both sides change one word:
//! of two such changes the later one sees all that came before the other, as the two
//! sides of a barrier do; alone, either side orders nothing.

use std::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{compiler_fence, fence};

/// Whether there is such a thing here at all.
const EXISTS: bool = cfg!(all(target_os = "linux", not(any(tsan, miri))));

static READY: AtomicBool = AtomicBool::new(cfg!(loom));
static TRIED: AtomicBool = AtomicBool::new(!EXISTS || cfg!(loom));

/// Whether the pair may be relied on. Once true, always.
#[inline]
pub fn is_ready() -> bool {
    READY.load(Ordering::Relaxed)
}

/// Whether [`prepare`] has nothing to do any more.
pub fn is_prepared() -> bool {
    TRIED.load(Ordering::Relaxed)
}

/// Registers the process, once: if that is quick, or in any case if `anyway`.
pub fn prepare(anyway: bool) {
    if !TRIED.load(Ordering::Relaxed)
        && (anyway || is_single_threaded())
        && !TRIED.swap(true, Ordering::Relaxed)
    {
        READY.store(register(), Ordering::Relaxed);
    }
}

/// The frequent side's barrier, once [`is_ready`] was true: between its store and its
/// look, in the order of the program.
#[inline]
pub fn light() {
    #[cfg(loom)]
    model::meet();
    #[cfg(not(loom))]
    compiler_fence(Ordering::SeqCst);
}

/// The seldom side's barrier: returns when all other threads of the process have
/// passed a full barrier, as the calling one has.
pub fn heavy() {
    // A forked child may have to register anew.
    if EXISTS && !cfg!(loom) && !(barrier() || (register() && barrier())) {
        // Not to be expected. What a processor has stored reaches the others in
        // far less time.
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

#[cfg(target_os = "linux")]
fn register() -> bool {
    membarrier(libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED)
}

#[cfg(target_os = "linux")]
fn barrier() -> bool {
    membarrier(libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED)
}

#[cfg(target_os = "linux")]
fn membarrier(command: libc::c_int) -> bool {
    let no_flags: libc::c_long = 0;
    // SAFETY: the call takes two numbers and touches no memory of ours.
    unsafe { libc::syscall(libc::SYS_membarrier, libc::c_long::from(command), no_flags) == 0 }
}

#[cfg(not(target_os = "linux"))]
fn register() -> bool {
    false
}

#[cfg(not(target_os = "linux"))]
fn barrier() -> bool {
    false
}

/// Whether the C library says so.
fn is_single_threaded() -> bool {
    // SAFETY: a look-up by name; what it finds, if anything, is the C library's
    // variable of type `char` of this name, which is always there.
    unsafe {
        let symbol = libc::dlsym(libc::RTLD_DEFAULT, c"__libc_single_threaded".as_ptr());
        symbol
            .cast::<libc::c_char>()
            .as_ref()
            .is_some_and(|flag| *flag != 0)
    }
}

#[cfg(all(test, target_os = "linux", not(any(loom, tsan, miri))))]
mod tests {
    #[test]
    fn a_registered_process_has_barriers() {
        super::prepare(true);
        if super::is_ready() {
            assert!(super::barrier());
        }
        super::heavy();
        // Later calls change nothing.
        let before = super::is_ready();
        super::prepare(true);
        assert_eq!(super::is_ready(), before);
    }
}
