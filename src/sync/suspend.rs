//! Calls that are suspended while their thread sleeps.
//!
//! A thread that sleeps in a call may be cancelled (`pthread_cancel`), which unwinds its stack. So
//! no call sleeps in the middle of Rust code: the call stores its state in a thread-local
//! ([`suspend`]) and returns to the function of the C API, which sleeps ([`sleep`]) and then makes
//! the call again; the repeated call continues from the stored state ([`resume`]). If the thread
//! ends instead, the state is dropped with the thread's other locals.
//!
//! A signal handler may call the library during such a sleep, and so may a free function before it.
//! Suspensions are therefore a stack; invariant: only the topmost one is resumed, and only once it
//! has slept.

use super::local::thread_cell;
use super::parker::{Parker, Wake};
use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

thread_cell! {
    static SUSPENDED: Vec<Suspension> = Vec::new();
}

/// What a suspended call sleeps on.
#[derive(Debug)]
pub enum SleepOn {
    /// No sleep: the thread acts on a pending cancellation, and the call is made again.
    None,
    /// The thread's parker, which is registered with what may wake it.
    Parker(Arc<Parker>),
    /// Descriptors, and the thread's signal mask while it sleeps, if not its present one.
    Descriptors(Vec<libc::pollfd>, Option<Box<libc::sigset_t>>),
}

/// A call to be made again after a sleep.
pub struct Suspension {
    /// What the call sleeps on.
    pub sleep_on: SleepOn,
    /// The end of the sleep.
    pub deadline: Option<Instant>,
    /// What has to live as long as the call, for instance registrations.
    pub held: Box<dyn Any>,
    /// How the sleep ended; `None` before.
    wake: Option<Wake>,
}

/// The stored state of a call that continues.
pub struct Resumed {
    /// How its sleep ended.
    pub wake: Wake,
    /// As passed to [`suspend`].
    pub deadline: Option<Instant>,
    /// As passed to [`suspend`].
    pub held: Box<dyn Any>,
}

/// Whether calls of this thread can be suspended. They cannot if the thread's locals are destroyed,
/// or where a sleep is no cancellation point; then they sleep in place.
pub fn is_possible() -> bool {
    cfg!(not(loom)) && SUSPENDED.with(|_| ()).is_some()
}

fn with_all<R>(f: impl FnOnce(&mut Vec<Suspension>) -> R) -> R {
    let mut all = SUSPENDED.take();
    let result = f(&mut all);
    SUSPENDED.set(all);
    result
}

/// Suspends the present call, which then returns to the C API, which calls [`sleep`].
pub fn suspend(sleep_on: SleepOn, deadline: Option<Instant>, held: Box<dyn Any>) {
    let wake = None;
    let suspension = Suspension {
        sleep_on,
        deadline,
        held,
        wake,
    };
    with_all(|all| all.push(suspension));
}

/// Takes the state of the topmost suspended call, if that has slept.
pub fn resume() -> Option<Resumed> {
    let slept = with_all(|all| {
        let has_slept = all.last().is_some_and(|last| last.wake.is_some());
        has_slept.then(|| all.pop()).flatten()
    })?;
    Some(Resumed {
        wake: slept.wake?,
        deadline: slept.deadline,
        held: slept.held,
    })
}

/// Drops the state of the topmost suspended call, if that has slept: the call is over.
pub fn end() {
    drop(resume());
}

/// Sleeps as the topmost suspended call asked for.
///
/// # Safety
/// Called by a function of the C API, with nothing to drop in the frames between here and the
/// program's code: a cancelled thread ends here.
pub unsafe fn sleep() {
    #[cfg(not(loom))]
    if let Some(plan) = Plan::of_topmost() {
        // SAFETY: the frames have nothing to drop, by the caller's promise.
        let wake = unsafe { plan.carry_out() };
        with_all(|all| {
            if let Some(last) = all.last_mut() {
                last.wake = Some(wake);
            }
        });
    }
}

/// A sleep in numbers and pointers alone, so that it has nothing to drop. The pointers are to what
/// the thread-local `SUSPENDED` owns, which stays until the thread resumes the call or ends. A call
/// in between pushes to that list, which moves the owners (an `Arc`, a `Vec`, a `Box`) and not what they
/// point to.
#[cfg(not(loom))]
#[derive(Clone, Copy)]
struct Plan {
    parker: *const Parker,
    fds: (*mut libc::pollfd, usize),
    /// Null for the thread's present signal mask.
    mask: *const libc::sigset_t,
    deadline: Option<Instant>,
}

#[cfg(not(loom))]
impl Plan {
    fn of_topmost() -> Option<Plan> {
        with_all(|all| {
            let last = all.last_mut()?;
            let mut plan = Plan {
                parker: std::ptr::null(),
                fds: (std::ptr::null_mut(), 0),
                mask: std::ptr::null(),
                deadline: last.deadline,
            };
            match &mut last.sleep_on {
                SleepOn::None => {}
                SleepOn::Parker(parker) => plan.parker = Arc::as_ptr(parker),
                SleepOn::Descriptors(fds, mask) => {
                    plan.fds = (fds.as_mut_ptr(), fds.len());
                    plan.mask = mask.as_deref().map_or(std::ptr::null(), std::ptr::from_ref);
                }
            }
            Some(plan)
        })
    }

