//! Signal masks of the calling thread.

use super::cancel;
use std::mem::MaybeUninit;

/// Blocks all signals in the calling thread, one of the library's own, so that signal handlers
/// run in the application's threads.
pub fn block_signals() {
    // Never dropped: cancellation stays disabled until the thread ends.
    std::mem::forget(cancel::Shield::new());
    SignalMask::block_all();
}

/// The signals that were blocked in the calling thread.
pub struct SignalMask(libc::sigset_t);

impl SignalMask {
    /// Blocks all signals, and returns the mask before.
    pub fn block_all() -> SignalMask {
        let mut all = MaybeUninit::uninit();
        let mut old = MaybeUninit::uninit();
        // SAFETY: these calls initialise both sets; with a valid `how` they cannot fail.
        unsafe {
            libc::sigfillset(all.as_mut_ptr());
            libc::sigemptyset(old.as_mut_ptr());
            libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), old.as_mut_ptr());
            SignalMask(old.assume_init())
        }
    }

    /// Blocks these signals and no others again.
    pub fn restore(self) {
        // SAFETY: the set is one that `pthread_sigmask` has written.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.0, std::ptr::null_mut()) };
    }
}

/// Runs a write with SIGPIPE blocked, and consumes the signal that a pipe without a
/// reader raises, so that the write only fails.
pub fn without_sigpipe(write: impl FnOnce() -> isize) -> isize {
    // SAFETY: the sets are initialised by sigemptyset, or by the calls that fill
    // them, before they are read; only this thread's mask is changed, and restored.
    unsafe {
        let mut sigpipe: libc::sigset_t = std::mem::zeroed();
        let mut before: libc::sigset_t = std::mem::zeroed();
        let mut pending: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut sigpipe);
        libc::sigaddset(&mut sigpipe, libc::SIGPIPE);
        libc::sigpending(&mut pending);
        // A SIGPIPE that is pending before the write belongs to the program.
        let theirs = libc::sigismember(&pending, libc::SIGPIPE) == 1;
        libc::pthread_sigmask(libc::SIG_BLOCK, &sigpipe, &mut before);
        let count = write();
        libc::sigpending(&mut pending);
        if !theirs && libc::sigismember(&pending, libc::SIGPIPE) == 1 {
            let mut taken = 0;
            libc::sigwait(&sigpipe, &mut taken);
        }
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        count
    }
}
