//! Whether a thread that has to wait spins before it sleeps.

#![forbid(unsafe_code)]

use super::tunables::{
    BACKOFF_MAX, BACKOFF_MIN, CREDIT_MAX, CREDIT_START, OVERSUBSCRIBED, PROBE_EVERY,
};
use crate::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

/// What the waits of one socket have learned. A spin that found something earns credit, one
/// that found nothing costs some; without credit only one wait in [`PROBE_EVERY`] spins. After
/// a yield that took long none does for the back-off time.
#[derive(Debug)]
pub struct Spin {
    allowed: bool,
    /// Below zero it counts the waits until the next probe.
    credit: AtomicI32,
    /// Length of the last back-off, and its end; 0 if there was none. Nanoseconds.
    backoff: AtomicU64,
    backoff_until: AtomicU64,
}

impl Spin {
    /// `allowed`: whether any wait may spin.
    pub fn new(allowed: bool) -> Spin {
        Spin {
            allowed,
            credit: AtomicI32::new(CREDIT_START),
            backoff: AtomicU64::new(0),
            backoff_until: AtomicU64::new(0),
        }
    }

    /// Whether any wait may spin.
    #[inline]
    pub fn is_allowed(&self) -> bool {
        self.allowed
    }

    /// Whether a back-off is not over. `now` is called if that matters.
    #[inline]
    pub fn is_backing_off(&self, now: impl FnOnce() -> u64) -> bool {
        let until = self.backoff_until.load(Ordering::Relaxed);
        until != 0 && now() < until
    }

    /// Whether a wait that begins now spins.
    pub fn begins(&self, now: impl FnOnce() -> u64) -> bool {
        if !self.allowed || self.is_backing_off(now) {
            return false;
        }
        let credit = self.credit.load(Ordering::Relaxed);
        let may = credit > 0 || credit % PROBE_EVERY == 0;
        if !may {
            self.credit.store(credit - 1, Ordering::Relaxed);
        }
        may
    }

    /// A spin ended; `found`: it found what the wait is for.
    pub fn ended(&self, found: bool) {
        let credit = self.credit.load(Ordering::Relaxed);
        let learned = match found {
            true => (credit.max(CREDIT_START) + 1).min(CREDIT_MAX),
            false if credit <= 0 => -1,
            false => credit - 1,
        };
        self.credit.store(learned, Ordering::Relaxed);
    }

    /// A yield took so long. False if that means an oversubscribed CPU: the spin is to end,
    /// and a back-off begins at what `now` returns.
    pub fn yielded(&self, took: Duration, now: impl FnOnce() -> u64) -> bool {
        if took < OVERSUBSCRIBED {
            return true;
        }
        let last = Duration::from_nanos(self.backoff.load(Ordering::Relaxed));
        let backoff = (last * 2).clamp(BACKOFF_MIN, BACKOFF_MAX).as_nanos() as u64;
        self.backoff.store(backoff, Ordering::Relaxed);
        self.backoff_until.store(now() + backoff, Ordering::Relaxed);
        false
    }

    /// Yields were short: halves the next back-off if they have been for as long as the last
    /// one lasted.
    pub fn decay_backoff(&self, now: impl FnOnce() -> u64) {
        let backoff = self.backoff.load(Ordering::Relaxed);
        if backoff == 0 {
            return;
        }
        let now = now();
        if now.saturating_sub(self.backoff_until.load(Ordering::Relaxed)) > backoff {
            self.backoff.store(backoff / 2, Ordering::Relaxed);
            self.backoff_until.store(now, Ordering::Relaxed);
        }
    }

    /// The next back-off is as short as the first.
    pub fn reset_backoff(&self) {
        self.backoff.store(0, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn unused() -> u64 {
        panic!("the time does not matter")
    }

    #[test]
    fn credit_runs_out_and_probes_go_on() {
        let spin = Spin::new(true);
        for _ in 0..CREDIT_START {
            assert!(spin.begins(unused));
            spin.ended(false);
        }
        // The credit is 0, which is a probe; then one in PROBE_EVERY.
        for _ in 0..3 {
            assert!(spin.begins(unused));
            spin.ended(false);
            for _ in 1..PROBE_EVERY {
                assert!(!spin.begins(unused));
            }
        }
    }

    #[test]
    fn one_success_restores_the_credit() {
        let spin = Spin::new(true);
        for _ in 0..20 {
            if spin.begins(unused) {
                spin.ended(false);
            }
        }
        spin.ended(true);
        for _ in 0..=CREDIT_START {
            assert!(spin.begins(unused));
            spin.ended(false);
        }
        for _ in 0..100 {
            spin.ended(true);
        }
        for _ in 0..CREDIT_MAX {
            assert!(spin.begins(unused));
            spin.ended(false);
        }
        assert!(spin.begins(unused), "a probe");
        spin.ended(false);
        assert!(!spin.begins(unused));
    }

    #[test]
    fn a_long_yield_begins_a_back_off_that_doubles_and_decays() {
        let spin = Spin::new(true);
        let long = OVERSUBSCRIBED;
        assert!(spin.yielded(long - Duration::from_nanos(1), unused));
        assert!(!spin.is_backing_off(unused));
        let mut now = 1000 * MS;
        for expected in [5, 10, 20, 40, 80, 100, 100] {
            assert!(!spin.yielded(long, || now));
            let end = now + expected * MS;
            assert!(spin.is_backing_off(|| end - 1) && !spin.begins(|| end - 1));
            assert!(!spin.is_backing_off(|| end) && spin.begins(|| end));
            now = end;
        }
        // As long as the last one lasted, and a nanosecond: then half as long.
        spin.decay_backoff(|| now + 100 * MS);
        assert_eq!(spin.backoff.load(Ordering::Relaxed), 100 * MS);
        spin.decay_backoff(|| now + 100 * MS + 1);
        assert_eq!(spin.backoff.load(Ordering::Relaxed), 50 * MS);
        spin.reset_backoff();
        spin.decay_backoff(unused);
        assert!(!spin.yielded(long, || now));
        assert!(!spin.is_backing_off(|| now + 5 * MS));
    }

    #[test]
    fn no_wait_spins_where_that_is_not_allowed() {
        let spin = Spin::new(false);
        spin.ended(true);
        assert!(!spin.begins(unused) && !spin.is_allowed());
    }
}
