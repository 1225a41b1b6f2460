//! The parking of a thread until another one wakes it, as a rule without a descriptor.
//!
//! A [`Parker`] belongs to one thread at a time; any thread may [`unpark`](Parker::unpark) it.
//! Invariant: a wake-up that comes before the sleep is kept, so none is lost. `state` alone carries
//! the handshake: the owner exchanges IDLE for PARKED before it sleeps, a waker exchanges whatever
//! is there for NOTIFIED and wakes the thread if it was parked. What wakers wrote before `unpark` is
//! visible after the owner has consumed the wake-up: Release in [`unpark`](Parker::unpark), Acquire
//! in `consume`. The models check both.
//!
//! A signal handler that runs during the sleep ends it with [`Wake::Interrupted`]: libzmq's
//! blocking calls return `EINTR` then.

use super::atomic::{AtomicU32, Ordering};
use super::local::thread_cell;
use std::sync::Arc;
use std::time::Instant;
#[cfg(not(loom))]
use std::{fs::File, os::fd::AsRawFd, time::Duration};

const IDLE: u32 = 0;
const NOTIFIED: u32 = 1;
const PARKED: u32 = 2;
/// The thread sleeps in [`Parker::park_beside`].
#[cfg(not(loom))]
const LISTENING: u32 = 3;

/// Why [`Parker::park`] returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wake {
    /// A thread called [`Parker::unpark`].
    Notified,
    /// The deadline passed.
    TimedOut,
    /// A signal handler ran in this thread.
    Interrupted,
}

/// The sleeping place of one thread.
#[derive(Debug)]
pub struct Parker {
    state: AtomicU32,
    /// The eventfd that ends a sleep in [`Parker::park_beside`], as long as that lasts.
    #[cfg(not(loom))]
    bell: super::Mutex<Option<Arc<File>>>,
    #[cfg(loom)]
    gate: (loom::sync::Mutex<()>, loom::sync::Condvar),
}

thread_cell! {
    static OWN: Option<Arc<Parker>> = None;
}

/// The calling thread's parker. A nested call (from a signal handler) gets another one: with the
/// same parker it could consume the wake-up of the call that it interrupts.
pub fn own() -> Arc<Parker> {
    let unused = |parker: &Arc<Parker>| Arc::strong_count(parker) == 1;
    let parker = OWN.take().filter(unused).unwrap_or_default();
    OWN.set(Some(parker.clone()));
    parker
}

impl Default for Parker {
    fn default() -> Self {
        Self::new()
    }
}

impl Parker {
    /// A parker without a wake-up.
    pub fn new() -> Self {
        Parker {
            state: AtomicU32::new(IDLE),
            #[cfg(not(loom))]
            bell: super::Mutex::new(None),
            #[cfg(loom)]
            gate: Default::default(),
        }
    }

    /// Discards a wake-up left over from an earlier use; what it stood for is visible afterwards.
    pub fn reset(&self) {
        self.consume();
    }

    /// Whether a wake-up waits to be consumed.
    #[cfg(test)]
    pub fn is_notified(&self) -> bool {
        self.state.load(Ordering::Relaxed) == NOTIFIED
    }

    /// Consumes the wake-up, if there is one; the thread is awake then. An exchange, with Acquire:
    /// it reads the last of the exchanges in `unpark`, each of which continues the one before, so
    /// what was written before any of them is visible.
    fn consume(&self) -> bool {
        self.state.swap(IDLE, Ordering::Acquire) == NOTIFIED
    }