    /// # Safety
    /// As [`sleep`].
    unsafe fn carry_out(self) -> Wake {
        // SAFETY: null, or the parker of a suspension, which stays, see `Plan`.
        if let Some(parker) = unsafe { self.parker.as_ref() } {
            // SAFETY: the parker stays, see `Plan`; the frames have nothing to drop, by the
            // caller's promise.
            return unsafe { parker.park_cancellable(self.deadline) };
        }
        if self.fds.0.is_null() {
            crate::sys::cancel::act();
            return Wake::Notified;
        }
        let left = self
            .deadline
            .map(|at| at.saturating_duration_since(Instant::now()));
        let millis = left.map_or(-1, crate::sys::millis_up);
        let (fds, len) = self.fds;
        // SAFETY: array and mask stay, see `Plan`; the frames have nothing to drop, by the caller's
        // promise.
        let outcome = unsafe {
            match self.mask.is_null() {
                true => crate::sys::cancel::poll(fds, len, millis),
                false => crate::sys::cancel::ppoll(fds, len, millis, self.mask),
            }
        };
        match outcome {
            0 if self.deadline.is_some_and(|at| Instant::now() >= at) => Wake::TimedOut,
            count if count >= 0 => Wake::Notified,
            _ => match crate::sys::last_errno() {
                libc::EINTR => Wake::Interrupted,
                // The repeated call checks the descriptors and reports the error.
                _ => Wake::Notified,
            },
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::rc::Rc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    fn soon() -> Option<Instant> {
        Some(Instant::now() + Duration::from_millis(10))
    }

    fn suspend_on(parker: &Arc<Parker>, held: Rc<()>) {
        suspend(SleepOn::Parker(parker.clone()), soon(), Box::new(held));
    }

    #[test]
    fn a_call_goes_on_after_its_sleep_and_not_before() {
        let (parker, held) = (Arc::new(Parker::new()), Rc::new(()));
        suspend_on(&parker, held.clone());
        assert!(resume().is_none(), "it has not slept");
        // SAFETY: the thread is not cancelled, so it does not matter what the test's frames drop.
        unsafe { sleep() };
        // A call in between has a suspension of its own, on top of the first.
        suspend_on(&parker, held.clone());
        assert!(resume().is_none());
        parker.unpark();
        // SAFETY: as above.
        unsafe { sleep() };
        assert_eq!(resume().map(|inner| inner.wake), Some(Wake::Notified));
        assert_eq!(resume().map(|outer| outer.wake), Some(Wake::TimedOut));
        assert!(resume().is_none());
        assert_eq!(Rc::strong_count(&held), 1, "nothing is left");
    }

    #[test]
    fn a_call_that_is_over_drops_its_state_once_it_has_slept() {
        let (parker, held) = (Arc::new(Parker::new()), Rc::new(()));
        suspend_on(&parker, held.clone());
        end();
        assert_eq!(Rc::strong_count(&held), 2, "it has not slept");
        parker.unpark();
        // SAFETY: as above.
        unsafe { sleep() };
        end();
        assert_eq!(Rc::strong_count(&held), 1);
        assert!(resume().is_none());
    }

    /// Asks when it is dropped, after the suspensions of its thread.
    struct Late;

    static POSSIBLE_LATE: AtomicBool = AtomicBool::new(true);

    impl Drop for Late {
        fn drop(&mut self) {
            POSSIBLE_LATE.store(is_possible(), Ordering::Relaxed);
        }
    }

    thread_cell! {
        static LATE: Option<Late> = None;
    }

    #[test]
    fn calls_are_suspended_while_the_thread_has_its_locals() {
        let thread = std::thread::spawn(|| {
            // Locals are dropped in the order in which they were first used, the last one first.
            LATE.set(Some(Late));
            with_all(|all| all.clear());
            is_possible()
        });
        assert!(thread.join().unwrap());
        assert!(!POSSIBLE_LATE.load(Ordering::Relaxed));
    }

    #[test]
    fn an_ended_thread_drops_what_it_had() {
        let weak = std::thread::spawn(|| {
            let held = Arc::new(());
            let weak = Arc::downgrade(&held);
            let sleep_on = SleepOn::Parker(Arc::new(Parker::new()));
            suspend(sleep_on, None, Box::new(held));
            weak
        });
        assert_eq!(weak.join().unwrap().strong_count(), 0);
    }

    #[test]
    fn descriptors_end_a_sleep() {
        use std::io::Write;
        use std::os::fd::AsRawFd;
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let fd = libc::pollfd {
            fd: theirs.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        };
        for (expected, deadline) in [(Wake::TimedOut, soon()), (Wake::Notified, None)] {
            if expected == Wake::Notified {
                ours.write_all(b"x").unwrap();
            }
            suspend(SleepOn::Descriptors(vec![fd], None), deadline, Box::new(()));
            // SAFETY: as above.
            unsafe { sleep() };
            assert_eq!(resume().map(|call| call.wake), Some(expected));
        }
    }
}
