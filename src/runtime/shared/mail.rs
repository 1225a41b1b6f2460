//! A socket's mail: the commands that other threads send, and the sleepers that they wake.
//!
//! Invariant: a command in the mailbox is seen by the last check of a waiting thread, or wakes
//! that thread; and `ZMQ_FD` is readable while there are commands. A sending thread pushes the
//! command, fences, and then notifies the slot's quiet mark, the waiting threads and `ZMQ_FD`:
//! the fence serves all three.

#![forbid(unsafe_code)]

use super::event_fd::EventFd;
use crate::connection::Engine;
use crate::error::Result;
use crate::pipe::PipeEnd;
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicBool, Ordering, fence};
use crate::sync::event_count::EventCount;
use crate::sync::mailbox::{Mailbox, Taken};
use crate::sync::readiness::Readiness;
use crate::sys::cancel::Shield;
use crate::sys::log::{Origin, log};
use std::sync::Weak;

/// Commands that other threads send to a socket.
pub enum Command {
    /// The pipe of this number has events.
    Pipe(usize),
    /// A new pipe.
    Attach(Box<PipeEnd>),
    /// The pattern has a backlog.
    Backlog,
    /// The application is to check the socket: after shutdown, or after an unreported read
    /// of the mail ([`Mail::request_check`]).
    Check,
    /// This connection makes no further attempt, and its endpoint ends with it.
    /// (The weak pointer keeps its address from reuse.)
    EndpointGone(Weak<dyn Engine>),
    /// The same, but the endpoint stays until it is disconnected.
    ConnectionOver(Weak<dyn Engine>),
}

/// The socket's slot as its mail sees it.
pub trait Reader: Sync {
    /// There is news: the next check of the socket is a full one, and a thread that waits on
    /// many slots wakes up. Called after a SeqCst fence.
    fn mark_ready(&self);
    /// Reads the mail of the socket that `mail` belongs to, if its lock is free.
    fn try_read(&self, mail: &Mail) -> Reading;
}

/// The outcome of [`Reader::try_read`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Another thread holds the lock.
    Busy,
    /// The socket is closed.
    Gone,
    /// The mail was read. `any`: there was a command other than [`Command::Check`]; `backlog`:
    /// the pattern has more to do.
    #[allow(missing_docs)]
    Done { any: bool, backlog: bool },
}

/// See the module.
pub struct Mail {
    commands: Mailbox<Command>,
    reader: OnceLock<&'static dyn Reader>,
    /// The threads that wait for the socket.
    pub waiters: EventCount,
    /// `ZMQ_FD`: readable while the mailbox holds something.
    fd: OnceLock<Readiness<EventFd>>,
    fd_is_broken: AtomicBool,
    origin: Origin,
}

impl Mail {
    pub(super) fn new(origin: Origin) -> Mail {
        Mail {
            commands: Mailbox::new(),
            reader: OnceLock::new(),
            waiters: EventCount::default(),
            fd: OnceLock::new(),
            fd_is_broken: AtomicBool::new(false),
            origin,
        }
    }

    /// Puts a command into the mailbox and wakes the threads that wait for the socket.
    pub fn send(&self, command: Command) {
        self.commands.push(command);
        self.signal();
    }

    /// Wakes the threads that wait for the socket, by parker or `ZMQ_FD`, after a change.
    pub fn signal(&self) {
        fence(Ordering::SeqCst);
        self.mark_ready();
        self.waiters.notify();
        if let Some(fd) = self.fd.get() {
            if !fd.raise_if(|| self.has_commands()) {
                self.report_broken_fd();
            }
        }
    }

    /// Logs once that `ZMQ_FD` cannot be raised: the program closed or replaced it.
    #[cold]
    fn report_broken_fd(&self) {
        if !self.fd_is_broken.swap(true, Ordering::Relaxed) {
            log!(
                Error,
                self.origin,
                "ZMQ_FD cannot be signalled: the program has closed the descriptor"
            );
        }
    }

    /// Marks the socket's slot as no longer quiet, so that the next check is a full one. Called
    /// after a SeqCst fence.
    pub(super) fn mark_ready(&self) {
        if let Some(reader) = self.reader.get() {
            reader.mark_ready();
        }
    }

    /// Sets the slot that the socket is in; once.
    pub fn set_reader(&self, reader: &'static dyn Reader) {
        let _ = self.reader.set(reader);
    }

    /// See [`Reader::try_read`].
    pub(super) fn try_read(&self) -> Reading {
        let reader = self.reader.get();
        reader.map_or(Reading::Gone, |reader| reader.try_read(self))
    }

    /// Whether commands wait.
    #[inline]
    pub fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Takes all commands and lowers `ZMQ_FD`, under the socket's lock (one consumer).
    pub fn take(&self) -> Taken<Command> {
        match self.fd.get() {
            Some(fd) => fd.lower_and(|| self.commands.take()),
            None => self.commands.take(),
        }
    }

    /// Drains the mailbox of a closed socket.
    pub(super) fn end(&self) {
        drop(self.commands.take());
    }

    /// The descriptor behind `ZMQ_FD`, made at the first call.
    pub fn fd(&self) -> Result<i32> {
        if let Some(fd) = self.fd.get() {
            return Ok(fd.descriptor().number());
        }
        let _shield = Shield::new();
        let fresh = Readiness::new(EventFd::new()?);
        let fd = self.fd.get_or_init(|| fresh);
        // For commands whose senders found no descriptor yet.
        fd.raise_if(|| self.has_commands());
        Ok(fd.descriptor().number())
    }

    /// Keeps `ZMQ_FD` readable after mail was read, until a call that reports readiness.
    pub fn request_check(&self) {
        if self.has_fd() {
            self.send(Command::Check);
        }
    }

    /// Whether `ZMQ_FD` was asked for: an event loop of the application may watch it.
    pub fn has_fd(&self) -> bool {
        self.fd.get().is_some()
    }
}
