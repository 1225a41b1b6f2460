//! The two handshakes by which a thread that has news wakes the one that waits for it.
//!
//! **[`EventCount`]**: threads sleep until another one publishes something. The waiting thread calls
//! [`prepare`](EventCount::prepare), rechecks, parks unless there is news, and calls
//! [`cancel`](EventCount::cancel); the publishing thread publishes, fences and calls
//! [`notify`](EventCount::notify). Dekker: the waiting thread stores its count; SeqCst fence; rechecks.
//! The publishing thread publishes; SeqCst fence; loads the count. So either the recheck finds the
//! news, or the publishing thread finds the waiting one and unparks it. One fence serves several
//! flags, so it is the caller's. [`Quiet`] is the same with a mark in place of a thread.
//!
//! **[`Due`]**: one worker checks for work, and is woken once for any number of requests. A thread
//! with work publishes it, then exchanges the flag for true, and wakes the worker if it was false. The
//! worker exchanges it for false, then takes the work. Two exchanges of one word are ordered: a request
//! that comes first is acquired by the worker's exchange, so its work is seen; one that comes later
//! finds the flag false, and wakes the worker. No fence is needed.
//!
//! docs/handshakes.md lists the users, and the handshakes that have a form of their own.

#![forbid(unsafe_code)]

use super::Mutex;
use super::atomic::{AtomicBool, AtomicU32, Ordering, fence};
use super::parker::Parker;
use smallvec::SmallVec;
use std::sync::Arc;

/// Threads that wait for news. See the module.
#[derive(Debug, Default)]
pub struct EventCount {
    /// How many parkers are in the list: raised after one was added, so that a thread that loads
    /// it finds that one, and lowered after one was removed.
    waiting: AtomicU32,
    parkers: Mutex<Vec<Arc<Parker>>>,
}

