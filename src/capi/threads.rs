//! Sleeping and threads for C programs.
//!
//! The calls that wait are cancellation points: they are made outside of the boundary's
//! closure, with no lock held and nothing on the stack to drop.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{c_int, c_void};

use crate::sync::Mutex;

use super::boundary::{call, errno, plain, set_errno};
use super::types::zmq_thread_fn;
use crate::error::{Error, Result};
use crate::runtime::handle::Pool;

static THREADS: Pool<Mutex<Option<os::Thread>>> = Pool::new();

/// Locks the handles until the fork is over.
pub(super) fn lock_over_fork(locks: &mut Vec<Box<dyn Any>>) {
    locks.push(Box::new(THREADS.lock_over_fork()));
}

/// The body of a new thread and its argument.
struct Job {
    body: zmq_thread_fn,
    arg: *mut c_void,
}

// SAFETY: only the new thread uses the argument, and the caller of zmq_threadstart promised
// that the body may run there with it.
unsafe impl Send for Job {}

/// Pauses the calling thread for a number of seconds.
///
/// A signal handler ends the pause early. 0 or less does not pause.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_sleep(seconds: c_int) {
    let (before, seconds) = (errno(), plain(|| u32::try_from(seconds).unwrap_or(0)));
    // A cancellation point, so outside of the closure.
    if seconds > 0 {
        os::sleep(seconds);
    }
    set_errno(before);
}

/// Starts a thread that runs func (arg), with all signals blocked.
///
/// Returns its handle, to be given to zmq_threadclose, or NULL: with EFAULT if
/// func is NULL, with ENOMEM or the system's error if there can be no thread.
///
/// # Safety
/// `func` is NULL or a function that may run on another thread with `arg`.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_threadstart(
    func: Option<zmq_thread_fn>,
    arg: *mut c_void,
) -> *mut c_void {
    call(|| {
        let body = func.ok_or(Error::Fault)?;
        let (handle, place) = THREADS.take()?;
        match os::Thread::start(Box::new(Job { body, arg })) {
            Ok(thread) => *place.lock() = Some(thread),
            Err(error) => return THREADS.end(handle, |_| ()).and(Err(error)),
        }
        Ok(handle)
    })
}

/// Waits until a thread has ended, and frees its handle.
///
/// # Safety
/// `thread` is NULL, which does nothing, or from zmq_threadstart.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_threadclose(thread: *mut c_void) {
    let running = Cell::new(None);
    call(|| {
        let thread = THREADS.end(thread, |place| place.lock().take())?;
        running.set(Some(thread.ok_or(Error::Fault)?));
        Ok(())
    });
    // A cancellation point, so outside of the closure.
    if let Some(thread) = running.take() {
        thread.join();
    }
}

mod os {
    use super::{Error, Job, Result, set_errno};
    use crate::sys::cancel::unwinding;
    use crate::sys::{SignalMask, set_thread_name};
    use std::ffi::{c_uint, c_void};
    use std::mem::MaybeUninit;
    use std::ptr::{null, null_mut};

    /// A thread of the system. Its stack has the size that a C program expects; a thread of
    /// Rust's library has a smaller one.
    pub struct Thread(libc::pthread_t);

    // SAFETY: a `pthread_t` may be joined from any thread.
    unsafe impl Send for Thread {}

    impl Thread {
        /// The new thread inherits the signal mask, so signals are blocked around its start:
        /// it cannot receive one at any time.
        pub fn start(job: Box<Job>) -> Result<Thread> {
            let job = Box::into_raw(job);
            let mut thread = MaybeUninit::uninit();
            let mask = SignalMask::block_all();
            // SAFETY: `thread` is writable, and the new thread owns `job`, which `run` frees.
            let code =
                unsafe { unwinding::pthread_create(thread.as_mut_ptr(), null(), run, job.cast()) };
            mask.restore();
            if code != 0 {
                // SAFETY: no thread was made, so `job` was not freed.
                drop(unsafe { Box::from_raw(job) });
                return Err(Error::Os(code));
            }
            // SAFETY: the call has succeeded, so it has written `thread`.
            Ok(Thread(unsafe { thread.assume_init() }))
        }

        /// Waits until the thread has ended. A cancellation point.
        pub fn join(self) {
            // SAFETY: the thread is joinable, and joined once only, since `self` is consumed.
            let code = unsafe { unwinding::pthread_join(self.0, null_mut()) };
            if code != 0 {
                set_errno(code);
            }
        }
    }

    /// The program's code may end the thread, which unwinds through this frame.
    extern "C-unwind" fn run(job: *mut c_void) -> *mut c_void {
        // SAFETY: `start` made the pointer from a box, which this thread owns.
        let Job { body, arg } = *unsafe { Box::from_raw(job.cast::<Job>()) };
        set_thread_name("ZMQapp");
        // SAFETY: the caller of zmq_threadstart promised that the body may run here with `arg`.
        unsafe { body(arg) };
        null_mut()
    }

    pub fn sleep(seconds: c_uint) {
        // SAFETY: `sleep` accepts any number.
        unsafe { unwinding::sleep(seconds) };
    }
}

#[cfg(test)]
mod tests {
    use super::super::boundary::{errno, set_errno};
    use super::*;
    use std::ptr::null_mut;

    /// Writes 1 to `arg` if SIGTERM is blocked here, otherwise 2.
    unsafe extern "C-unwind" fn look(arg: *mut c_void) {
        let mut mask = std::mem::MaybeUninit::uninit();
        // SAFETY: the set is filled in before it is read; `arg` is an i32.
        unsafe {
            libc::pthread_sigmask(libc::SIG_BLOCK, std::ptr::null(), mask.as_mut_ptr());
            let blocked = libc::sigismember(mask.as_ptr(), libc::SIGTERM) == 1;
            arg.cast::<i32>().write(if blocked { 1 } else { 2 });
        }
    }

    #[test]
    fn a_thread_runs_with_signals_blocked_and_is_joined() {
        let mut seen = 0i32;
        // SAFETY: `seen` outlives the thread, which is joined.
        unsafe {
            let thread = zmq_threadstart(Some(look), (&raw mut seen).cast());
            assert!(!thread.is_null());
            zmq_threadclose(thread);
            assert_eq!((&raw const seen).read_volatile(), 1);
            let mut own = 0i32;
            look((&raw mut own).cast());
            assert_eq!(own, 2, "the caller's own mask is as before");
            zmq_threadclose(thread);
        }
    }

    #[test]
    fn null_is_refused() {
        set_errno(0);
        // SAFETY: NULL is allowed.
        unsafe {
            assert!(zmq_threadstart(None, null_mut()).is_null());
            assert_eq!(errno(), libc::EFAULT);
            zmq_threadclose(null_mut());
        }
    }

    #[test]
    fn no_pause() {
        let start = std::time::Instant::now();
        zmq_sleep(0);
        zmq_sleep(-1);
        assert!(start.elapsed().as_secs() < 1);
    }
}
