//! I/O threads: readiness, timers, and work that must not wait for the application.
//!
//! A [`Source`] is anything with a descriptor or a timer: a connection, a listener. It
//! registers once and gets a key. The I/O thread calls it, with no lock held, when its
//! descriptor is ready (once for each [`Reactor::arm`]), when its timer is due, and after
//! [`Reactor::schedule`]. The methods of [`Reactor`] may be called from any thread, all
//! but `stop` also under a connection's lock: their own locks are held for short list
//! operations only. The thread starts with the reactor and ends with [`Reactor::stop`].
//!
//! Invariant: what is scheduled or timed before the thread sleeps ends the sleep, see
//! `Reactor::wake`.

#![forbid(unsafe_code)]

mod timers;

use crate::io_policy::tunables::{FLUSH_CHECK, MEMBARRIER_IDLE, SEND_BATCHING, TICK};
use crate::message::run_released;
use crate::sync::Mutex;
use crate::sync::mailbox::Mailbox;
use crate::sync::membarrier;
use crate::sys::epoll::{Epoll, Readiness, Trigger};
use crate::sys::log::{Origin, log};
use crate::sys::panics::contain;
use std::collections::BTreeSet;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::thread::JoinHandleExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use timers::Timers;

/// The consequence of a panic, for its log line.
const LOST: &str = "a connection or a listener was closed";

fn batching_delay() {
    let end = Instant::now() + SEND_BATCHING;
    while Instant::now() < end {
        std::thread::yield_now();
    }
}

/// Name of a source within its reactor.
pub type Key = usize;
/// The waker's key; the registry's keys are below it.
const WAKER: Key = usize::MAX - 1;

/// Why a source is called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The descriptor is readable, or failed.
    pub readable: bool,
    /// The descriptor is writable, or failed.
    pub writable: bool,
    /// The timer is due.
    pub timer: bool,
    /// [`Reactor::schedule`] was called.
    pub scheduled: bool,
    /// The source asked for this with [`After::tick`].
    pub tick: bool,
    /// The source asked for this with [`After::flush_check`].
    pub flush_check: bool,
}

/// What a source asks for after a call. Nothing by default: sources arm their descriptors
/// themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct After {
    /// A call with [`Ready::tick`] in about a millisecond.
    pub tick: bool,
    /// A call with [`Ready::flush_check`] in about 50 us.
    pub flush_check: bool,
}

/// Sources to be called once `period` has passed since the first of them was added.
struct Alarm {
    period: Duration,
    keys: BTreeSet<Key>,
    at: Instant,
}

impl Alarm {
    fn new(period: Duration) -> Alarm {
        Alarm {
            period,
            keys: BTreeSet::new(),
            at: Instant::now(),
        }
    }

    fn add(&mut self, key: Key) {
        if self.keys.is_empty() {
            self.at = Instant::now() + self.period;
        }
        self.keys.insert(key);
    }

    fn next(&self) -> Option<Instant> {
        (!self.keys.is_empty()).then_some(self.at)
    }

    /// Takes the sources, if the period is over.
    fn take(&mut self) -> BTreeSet<Key> {
        match self.keys.is_empty() || Instant::now() < self.at {
            true => BTreeSet::new(),
            false => std::mem::take(&mut self.keys),
        }
    }
}

/// Something driven by an I/O thread. Called with no lock held; must not block for long. A
/// panic ends this source only, by [`Source::fail`].
pub trait Source: Send + Sync {
    /// Handles readiness, a due timer, or a call that was asked for.
    fn ready(self: Arc<Self>, what: Ready) -> After;

    /// A call of [`ready`](Self::ready) panicked: release everything.
    fn fail(self: Arc<Self>);
}

struct Registered {
    source: Arc<dyn Source>,
    generation: usize,
}

#[derive(Default)]
struct Registry {
    entries: Vec<Option<Registered>>,
    free: Vec<usize>,
    generation: usize,
}

/// Index bits of a key. The rest is a generation, so that a late event of a removed source
/// does not reach the source that reuses its index.
const INDEX_BITS: u32 = 32;

impl Registry {
    fn insert(&mut self, source: Arc<dyn Source>) -> Key {
        self.generation = (self.generation + 1) & 0x3fff_ffff;
        let entry = Some(Registered {
            source,
            generation: self.generation,
        });
        let index = match self.free.pop() {
            Some(index) => {
                self.entries[index] = entry;
                index
            }
            None => {
                self.entries.push(entry);
                self.entries.len() - 1
            }
        };
        index | (self.generation << INDEX_BITS)
    }

