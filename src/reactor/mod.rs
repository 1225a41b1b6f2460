//! I/O threads: readiness, timers, and work that must not wait for the
//! application.
//!
//! A [`Source`] is anything with a descriptor or a timer: a connection, a
//! listener. It registers once and gets a key; the I/O thread calls it when its
//! descriptor is ready (once for each [`Reactor::arm`]), when its timer is due,
//! and when somebody asked for it with [`Reactor::schedule`]. The thread starts
//! with the reactor and ends with [`Reactor::stop`].

#![forbid(unsafe_code)]

mod timers;

use crate::sync::mailbox::Mailbox;
use parking_lot::Mutex;
use polling::{Event, Events, PollMode, Poller};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use timers::Timers;

/// How often sources that asked for it are looked at again.
const TICK: Duration = Duration::from_millis(1);
/// Events taken from the system at a time.
const EVENTS: usize = 256;

/// How long scheduled work is left to gather: what is scheduled belongs to
/// streams, and a few large writes cost less than many small ones.
const GATHER: Duration = Duration::from_micros(10);

fn let_it_gather() {
    let end = Instant::now() + GATHER;
    while Instant::now() < end {
        std::thread::yield_now();
    }
}

/// Name of a source within its reactor.
pub type Key = usize;

/// What a source is told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// The descriptor is readable, or failed.
    pub readable: bool,
    /// The descriptor is writable, or failed.
    pub writable: bool,
    /// The timer is due.
    pub timer: bool,
    /// Somebody called [`Reactor::schedule`].
    pub scheduled: bool,
    /// A tick the source asked for.
    pub tick: bool,
}

/// What a source wants after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// Nothing; it armed itself as it needs.
    Rest,
    /// A call with [`Ready::tick`] in about a millisecond.
    Tick,
}

/// Something driven by an I/O thread. Called without any lock held; must not
/// block for long. A panic ends the source ([`Source::fail`]), nothing else.
pub trait Source: Send + Sync {
    /// Something happened.
    fn ready(self: Arc<Self>, what: Ready) -> After;

    /// A call of [`ready`](Self::ready) panicked: give up everything.
    fn fail(self: Arc<Self>);
}

struct Entry {
    source: Arc<dyn Source>,
    generation: usize,
}

#[derive(Default)]
struct Registry {
    entries: Vec<Option<Entry>>,
    free: Vec<usize>,
    generation: usize,
}

/// Index bits of a key; the rest is a generation, so that a late event of a
/// removed source does not reach the one that took its place.
const INDEX_BITS: u32 = 32;