    /// Before a sleep. False if there is a wake-up, which this consumes. Relaxed: a waker learns
    /// nothing from the mark but how to wake the thread.
    fn begin(&self, mark: u32) -> bool {
        let begun = self
            .state
            .compare_exchange(IDLE, mark, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if !begun {
            self.consume();
        }
        begun
    }

    /// Sleeps until a wake-up, the deadline, or a signal. Only the owning thread calls this, and it
    /// holds no lock that a waker could need.
    pub fn park(&self, deadline: Option<Instant>) -> Wake {
        self.park_by(|| self.sleep(deadline))
    }

    /// Sleeps by `sleep`, which may end with a spurious wake-up.
    fn park_by(&self, sleep: impl Fn() -> Wake) -> Wake {
        if !self.begin(PARKED) {
            return Wake::Notified;
        }
        loop {
            let wake = sleep();
            let spurious = wake == Wake::Notified && self.state.load(Ordering::Relaxed) != NOTIFIED;
            if !spurious {
                // A wake-up counts, even if the sleep ended for another reason.
                return match self.consume() {
                    true => Wake::Notified,
                    false => wake,
                };
            }
        }
    }

    /// Wakes the thread, now or at its next sleep. Never blocks for long; makes a system call only
    /// if the thread really sleeps.
    pub fn unpark(&self) {
        // Release pairs with the Acquire exchange in `consume`.
        match self.state.swap(NOTIFIED, Ordering::Release) {
            PARKED => self.wake(),
            #[cfg(not(loom))]
            LISTENING => self.ring(),
            _ => {}
        }
    }
}

#[cfg(not(loom))]
impl Parker {
    /// As [`park`](Self::park), for at most `limit`, but a readable descriptor of `streams` ends
    /// the sleep as well, and counts as [`Wake::Notified`]. If no eventfd can be made, `streams`
    /// are ignored.
    pub fn park_beside(&self, streams: &[std::os::fd::RawFd], limit: Duration) -> Wake {
        // Not kept after the sleep: a descriptor that outlives the program's sockets would look
        // like a leak.
        match crate::sys::eventfd() {
            Ok(bell) => self.listen(bell.into(), streams, limit),
            Err(_) => self.park_for(limit),
        }
    }

    fn park_for(&self, limit: Duration) -> Wake {
        self.park(Some(Instant::now() + limit))
    }

    fn listen(&self, bell: File, streams: &[std::os::fd::RawFd], limit: Duration) -> Wake {
        let bell = Arc::new(bell);
        let readable = |fd| libc::pollfd {
            fd,
            events: libc::POLLIN,
            revents: 0,
        };
        let mut fds: smallvec::SmallVec<[libc::pollfd; 8]> = std::iter::once(bell.as_raw_fd())
            .chain(streams.iter().copied())
            .map(readable)
            .collect();
        // A waker that reads LISTENING locks `bell` after this: if it had locked it before, its
        // exchange would come before the mark, and could not read it.
        *self.bell.lock() = Some(bell);
        let begun = self.begin(LISTENING);
        let count = begun.then(|| crate::sys::poll(&mut fds, crate::sys::millis_up(limit)));
        self.bell.lock().take();
        match count {
            Some(count) => end_of_poll(self.consume(), &count),
            None => Wake::Notified,
        }
    }

    #[cold]
    fn ring(&self) {
        let bell = self.bell.lock().clone();
        if let Some(bell) = bell {
            // If the eventfd cannot be raised, the sleep lasts until its limit.
            let _ = crate::sys::raise(&bell);
        }
    }
}

/// Why a sleep in `poll` ended. A wake-up counts before what `poll` returned.
#[cfg(not(loom))]
fn end_of_poll(woken: bool, count: &std::io::Result<usize>) -> Wake {
    match count {
        _ if woken => Wake::Notified,
        Ok(1..) => Wake::Notified,
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => Wake::Interrupted,
        // Any other error of poll counts as a time-out: the caller rechecks.
        _ => Wake::TimedOut,
    }
}

#[cfg(not(loom))]
impl Parker {
    /// One futex wait.
    fn sleep(&self, deadline: Option<Instant>) -> Wake {
        let wait = |limit| crate::sys::futex_wait(&self.state, PARKED, limit);
        Parker::sleep_by(deadline, wait)
    }

    /// As [`park`](Self::park), and a cancellation point.
    ///
    /// # Safety
    /// The parker stays until the thread wakes up or ends; frames between here and the program's
    /// code have nothing to drop.
    pub(super) unsafe fn park_cancellable(&self, deadline: Option<Instant>) -> Wake {
        let word: *const AtomicU32 = &self.state;
        // SAFETY: the parker, and so the word, stays, and the frames have nothing to drop, by the
        // caller's promise.
        let wait = |limit| unsafe { crate::sys::cancel::futex_wait(word, PARKED, limit) };
        self.park_by(|| Parker::sleep_by(deadline, wait))
    }

