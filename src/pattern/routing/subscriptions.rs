//! Subscriptions: topics and the pipes subscribed to each (XPUB), and topics with the number
//! of subscriptions to each (XSUB).
//!
//! Everything here is used under the socket's lock. What takes time in proportion to the
//! number of topics can be done in slices: [`Subscriptions::remove_pipe`], and
//! [`Subscriptions::shed`] for memory.

#![forbid(unsafe_code)]

use super::prefix_tree::{PrefixTree, Text};
use crate::pipe::PipeId;
use std::sync::Arc;

/// The outcome of the removal of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// There was no such subscription.
    NotFound,
    /// It was the last one.
    Last,
    /// Others remain.
    Remaining,
}

/// Set in a number of the tree that is a place in `sets` and not a pipe.
const SET: u32 = 1 << 31;
/// Set in a number of the tree that is a place in `long`.
const LONG: u32 = 1 << 30;

/// A topic of more bytes than this is stored once for all its subscribers.
pub const LONG_TOPIC: usize = 4096;

/// Number of nodes of a tree that are freed in one slice.
const SHED: usize = 16 * 1024;

/// Topics and the set of pipes subscribed to each.
#[derive(Default)]
pub struct Subscriptions {
    /// The only pipe of a topic, or [`SET`] and a place in `sets`, or [`LONG`] and a
    /// place in `long`.
    topics: PrefixTree,
    /// Ascending pipe ids of topics with several pipes.
    sets: Vec<Vec<u32>>,
    free_sets: Vec<u32>,
    long: Vec<Option<LongTopic>>,
    free_long: Vec<u32>,
    /// By pipe: its topics, so that its removal does not search all topics.
    owned: Vec<Option<Box<Owned>>>,
    /// Trees whose memory is still to be freed.
    waste: Vec<PrefixTree>,
}

/// A topic of more than [`LONG_TOPIC`] bytes.
struct LongTopic {
    text: Arc<Text>,
    /// Its pipes, ascending, each with the position of this topic in [`Owned::long`].
    pipes: Vec<(u32, u32)>,
}

/// The topics of a pipe.
#[derive(Default)]
struct Owned {
    short: PrefixTree,
    /// Places in `Subscriptions::long`.
    long: Vec<u32>,
}

impl Subscriptions {
    /// Number of topics.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Whether there is memory to free, see [`shed`](Self::shed).
    pub fn has_waste(&self) -> bool {
        self.topics.has_waste() || !self.waste.is_empty()
    }

    /// Frees a slice of the memory that is no longer used.
    pub fn shed(&mut self) {
        self.topics.shed(SHED);
        if let Some(tree) = self.waste.last_mut() {
            tree.shed(SHED);
            if !tree.has_waste() {
                self.waste.pop();
            }
        }
    }

    /// Calls `visit` for each pipe with a topic that is a prefix of `data`, once for each such
    /// topic.
    #[inline]
    pub fn visit(&self, data: &[u8], mut visit: impl FnMut(PipeId)) {
        self.topics.prefixes(data, |entry| {
            if entry & (SET | LONG) == 0 {
                visit(PipeId(entry));
            } else if entry & SET != 0 {
                if let Some(set) = self.sets.get((entry & !SET) as usize) {
                    set.iter().for_each(|pipe| visit(PipeId(*pipe)));
                }
            } else if let Some(Some(topic)) = self.long.get((entry & !LONG) as usize) {
                topic
                    .pipes
                    .iter()
                    .for_each(|(pipe, _)| visit(PipeId(*pipe)));
            }
            true
        });
    }

    fn own(&mut self, pipe: PipeId) -> &mut Owned {
        let index = pipe.0 as usize;
        if self.owned.len() <= index {
            self.owned.resize_with(index + 1, || None);
        }
        self.owned[index].get_or_insert_default()
    }