impl Registry {
    fn insert(&mut self, source: Arc<dyn Source>) -> Key {
        self.generation = (self.generation + 1) & 0x3fff_ffff;
        let entry = Some(Entry {
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

    fn remove(&mut self, key: Key) -> Option<Entry> {
        let index = key & ((1 << INDEX_BITS) - 1);
        let slot = self.entries.get_mut(index)?;
        if slot.as_ref()?.generation != key >> INDEX_BITS {
            return None;
        }
        self.free.push(index);
        slot.take()
    }
}

/// One I/O thread and what it serves.
pub struct Reactor {
    poller: Poller,
    registry: Mutex<Registry>,
    scheduled: Mailbox<Key>,
    timers: Mutex<Timers>,
    stopping: AtomicBool,
    /// Sources registered, for choosing the least busy thread.
    load: AtomicUsize,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Reactor {
    /// Starts an I/O thread; `prepare` runs first in it (name, priority).
    pub fn start(
        name: String,
        prepare: impl FnOnce() + Send + 'static,
    ) -> io::Result<Arc<Reactor>> {
        let reactor = Arc::new(Reactor {
            poller: Poller::new()?,
            registry: Mutex::default(),
            scheduled: Mailbox::new(),
            timers: Mutex::default(),
            stopping: AtomicBool::new(false),
            load: AtomicUsize::new(0),
            thread: Mutex::new(None),
        });
        let this = reactor.clone();
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            crate::sys::block_signals();
            prepare();
            this.run();
        })?;
        *reactor.thread.lock() = Some(thread);
        Ok(reactor)
    }

    /// Ends the thread and waits for it, unless called by that thread.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        let _ = self.poller.notify();
        let thread = self.thread.lock().take();
        if let Some(thread) = thread {
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }

    /// Number of sources.
    pub fn load(&self) -> usize {
        self.load.load(Ordering::Relaxed)
    }

    /// Adds a source. It stays, and is kept alive, until [`remove`](Self::remove).
    pub fn insert(&self, source: Arc<dyn Source>) -> Key {
        self.load.fetch_add(1, Ordering::Relaxed);
        self.registry.lock().insert(source)
    }

    /// Forgets a source and its timer. Its descriptor must be gone already
    /// (see [`forget_fd`](Self::forget_fd)).
    pub fn remove(&self, key: Key) {
        self.timers.lock().cancel(key);
        let entry = self.registry.lock().remove(key);
        if entry.is_some() {
            self.load.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Watches a descriptor for one event, or none for now. `first` tells that
    /// the descriptor is new to the reactor.
    pub fn arm(
        &self,
        fd: BorrowedFd<'_>,
        key: Key,
        read: bool,
        write: bool,
        first: bool,
    ) -> io::Result<()> {
        let mut event = Event::none(key);
        event.readable = read;
        event.writable = write;
        match first {
            true => crate::sys::poller_add(&self.poller, fd.as_raw_fd(), event, PollMode::Oneshot),
            false => self.poller.modify_with_mode(fd, event, PollMode::Oneshot),
        }
    }

    /// To be called before a watched descriptor is closed.
    pub fn forget_fd(&self, fd: BorrowedFd<'_>) {
        let _ = self.poller.delete(fd.as_fd());
    }

    /// Calls the source from the I/O thread as soon as possible.
    pub fn schedule(&self, key: Key) {
        if self.scheduled.push(key) {
            let _ = self.poller.notify();
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
            let _ = self.poller.notify();
        }
    }

    fn run(&self) {
        let mut events =
            Events::with_capacity(EVENTS.try_into().unwrap_or(std::num::NonZeroUsize::MIN));
        let mut ticking: Vec<Key> = Vec::new();
        let mut batch: Vec<(Key, Ready)> = Vec::new();
        while !self.stopping.load(Ordering::Relaxed) {
            let mut deadline = self.timers.lock().next();
            if !ticking.is_empty() {
                let tick = Instant::now() + TICK;
                deadline = Some(deadline.map_or(tick, |at| at.min(tick)));
            }
            events.clear();
            let timeout = match self.scheduled.is_empty() {
                true => deadline.map(|at| at.saturating_duration_since(Instant::now())),
                false => Some(Duration::ZERO),
            };
            if self.poller.wait(&mut events, timeout).is_err() {
                // Nothing sensible is left but not to spin on a broken poller.
                std::thread::sleep(Duration::from_millis(10));
            }
            self.collect(&events, &mut ticking, &mut batch);
            for (key, what) in batch.drain(..) {
                if self.call(key, what) == After::Tick && !ticking.contains(&key) {
                    ticking.push(key);
                }
            }
        }
    }

    fn collect(&self, events: &Events, ticking: &mut Vec<Key>, batch: &mut Vec<(Key, Ready)>) {
        for event in events.iter() {
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
        if !self.scheduled.is_empty() {
            let_it_gather();
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
        for key in ticking.drain(..) {
            batch.push((
                key,
                Ready {
                    tick: true,
                    ..Ready::default()
                },
            ));
        }
    }

    fn call(&self, key: Key, what: Ready) -> After {
        let Some(source) = self.registry.lock().get(key) else {
            return After::Rest;
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| source.clone().ready(what)));
        outcome.unwrap_or_else(|_| {
            let _ = catch_unwind(AssertUnwindSafe(|| source.fail()));
            After::Rest
        })
    }
}
