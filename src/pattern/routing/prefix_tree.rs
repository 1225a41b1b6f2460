//! A map from byte strings to numbers that finds all keys that are prefixes of a given
//! string.
//!
//! It is a radix tree with buckets as leaves. A node has a label, the bytes that follow those
//! of the nodes above it, and below it either a bucket with the rests of up to 64 keys, or
//! edges to further nodes. A full bucket is divided by the first byte of its strings. So a
//! lookup passes a few nodes that many keys share, which are likely to be in the processor's
//! caches, and ends with a search of two or three cache lines. A hash table would need a
//! probe for each length of key in use, and peers choose those.
//!
//! Nodes are in one array and refer to each other by index, edges have one of five sizes, and
//! a long label is a part of a text that is shared. Each operation on a key takes time in
//! proportion to its length, and none is recursive.

#![forbid(unsafe_code)]

mod bucket;
mod children;
mod label;

pub use bucket::ABSENT;
pub use label::Text;

use bucket::{Bucket, STRING_MAX};
use children::Children;
use label::{Key, LABEL, Labels, Node, common};
use smallvec::SmallVec;
use std::sync::Arc;

const ROOT: u32 = 0;

/// The map. Numbers are any but [`ABSENT`].
pub struct PrefixTree {
    nodes: Vec<Node>,
    free: Vec<u32>,
    len: usize,
    labels: Labels,
    /// Unused nodes, from before the map became empty. They are freed in slices, as a million
    /// of them take milliseconds.
    waste: Vec<(Vec<Node>, Labels)>,
}

impl Default for PrefixTree {
    fn default() -> Self {
        PrefixTree {
            nodes: vec![Node::new(&[])],
            free: Vec::new(),
            len: 0,
            labels: Labels::default(),
            waste: Vec::new(),
        }
    }
}

/// The place of a key's number.
#[derive(Clone, Copy)]
enum Spot {
    Node(u32),
    /// In the bucket of this node, at this place.
    Rest(u32, usize),
}

impl PrefixTree {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Calls `visit` with the number of each key that is a prefix of `data`,
    /// shortest first, until it returns false.
    #[inline]
    pub fn prefixes(&self, data: &[u8], mut visit: impl FnMut(u32) -> bool) {
        if self.len == 0 {
            return;
        }
        let mut node = &self.nodes[ROOT as usize];
        let mut rest = data;
        loop {
            if node.value != ABSENT && !visit(node.value) {
                return;
            }
            if let Children::Rests(rests) = &node.children {
                return rests.prefixes(rest, visit);
            }
            let Some(child) = rest.first().and_then(|byte| self.child(node, *byte)) else {
                return;
            };
            node = &self.nodes[child as usize];
            match self.labels.cut(node, rest) {
                Some(left) => rest = left,
                None => return,
            }
        }
    }

    /// The number of a key.
    pub fn get(&self, key: &[u8]) -> Option<u32> {
        let number = self.number(self.find(key, |_| {})?);
        (number != ABSENT).then_some(number)
    }

    /// Sets the number of a key, which is added if need be; returns the previous one.
    pub fn insert(&mut self, key: &[u8], number: u32) -> Option<u32> {
        self.update(key, |_| number)
    }

    /// Sets the number of a key to what `change` returns for the previous one; returns that.
    pub fn update(&mut self, key: &[u8], change: impl FnOnce(Option<u32>) -> u32) -> Option<u32> {
        let text = None;
        self.change(Key { bytes: key, text }, change)
    }

    /// As [`update`](Self::update), of a key that can be shared.
    pub fn update_text(
        &mut self,
        key: &Arc<Text>,
        change: impl FnOnce(Option<u32>) -> u32,
    ) -> Option<u32> {
        let (bytes, text) = (key.bytes(), Some(key));
        self.change(Key { bytes, text }, change)
    }

    fn change(&mut self, key: Key<'_>, change: impl FnOnce(Option<u32>) -> u32) -> Option<u32> {
        let spot = self.make(key);
        let old = self.number(spot);
        let old = (old != ABSENT).then_some(old);
        self.set_number(spot, change(old));
        self.len += usize::from(old.is_none());
        old
    }

