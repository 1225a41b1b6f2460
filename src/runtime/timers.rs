//! A set of repeating timers, the core of `zmq_timers_*`.
//!
//! The set reads no clock: each call gets the time, in milliseconds of one monotonic
//! clock. It runs no handlers either: [`Timers::begin`] opens a round and
//! [`Timers::next_due`] returns one due timer after the other. So the caller runs each
//! handler while the set is not borrowed, and the handler may change it.

#![forbid(unsafe_code)]

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::error::{Error, Result};

/// When a timer is due, in milliseconds, and a number that keeps timers due at
/// the same time in the order in which they were scheduled.
type Key = (u64, u64);

#[derive(Clone, Copy, Debug)]
struct Timer<T> {
    id: i32,
    interval: u64,
    payload: T,
}

/// One pass over the timers that are due; see [`Timers::begin`].
#[derive(Clone, Copy, Debug)]
pub struct Round {
    now: u64,
    /// Timers with this schedule number or a later one were scheduled during the round, and
    /// are left to the next.
    end: u64,
}

/// Repeating timers, each with a payload of type `T`.
#[derive(Debug)]
pub struct Timers<T> {
    queue: BTreeMap<Key, Timer<T>>,
    keys: HashMap<i32, Key>,
    /// Timers cancelled since the last timeout or round; see [`Timers::cancel`].
    cancelled: HashSet<i32>,
    scheduled: u64,
    last_id: i32,
}

impl<T> Default for Timers<T> {
    fn default() -> Self {
        Timers {
            queue: BTreeMap::new(),
            keys: HashMap::new(),
            cancelled: HashSet::new(),
            scheduled: 0,
            last_id: 0,
        }
    }
}

impl<T: Copy> Timers<T> {
    /// Adds a timer that is due every `interval` ms, first at `now + interval`.
    ///
    /// Returns its id: 1 for the first timer, then increasing.
    ///
    /// # Errors
    /// [`Error::NoMemory`] when the ids are used up, after 2^31 - 1 timers.
    pub fn add(&mut self, now: u64, interval: u64, payload: T) -> Result<i32> {
        let id = self.last_id.checked_add(1).ok_or(Error::NoMemory)?;
        self.last_id = id;
        self.schedule(
            now,
            Timer {
                id,
                interval,
                payload,
            },
        );
        Ok(id)
    }

    /// Removes a timer.
    ///
    /// As in libzmq [`Timers::set_interval`] and [`Timers::reset`] accept the id, without
    /// effect, until the next [`Timers::timeout`] or [`Timers::begin`].
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such timer or it is cancelled already.
    pub fn cancel(&mut self, id: i32) -> Result<()> {
        let key = self.keys.remove(&id).ok_or(Error::Invalid)?;
        self.queue.remove(&key);
        self.cancelled.insert(id);
        Ok(())
    }

    /// Gives a timer a new interval in ms and starts its countdown at `now`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such timer.
    pub fn set_interval(&mut self, now: u64, id: i32, interval: u64) -> Result<()> {
        self.restart(now, id, Some(interval))
    }

    /// Starts the countdown of a timer anew at `now`.
    ///
    /// # Errors
    /// [`Error::Invalid`] if there is no such timer.
    pub fn reset(&mut self, now: u64, id: i32) -> Result<()> {
        self.restart(now, id, None)
    }

    /// Milliseconds from `now` until the next timer is due, 0 if one is due
    /// already, `None` if there is none.
    pub fn timeout(&mut self, now: u64) -> Option<u64> {
        self.cancelled.clear();
        let (&(due, _), _) = self.queue.first_key_value()?;
        Some(due.saturating_sub(now))
    }

    /// Opens a round of the timers due at `now`.
    ///
    /// [`Timers::next_due`] returns each of them once in this round, however late it is. A
    /// timer added or restarted during the round is left to the next.
    pub fn begin(&mut self, now: u64) -> Round {
        self.cancelled.clear();
        Round {
            now,
            end: self.scheduled,
        }
    }

    /// The next due timer of the round, as id and payload. It is due again one interval
    /// after the time of the round.
    pub fn next_due(&mut self, round: Round) -> Option<(i32, T)> {
        let due = self.queue.range(..=(round.now, u64::MAX));
        let key = due.map(|(&key, _)| key).find(|key| key.1 < round.end)?;
        let timer = self.queue.remove(&key)?;
        self.schedule(round.now, timer);
        Some((timer.id, timer.payload))
    }

    /// Empties the set; ids start from 1 again. Open rounds return no more timers, not even
    /// ones added from now on.
    pub fn clear(&mut self) {
        *self = Timers {
            // Kept, so that later timers are beyond the end of an open round.
            scheduled: self.scheduled,
            ..Timers::default()
        };
    }

    fn restart(&mut self, now: u64, id: i32, interval: Option<u64>) -> Result<()> {
        if self.cancelled.contains(&id) {
            return Ok(());
        }
        let key = self.keys.get(&id).ok_or(Error::Invalid)?;
        let mut timer = self.queue.remove(key).ok_or(Error::Invalid)?;
        timer.interval = interval.unwrap_or(timer.interval);
        self.schedule(now, timer);
        Ok(())
    }

