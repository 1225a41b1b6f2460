//! Calls that are suspended while their thread sleeps.
//!
//! A thread that sleeps in a call may be cancelled (`pthread_cancel`), which unwinds its
//! stack. So no call sleeps in the middle of Rust code: it puts what it needs to go on here
//! ([`suspend`]), returns to the function of the C API, which sleeps ([`sleep`]) and then
//! makes the call again; that goes on where it stopped ([`resume`]). If the thread ends
//! instead, what is here is dropped with its other locals.
//!
//! A signal handler may call the library during such a sleep, and so may a free function
//! before it: calls are suspended one above the other, and only the topmost one that has
//! slept is resumed.

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
    /// It does not sleep: it is to be cancelled if that was asked for, and made again.
    None,
    /// Its parker, which is announced to what may wake it.
    Parker(Arc<Parker>),
    /// Descriptors.
    #[cfg(unix)]
    Descriptors(Vec<libc::pollfd>),
}

/// A call to be made again after a sleep.
pub struct Suspension {
    /// What it sleeps on.
    pub sleep_on: SleepOn,
    /// The end of the sleep.
    pub deadline: Option<Instant>,
    /// What lasts as long as the call: announcements for instance.
    pub held: Box<dyn Any>,
    /// How the sleep ended, once it did.
    wake: Option<Wake>,
}

/// A call that goes on.
pub struct Resumed {
    /// How its sleep ended.
    pub wake: Wake,
    /// What was given to [`suspend`].
    pub deadline: Option<Instant>,
    /// What was given to [`suspend`].
    pub held: Box<dyn Any>,
}

/// Whether calls of this thread can be suspended: not with its locals gone, nor where a
/// sleep is no cancellation point. They sleep where they are then.
pub fn is_possible() -> bool {
    cfg!(all(target_os = "linux", not(loom))) && SUSPENDED.with(|_| ()).is_some()
}

fn with_all<R>(f: impl FnOnce(&mut Vec<Suspension>) -> R) -> R {
    let mut all = SUSPENDED.take();
    let result = f(&mut all);
    SUSPENDED.set(all);
    result
}

/// Suspends the present call: it is to return to the C API, which calls [`sleep`].
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

/// What the topmost call left, if it is made again after its sleep.
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

/// The call that slept last is over.
pub fn end() {
    drop(resume());
}

/// Sleeps as the topmost suspended call asked for.
///
/// # Safety
/// To be called by a function of the C API, with nothing to drop in the frames between here
/// and the program's code: a thread that is cancelled ends here.
pub unsafe fn sleep() {
    #[cfg(all(target_os = "linux", not(loom)))]
    if let Some(plan) = Plan::of_topmost() {
        // SAFETY: by the caller's promise.
        let wake = unsafe { plan.carry_out() };
        with_all(|all| {
            if let Some(last) = all.last_mut() {
                last.wake = Some(wake);
            }
        });
    }
}

/// A sleep in numbers and pointers alone. They point to what the thread's locals keep.
#[cfg(all(target_os = "linux", not(loom)))]
#[derive(Clone, Copy)]
struct Plan {
    parker: *const Parker,
    fds: (*mut libc::pollfd, usize),
    deadline: Option<Instant>,
}

#[cfg(all(target_os = "linux", not(loom)))]
impl Plan {
    fn of_topmost() -> Option<Plan> {
        with_all(|all| {
            let last = all.last_mut()?;
            let (parker, fds) = match &mut last.sleep_on {
                SleepOn::None => (std::ptr::null(), (std::ptr::null_mut(), 0)),
                SleepOn::Parker(parker) => (Arc::as_ptr(parker), (std::ptr::null_mut(), 0)),
                SleepOn::Descriptors(fds) => (std::ptr::null(), (fds.as_mut_ptr(), fds.len())),
            };
            Some(Plan {
                parker,
                fds,
                deadline: last.deadline,
            })
        })
    }

    /// # Safety
    /// As [`sleep`].
    unsafe fn carry_out(self) -> Wake {
        // SAFETY: the parker is there, see `Plan`.
        if let Some(parker) = unsafe { self.parker.as_ref() } {
            // SAFETY: by the caller's promise.
            return unsafe { parker.park_cancellable(self.deadline) };
        }
        if self.fds.0.is_null() {
            crate::sys::cancel::act();
            return Wake::Notified;
        }
        let left = self
            .deadline
            .map(|at| at.saturating_duration_since(Instant::now()));
        let millis = left.map_or(-1, |left| {
            i32::try_from(left.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
        });
        // SAFETY: the array is there, see `Plan`; the rest by the caller's promise.
        match unsafe { crate::sys::cancel::poll(self.fds.0, self.fds.1, millis) } {
            0 if self.deadline.is_some_and(|at| Instant::now() >= at) => Wake::TimedOut,
            count if count >= 0 => Wake::Notified,
            _ => match crate::sys::last_errno() {
                libc::EINTR => Wake::Interrupted,
                // The call looks again, and tells the error.
                _ => Wake::Notified,
            },
        }
    }
}

#[cfg(all(test, target_os = "linux", not(loom)))]
mod tests {
    use super::*;
    use std::rc::Rc;
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
        // SAFETY: the test's frames do not mind: the thread is not cancelled.
        unsafe { sleep() };
        // A call in between has a suspension of its own, above that.
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
            suspend(SleepOn::Descriptors(vec![fd]), deadline, Box::new(()));
            // SAFETY: as above.
            unsafe { sleep() };
            assert_eq!(resume().map(|call| call.wake), Some(expected));
        }
    }
}
