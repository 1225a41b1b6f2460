//! When sources are called: one timer for each key, earliest first, and alarms for many keys at once.

#![forbid(unsafe_code)]

use super::source::Key;
use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

/// The timers. The reactor's lock of them is held for each call.
#[derive(Default)]
pub(super) struct Timers {
    queue: BTreeSet<(Instant, Key)>,
    due: HashMap<Key, Instant>,
}

impl Timers {
    /// Sets or moves a timer. True if it is now the earliest.
    pub(super) fn set(&mut self, key: Key, at: Instant) -> bool {
        if let Some(old) = self.due.insert(key, at) {
            self.queue.remove(&(old, key));
        }
        self.queue.insert((at, key));
        self.queue.first() == Some(&(at, key))
    }

    pub(super) fn cancel(&mut self, key: Key) {
        if let Some(old) = self.due.remove(&key) {
            self.queue.remove(&(old, key));
        }
    }

    /// When the earliest timer is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.first().map(|(at, _)| *at)
    }

    /// Removes and returns a key whose timer is due at `now`.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Key> {
        let (at, key) = *self.queue.first()?;
        if at > now {
            return None;
        }
        self.cancel(key);
        Some(key)
    }
}

/// Sources to be called once `period` has passed since the first of them was added.
pub(super) struct Alarm {
    period: Duration,
    keys: BTreeSet<Key>,
    at: Instant,
}

impl Alarm {
    pub(super) fn new(period: Duration) -> Alarm {
        Alarm {
            period,
            keys: BTreeSet::new(),
            at: Instant::now(),
        }
    }

    pub(super) fn add(&mut self, key: Key) {
        if self.keys.is_empty() {
            self.at = Instant::now() + self.period;
        }
        self.keys.insert(key);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        (!self.keys.is_empty()).then_some(self.at)
    }

    /// Takes the sources, if the period is over.
    pub(super) fn take(&mut self) -> BTreeSet<Key> {
        match self.keys.is_empty() || Instant::now() < self.at {
            true => BTreeSet::new(),
            false => std::mem::take(&mut self.keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fires_in_order_and_moves() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut timers = Timers::default();
        assert!(timers.set(1, at(10)));
        assert!(!timers.set(2, at(20)));
        assert!(timers.set(2, at(5)));
        timers.set(3, at(7));
        timers.cancel(3);
        assert_eq!(timers.next(), Some(at(5)));
        assert_eq!(timers.pop_due(at(4)), None);
        assert_eq!(timers.pop_due(at(10)), Some(2));
        assert_eq!(timers.pop_due(at(10)), Some(1));
        assert_eq!(timers.pop_due(at(99)), None);
    }
}