impl EventCount {
    /// Registers the parker of the calling thread, which then rechecks.
    /// A parker may be registered with several event counts.
    pub fn prepare(&self, parker: &Arc<Parker>) {
        self.parkers.lock().push(parker.clone());
        // SeqCst includes Release: it pairs with the load in `is_awaited`, after which the
        // list has the parker.
        self.waiting.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Ends [`prepare`](Self::prepare), after a sleep or in place of it.
    pub fn cancel(&self, parker: &Arc<Parker>) {
        let mut parkers = self.parkers.lock();
        let index = parkers.iter().position(|other| Arc::ptr_eq(other, parker));
        let removed = index.map(|index| parkers.swap_remove(index));
        drop(parkers);
        if removed.is_some() {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Unparks all threads that are registered. Called after the news was published and a SeqCst
    /// fence.
    #[inline]
    pub fn notify(&self) {
        if self.is_awaited() {
            self.unpark_all();
        }
    }

    /// Whether threads are registered. In the handshake the fence comes before.
    #[inline]
    pub fn is_awaited(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    #[cold]
    fn unpark_all(&self) {
        // Unparked outside of the lock, which the woken thread takes in `cancel`.
        let parkers: SmallVec<[Arc<Parker>; 4]> = self.parkers.lock().iter().cloned().collect();
        for parker in &parkers {
            parker.unpark();
        }
    }
}

/// A mark that there is no news, in place of a thread that sleeps. See the module.
#[derive(Debug, Default)]
pub struct Quiet(AtomicBool);

impl Quiet {
    /// Whether there was no news since the mark. Acquire pairs with the exchange in
    /// [`notify`](Self::notify).
    #[inline]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    /// Sets the mark. The caller then rechecks, and [clears](Self::clear) it if there is news.
    pub fn prepare(&self) {
        self.0.swap(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Clears the mark. Relaxed: a thread that still sees it has checked as well as this one.
    #[inline]
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    /// Clears the mark. Called after news was published and a SeqCst fence. An exchange of SeqCst,
    /// after which the caller may load the flags of further sleepers.
    #[inline]
    pub fn notify(&self) {
        if self.0.load(Ordering::SeqCst) {
            self.0.swap(false, Ordering::SeqCst);
        }
    }
}

/// Whether a worker is due to check for work. See the module.
#[derive(Debug, Default)]
pub struct Due(AtomicBool);

impl Due {
    /// Asks for a check, after the work was published. True if the worker has to be woken; false
    /// if it is due already.
    #[inline]
    pub fn request(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// The worker begins its check: what it finds from here on includes the work of all requests
    /// before, and later ones wake it again.
    #[inline]
    pub fn begin(&self) {
        self.0.swap(false, Ordering::AcqRel);
    }

    /// Whether a check is due. The answer may be old when it arrives.
    #[inline]
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sync::parker::Wake;
    use std::time::{Duration, Instant};

    fn park(parker: &Parker) -> Wake {
        parker.park(Some(Instant::now() + Duration::from_millis(1)))
    }

    #[test]
    fn registered_parkers_are_woken_until_they_cancel() {
        let (count, parker) = (EventCount::default(), Arc::new(Parker::new()));
        count.notify();
        count.prepare(&parker);
        assert!(count.is_awaited());
        assert_eq!(park(&parker), Wake::TimedOut, "notified before");
        count.notify();
        assert_eq!(park(&parker), Wake::Notified);
        count.cancel(&parker);
        assert!(!count.is_awaited());
        count.cancel(&parker);
        assert!(!count.is_awaited(), "a second cancel has no effect");
        count.notify();
        assert_eq!(park(&parker), Wake::TimedOut);
    }

    #[test]
    fn one_request_of_many_wakes_the_worker() {
        let due = Due::default();
        assert!(due.request() && !due.request() && due.is_requested());
        due.begin();
        assert!(!due.is_requested() && due.request());
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::Arc as LoomArc;

    /// Threads sleep until both pieces of news are there.
    #[test]
    fn news_is_seen_or_the_sleepers_are_woken() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(3);
        model.check(|| {
            let shared = LoomArc::new((EventCount::default(), AtomicU32::new(0)));
            // They outlive the threads: loom does not see the order of `Arc`'s last drop.
            let parkers = [(); 2].map(|()| Arc::new(Parker::new()));
            let wait = |shared: &(EventCount, AtomicU32), parker: &Arc<Parker>| {
                loop {
                    parker.reset();
                    shared.0.prepare(parker);
                    let done = shared.1.load(Ordering::Relaxed) == 2;
                    if !done {
                        parker.park(None);
                    }
                    shared.0.cancel(parker);
                    if done {
                        break;
                    }
                }
            };
            let (other, parker) = (shared.clone(), parkers[1].clone());
            let sleeper = loom::thread::spawn(move || wait(&other, &parker));
            let other = shared.clone();
            let publisher = loom::thread::spawn(move || {
                for news in 1..=2 {
                    other.1.store(news, Ordering::Relaxed);
                    fence(Ordering::SeqCst);
                    other.0.notify();
                }
            });
            wait(&shared, &parkers[0]);
            sleeper.join().unwrap();
            publisher.join().unwrap();
            assert!(!shared.0.is_awaited());
        });
    }

    /// A quiet mark outlives news only if the recheck found the news.
    #[test]
    fn a_quiet_mark_hides_no_news() {
        loom::model(|| {
            let shared = LoomArc::new((Quiet::default(), AtomicU32::new(0)));
            let other = shared.clone();
            let publisher = loom::thread::spawn(move || {
                other.1.store(1, Ordering::Relaxed);
                fence(Ordering::SeqCst);
                other.0.notify();
            });
            shared.0.prepare();
            let found = shared.1.load(Ordering::Relaxed) == 1;
            publisher.join().unwrap();
            assert!(found || !shared.0.is_set(), "the news is hidden");
        });
    }

    /// Two threads publish work; the worker takes what is there each time it is woken.
    #[test]
    fn requested_work_is_found_or_the_worker_is_woken() {
        loom::model(|| {
            let shared = LoomArc::new((Due::default(), [0; 2].map(AtomicU32::new)));
            let woken = LoomArc::new(AtomicU32::new(0));
            let threads = [0, 1].map(|which: usize| {
                let (shared, woken) = (shared.clone(), woken.clone());
                loom::thread::spawn(move || {
                    shared.1[which].store(1, Ordering::Relaxed);
                    if shared.0.request() {
                        woken.fetch_add(1, Ordering::Relaxed);
                    }
                })
            });
            let check = || {
                shared.0.begin();
                shared.1.each_ref().map(|work| work.load(Ordering::Relaxed))
            };
            let mut seen = [0; 2];
            if woken.swap(0, Ordering::Relaxed) > 0 {
                seen = check();
            }
            for thread in threads {
                thread.join().unwrap();
            }
            if woken.load(Ordering::Relaxed) > 0 {
                seen = check();
            }
            assert_eq!(seen, [1, 1], "work that no check will find");
        });
    }
}