    /// One wait, always with a time limit: the kernel then reports a signal as EINTR even if its
    /// handler was installed with SA_RESTART, as poll() does in libzmq.
    fn sleep_by(
        deadline: Option<Instant>,
        wait: impl Fn(Duration) -> std::result::Result<(), i32>,
    ) -> Wake {
        const LONG: Duration = Duration::from_secs(86_400);
        let left = match deadline {
            Some(at) => at.saturating_duration_since(Instant::now()),
            None => LONG,
        };
        if left.is_zero() {
            return Wake::TimedOut;
        }
        match wait(left.min(LONG)) {
            Err(libc::EINTR) => Wake::Interrupted,
            Err(libc::ETIMEDOUT) if deadline.is_some_and(|at| Instant::now() >= at) => {
                Wake::TimedOut
            }
            _ => Wake::Notified,
        }
    }

    fn wake(&self) {
        crate::sys::futex_wake(&self.state);
    }
}

#[cfg(loom)]
impl Parker {
    fn sleep(&self, _deadline: Option<Instant>) -> Wake {
        let mut guard = self.gate.0.lock().unwrap();
        while self.state.load(Ordering::Relaxed) == PARKED {
            guard = self.gate.1.wait(guard).unwrap();
        }
        Wake::Notified
    }

    fn wake(&self) {
        drop(self.gate.0.lock().unwrap());
        self.gate.1.notify_one();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_call_inside_of_a_call_sleeps_in_another_place() {
        let (outer, inner) = (own(), own());
        assert!(!Arc::ptr_eq(&outer, &inner));
        drop((outer, inner));
        let first = Arc::as_ptr(&own());
        assert_eq!(first, Arc::as_ptr(&own()), "one after the other, the same");
    }

    #[test]
    fn early_wake_is_kept() {
        let parker = Parker::new();
        parker.unpark();
        parker.unpark();
        assert_eq!(parker.park(None), Wake::Notified);
        let soon = Instant::now() + Duration::from_millis(20);
        assert_eq!(parker.park(Some(soon)), Wake::TimedOut);
        assert!(Instant::now() >= soon);
    }

    #[test]
    #[cfg(not(miri))]
    fn sleeps_beside_streams() {
        use std::io::Write;
        let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let streams = [theirs.as_raw_fd()];
        let parker = std::sync::Arc::new(Parker::new());
        let long = Duration::from_secs(10);
        parker.unpark();
        assert_eq!(parker.park_beside(&streams, long), Wake::Notified);
        let soon = Duration::from_millis(5);
        assert_eq!(parker.park_beside(&streams, soon), Wake::TimedOut);
        let waker = parker.clone();
        let began = Instant::now();
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(5));
            waker.unpark();
        });
        assert_eq!(parker.park_beside(&streams, long), Wake::Notified);
        thread.join().unwrap();
        ours.write_all(b"x").unwrap();
        assert_eq!(parker.park_beside(&streams, long), Wake::Notified);
        assert!(began.elapsed() < long);
        assert_eq!(parker.park_beside(&[], soon), Wake::TimedOut);
    }

    #[test]
    fn what_a_poll_says() {
        use std::io::{Error, ErrorKind};
        let failed = |kind: ErrorKind| Err(Error::from(kind));
        for (count, expected) in [
            (Ok(0), Wake::TimedOut),
            (Ok(1), Wake::Notified),
            (Ok(2), Wake::Notified),
            (failed(ErrorKind::Interrupted), Wake::Interrupted),
            (failed(ErrorKind::OutOfMemory), Wake::TimedOut),
        ] {
            assert_eq!(end_of_poll(false, &count), expected);
            assert_eq!(end_of_poll(true, &count), Wake::Notified);
        }
        // Without an eventfd.
        let (parker, began) = (Parker::new(), Instant::now());
        let limit = Duration::from_millis(2);
        assert_eq!(parker.park_for(limit), Wake::TimedOut);
        assert!(began.elapsed() >= limit);
        parker.unpark();
        assert_eq!(parker.park_for(limit), Wake::Notified);
    }

    #[test]
    fn a_wake_up_is_there_until_it_is_consumed_or_forgotten() {
        let parker = Parker::new();
        assert!(!parker.is_notified());
        parker.unpark();
        assert!(parker.is_notified());
        parker.reset();
        assert!(!parker.is_notified());
        let soon = Instant::now() + Duration::from_millis(5);
        assert_eq!(parker.park(Some(soon)), Wake::TimedOut);
        parker.unpark();
        assert_eq!(parker.park(None), Wake::Notified);
        assert!(!parker.is_notified());
    }

    /// What a sleep says, and what a waker does in it, decide together.
    #[test]
    fn the_end_of_a_sleep() {
        let parker = Parker::new();
        for wake in [Wake::TimedOut, Wake::Interrupted] {
            assert_eq!(parker.park_by(|| wake), wake);
            let woken = parker.park_by(|| {
                parker.unpark();
                wake
            });
            assert_eq!(woken, Wake::Notified, "the waker's word counts");
            assert!(!parker.is_notified());
        }
        // A futex wait that ends for no reason begins again.
        let sleeps = std::cell::Cell::new(0);
        let woken = parker.park_by(|| {
            sleeps.set(sleeps.get() + 1);
            match sleeps.get() {
                3 => Wake::TimedOut,
                _ => Wake::Notified,
            }
        });
        assert_eq!((woken, sleeps.get()), (Wake::TimedOut, 3));
    }

    #[test]
    fn what_a_futex_wait_says() {
        let late = Instant::now();
        let far = late + Duration::from_secs(1000);
        let by = |deadline, answer| Parker::sleep_by(deadline, move |_| answer);
        assert_eq!(by(Some(late), Ok(())), Wake::TimedOut, "it does not sleep");
        assert_eq!(by(Some(far), Ok(())), Wake::Notified);
        for deadline in [None, Some(far)] {
            assert_eq!(by(deadline, Err(libc::EINTR)), Wake::Interrupted);
            let early = by(deadline, Err(libc::ETIMEDOUT));
            assert_eq!(early, Wake::Notified, "before the deadline");
            assert_eq!(by(deadline, Err(libc::EAGAIN)), Wake::Notified);
        }
        let soon = Instant::now() + Duration::from_millis(2);
        let slept = Parker::sleep_by(Some(soon), |limit| {
            assert!(limit <= Duration::from_millis(2));
            std::thread::sleep(limit);
            Err(libc::ETIMEDOUT)
        });
        assert_eq!(slept, Wake::TimedOut);
    }

    #[test]
    fn a_wake_up_ends_a_sleep() {
        let parker = std::sync::Arc::new(Parker::new());
        for _ in 0..3 {
            let waker = parker.clone();
            let thread = std::thread::spawn(move || {
                while waker.state.load(Ordering::Relaxed) != PARKED {
                    std::thread::yield_now();
                }
                // A moment, so that the thread is in its wait.
                std::thread::sleep(Duration::from_millis(2));
                waker.unpark();
            });
            let began = Instant::now();
            let deadline = began + Duration::from_secs(2);
            assert_eq!(parker.park(Some(deadline)), Wake::Notified);
            assert!(Instant::now() < deadline, "woken by the deadline");
            thread.join().unwrap();
        }
    }

    #[test]
    fn wakes_across_threads() {
        let parker = std::sync::Arc::new(Parker::new());
        let waker = parker.clone();
        let thread = std::thread::spawn(move || waker.unpark());
        assert_eq!(
            parker.park(Some(Instant::now() + Duration::from_secs(10))),
            Wake::Notified
        );
        thread.join().unwrap();
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::{Arc, atomic::AtomicBool};

    /// Another thread writes and wakes this one, which waits by `wait` and then sees it.
    fn what_is_written_before_a_wake_up_is_visible(wait: fn(&Parker, &AtomicBool)) {
        loom::model(move || {
            let parker = Arc::new(Parker::new());
            let ready = Arc::new(AtomicBool::new(false));
            let (p, r) = (parker.clone(), ready.clone());
            let thread = loom::thread::spawn(move || {
                r.store(true, Ordering::Relaxed);
                p.unpark();
            });
            wait(&parker, &ready);
            assert!(ready.load(Ordering::Relaxed));
            thread.join().unwrap();
        });
    }

    #[test]
    fn no_wake_is_lost() {
        what_is_written_before_a_wake_up_is_visible(|parker, _| {
            parker.park(None);
        });
    }

    #[test]
    fn what_a_discarded_wake_up_stood_for_is_visible() {
        what_is_written_before_a_wake_up_is_visible(|parker, ready| {
            parker.reset();
            if !ready.load(Ordering::Relaxed) {
                parker.park(None); // a deadlock here is a lost wake-up
            }
        });
    }
}
