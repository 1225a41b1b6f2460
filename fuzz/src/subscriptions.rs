//! The subscription index, against sets and maps.

#![forbid(unsafe_code)]

use super::input::Input;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use zmq::testing::message::Msg;
use zmq::testing::pattern::routing::prefix_tree::{ABSENT, PrefixTree, Text};
use zmq::testing::pattern::routing::subscriptions::{Filters, LONG_TOPIC, Removal, Subscriptions};
use zmq::testing::pipe::PipeId;

/// A topic that can be shared, behind a byte of a message.
fn text(topic: &[u8]) -> Arc<Text> {
    let msg = Msg::copy_from(&[b"\x01", topic].concat()).expect("memory");
    Text::of(msg, 1)
}

/// A sequence of operations on all three at once.
pub fn run(input: &[u8]) {
    let mut input = Input::new(input);
    let mut topics = Topics::default();
    let mut index = Index::default();
    let mut counts = Counts::default();
    let mut tree = Tree::default();
    while !input.is_empty() {
        let operation = input.byte();
        let topic = topics.next(&mut input);
        match operation >> 6 {
            0 | 1 => index.step(operation, &topic),
            2 => counts.step(operation, &topic),
            _ => tree.step(operation, &topic),
        }
    }
    index.check();
    counts.check();
    tree.check();
}

/// Topics that often have beginnings in common.
#[derive(Default)]
struct Topics {
    last: Vec<u8>,
}

impl Topics {
    fn next(&mut self, input: &mut Input<'_>) -> Vec<u8> {
        let shape = input.byte();
        let kept = usize::from(shape >> 4) * self.last.len() / 15;
        self.last.truncate(kept);
        let fresh = input.take(usize::from(shape & 7));
        // Now and then beyond the length of a long topic.
        let repeats = match (shape & 8, fresh.len()) {
            (8, 7) => 640,
            (more, _) => 1 + usize::from(more),
        };
        for _ in 0..repeats {
            self.last.extend_from_slice(fresh);
        }
        self.last.truncate(6000);
        self.last.clone()
    }
}

/// Topics and who wants them.
#[derive(Default)]
struct Index {
    real: Subscriptions,
    model: BTreeMap<Vec<u8>, BTreeSet<u32>>,
}

impl Index {
    fn step(&mut self, operation: u8, topic: &[u8]) {
        let pipe = u32::from(operation & 7);
        match operation >> 3 & 7 {
            shared @ 0..=2 => {
                let pipes = self.model.entry(topic.to_vec()).or_default();
                let first = pipes.is_empty();
                pipes.insert(pipe);
                let added = match shared {
                    0 => self.real.add(topic, PipeId(pipe)),
                    _ => self.real.add_text(&text(topic), PipeId(pipe)),
                };
                assert_eq!(added, first);
            }
            3 | 4 => {
                let removal = self.remove(topic, pipe);
                assert_eq!(self.real.remove(topic, PipeId(pipe)), removal);
            }
            5 | 6 => self.look_up(topic),
            _ => self.remove_pipe(pipe, topic.len()),
        }
        assert_eq!(self.real.topics(), self.model.len());
    }

    fn remove(&mut self, topic: &[u8], pipe: u32) -> Removal {
        let Some(pipes) = self.model.get_mut(topic) else {
            return Removal::NotFound;
        };
        if !pipes.remove(&pipe) {
            return Removal::NotFound;
        }
        if pipes.is_empty() {
            self.model.remove(topic);
            return Removal::Last;
        }
        Removal::Remaining
    }

    fn look_up(&self, data: &[u8]) {
        let mut found = Vec::new();
        self.real.visit(data, |pipe| found.push(pipe.0));
        let mut expected: Vec<u32> = (0..=data.len())
            .filter_map(|length| self.model.get(&data[..length]))
            .flatten()
            .copied()
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }

    /// In slices, and for odd sizes telling of every topic.
    fn remove_pipe(&mut self, pipe: u32, size: usize) {
        let every = size % 2 == 1;
        let mut gone = Vec::new();
        let mut slices = 0;
        let mut tell = |topic: &[u8], _: Option<&Arc<Text>>| gone.push(topic.to_vec());
        while !self
            .real
            .remove_pipe(PipeId(pipe), 1 + size % 600, every, &mut tell)
        {
            slices += 1;
            assert!(slices < 100_000, "no end");
        }
        let all: Vec<Vec<u8>> = self.model.keys().cloned().collect();
        let mut expected = Vec::new();
        for topic in all {
            let removal = self.remove(&topic, pipe);
            if removal == Removal::Last || (every && removal == Removal::Remaining) {
                expected.push(topic);
            }
        }
        // Short ones in order, then long ones in any.
        let short = gone.partition_point(|topic| topic.len() <= LONG_TOPIC);
        gone[short..].sort();
        expected.sort_by_key(|topic| topic.len() > LONG_TOPIC);
        assert_eq!(gone, expected);
    }

    fn check(&self) {
        for topic in self.model.keys() {
            self.look_up(topic);
        }
    }
}

/// Topics and how often each was asked for.
#[derive(Default)]
struct Counts {
    real: Filters,
    model: BTreeMap<Vec<u8>, u32>,
}

impl Counts {
    fn step(&mut self, operation: u8, topic: &[u8]) {
        match operation & 3 {
            0 | 1 => {
                self.real.add(topic);
                *self.model.entry(topic.to_vec()).or_default() += 1;
            }
            2 => {
                let expected = match self.model.get_mut(topic) {
                    None => Removal::NotFound,
                    Some(1) => {
                        self.model.remove(topic);
                        Removal::Last
                    }
                    Some(count) => {
                        *count -= 1;
                        Removal::Remaining
                    }
                };
                assert_eq!(self.real.remove(topic), expected);
            }
            _ => {
                let expected = (0..=topic.len()).any(|end| self.model.contains_key(&topic[..end]));
                assert_eq!(self.real.matches(topic), expected);
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.real.topics(), self.model.len());
        let mut found = Vec::new();
        self.real.for_each(|topic| found.push(topic.to_vec()));
        assert!(found.iter().eq(self.model.keys()));
    }
}

/// The map below both.
#[derive(Default)]
struct Tree {
    real: PrefixTree,
    model: BTreeMap<Vec<u8>, u32>,
}

impl Tree {
    fn step(&mut self, operation: u8, key: &[u8]) {
        let value = u32::from(operation) * 0x0101_0101 % ABSENT;
        match operation & 7 {
            shared @ 0..=2 => {
                let old = self.model.insert(key.to_vec(), value);
                let here = match shared {
                    0 => self.real.insert(key, value),
                    _ => self.real.update_text(&text(key), |_| value),
                };
                assert_eq!(here, old);
            }
            3 | 4 => assert_eq!(self.real.remove(key), self.model.remove(key)),
            5 => assert_eq!(self.real.get(key), self.model.get(key).copied()),
            6 => {
                let mut found = Vec::new();
                self.real.prefixes(key, |value| {
                    found.push(value);
                    true
                });
                let expected: Vec<u32> = (0..=key.len())
                    .filter_map(|end| self.model.get(&key[..end]).copied())
                    .collect();
                assert_eq!(found, expected);
            }
            _ => self.first(key.len()),
        }
        assert_eq!(self.real.len(), self.model.len());
    }

    /// The first so many keys.
    fn first(&self, most: usize) {
        let mut found = Vec::new();
        self.real.first(most, |key, value| {
            found.push((key.to_vec(), value));
        });
        let expected = self.model.iter().take(most);
        assert!(found.iter().map(|(key, value)| (key, value)).eq(expected));
    }

    fn check(&self) {
        self.first(usize::MAX);
    }
}
