//! A map from routing ids to pipes, and the making of automatic ids.

#![forbid(unsafe_code)]

use crate::pipe::{PipeId, Pipes};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

/// Routing ids and their pipes. The id of a pipe is also kept in its
/// `routing_id`, empty for a pipe that is not in the table.
pub struct RoutingTable {
    pipes: HashMap<Box<[u8]>, PipeId, Seeded>,
    /// The counter of automatic ids.
    next_id: u32,
    /// The pipe looked up or read last: a reply mostly has the id of the last request, and
    /// comparing one id costs less than hashing it.
    recent: Option<PipeId>,
    /// Pipes that keep their id, which another pipe has in the table, until they are read to
    /// their end.
    former: HashSet<PipeId>,
}

impl RoutingTable {
    /// An empty table; automatic ids count from `seed`.
    pub fn new(seed: u32) -> RoutingTable {
        RoutingTable {
            pipes: HashMap::with_hasher(Seeded(RandomState::new().hash_one(seed) | 1)),
            next_id: seed,
            recent: None,
            former: HashSet::new(),
        }
    }

    /// The pipe of the peer with this id.
    #[inline]
    pub fn lookup(&mut self, pipes: &mut Pipes, id: &[u8]) -> Option<PipeId> {
        if let Some(recent) = self.recent {
            if pipes.get(recent).is_some_and(|end| end.routing_id == id) && !id.is_empty() {
                return Some(recent);
            }
        }
        let found = self.pipes.get(id).copied();
        if found.is_some() {
            self.recent = found;
        }
        found
    }

    /// Records that this pipe was just read from.
    #[inline]
    pub fn touch(&mut self, pipe: PipeId) {
        if self.former.is_empty() || !self.former.contains(&pipe) {
            self.recent = Some(pipe);
        }
    }

    /// Whether the id is taken.
    pub fn contains(&self, id: &[u8]) -> bool {
        self.pipes.contains_key(id)
    }

    /// Gives a pipe its id. The pipe that had this id before loses it, and is returned.
    pub fn insert(&mut self, pipes: &mut Pipes, id: Vec<u8>, pipe: PipeId) -> Option<PipeId> {
        let old = self.pipes.insert(id.as_slice().into(), pipe);
        if let Some(end) = old.and_then(|old| pipes.get(old)) {
            end.routing_id.clear();
        }
        if let Some(end) = pipes.get(pipe) {
            end.routing_id = id;
        }
        old
    }

    /// Whether the id is that of a disconnected peer.
    pub fn is_orphaned(&self, pipes: &mut Pipes, id: &[u8]) -> bool {
        let pipe = self.pipes.get(id);
        pipe.is_some_and(|pipe| pipes.get(*pipe).is_none_or(|end| end.has_peer_left()))
    }

    /// Gives a pipe the id of one whose peer has disconnected. Messages for the id go to the
    /// new pipe; what is still to be read from the old one has the same id.
    pub fn succeed(&mut self, pipes: &mut Pipes, id: Vec<u8>, pipe: PipeId) {
        if let Some(old) = self.pipes.insert(id.as_slice().into(), pipe) {
            self.former.insert(old);
            self.recent = None;
        }
        if let Some(end) = pipes.get(pipe) {
            end.routing_id = id;
        }
    }

    /// A new automatic id: a zero byte and the counter, most significant first.
    pub fn automatic_id(&mut self) -> Vec<u8> {
        loop {
            let mut id = vec![0];
            id.extend_from_slice(&self.next_id.to_be_bytes());
            self.next_id = self.next_id.wrapping_add(1);
            // A peer may itself have sent an id of this form.
            if !self.contains(&id) {
                return id;
            }
        }
    }

    /// Removes a pipe.
    pub fn remove(&mut self, pipes: &mut Pipes, pipe: PipeId) {
        if self.recent == Some(pipe) {
            self.recent = None;
        }
        self.former.remove(&pipe);
        let Some(end) = pipes.get(pipe) else {
            self.pipes.retain(|_, listed| *listed != pipe);
            return;
        };
        if self.pipes.get(end.routing_id.as_slice()) == Some(&pipe) {
            self.pipes.remove(end.routing_id.as_slice());
        }
    }

    /// The pipes in the table.
    pub fn iter(&self) -> impl Iterator<Item = PipeId> + '_ {
        self.pipes.values().copied()
    }
}

/// Hashes short ids with a secret key: peers choose the ids, and must not be able to choose
/// colliding ones. Folded multiplication is several times as fast as the standard hasher on a
/// few bytes.
#[derive(Clone)]
struct Seeded(u64);

impl BuildHasher for Seeded {
    type Hasher = Folded;

    fn build_hasher(&self) -> Folded {
        Folded {
            state: self.0,
            key: self.0.rotate_left(32) | 1,
        }
    }
}

struct Folded {
    state: u64,
    key: u64,
}

impl Folded {
    #[inline]
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.state ^ word) * u128::from(self.key ^ 0x9E37_79B9_7F4A_7C15);
        self.state = (product as u64) ^ ((product >> 64) as u64) ^ self.key;
    }
}

impl Hasher for Folded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_ne_bytes(word));
        }
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state.wrapping_mul(self.key) ^ (self.state >> 29)
    }
}