    fn number(&self, spot: Spot) -> u32 {
        match spot {
            Spot::Node(node) => self.nodes[node as usize].value,
            Spot::Rest(node, index) => match &self.nodes[node as usize].children {
                Children::Rests(rests) => rests.number(index),
                _ => ABSENT,
            },
        }
    }

    fn set_number(&mut self, spot: Spot, number: u32) {
        match spot {
            Spot::Node(node) => self.nodes[node as usize].value = number,
            Spot::Rest(node, index) => {
                if let Children::Rests(rests) = &mut self.nodes[node as usize].children {
                    rests.set_number(index, number);
                }
            }
        }
    }

    /// Removes a key; returns the number it had.
    pub fn remove(&mut self, key: &[u8]) -> Option<u32> {
        let mut path = SmallVec::<[u32; 16]>::new();
        let spot = self.find(key, |parent| path.push(parent))?;
        let old = self.number(spot);
        if old == ABSENT {
            return None;
        }
        self.len -= 1;
        if self.len == 0 {
            let mut last = std::mem::take(self);
            self.waste = std::mem::take(&mut last.waste);
            self.waste.push((last.nodes, last.labels));
            return Some(old);
        }
        let node = match spot {
            Spot::Node(node) => {
                self.set_number(spot, ABSENT);
                node
            }
            Spot::Rest(node, index) => {
                self.remove_rest(node, index);
                node
            }
        };
        self.tidy(node, path);
        Some(old)
    }

    fn remove_rest(&mut self, node: u32, index: usize) {
        let children = &mut self.nodes[node as usize].children;
        if let Children::Rests(rests) = children {
            match rests.len() {
                1 => *children = Children::None,
                _ => rests.remove(index),
            }
        }
    }

    /// Removes nodes that are no longer needed, from this one upwards: those without a number
    /// and children, and those that can be merged with their only child.
    fn tidy(&mut self, mut node: u32, mut path: SmallVec<[u32; 16]>) {
        while let Some(parent) = path.pop() {
            if self.nodes[node as usize].value != ABSENT {
                break;
            }
            match self.nodes[node as usize].children {
                Children::None => self.unlink(parent, node),
                Children::One(child) => {
                    self.merge(node, child);
                    break;
                }
                _ => break,
            }
            node = parent;
        }
    }

    /// Whether there is memory to free, see [`shed`](Self::shed).
    pub fn has_waste(&self) -> bool {
        !self.waste.is_empty()
    }

    /// Frees the memory of at most so many unused nodes.
    pub fn shed(&mut self, nodes: usize) {
        if let Some((waste, labels)) = self.waste.last_mut() {
            let left = waste.len().saturating_sub(nodes);
            waste.truncate(left);
            waste.shrink_to(left);
            if labels.shed(nodes) && left == 0 {
                self.waste.pop();
            }
        }
    }

    /// Calls `visit` with the first `most` keys, in byte order, and their numbers.
    pub fn first(&self, most: usize, mut visit: impl FnMut(&[u8], u32)) {
        let mut left = most;
        let mut stack = vec![(ROOT, 0)];
        // Its first `depth` bytes are the key of the parent of each node in the stack.
        let mut key = Vec::new();
        while let Some((index, depth)) = stack.pop().filter(|_| left > 0) {
            let node = &self.nodes[index as usize];
            key.truncate(depth);
            key.extend_from_slice(self.labels.get(node));
            if node.value != ABSENT {
                visit(&key, node.value);
                left -= 1;
            }
            if let Children::Rests(rests) = &node.children {
                let depth = key.len();
                for (rest, number) in rests.iter().take(left) {
                    key.truncate(depth);
                    key.extend_from_slice(rest);
                    visit(&key, number);
                    left -= 1;
                }
            }
            let edges = self.edges(index);
            stack.extend(edges.iter().rev().map(|(_, child)| (*child, key.len())));
        }
    }

    #[inline]
    fn child(&self, node: &Node, byte: u8) -> Option<u32> {
        match &node.children {
            Children::None | Children::Rests(_) => None,
            // The caller compares the whole label afterwards.
            Children::One(child) => (self.nodes[*child as usize].first() == byte).then_some(*child),
            Children::Few(edges) => edges.get(byte),
            Children::Some(edges) => edges.get(byte),
            Children::Many(edges) => edges.get(byte),
            Children::All(all) => Some(all[usize::from(byte)]).filter(|node| *node != ABSENT),
        }
    }