    fn schedule(&mut self, now: u64, timer: Timer<T>) {
        // Saturating: an interval of SIZE_MAX means never.
        let key = (now.saturating_add(timer.interval), self.scheduled);
        self.scheduled += 1;
        self.keys.insert(timer.id, key);
        self.queue.insert(key, timer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(timers: &mut Timers<char>, now: u64) -> String {
        let round = timers.begin(now);
        let due = std::iter::from_fn(|| timers.next_due(round));
        due.take(100).map(|(_, payload)| payload).collect()
    }

    #[test]
    fn ids_start_at_one_and_are_not_reused() {
        let mut timers = Timers::default();
        assert_eq!(timers.add(0, 10, 'a'), Ok(1));
        assert_eq!(timers.cancel(1), Ok(()));
        assert_eq!(timers.add(0, 10, 'b'), Ok(2));
    }

    #[test]
    fn timeout_counts_down_to_zero() {
        let mut timers = Timers::default();
        assert_eq!(timers.timeout(5), None);
        timers.add(5, 100, 'a').unwrap();
        timers.add(5, 50, 'b').unwrap();
        assert_eq!(timers.timeout(5), Some(50));
        assert_eq!(timers.timeout(54), Some(1));
        assert_eq!(timers.timeout(500), Some(0));
    }

    #[test]
    fn a_late_timer_runs_once_and_is_due_an_interval_later() {
        let mut timers = Timers::default();
        timers.add(0, 10, 'a').unwrap();
        assert_eq!(run(&mut timers, 9), "");
        assert_eq!(run(&mut timers, 1000), "a");
        assert_eq!(timers.timeout(1000), Some(10));
    }

    #[test]
    fn an_interval_of_zero_runs_once_a_round() {
        let mut timers = Timers::default();
        timers.add(0, 0, 'a').unwrap();
        timers.add(0, 0, 'b').unwrap();
        assert_eq!(run(&mut timers, 0), "ab");
        assert_eq!(run(&mut timers, 0), "ab");
    }

    #[test]
    fn timers_run_in_the_order_they_are_due() {
        let mut timers = Timers::default();
        for (interval, payload) in [(30, 'c'), (10, 'a'), (20, 'b'), (10, 'A')] {
            timers.add(0, interval, payload).unwrap();
        }
        assert_eq!(run(&mut timers, 20), "aAb");
    }

    #[test]
    fn a_huge_interval_never_comes() {
        let mut timers = Timers::default();
        timers.add(1000, u64::MAX, 'a').unwrap();
        assert_eq!(run(&mut timers, 2000), "");
        assert!(timers.timeout(2000).unwrap() > u64::MAX / 2);
    }

    #[test]
    fn unknown_ids() {
        let mut timers = Timers::<char>::default();
        assert_eq!(timers.cancel(1), Err(Error::Invalid));
        assert_eq!(timers.reset(0, 1), Err(Error::Invalid));
        assert_eq!(timers.set_interval(0, 1, 5), Err(Error::Invalid));
    }

    #[test]
    fn a_cancelled_id_is_known_until_the_next_look() {
        let mut timers = Timers::default();
        let id = timers.add(0, 10, 'a').unwrap();
        assert_eq!(timers.cancel(id), Ok(()));
        assert_eq!(timers.cancel(id), Err(Error::Invalid));
        assert_eq!(timers.reset(0, id), Ok(()));
        assert_eq!(timers.timeout(0), None);
        assert_eq!(timers.reset(0, id), Err(Error::Invalid));
        assert_eq!(run(&mut timers, 100), "");
    }

    #[test]
    fn restarts() {
        let mut timers = Timers::default();
        let id = timers.add(0, 10, 'a').unwrap();
        timers.reset(5, id).unwrap();
        assert_eq!(timers.timeout(5), Some(10));
        timers.set_interval(6, id, 50).unwrap();
        assert_eq!(timers.timeout(6), Some(50));
        assert_eq!(run(&mut timers, 56), "a");
        assert_eq!(timers.timeout(56), Some(50));
    }

    #[test]
    fn handlers_may_change_the_set_during_a_round() {
        let mut timers = Timers::default();
        let first = timers.add(0, 10, 'a').unwrap();
        let second = timers.add(0, 10, 'b').unwrap();
        timers.add(0, 10, 'c').unwrap();
        let round = timers.begin(10);
        assert_eq!(timers.next_due(round), Some((first, 'a')));
        timers.cancel(second).unwrap();
        timers.set_interval(10, first, 0).unwrap();
        timers.add(10, 0, 'd').unwrap();
        assert_eq!(timers.next_due(round), Some((3, 'c')));
        assert_eq!(timers.next_due(round), None);
        assert_eq!(run(&mut timers, 10), "ad");
        let round = timers.begin(100);
        timers.clear();
        assert_eq!(timers.add(0, 0, 'e'), Ok(1));
        assert_eq!(timers.next_due(round), None);
    }
}