    /// Subscribes a pipe, which counts once however often it subscribes; true if the topic had
    /// no subscriber before.
    pub fn add(&mut self, topic: &[u8], pipe: PipeId) -> bool {
        if topic.len() > LONG_TOPIC {
            // Without memory the subscription is ignored.
            return Text::copy(topic).is_some_and(|text| self.add_text(&text, pipe));
        }
        let (sets, free) = (&mut self.sets, &mut self.free_sets);
        let mut fresh = true;
        let before = self.topics.update(topic, |entry| match entry {
            None => pipe.0,
            Some(entry) if entry & SET != 0 => {
                let set = &mut sets[(entry & !SET) as usize];
                match set.binary_search(&pipe.0) {
                    Ok(_) => fresh = false,
                    Err(place) => set.insert(place, pipe.0),
                }
                entry
            }
            Some(only) if only == pipe.0 => {
                fresh = false;
                only
            }
            Some(only) => {
                let set = vec![only.min(pipe.0), only.max(pipe.0)];
                let place = free.pop().unwrap_or_else(|| {
                    sets.push(Vec::new());
                    sets.len() as u32 - 1
                });
                sets[place as usize] = set;
                place | SET
            }
        });
        if fresh {
            self.own(pipe).short.insert(topic, 0);
        }
        before.is_none()
    }

    /// The same for a topic that can be shared; a long one is not copied.
    pub fn add_text(&mut self, topic: &Arc<Text>, pipe: PipeId) -> bool {
        if topic.bytes().len() <= LONG_TOPIC {
            return self.add(topic.bytes(), pipe);
        }
        let position = self.own(pipe).long.len() as u32;
        let (long, free) = (&mut self.long, &mut self.free_long);
        let mut joined = None;
        let before = self.topics.update_text(topic, |entry| {
            let place = entry.map_or_else(
                || {
                    free.pop().unwrap_or_else(|| {
                        long.push(None);
                        long.len() as u32 - 1
                    })
                },
                |entry| entry & !LONG,
            );
            let here = long[place as usize].get_or_insert_with(|| LongTopic {
                text: topic.clone(),
                pipes: Vec::new(),
            });
            if let Err(index) = here.pipes.binary_search_by_key(&pipe.0, |(pipe, _)| *pipe) {
                here.pipes.insert(index, (pipe.0, position));
                joined = Some(place);
            }
            place | LONG
        });
        self.own(pipe).long.extend(joined);
        before.is_none()
    }

    /// Removes a subscription.
    pub fn remove(&mut self, topic: &[u8], pipe: PipeId) -> Removal {
        let Some(entry) = self.topics.get(topic) else {
            return Removal::NotFound;
        };
        if entry & (SET | LONG) == LONG {
            return self.remove_long(entry & !LONG, pipe);
        }
        let removal = self.forget(topic, entry, pipe);
        if removal != Removal::NotFound {
            let own = &mut self.own(pipe).short;
            own.remove(topic);
            // A small tree is freed at once.
            own.shed(SHED);
            if own.has_waste() {
                let waste = std::mem::take(own);
                self.waste.push(waste);
            }
        }
        removal
    }

    /// Removes a pipe from a short topic.
    fn forget(&mut self, topic: &[u8], entry: u32, pipe: PipeId) -> Removal {
        if entry & SET == 0 {
            if entry != pipe.0 {
                return Removal::NotFound;
            }
            self.topics.remove(topic);
            return Removal::Last;
        }
        let set = &mut self.sets[(entry & !SET) as usize];
        let Ok(place) = set.binary_search(&pipe.0) else {
            return Removal::NotFound;
        };
        set.remove(place);
        if let [only] = set[..] {
            *set = Vec::new();
            self.free_sets.push(entry & !SET);
            self.topics.insert(topic, only);
        }
        Removal::Remaining
    }