    /// The place of this key's number, if there is one; calls `above` with each node above it.
    fn find(&self, key: &[u8], mut above: impl FnMut(u32)) -> Option<Spot> {
        let mut index = ROOT;
        let mut rest = key;
        while let Some(byte) = rest.first() {
            let node = &self.nodes[index as usize];
            if let Children::Rests(rests) = &node.children {
                return Some(Spot::Rest(index, rests.find(rest).ok()?));
            }
            above(index);
            index = self.child(node, *byte)?;
            rest = self.labels.cut(&self.nodes[index as usize], rest)?;
        }
        Some(Spot::Node(index))
    }

    /// The place for this key's number, which is made if need be.
    fn make(&mut self, key: Key<'_>) -> Spot {
        let mut index = ROOT;
        let mut rest = key.bytes;
        while let Some(byte) = rest.first() {
            let children = &mut self.nodes[index as usize].children;
            if let (Children::None, true) = (&children, rest.len() <= STRING_MAX) {
                *children = Children::Rests(Bucket::new([(rest, ABSENT)].into_iter()));
            }
            if let Children::Rests(rests) = children {
                match rests.find(rest) {
                    Ok(place) => return Spot::Rest(index, place),
                    Err(place) if rests.takes(rest) => {
                        rests.insert(place, rest);
                        return Spot::Rest(index, place);
                    }
                    Err(_) => self.divide(index),
                }
            }
            let at = key.bytes.len() - rest.len();
            let Some(child) = self.child(&self.nodes[index as usize], *byte) else {
                let leaf = self.leaf(key, at);
                let len = self.labels.get(&leaf).len();
                let leaf = self.allocate(leaf);
                self.link(index, *byte, leaf);
                (index, rest) = (leaf, &rest[len..]);
                continue;
            };
            let label = self.labels.get(&self.nodes[child as usize]);
            let common = common(label, rest);
            if common < label.len() {
                self.split(child, common, key, at);
            }
            (index, rest) = (child, &rest[common..]);
        }
        Spot::Node(index)
    }

    /// A node for the rest of a key from `at` on, or for as much of it as a node holds.
    fn leaf(&mut self, key: Key<'_>, at: usize) -> Node {
        let rest = &key.bytes[at..];
        let label = match rest.len() > STRING_MAX {
            true => key.label(at..key.bytes.len()),
            // What the node does not hold fits into a bucket.
            false => None,
        };
        match label {
            Some(label) => self.labels.node(label),
            None => Node::new(rest),
        }
    }

    /// Splits a node after `at` bytes of its label, which a key has too, from `from` on. The
    /// node keeps these bytes; the rest of the label, the number and the children move below.
    fn split(&mut self, index: u32, at: usize, key: Key<'_>, from: usize) {
        let node = &self.nodes[index as usize];
        let end = self.labels.get(node).len();
        let upper = key.label(from..from + at);
        let upper = upper.unwrap_or_else(|| self.labels.part(node, 0..at));
        let lower = self.labels.part(node, at..end);
        self.labels.release(node);
        let upper = self.labels.node(upper);
        let Node {
            children, value, ..
        } = std::mem::replace(&mut self.nodes[index as usize], upper);
        let below = match (children, lower.bytes()) {
            (Children::None, rest) if rest.len() <= STRING_MAX => {
                Children::Rests(Bucket::new([(rest, value)].into_iter()))
            }
            (children, _) => {
                let mut lower = self.labels.node(lower);
                (lower.children, lower.value) = (children, value);
                Children::One(self.allocate(lower))
            }
        };
        self.nodes[index as usize].children = below;
    }

