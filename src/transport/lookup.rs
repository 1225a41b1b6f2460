//! Host names are looked up apart, by threads that live while there are names.
//!
//! The resolver may take many seconds for a name, and cannot be stopped. There
//! are never more than [`THREADS`] such threads in the process. Who asks for a
//! name that is being looked up shares the answer; a name that nobody waits for
//! any more is not looked up.

#![forbid(unsafe_code)]

use crate::sync::{Mutex, lock_for_fork};
use crate::sys::{self, panics::contain, resolver};
use std::io;
use std::net::IpAddr;
use std::os::unix::thread::JoinHandleExt;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Enough that a good name seldom waits behind bad ones.
const THREADS: usize = 16;

/// How long the end of the process waits for threads between two names, and how often
/// it looks.
const END: Duration = Duration::from_millis(100);
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// What a panic has come to.
const LOST: &str = "a name was not looked up";

type Answer = std::result::Result<Vec<IpAddr>, i32>;

/// What is asked of the resolver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) host: String,
    pub(super) ipv6: bool,
}

struct Asker {
    /// Gone when it is not interested any more.
    place: Weak<Mutex<Option<Answer>>>,
    wake: Box<dyn FnOnce() + Send>,
}

struct Entry {
    question: Question,
    begun: bool,
    askers: Vec<Asker>,
}

struct Desk {
    entries: Vec<Entry>,
    threads: Vec<JoinHandle<()>>,
    /// Threads that have nothing more to do than to end.
    leaving: Vec<JoinHandle<()>>,
    /// Whose threads they are.
    process: u32,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    entries: Vec::new(),
    threads: Vec::new(),
    leaving: Vec::new(),
    process: 0,
});

/// A question and, later, its answer. Dropping it ends the interest.
#[derive(Debug)]
pub(super) struct Lookup(Arc<Mutex<Option<Answer>>>);

impl Lookup {
    /// Asks, and has `wake` called by another thread when the answer is there.
    ///
    /// Errors: the system's, if there is no thread to do it.
    pub(super) fn start(
        question: Question,
        wake: impl FnOnce() + Send + 'static,
    ) -> io::Result<Lookup> {
        let place = Arc::new(Mutex::new(None));
        let asker = Asker {
            place: Arc::downgrade(&place),
            wake: Box::new(wake),
        };
        let mut desk = DESK.lock();
        desk.notice_fork();
        match desk.entries.iter_mut().find(|e| e.question == question) {
            Some(entry) => entry.askers.push(asker),
            None => {
                desk.entries.push(Entry {
                    question,
                    begun: false,
                    askers: vec![asker],
                });
                desk.start_thread()?;
            }
        }
        Ok(Lookup(place))
    }

    /// The answer, once. The resolver's order; never none.
    ///
    /// Errors: `EINVAL` for a name that is not found, `ENOMEM`.
    pub(super) fn take(&self) -> Option<io::Result<Vec<IpAddr>>> {
        let answer = self.0.lock().take()?;
        Some(answer.map_err(io::Error::from_raw_os_error))
    }
}

impl Desk {
    /// A forked child has none of its parent's threads.
    fn notice_fork(&mut self) {
        let process = std::process::id();
        if std::mem::replace(&mut self.process, process) != process {
            self.entries.clear();
            // They stand for nothing here.
            self.threads.drain(..).for_each(std::mem::forget);
            self.leaving.drain(..).for_each(std::mem::forget);
        }
    }

    /// One more thread for the entry that was added last, unless there are
    /// enough.
    fn start_thread(&mut self) -> io::Result<()> {
        self.leaving.clear();
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

    /// The next question that somebody is interested in.
    fn next(&mut self) -> Option<Question> {
        self.entries.retain_mut(|entry| {
            entry.askers.retain(|asker| asker.place.strong_count() > 0);
            entry.begun || !entry.askers.is_empty()
        });
        let entry = self.entries.iter_mut().find(|entry| !entry.begun)?;
        entry.begun = true;
        Some(entry.question.clone())
    }

    fn finish(&mut self, question: &Question) -> Vec<Asker> {
        match self.entries.iter().position(|e| e.question == *question) {
            Some(index) => self.entries.swap_remove(index).askers,
            None => Vec::new(),
        }
    }

    /// The calling thread is about to end.
    fn leave(&mut self) {
        let number = sys::thread_number();
        let own = |thread: &JoinHandle<()>| thread.as_pthread_t() as usize == number;
        if let Some(index) = self.threads.iter().position(own) {
            let own = self.threads.swap_remove(index);
            self.leaving.push(own);
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
            let mut desk = DESK.lock();
            match desk.next() {
                Some(question) => question,
                // Under the lock: who asks now starts another thread.
                None => return desk.leave(),
            }
        };
        let found = contain(LOST, || resolver::lookup(&question.host, question.ipv6));
        let answer: Answer = match found {
            Some(Ok(addresses)) => Ok(addresses),
            Some(Err(error)) => Err(error.raw_os_error().unwrap_or(libc::EINVAL)),
            None => Err(libc::EINVAL),
        };
        let askers = DESK.lock().finish(&question);
        for asker in askers {
            if let Some(place) = asker.place.upgrade() {
                *place.lock() = Some(answer.clone());
                contain(LOST, asker.wake);
            }
        }
    }
}

/// At the end of the process: waits for the threads that are about to end, so that
/// nothing of them is left. The resolver is not waited for.
pub fn end_lookups() {
    let give_up = Instant::now() + END;
    loop {
        let Some(mut desk) = DESK.try_lock() else {
            return;
        };
        if desk.process != std::process::id() {
            return;
        }
        let leaving = std::mem::take(&mut desk.leaving);
        let asking = desk.entries.iter().filter(|entry| entry.begun).count();
        let all = desk.threads.len();
        drop(desk);
        for thread in leaving {
            let _ = thread.join();
        }
        if all <= asking || Instant::now() > give_up {
            return;
        }
        sys::sleep(POLL_INTERVAL);
    }
}

/// Keeps everybody from asking until what comes back is dropped.
pub fn lock_over_fork() -> impl Sized {
    lock_for_fork(&DESK)
}
