//! Host name lookups, on threads that exist only while there are queries.
//!
//! The resolver may take many seconds for a name and cannot be interrupted, so no I/O
//! thread calls it. The process has at most [`THREADS`] such threads. A query for a name
//! that is being looked up shares the answer; a query whose connection has gone is not
//! begun. All state is under one lock, which is not held while the resolver runs or a
//! waiter is woken.

#![forbid(unsafe_code)]

use crate::sync::{Mutex, lock_for_fork};
use crate::sys::{self, panics::contain, resolver};
use std::io;
use std::net::IpAddr;
use std::os::unix::thread::JoinHandleExt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Most threads: enough that a good name seldom waits behind bad ones.
const THREADS: usize = 16;

/// How long the end of the process waits for threads between two lookups, and the interval
/// of its checks.
const END: Duration = Duration::from_millis(100);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// The consequence of a panic, for its log line.
const LOST: &str = "a name was not looked up";

type Answer = std::result::Result<Vec<IpAddr>, i32>;

/// A query to the resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) host: String,
    pub(super) ipv6: bool,
}

struct Waiter {
    /// Dropped by the [`Lookup`] that no longer wants the answer.
    place: Weak<Mutex<Option<Answer>>>,
    wake: Box<dyn FnOnce() + Send>,
}

struct Entry {
    question: Question,
    begun: bool,
    waiters: Vec<Waiter>,
}

struct Lookups {
    entries: Vec<Entry>,
    threads: Vec<JoinHandle<()>>,
    /// Threads that have left their loop and can be joined.
    ending: Vec<JoinHandle<()>>,
    /// The process that the threads belong to.
    process: u32,
}

static LOOKUPS: Mutex<Lookups> = Mutex::new(Lookups {
    entries: Vec::new(),
    threads: Vec::new(),
    ending: Vec::new(),
    process: 0,
});

/// A query and, later, its answer. Dropping it withdraws the query.
#[derive(Debug)]
pub(super) struct Lookup(Arc<Mutex<Option<Answer>>>);

impl Lookup {
    /// Queues a query. Another thread calls `wake` when the answer is there.
    ///
    /// Errors: the system's, if there is no thread to do it.
    pub(super) fn start(
        question: Question,
        wake: impl FnOnce() + Send + 'static,
    ) -> io::Result<Lookup> {
        let place = Arc::new(Mutex::new(None));
        let waiter = Waiter {
            place: Arc::downgrade(&place),
            wake: Box::new(wake),
        };
        let mut lookups = LOOKUPS.lock();
        lookups.reset_after_fork();
        match lookups.entries.iter_mut().find(|e| e.question == question) {
            Some(entry) => entry.waiters.push(waiter),
            None => {
                lookups.entries.push(Entry {
                    question,
                    begun: false,
                    waiters: vec![waiter],
                });
                lookups.start_thread()?;
            }
        }
        Ok(Lookup(place))
    }

    /// The answer, once it has arrived, and only once: in the resolver's order, at least
    /// one.
    ///
    /// Errors: `EINVAL` for a name that is not found, `ENOMEM`.
    pub(super) fn take(&self) -> Option<io::Result<Vec<IpAddr>>> {
        let answer = self.0.lock().take()?;
        Some(answer.map_err(io::Error::from_raw_os_error))
    }
}

impl Lookups {
    /// Resets the state in a forked child, which has none of its parent's threads.
    fn reset_after_fork(&mut self) {
        let process = std::process::id();
        if std::mem::replace(&mut self.process, process) != process {
            self.entries.clear();
            // Handles of the parent's threads: not to be joined or detached here.
            self.threads.drain(..).for_each(std::mem::forget);
            self.ending.drain(..).for_each(std::mem::forget);
        }
    }

    /// Starts a thread for the query that was added last, unless there are enough.
    fn start_thread(&mut self) -> io::Result<()> {
        self.ending.clear();
        if self.threads.len() == THREADS {
            return Ok(());
        }
        let thread = std::thread::Builder::new().name("ZMQ-resolver".into());
        match thread.spawn(work) {
            Ok(thread) => self.threads.push(thread),
            Err(_) if !self.threads.is_empty() => {}
            Err(error) => {
                self.entries.pop();
                return Err(error);
            }
        }
        Ok(())
    }

    /// The next query that a waiter still wants.
    fn next(&mut self) -> Option<Question> {
        self.entries.retain_mut(|entry| {
            entry
                .waiters
                .retain(|waiter| waiter.place.strong_count() > 0);
            entry.begun || !entry.waiters.is_empty()
        });
        let entry = self.entries.iter_mut().find(|entry| !entry.begun)?;
        entry.begun = true;
        Some(entry.question.clone())
    }

    fn finish(&mut self, question: &Question) -> Vec<Waiter> {
        match self.entries.iter().position(|e| e.question == *question) {
            Some(index) => self.entries.swap_remove(index).waiters,
            None => Vec::new(),
        }
    }

    /// Marks the calling thread as about to end.
    fn retire_thread(&mut self) {
        let number = sys::thread_number();
        let own = |thread: &JoinHandle<()>| thread.as_pthread_t() as usize == number;
        if let Some(index) = self.threads.iter().position(own) {
            let own = self.threads.swap_remove(index);
            self.ending.push(own);
        }
        if self.threads.is_empty() {
            self.threads = Vec::new();
            self.entries = Vec::new();
        }
    }
}

fn work() {
    sys::block_signals();
    loop {
        let question = {
            let mut lookups = LOOKUPS.lock();
            match lookups.next() {
                Some(question) => question,
                // Under the lock: a query that is queued later starts another thread.
                None => return lookups.retire_thread(),
            }
        };
        let found = contain(LOST, || resolver::lookup(&question.host, question.ipv6));
        let answer: Answer = match found {
            Some(Ok(addresses)) => Ok(addresses),
            Some(Err(error)) => Err(error.raw_os_error().unwrap_or(libc::EINVAL)),
            None => Err(libc::EINVAL),
        };
        let waiters = LOOKUPS.lock().finish(&question);
        for waiter in waiters {
            if let Some(place) = waiter.place.upgrade() {
                *place.lock() = Some(answer.clone());
                contain(LOST, waiter.wake);
            }
        }
    }
}

/// At the end of the process: joins the threads that are about to end, so that they leave
/// nothing behind. Threads in the resolver are not waited for.
pub fn end_lookups() {
    let limit = Instant::now() + END;
    loop {
        let Some(mut lookups) = LOOKUPS.try_lock() else {
            return;
        };
        if lookups.process != std::process::id() {
            return;
        }
        let ending = std::mem::take(&mut lookups.ending);
        let in_resolver = lookups.entries.iter().filter(|entry| entry.begun).count();
        let all = lookups.threads.len();
        drop(lookups);
        for thread in ending {
            let _ = thread.join();
        }
        if all <= in_resolver || Instant::now() > limit {
            return;
        }
        sys::sleep(POLL_INTERVAL);
    }
}

/// Holds the lock over a fork, until the returned value is dropped.
pub fn lock_over_fork() -> impl Sized {
    lock_for_fork(&LOOKUPS)
}
