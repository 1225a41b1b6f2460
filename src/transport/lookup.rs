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
use std::sync::{Arc, Weak};

/// Enough that a good name seldom waits behind bad ones.
const THREADS: usize = 16;

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
    threads: usize,
    /// Whose threads they are.
    process: u32,
}

static DESK: Mutex<Desk> = Mutex::new(Desk {
    entries: Vec::new(),
    threads: 0,
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
            self.threads = 0;
        }
    }

    /// One more thread for the entry that was added last, unless there are
    /// enough.
    fn start_thread(&mut self) -> io::Result<()> {
        if self.threads == THREADS {
            return Ok(());
        }
        let thread = std::thread::Builder::new().name("ZMQ-resolver".into());
        match thread.spawn(work) {
            Ok(_) => self.threads += 1,
            Err(_) if self.threads > 0 => {}
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
}

fn work() {
    sys::block_signals();
    loop {
        let question = {
            let mut desk = DESK.lock();
            match desk.next() {
                Some(question) => question,
                None => {
                    // Under the lock: who asks now starts another thread.
                    desk.threads -= 1;
                    return;
                }
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

/// Keeps everybody from asking until what comes back is dropped.
pub fn hold() -> impl Sized {
    lock_for_fork(&DESK)
}
