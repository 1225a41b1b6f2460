//! Timers for C programs: `runtime::timers` with a clock and C handlers.
//!
//! Each set has a lock of its own. Handlers run in the thread that calls `zmq_timers_execute`,
//! without the lock.

use std::any::Any;
use std::cell::Cell;
use std::ffi::{c_int, c_long, c_void};

use crate::sync::Mutex;
use crate::sys::monotonic;

use super::boundary::call;
use super::types::zmq_timer_fn;
use crate::error::{Error, Result};
use crate::runtime::handle::Pool;
use crate::runtime::timers::{Round, Timers};

type Shared = Mutex<Timers<Callback>>;

static TIMERS: Pool<Shared> = Pool::new();

/// Locks the handles until the fork is over.
pub(super) fn lock_over_fork(locks: &mut Vec<Box<dyn Any>>) {
    locks.push(Box::new(TIMERS.lock_over_fork()));
}

#[derive(Clone, Copy)]
struct Callback {
    handler: zmq_timer_fn,
    arg: *mut c_void,
}

// SAFETY: only the thread that calls zmq_timers_execute uses the argument, and the caller of
// zmq_timers_add promised that the handler may run with it.
unsafe impl Send for Callback {}

/// Creates an empty set of timers.
///
/// Returns its handle, to be given to zmq_timers_destroy, or NULL with ENOMEM.
/// All functions on it fail with EFAULT if the handle is not one.
#[unsafe(no_mangle)]
pub extern "C-unwind" fn zmq_timers_new() -> *mut c_void {
    call(|| {
        let (handle, timers) = TIMERS.take()?;
        timers.lock().clear();
        Ok(handle)
    })
}

/// Frees a set of timers and sets the handle that is pointed at to NULL.
///
/// Returns 0, or -1 with EFAULT.
///
/// # Safety
/// `timers_p` is NULL or points at NULL or a handle from zmq_timers_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_destroy(timers_p: *mut *mut c_void) -> c_int {
    call(|| {
        // SAFETY: NULL, or valid by the caller's promise.
        let place = unsafe { timers_p.as_mut() }.ok_or(Error::Fault)?;
        TIMERS.end(*place, |timers| timers.lock().clear())?;
        *place = std::ptr::null_mut();
        Ok(0)
    })
}

/// Adds a timer that calls handler (timer_id, arg) every interval ms.
///
/// Returns the id of the timer, from 1 upwards, or -1 with EFAULT, also if the
/// handler is NULL. The handler runs inside zmq_timers_execute and may change
/// the set.
///
/// # Safety
/// `timers` is NULL or from zmq_timers_new; `handler` may run with `arg` as
/// long as the timer is there.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_add(
    timers: *mut c_void,
    interval: usize,
    handler: Option<zmq_timer_fn>,
    arg: *mut c_void,
) -> c_int {
    call(|| {
        let timers = TIMERS.find(timers)?;
        let handler = handler.ok_or(Error::Fault)?;
        let callback = Callback { handler, arg };
        timers.lock().add(now_ms(), interval as u64, callback)
    })
}

/// Removes a timer.
///
/// Returns 0, or -1 with EINVAL if there is no such timer, or with EFAULT.
///
/// # Safety
/// `timers` is NULL or from zmq_timers_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_cancel(timers: *mut c_void, timer_id: c_int) -> c_int {
    call(|| {
        let timers = TIMERS.find(timers)?;
        timers.lock().cancel(timer_id)?;
        Ok(0)
    })
}

/// Gives a timer a new interval in ms, counted from now.
///
/// Returns 0, or -1 with EINVAL if there is no such timer, or with EFAULT.
///
/// # Safety
/// `timers` is NULL or from zmq_timers_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_set_interval(
    timers: *mut c_void,
    timer_id: c_int,
    interval: usize,
) -> c_int {
    call(|| {
        let timers = TIMERS.find(timers)?;
        timers
            .lock()
            .set_interval(now_ms(), timer_id, interval as u64)?;
        Ok(0)
    })
}

/// Starts the interval of a timer anew from now.
///
/// Returns 0, or -1 with EINVAL if there is no such timer, or with EFAULT.
///
/// # Safety
/// `timers` is NULL or from zmq_timers_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_reset(timers: *mut c_void, timer_id: c_int) -> c_int {
    call(|| {
        let timers = TIMERS.find(timers)?;
        timers.lock().reset(now_ms(), timer_id)?;
        Ok(0)
    })
}

/// Returns how many ms are left until the next timer is due, 0 if one is due.
///
/// -1 if there is no timer; also -1, with EFAULT, if the handle is not one.
///
/// # Safety
/// `timers` is NULL or from zmq_timers_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_timeout(timers: *mut c_void) -> c_long {
    call(|| {
        let left = TIMERS.find(timers)?.lock().timeout(now_ms());
        Ok(left.map_or(-1, |ms| c_long::try_from(ms).unwrap_or(c_long::MAX)))
    })
}

