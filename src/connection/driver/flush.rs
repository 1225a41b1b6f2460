//! Who writes: the sending thread at once, or in batches, or the I/O thread.

#![forbid(unsafe_code)]

use super::{Connection, work};
use crate::io_policy::{self, RetryBudget};
use crate::sync::atomic::Ordering;
use crate::sync::local::thread_cell;
use crate::sys;
use std::cell::Cell;
use std::sync::{Arc, Weak};
use std::time::Instant;

thread_cell! {
    /// The connection whose flush this thread has last left to the I/O thread.
    static UNFLUSHED: Weak<Connection> = Weak::new();
}

impl Connection {
    /// Takes the connection whose flush the calling thread has last left to the I/O thread,
    /// unless it belongs to the link at `except`: then it stays. The flush may be done by
    /// now.
    pub fn take_unflushed(except: usize) -> Option<Arc<Connection>> {
        let unflushed = UNFLUSHED.take().upgrade()?;
        if unflushed.link_address() == except {
            UNFLUSHED.set(unflushed.me.clone());
            return None;
        }
        Some(unflushed)
    }

    /// As [`take_unflushed`](Self::take_unflushed), of any link, and without taking it.
    pub fn last_unflushed() -> Option<Arc<Connection>> {
        let unflushed = UNFLUSHED.take().upgrade()?;
        UNFLUSHED.set(unflushed.me.clone());
        Some(unflushed)
    }

    /// Forgets the calling thread's unflushed connection: in a forked child it is the
    /// parent's.
    pub fn forget_unflushed() {
        UNFLUSHED.take();
    }

    /// Whether the calling thread has left a flush to the I/O thread and not taken it back
    /// with [`take_unflushed`](Self::take_unflushed).
    pub fn has_unflushed() -> bool {
        let has = |cell: &Cell<Weak<Connection>>| {
            let last = cell.take();
            let any = last.strong_count() > 0;
            cell.set(last);
            any
        };
        UNFLUSHED.with(has).unwrap_or(false)
    }

    /// Back-pressure on a sender whose stream is full in the middle of a long message. As
    /// long as the peer reads about as fast as memory is copied, this thread writes the
    /// rest itself and sleeps while the kernel takes no more: further messages in the queue
    /// would only leave the caches before their turn. After a sleep in which the peer has
    /// read nothing, no thread waits for it again until it has.
    pub(super) fn send_rest(&self) {
        let begun = Instant::now();
        let budget = RetryBudget::new(self.flush.written.load(Ordering::Relaxed));
        while self.flush.unsent.load(Ordering::Relaxed) {
            let written = self.flush.written.load(Ordering::Relaxed);
            if !budget.lasts(
                begun.elapsed(),
                written,
                self.flush.stuck.load(Ordering::Relaxed),
            ) {
                return;
            }
            if !self.wait_for_room() {
                self.flush.stuck.store(written, Ordering::Relaxed);
            }
            self.service(work::FILLING);
        }
    }

    /// Sleeps until the stream is writable, for at most 1 ms. False on time-out.
    fn wait_for_room(&self) -> bool {
        let fd = self.try_with_driver(|driver| driver.blocked_fd()).flatten();
        let Some(fd) = fd else {
            std::thread::yield_now(); // the holder of the lock writes
            return true;
        };
        sys::is_ready_within(fd, libc::POLLOUT, 1)
    }

    /// The I/O thread's check for an unflushed batch. If a sending thread has written a
    /// batch since the last check, it is likely to do so again, and the check is repeated
    /// later. Otherwise the rest is written now, and the next message schedules the I/O
    /// thread again.
    ///
    /// No message is lost: the sender sets the work bit, then requests the check, and this
    /// begins the check, then loads the bits ([`Due`](crate::sync::event_count::Due)).
    pub(super) fn check_flush(&self) {
        let fillings = self.flush.fillings.load(Ordering::Relaxed);
        if self.flush.seen_fillings.swap(fillings, Ordering::Relaxed) != fillings {
            return;
        }
        self.flush.pending.begin();
        if self.driver.has_work() {
            self.service(0);
        }
    }

    /// Whether a message just queued is left to the I/O thread.
    pub(super) fn is_streaming(&self) -> bool {
        let wakeup = self.link.count_wakeup();
        let previous = self.flush.last_wakeup.swap(wakeup.now, Ordering::Relaxed);
        let received = self.flush.received.swap(0, Ordering::Relaxed);
        io_policy::is_stream(wakeup, previous, received)
    }

    /// Leaves the flush to the I/O thread.
    pub(super) fn leave_flush(&self) {
        // The work bit was set first, see `check_flush`.
        if self.flush.pending.request() {
            self.reactor.schedule(self.key());
        }
        UNFLUSHED.set(self.me.clone());
    }
}
