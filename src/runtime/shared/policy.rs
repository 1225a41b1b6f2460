//! What a socket's waits and wake-ups have learned: whether to spin, and whether messages come in
//! a stream. The decisions are those of `io_policy`, on the clock of the socket.

#![forbid(unsafe_code)]

use crate::io_policy::{Spin, Wakeup, WakeupRun};
use std::time::Instant;

/// See the module.
pub struct Policy {
    spin: Spin,
    wakeups: WakeupRun,
    /// When the socket was made.
    born: Instant,
}

impl Policy {
    /// `spins`: `ZMQ_FERRO_SPIN` of the context.
    pub(super) fn new(spins: bool) -> Policy {
        Policy {
            spin: Spin::new(spins),
            wakeups: WakeupRun::default(),
            born: Instant::now(),
        }
    }

    /// Nanoseconds since the socket was made.
    fn clock(&self) -> u64 {
        self.born.elapsed().as_nanos() as u64
    }

    /// Whether waits may spin at all.
    pub fn may_spin(&self) -> bool {
        self.spin.is_allowed()
    }

    /// Whether waits must not spin at present, because the CPU was oversubscribed.
    pub fn is_backing_off(&self) -> bool {
        self.spin.is_backing_off(|| self.clock())
    }

    /// Whether a wait that begins now spins.
    pub fn begins_spin(&self) -> bool {
        self.spin.begins(|| self.clock())
    }

    /// A spin ended; `found`: it found what the wait is for.
    pub fn spin_ended(&self, found: bool) {
        self.spin.ended(found);
    }

    /// A spin found something after it had yielded, in a stream or not. In a stream the busy
    /// thread on this CPU may be the peer: the back-off is reset.
    pub fn yield_paid(&self, streaming: bool) {
        match streaming {
            true => self.spin.reset_backoff(),
            false => self.spin.decay_backoff(|| self.clock()),
        }
    }

    /// Yields the processor; `now` is the time of the call. False if the spin is to end.
    pub fn yield_cpu(&self, now: Instant) -> bool {
        std::thread::yield_now();
        self.spin.yielded(now.elapsed(), || self.clock())
    }

    /// Counts a wake-up of a connection by a message, now.
    pub(super) fn count_wakeup(&self) -> Wakeup {
        self.wakeups.add(self.clock())
    }
}
