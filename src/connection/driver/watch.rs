//! When the reactor calls: the armed descriptor, and the timer.

#![forbid(unsafe_code)]

use super::wire::Stream;
use super::{Connection, Driver};
use crate::connection::machine::Loss;
use crate::sync::atomic::Ordering;
use std::os::fd::{AsFd, RawFd};
use std::time::Instant;

impl Driver {
    /// Closes the stream.
    pub(super) fn release(&mut self, conn: &Connection) {
        let wire = std::mem::take(&mut self.wire);
        if wire.registered {
            match &wire.stream {
                Stream::None => {}
                Stream::Dial(dial) => conn.reactor.forget_fd(dial.as_fd()),
                Stream::Open(stream) => conn.reactor.forget_fd(stream.as_fd()),
            }
        }
    }

    /// Arms the descriptor for what the machine waits for. While the connection is
    /// caller-driven, the descriptor is not armed for input.
    pub(super) fn watch(&mut self, conn: &Connection) {
        let wire = &self.wire;
        let active = self.machine.is_active();
        let wanted = match &wire.stream {
            Stream::None => return,
            Stream::Dial(_) => (false, true),
            Stream::Open(_) if active => (
                !self.machine.is_stalled(),
                wire.blocked && !wire.sender_waits,
            ),
            Stream::Open(_) => (true, wire.blocked),
        };
        let wanted = match &wire.stream {
            Stream::Open(stream) => stream.interest(wanted.0, wanted.1),
            _ => wanted,
        };
        if wire.armed == Some(wanted) || wanted == (false, false) {
            return;
        }
        let application_reads = active && wire.registered && wanted == (true, false);
        if application_reads && wire.armed.is_none() && is_caller_driven(conn) {
            return;
        }
        let (key, first) = (conn.key(), !wire.registered);
        let fd = match &wire.stream {
            Stream::None => return,
            Stream::Dial(dial) => dial.as_fd(),
            Stream::Open(stream) => stream.as_fd(),
        };
        match conn.reactor.arm(fd, key, wanted.0, wanted.1, first) {
            Ok(()) => {
                self.wire.registered = true;
                self.wire.armed = Some(wanted);
            }
            Err(error) => {
                self.machine.lose(Loss::by(&error), Instant::now());
                self.perform_all(conn);
            }
        }
    }

    pub(super) fn update_timer(&mut self, conn: &Connection) {
        let next = self.machine.poll_timeout();
        if next != self.timer {
            self.timer = next;
            conn.reactor.set_timer(conn.key(), next);
        }
    }

    /// See [`Engine::stream_fd`](crate::connection::Engine::stream_fd).
    pub(super) fn stream_fd(&self) -> Option<RawFd> {
        let reads = self.machine.is_active() && !self.machine.is_stalled();
        reads.then(|| self.wire.fd())
    }

    /// As [`stream_fd`](Self::stream_fd), if much of a long body has yet to arrive.
    pub(super) fn long_fd(&self) -> Option<RawFd> {
        self.stream_fd().filter(|_| self.machine.expects_much())
    }

    /// The stream's descriptor, if the stream is full.
    pub(super) fn blocked_fd(&self) -> Option<RawFd> {
        (self.machine.is_active() && self.wire.blocked).then(|| self.wire.fd())
    }
}

/// Whether an application thread reads the stream: until the tick or the application hands it
/// to the I/O thread. Makes the connection caller-driven if such a thread polls now.
fn is_caller_driven(conn: &Connection) -> bool {
    if conn.caller_driven.load(Ordering::SeqCst) {
        return true;
    }
    if !conn.link.is_spinning() {
        return false;
    }
    conn.caller_driven.store(true, Ordering::SeqCst);
    if let Some(me) = conn.me.upgrade() {
        conn.link.add_caller_driven(me);
        conn.reactor.schedule(conn.key()); // starts the ticks
    }
    // Recheck (Dekker): `caller_driven` is set and the connection is in the
    // link's list; the SeqCst fence is in `add_caller_driven`; then this load
    // of the link's spin count. A thread that stops polling decrements that
    // count, then loads the length of the list. So either this thread sees that
    // no thread polls, or that thread hands the connection over.
    if conn.link.is_spinning() {
        return true;
    }
    conn.caller_driven.store(false, Ordering::SeqCst);
    false
}
