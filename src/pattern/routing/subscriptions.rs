//! Who wants what: topics and the pipes subscribed to them (XPUB), and topics
//! with the number of times each was asked for (XSUB).

#![forbid(unsafe_code)]

use super::prefix_tree::PrefixTree;
use crate::pipe::PipeId;

/// What became of a topic when a subscription to it was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// There was no such subscription.
    NotFound,
    /// It was the last one.
    Last,
    /// Others remain.
    Remaining,
}

/// Set in a number of the tree that names a place in `sets` and not a pipe.
const SET: u32 = 1 << 31;

/// So many nodes of the tree are given back in one go.
const SHED: usize = 16 * 1024;

/// Topics and the set of pipes subscribed to each.
#[derive(Default)]
pub struct Subscriptions {
    /// The only pipe of a topic, or [`SET`] and a place in `sets`.
    topics: PrefixTree,
    /// Ascending pipe ids of topics with several pipes.
    sets: Vec<Vec<u32>>,
    free: Vec<u32>,
    /// Number of topics of each pipe.
    counts: Vec<u32>,
}

impl Subscriptions {
    /// Number of topics.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Whether there is memory to give back, see [`shed`](Self::shed).
    pub fn has_waste(&self) -> bool {
        self.topics.has_waste()
    }

    /// Gives back some of it.
    pub fn shed(&mut self) {
        self.topics.shed(SHED);
    }

    /// Calls `visit` for each pipe with a topic that is a prefix of `data`. A
    /// pipe with several such topics is visited as often.
    #[inline]
    pub fn visit(&self, data: &[u8], mut visit: impl FnMut(PipeId)) {
        self.topics.prefixes(data, |entry| {
            if entry & SET == 0 {
                visit(PipeId(entry));
            } else if let Some(set) = self.sets.get((entry & !SET) as usize) {
                set.iter().for_each(|pipe| visit(PipeId(*pipe)));
            }
            true
        });
    }

    /// Subscribes a pipe (once, however often it asks); true if nobody had the
    /// topic before.
    pub fn add(&mut self, topic: &[u8], pipe: PipeId) -> bool {
        let (sets, free) = (&mut self.sets, &mut self.free);
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
            self.count(pipe, 1);
        }
        before.is_none()
    }

    /// Takes back a subscription.
    pub fn remove(&mut self, topic: &[u8], pipe: PipeId) -> Removal {
        let Some(entry) = self.topics.get(topic) else {
            return Removal::NotFound;
        };
        if entry & SET == 0 {
            if entry != pipe.0 {
                return Removal::NotFound;
            }
            self.topics.remove(topic);
            self.count(pipe, -1);
            return Removal::Last;
        }
        let set = &mut self.sets[(entry & !SET) as usize];
        let Ok(place) = set.binary_search(&pipe.0) else {
            return Removal::NotFound;
        };
        set.remove(place);
        if let [only] = set[..] {
            *set = Vec::new();
            self.free.push(entry & !SET);
            self.topics.insert(topic, only);
        }
        self.count(pipe, -1);
        Removal::Remaining
    }

    /// Takes back subscriptions of a pipe, from the topic `from` on, looking at
    /// `most` nodes of the tree: returns where to go on, unless it has done all.
    /// `gone` is called, in byte order, with those of its topics that nobody
    /// wants any more, or with all of its topics if `every`.
    pub fn remove_pipe(
        &mut self,
        pipe: PipeId,
        from: &[u8],
        most: usize,
        every: bool,
        mut gone: impl FnMut(&[u8]),
    ) -> Option<Vec<u8>> {
        if self
            .counts
            .get(pipe.0 as usize)
            .is_none_or(|count| *count == 0)
        {
            return None;
        }
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        let sets = &self.sets;
        let next = self.topics.walk(from, most, |topic, entry| {
            let here = match entry & SET {
                0 => entry == pipe.0,
                _ => sets[(entry & !SET) as usize].binary_search(&pipe.0).is_ok(),
            };
            if here {
                bytes.extend_from_slice(topic);
                ends.push(bytes.len());
            }
        });
        let mut start = 0;
        for end in ends {
            let topic = &bytes[start..end];
            if self.remove(topic, pipe) == Removal::Last || every {
                gone(topic);
            }
            start = end;
        }
        next
    }

    fn count(&mut self, pipe: PipeId, by: i32) {
        let index = pipe.0 as usize;
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        self.counts[index] = self.counts[index].saturating_add_signed(by);
    }
}

/// Topics and how often each was asked for.
#[derive(Default)]
pub struct Filters {
    topics: PrefixTree,
}

impl Filters {
    /// Number of different topics.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Adds a topic, or one more request for it.
    pub fn add(&mut self, topic: &[u8]) {
        self.topics
            .update(topic, |count| (count.unwrap_or(0) + 1).min(u32::MAX - 1));
    }

    /// Takes back one request for a topic.
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
        self.topics.for_each(|topic, _| visit(topic));
    }
}