/// Runs the handler of each timer that is due, once however late it is.
///
/// Each is then due again one interval from now. Returns 0, or -1 with EFAULT.
///
/// # Safety
/// `timers` is NULL or from zmq_timers_new.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_timers_execute(timers: *mut c_void) -> c_int {
    // The handlers are the program's code, which may throw, end its thread and call back:
    // they run outside of the boundary, with no lock held and nothing here to drop.
    let (begun, due) = (Cell::new(None), Cell::new(None));
    let next = || call(|| step(timers, &begun, &due));
    let mut result = next();
    while let (0, Some((id, Callback { handler, arg }))) = (result, due.take()) {
        // SAFETY: the caller of zmq_timers_add promised that the handler may run with `arg`
        // while the timer exists, and it existed when this step found it.
        unsafe { handler(id, arg) };
        result = next();
    }
    result
}

/// Stores the next due handler of a round over a set of timers in `due`. The first step
/// begins the round, which continues even if a handler destroys the set.
fn step(
    timers: *mut c_void,
    begun: &Cell<Option<(&'static Shared, Round)>>,
    due: &Cell<Option<(c_int, Callback)>>,
) -> Result<c_int> {
    let (set, round) = match begun.get() {
        Some(begun) => begun,
        None => {
            let set = TIMERS.find(timers)?;
            let round = set.lock().begin(now_ms());
            begun.set(Some((set, round)));
            (set, round)
        }
    };
    due.set(set.lock().next_due(round));
    Ok(0)
}

/// Milliseconds on the monotonic clock.
fn now_ms() -> u64 {
    u64::try_from(monotonic().as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::boundary::{errno, set_errno};
    use super::*;
    use std::ptr::null_mut;

    unsafe extern "C-unwind" fn count(_: c_int, arg: *mut c_void) {
        // SAFETY: the tests pass an i32.
        unsafe { *arg.cast::<i32>() += 1 };
    }

    /// Ends the set that it runs in; `arg` is the place of its handle.
    unsafe extern "C-unwind" fn destroy(_: c_int, arg: *mut c_void) {
        // SAFETY: the test passes the place of a live handle.
        assert_eq!(unsafe { zmq_timers_destroy(arg.cast()) }, 0);
    }

    #[test]
    fn a_timer_runs_through_its_life() {
        let mut runs = 0i32;
        let arg: *mut c_void = (&raw mut runs).cast();
        let mut timers = zmq_timers_new();
        // SAFETY: a live handle and an argument that outlives it.
        unsafe {
            assert_eq!(zmq_timers_timeout(timers), -1);
            let id = zmq_timers_add(timers, 100_000, Some(count), arg);
            assert_eq!(id, 1);
            assert!((1..=100_000).contains(&zmq_timers_timeout(timers)));
            assert_eq!(zmq_timers_execute(timers), 0);
            assert_eq!(arg.cast::<i32>().read(), 0);
            assert_eq!(zmq_timers_set_interval(timers, id, 0), 0);
            assert_eq!(zmq_timers_timeout(timers), 0);
            assert_eq!(zmq_timers_execute(timers), 0);
            assert_eq!(arg.cast::<i32>().read(), 1);
            assert_eq!(zmq_timers_reset(timers, id), 0);
            assert_eq!(zmq_timers_cancel(timers, id), 0);
            set_errno(0);
            assert_eq!((zmq_timers_cancel(timers, id), errno()), (-1, libc::EINVAL));
            assert_eq!(zmq_timers_destroy(&mut timers), 0);
            assert!(timers.is_null());
        }
    }

    #[test]
    fn a_handler_may_destroy_the_set() {
        let mut timers = zmq_timers_new();
        let handle = timers;
        let place: *mut c_void = (&raw mut timers).cast();
        // SAFETY: a live handle and the place where it is.
        unsafe {
            zmq_timers_add(handle, 0, Some(destroy), place);
            zmq_timers_add(handle, 0, Some(destroy), place);
            assert_eq!(zmq_timers_execute(handle), 0);
            assert!(place.cast::<*mut c_void>().read().is_null());
        }
    }

    #[test]
    fn wrong_handles() {
        let mut none = null_mut();
        let timers = zmq_timers_new();
        // SAFETY: NULL and a live handle.
        unsafe {
            let calls = [
                zmq_timers_add(timers, 1, None, null_mut()),
                zmq_timers_add(none, 1, Some(count), null_mut()),
                zmq_timers_cancel(none, 1),
                zmq_timers_set_interval(none, 1, 1),
                zmq_timers_reset(none, 1),
                zmq_timers_execute(none),
                zmq_timers_destroy(&mut none),
            ];
            assert_eq!(calls, [-1; 7]);
            set_errno(0);
            assert_eq!((zmq_timers_timeout(none), errno()), (-1, libc::EFAULT));
            set_errno(0);
            assert_eq!(
                (zmq_timers_destroy(null_mut()), errno()),
                (-1, libc::EFAULT)
            );
        }
    }
}
