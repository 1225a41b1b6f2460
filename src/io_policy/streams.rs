//! Whether a message belongs to a stream of sends.

#![forbid(unsafe_code)]

use super::tunables::{COPIES, STREAM_GAP};
use crate::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// The present run of wake-ups of one socket's connections by messages. A pause of
/// [`STREAM_GAP`] or more begins a new one.
#[derive(Debug)]
pub struct WakeupRun {
    last: AtomicU64,
    began: AtomicU64,
    count: AtomicU32,
}

/// One wake-up and the run that it is in, in nanoseconds of the socket's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wakeup {
    /// Time of the wake-up.
    pub now: u64,
    /// Time of the run's first.
    pub began: u64,
    /// Number of wake-ups in the run.
    pub count: u32,
}

impl Default for WakeupRun {
    fn default() -> WakeupRun {
        WakeupRun {
            last: AtomicU64::new(0),
            began: AtomicU64::new(1),
            count: AtomicU32::new(0),
        }
    }
}

impl WakeupRun {
    /// Counts a wake-up.
    pub fn add(&self, now: u64) -> Wakeup {
        let last = self.last.swap(now, Ordering::Relaxed);
        if now.saturating_sub(last) >= STREAM_GAP.as_nanos() as u64 {
            self.began.store(now, Ordering::Relaxed);
            self.count.store(0, Ordering::Relaxed);
        }
        let count = self.count.load(Ordering::Relaxed).saturating_add(1);
        self.count.store(count, Ordering::Relaxed);
        let began = self.began.load(Ordering::Relaxed);
        Wakeup { now, began, count }
    }
}

/// Whether the message of this wake-up is left to the I/O thread. In a stream it is cheaper to
/// batch; after a pause, or in answer to a single message, it is faster to write at once.
///
/// `previous`: when a message last woke the same connection. `received`: messages that the
/// connection received since then. Several received together will have several answers, so they
/// count as a stream. A stream may go round many connections and come to each of them seldom:
/// without input the message counts if the run has been here before, or is longer than a
/// fan-out ([`COPIES`]).
#[inline]
pub fn is_stream(wakeup: Wakeup, previous: u64, received: u32) -> bool {
    match received {
        0 => previous >= wakeup.began || wakeup.count > COPIES,
        received => received > 1,
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const GAP: u64 = STREAM_GAP.as_nanos() as u64;

    #[test]
    fn a_pause_begins_a_new_run() {
        let run = WakeupRun::default();
        let first = run.add(5 * GAP);
        assert_eq!((first.began, first.count), (5 * GAP, 1));
        let second = run.add(6 * GAP - 1);
        assert_eq!((second.began, second.count), (5 * GAP, 2));
        let third = run.add(7 * GAP - 1);
        assert_eq!((third.began, third.count), (7 * GAP - 1, 1));
    }

    #[test]
    fn sends_in_a_row_to_one_connection_are_a_stream() {
        let run = WakeupRun::default();
        let first = run.add(5 * GAP);
        assert!(!is_stream(first, 0, 0), "the first after a pause");
        let second = run.add(5 * GAP + 10);
        assert!(is_stream(second, first.now, 0));
    }

    #[test]
    fn an_answer_is_none_and_several_are_one() {
        let run = WakeupRun::default();
        let first = run.add(5 * GAP);
        let second = run.add(5 * GAP + 10);
        assert!(!is_stream(second, first.now, 1));
        assert!(is_stream(second, first.now, 2));
    }

    #[test]
    fn a_fan_out_is_none_and_a_longer_round_is_one() {
        let run = WakeupRun::default();
        for to in 1..=COPIES {
            assert!(!is_stream(run.add(5 * GAP + u64::from(to)), 0, 0));
        }
        assert!(is_stream(run.add(5 * GAP + 100), 0, 0));
    }
}
