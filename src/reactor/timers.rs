//! One timer for each key, earliest first. The reactor's lock of timers is held for each call.

#![forbid(unsafe_code)]

use super::Key;
use std::collections::{BTreeSet, HashMap};
use std::time::Instant;

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

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