    fn get(&self, key: Key) -> Option<Arc<dyn Source>> {
        let entry = self.entries.get(key & ((1 << INDEX_BITS) - 1))?.as_ref()?;
        (entry.generation == key >> INDEX_BITS).then(|| entry.source.clone())
    }

    fn remove(&mut self, key: Key) -> Option<Registered> {
        let index = key & ((1 << INDEX_BITS) - 1);
        let slot = self.entries.get_mut(index)?;
        if slot.as_ref()?.generation != key >> INDEX_BITS {
            return None;
        }
        self.free.push(index);
        slot.take()
    }
}

/// Makes a descriptor that ends an epoll wait when it is raised.
fn new_waker(epoll: &Epoll, eventfd: io::Result<OwnedFd>) -> io::Result<File> {
    let waker = eventfd?;
    let wanted = Readiness {
        key: WAKER,
        readable: true,
        writable: false,
    };
    epoll.add(waker.as_fd(), wanted, Trigger::Edge)?;
    Ok(waker.into())
}

/// One I/O thread and its sources.
pub struct Reactor {
    epoll: Epoll,
    /// Ends a wait. Edge-triggered, so it is never read.
    waker: Mutex<File>,
    /// The program closed the epoll descriptor: the thread may sleep for ever. SeqCst without
    /// a pairing: it is stored once, and no other data depends on it.
    lost: AtomicBool,
    woken: AtomicBool,
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
        let waker = new_waker(&epoll, crate::sys::eventfd())?;
        let reactor = Arc::new(Reactor {
            epoll,
            waker: Mutex::new(waker),
            lost: AtomicBool::new(false),
            woken: AtomicBool::new(false),
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

    /// Ends the I/O thread's wait, once until the thread clears `woken`.
    ///
    /// Callers publish their work first (the mailbox, a timer, `stopping`), then exchange
    /// `woken`. The I/O thread exchanges `woken` to false, then takes the work. SeqCst
    /// exchanges of one word: a caller that finds `woken` set, and so raises nothing, comes
    /// before the exchange to false, and its work is seen after that.
    fn wake(&self) {
        if self.woken.swap(true, Ordering::SeqCst) {
            return;
        }
        let mut waker = self.waker.lock();
        if let Err(error) = crate::sys::raise(&waker) {
            if !self.replace_waker(&mut waker, &error) {
                self.woken.store(false, Ordering::SeqCst); // the next `wake` tries again
            }
        }
    }

    /// Replaces a waker that cannot be raised. Most likely the program has closed its
    /// descriptor, as a daemon does that closes all it inherited. The new one is readable
    /// from the beginning, which ends the wait. False if there is none to be had.
    #[cold]
    fn replace_waker(&self, waker: &mut File, why: &io::Error) -> bool {
        // EBADF: not a descriptor. EINVAL: another kind of descriptor, or no epoll any
        // more.
        let foreign =
            |error: &io::Error| matches!(error.raw_os_error(), Some(libc::EBADF | libc::EINVAL));
        match new_waker(&self.epoll, crate::sys::raised_eventfd()) {
            Ok(fresh) => {
                let old = std::mem::replace(waker, fresh);
                if foreign(why) {
                    // The program may have reused the number: do not close it.
                    std::mem::forget(old);
                    log!(
                        Error,
                        Origin::LIBRARY,
                        "an I/O thread's eventfd was closed by the program; there is a new one"
                    );
                }
                true
            }
            Err(error) => {
                if foreign(&error) && !self.lost.swap(true, Ordering::SeqCst) {
                    log!(
                        Error,
                        Origin::LIBRARY,
                        "an I/O thread's descriptors were closed by the program; \
                         its connections are given up"
                    );
                }
                false
            }
        }
    }

    /// Whether the thread may never return from its wait.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Ends the thread and joins it, unless the thread itself calls this or is lost.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.wake();
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
            self.wake();
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
            self.wake();
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
            if prepares && events.is_empty() && !self.woken.load(Ordering::Relaxed) {
                membarrier::prepare(true);
            }
            // Before the work is taken: a later `wake` raises the eventfd again, see there.
            self.woken.swap(false, Ordering::SeqCst);
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