    /// Removes a pipe from a long topic, and the topic from the pipe's.
    fn remove_long(&mut self, place: u32, pipe: PipeId) -> Removal {
        let Some(topic) = &mut self.long[place as usize] else {
            return Removal::NotFound;
        };
        let found = topic.pipes.binary_search_by_key(&pipe.0, |(pipe, _)| *pipe);
        let Ok(index) = found else {
            return Removal::NotFound;
        };
        let (_, position) = topic.pipes.remove(index);
        let last = topic.pipes.is_empty();
        let own = &mut self.own(pipe).long;
        own.swap_remove(position as usize);
        // `swap_remove` may have moved another topic of the pipe to this position.
        let moved = own.get(position as usize).copied();
        if let Some(Some(moved)) = moved.map(|moved| &mut self.long[moved as usize]) {
            let there = moved.pipes.binary_search_by_key(&pipe.0, |(pipe, _)| *pipe);
            if let Ok(there) = there {
                moved.pipes[there].1 = position;
            }
        }
        if !last {
            return Removal::Remaining;
        }
        if let Some(topic) = self.long[place as usize].take() {
            self.free_long.push(place);
            self.topics.remove(topic.text.bytes());
        }
        Removal::Last
    }

    /// Removes subscriptions of a detached pipe, about as many as take the time of `most` short
    /// ones. True if none is left. `gone` is called with those of its topics that have no other
    /// subscriber, or with all of its topics if `every`: with short ones in byte order, then
    /// with long ones, which can be shared.
    pub fn remove_pipe(
        &mut self,
        pipe: PipeId,
        most: usize,
        every: bool,
        mut gone: impl FnMut(&[u8], Option<&Arc<Text>>),
    ) -> bool {
        let index = pipe.0 as usize;
        let Some(mut own) = self.owned.get_mut(index).and_then(Option::take) else {
            return true;
        };
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        own.short.first(most, |topic, _| {
            bytes.extend_from_slice(topic);
            ends.push(bytes.len());
        });
        let mut start = 0;
        for end in &ends {
            let topic = &bytes[start..*end];
            start = *end;
            own.short.remove(topic);
            let Some(entry) = self.topics.get(topic) else {
                continue;
            };
            if self.forget(topic, entry, pipe) == Removal::Last || every {
                gone(topic, None);
            }
        }
        let short_left = !own.short.is_empty();
        self.owned[index] = Some(own);
        if short_left {
            return false;
        }
        let mut left = most.saturating_sub(ends.len());
        while let Some(place) = self.own(pipe).long.last().copied() {
            if left == 0 {
                return false;
            }
            let text = self.long[place as usize]
                .as_ref()
                .map(|topic| topic.text.clone());
            let removal = self.remove_long(place, pipe);
            let Some(text) = text.filter(|_| removal != Removal::NotFound) else {
                self.own(pipe).long.pop();
                continue;
            };
            left = left.saturating_sub(1 + text.bytes().len() / LONG_TOPIC);
            if removal == Removal::Last || every {
                gone(text.bytes(), Some(&text));
            }
        }
        if let Some(mut own) = self.owned[index].take() {
            own.short.shed(SHED);
            if own.short.has_waste() {
                self.waste.push(own.short);
            }
        }
        true
    }
}

/// Topics and the number of subscriptions to each.
#[derive(Default)]
pub struct Filters {
    topics: PrefixTree,
}

impl Filters {
    /// Number of different topics.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Adds a subscription to a topic.
    pub fn add(&mut self, topic: &[u8]) {
        self.topics
            .update(topic, |count| (count.unwrap_or(0) + 1).min(u32::MAX - 1));
    }

    /// Removes one subscription to a topic.
    pub fn remove(&mut self, topic: &[u8]) -> Removal {
        match self.topics.get(topic) {
            None => Removal::NotFound,
            Some(1) => {
                self.topics.remove(topic);
                self.topics.shed(usize::MAX);
                Removal::Last
            }
            Some(count) => {
                self.topics.insert(topic, count - 1);
                Removal::Remaining
            }
        }
    }

    /// Whether some topic is a prefix of `data`.
    #[inline]
    pub fn matches(&self, data: &[u8]) -> bool {
        let mut found = false;
        self.topics.prefixes(data, |_| {
            found = true;
            false
        });
        found
    }

    /// Calls `visit` with each topic once, in byte order.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8])) {
        self.topics.first(usize::MAX, |topic, _| visit(topic));
    }
}
