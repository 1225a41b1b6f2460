//! The I/O thread: waits for readiness, timers and scheduled work, and calls the sources.
//!
//! Invariant: what is scheduled or timed before the thread sleeps ends the sleep
//! ([`Waker::wake`]).

#![forbid(unsafe_code)]

use super::registry::Registry;
use super::source::{After, Key, Ready, Source};
use super::timers::{Alarm, Timers};
use super::waker::{WAKER, Waker};
use crate::io_policy::tunables::{FLUSH_CHECK, MEMBARRIER_IDLE, SEND_BATCHING, TICK};
use crate::message::run_released;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::mailbox::Mailbox;
use crate::sync::membarrier;
use crate::sys::epoll::{Epoll, Readiness, Trigger};
use crate::sys::panics::contain;
use std::io;
use std::os::fd::BorrowedFd;
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The consequence of a panic, for its log line.
const LOST: &str = "a connection or a listener was closed";

fn batching_delay() {
    let end = Instant::now() + SEND_BATCHING;
    while Instant::now() < end {
        std::thread::yield_now();
    }
}

/// One I/O thread and its sources.
pub struct Reactor {
    epoll: Epoll,
    waker: Waker,
    registry: Mutex<Registry>,
    scheduled: Mailbox<Key>,
    timers: Mutex<Timers>,
    stopping: AtomicBool,
    /// Threads may poll before they sleep.
    spin: bool,
    /// Number of sources, to choose the least loaded thread.
    load: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Reactor {
    /// Starts an I/O thread; `prepare` runs first in it (priority, for instance). `spin`:
    /// see [`spins`](Self::spins).
    pub fn start(
        name: String,
        spin: bool,
        prepare: impl FnOnce() + Send + 'static,
    ) -> io::Result<Arc<Reactor>> {
        let epoll = Epoll::new()?;
        let waker = Waker::new(&epoll)?;
        let reactor = Arc::new(Reactor {
            epoll,
            waker,
            registry: Mutex::default(),
            scheduled: Mailbox::new(),
            timers: Mutex::default(),
            stopping: AtomicBool::new(false),
            spin,
            load: AtomicUsize::new(0),
            thread: Mutex::new(None),
        });
        let this = reactor.clone();
        let thread = std::thread::Builder::new().spawn(move || {
            crate::sys::block_signals();
            prepare();
            // Last: a program that finds the thread by its name, to set it up in its own
            // way, comes after what was prepared. (A thread's builder would name it first.)
            crate::sys::set_thread_name(&name);
            this.run();
        })?;
        *reactor.thread.lock() = Some(thread);
        Ok(reactor)
    }

    /// Whether the thread may never return from its wait.
    pub fn is_lost(&self) -> bool {
        self.waker.is_lost()
    }

    /// Ends the thread and joins it, unless the thread itself calls this or is lost.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.waker.wake(&self.epoll);
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            let own = thread.as_pthread_t() as usize == crate::sys::thread_number();
            if !own && !self.is_lost() {
                let _ = thread.join();
            }
        }
    }

    /// Whether threads may poll for a while before they sleep.
    pub fn spins(&self) -> bool {
        self.spin
    }

    /// Number of sources.
    pub fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Adds a source. The reactor owns a reference to it until [`remove`](Self::remove).
    pub fn insert(&self, source: Arc<dyn Source>) -> Key {
        self.load.fetch_add(1, Ordering::Relaxed);
        self.registry.lock().insert(source)
    }

    /// Removes a source and its timer. Its descriptor must be removed before (see
    /// [`forget_fd`](Self::forget_fd)).
    pub fn remove(&self, key: Key) {
        self.timers.lock().cancel(key);
        let entry = self.registry.lock().remove(key);
        if entry.is_some() {
            self.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Arms a descriptor for one event (one-shot), or for none with both flags false.
    /// `first`: the descriptor is new to the reactor.
    ///
    /// Errors: the system's.
    pub fn arm(
        &self,
        fd: BorrowedFd<'_>,
        key: Key,
        read: bool,
        write: bool,
        first: bool,
    ) -> io::Result<()> {
        let wanted = Readiness {
            key,
            readable: read,
            writable: write,
        };
        match first {
            true => self.epoll.add(fd, wanted, Trigger::Once),
            false => self.epoll.set(fd, wanted, Trigger::Once),
        }
    }

    /// Removes a descriptor from the epoll set. To be called before it is closed.
    pub fn forget_fd(&self, fd: BorrowedFd<'_>) {
        let _ = self.epoll.remove(fd);
    }

    /// Has the I/O thread call the source as soon as possible.
    pub fn schedule(&self, key: Key) {
        if self.scheduled.push(key) {
            self.waker.wake(&self.epoll);
        }
    }

    /// Sets the source's one timer, or clears it.
    pub fn set_timer(&self, key: Key, at: Option<Instant>) {
        let sooner = match at {
            Some(at) => self.timers.lock().set(key, at),
            None => {
                self.timers.lock().cancel(key);
                false
            }
        };
        if sooner {
            self.waker.wake(&self.epoll);
        }
    }

    fn run(&self) {
        let mut events = Vec::new();
        let mut alarms = [Alarm::new(TICK), Alarm::new(FLUSH_CHECK)];
        let mut batch: Vec<(Key, Ready)> = Vec::new();
        while !self.stopping.load(Ordering::Relaxed) {
            let timer = self.timers.lock().next();
            let deadline = alarms.iter().filter_map(Alarm::next).chain(timer).min();
            let timeout = match self.scheduled.is_empty() {
                true => deadline.map(|at| at.saturating_duration_since(Instant::now())),
                false => Some(Duration::ZERO),
            };
            let long = timeout.is_none_or(|timeout| timeout > MEMBARRIER_IDLE);
            let prepares = long && !membarrier::is_prepared();
            let timeout = if prepares {
                Some(MEMBARRIER_IDLE)
            } else {
                timeout
            };
            if self.epoll.wait(timeout, &mut events).is_err() {
                // The epoll set is broken: do not spin on it.
                crate::sys::sleep(Duration::from_millis(10));
            }
            if prepares && events.is_empty() && !self.waker.due.is_requested() {
                membarrier::prepare(true);
            }
            // Before the work is taken: a later `wake` raises the eventfd again.
            self.waker.due.begin();
            self.collect(&events, &mut alarms, &mut batch);
            for (key, what) in batch.drain(..) {
                let after = self.call(key, what);
                run_released();
                if after.tick {
                    alarms[0].add(key);
                }
                if after.flush_check {
                    alarms[1].add(key);
                }
            }
        }
    }

    fn collect(
        &self,
        events: &[Readiness],
        alarms: &mut [Alarm; 2],
        batch: &mut Vec<(Key, Ready)>,
    ) {
        for event in events.iter().filter(|event| event.key != WAKER) {
            let (readable, writable) = (event.readable, event.writable);
            batch.push((
                event.key,
                Ready {
                    readable,
                    writable,
                    ..Ready::default()
                },
            ));
        }
        if !self.scheduled.is_empty() && self.spin {
            batching_delay();
        }
        for key in self.scheduled.take() {
            batch.push((
                key,
                Ready {
                    scheduled: true,
                    ..Ready::default()
                },
            ));
        }
        if self.timers.lock().next().is_some() {
            let now = Instant::now();
            while let Some(key) = self.timers.lock().pop_due(now) {
                batch.push((
                    key,
                    Ready {
                        timer: true,
                        ..Ready::default()
                    },
                ));
            }
        }
        let [ticks, flush_checks] = alarms;
        let asked = |tick| Ready {
            tick,
            flush_check: !tick,
            ..Ready::default()
        };
        batch.extend(ticks.take().into_iter().map(|key| (key, asked(true))));
        batch.extend(
            flush_checks
                .take()
                .into_iter()
                .map(|key| (key, asked(false))),
        );
    }

    fn call(&self, key: Key, what: Ready) -> After {
        let Some(source) = self.registry.lock().get(key) else {
            return After::default();
        };
        contain(LOST, || source.clone().ready(what)).unwrap_or_else(|| {
            contain(LOST, || source.fail());
            After::default()
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// The name of the calling thread, as the system has it.
    fn own_name() -> String {
        std::fs::read_to_string("/proc/thread-self/comm").unwrap()
    }

    #[test]
    fn a_thread_is_named_after_it_was_prepared() {
        let (report, reports) = mpsc::channel();
        let prepare = move || report.send(own_name()).unwrap();
        let reactor = Reactor::start("prepared".into(), false, prepare).unwrap();
        assert_ne!(reports.recv().unwrap(), "prepared\n");
        reactor.stop();
    }
}