    /// Replaces a node's bucket by edges to further nodes.
    fn divide(&mut self, index: u32) {
        let children = &mut self.nodes[index as usize].children;
        let Children::Rests(rests) = std::mem::replace(children, Children::None) else {
            return;
        };
        let rests: Vec<(&[u8], u32)> = rests.iter().collect();
        let mut edges = SmallVec::<[(u8, u32); 64]>::new();
        for group in rests.chunk_by(|(a, _), (b, _)| a.first() == b.first()) {
            // The strings are in order: a prefix of the first and the last is one of all.
            let (first, last) = (group[0].0, group[group.len() - 1].0);
            let shared = common(first, last).min(LABEL);
            let mut node = Node::new(&first[..shared]);
            let below = match first.len() == shared {
                true => {
                    node.value = group[0].1;
                    &group[1..]
                }
                false => group,
            };
            if !below.is_empty() {
                let below = below
                    .iter()
                    .map(|(rest, number)| (&rest[shared..], *number));
                node.children = Children::Rests(Bucket::new(below));
            }
            edges.push((first[0], self.allocate(node)));
        }
        self.nodes[index as usize].children = Children::from(&edges);
    }

    /// Merges a node without a number with its only child, if a node can hold both labels.
    fn merge(&mut self, index: u32, child: u32) {
        let [above, below] = [index, child].map(|node| self.labels.get(&self.nodes[node as usize]));
        if above.len() + below.len() > LABEL {
            return;
        }
        let mut label = SmallVec::<[u8; LABEL]>::from_slice(above);
        label.extend_from_slice(below);
        let mut merged = Node::new(&label);
        let below = &mut self.nodes[child as usize];
        merged.value = below.value;
        merged.children = std::mem::replace(&mut below.children, Children::None);
        self.nodes[index as usize] = merged;
        self.free.push(child);
    }

    /// Adds an edge for a byte that has none yet.
    fn link(&mut self, parent: u32, byte: u8, child: u32) {
        let in_place = match &mut self.nodes[parent as usize].children {
            Children::None | Children::Rests(_) | Children::One(_) => false,
            Children::Few(edges) => edges.insert(byte, child),
            Children::Some(edges) => edges.insert(byte, child),
            Children::Many(edges) => edges.insert(byte, child),
            Children::All(all) => {
                all[usize::from(byte)] = child;
                true
            }
        };
        if !in_place {
            let mut edges = self.edges(parent);
            let place = edges.partition_point(|(other, _)| *other < byte);
            edges.insert(place, (byte, child));
            self.set_edges(parent, &edges);
        }
    }

    fn unlink(&mut self, parent: u32, index: u32) {
        let mut edges = self.edges(parent);
        edges.retain(|(_, node)| *node != index);
        self.set_edges(parent, &edges);
        self.labels.release(&self.nodes[index as usize]);
        self.free.push(index);
    }

    fn edges(&self, index: u32) -> SmallVec<[(u8, u32); 16]> {
        match &self.nodes[index as usize].children {
            Children::None | Children::Rests(_) => SmallVec::new(),
            Children::One(child) => {
                let byte = self.nodes[*child as usize].first();
                SmallVec::from_slice(&[(byte, *child)])
            }
            Children::Few(edges) => edges.list(),
            Children::Some(edges) => edges.list(),
            Children::Many(edges) => edges.list(),
            Children::All(all) => (0u8..=255)
                .zip(all.iter().copied())
                .filter(|(_, node)| *node != ABSENT)
                .collect(),
        }
    }

    fn set_edges(&mut self, index: u32, edges: &[(u8, u32)]) {
        self.nodes[index as usize].children = Children::from(edges);
    }

    fn allocate(&mut self, node: Node) -> u32 {
        if let Some(index) = self.free.pop() {
            self.nodes[index as usize] = node;
            return index;
        }
        // Growth by an eighth leaves less memory unused than doubling, and the allocator moves
        // large arrays by remapping.
        if self.nodes.len() == self.nodes.capacity() {
            self.nodes.reserve_exact(self.nodes.len() / 8 + 8);
        }
        self.nodes.push(node);
        self.nodes.len() as u32 - 1
    }

    /// Nodes that are not free.
    #[cfg(all(test, not(loom)))]
    pub fn nodes_in_use(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    /// Bytes of memory in use, without the allocator's own.
    #[cfg(all(test, not(loom)))]
    pub fn memory(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
            + self.free.capacity() * size_of::<u32>()
            + self.labels.memory()
            + self
                .nodes
                .iter()
                .map(|node| node.children.memory())
                .sum::<usize>()
    }
}
