//! A map from byte strings to numbers that finds all keys that are prefixes of
//! a given string.
//!
//! A radix tree: a node stands for a run of bytes, so the depth is the number
//! of places where topics part, not their length. Nodes lie in one array and
//! name each other by index; labels are inside the node (a long one makes a
//! chain), and edges take one of four sizes. Measured with topics of 27 bytes:
//! about 60 bytes each at a million of them, a match 80 ns among 200,000 and
//! 145 ns among a million. It touches one or two cache lines a level and ends
//! at the first byte that leads nowhere. Hashing every prefix instead would be
//! a probe for each length in use, which peers choose.

#![forbid(unsafe_code)]

use smallvec::SmallVec;
use std::cmp::Ordering;

/// The number that no key may have.
pub const ABSENT: u32 = u32::MAX;

/// Longest label, chosen so that a node takes 40 bytes.
const LABEL: usize = 19;
const ROOT: u32 = 0;

struct Node {
    children: Children,
    value: u32,
    len: u8,
    label: [u8; LABEL],
}

const _: () = assert!(size_of::<Node>() == 40);

impl Node {
    fn new(label: &[u8]) -> Node {
        let len = label.len().min(LABEL);
        let mut node = Node {
            children: Children::None,
            value: ABSENT,
            len: len as u8,
            label: [0; LABEL],
        };
        node.label[..len].copy_from_slice(&label[..len]);
        node
    }

    #[inline]
    fn label(&self) -> &[u8] {
        &self.label[..usize::from(self.len)]
    }
}

/// Edges to other nodes by the first byte of their label, in its order.
enum Children {
    None,
    One(u32),
    Few(Box<Edges<4>>),
    Some(Box<Edges<16>>),
    Many(Box<Edges<48>>),
    All(Box<[u32; 256]>),
}

struct Edges<const N: usize> {
    len: u8,
    bytes: [u8; N],
    nodes: [u32; N],
}

impl<const N: usize> Edges<N> {
    fn from(edges: &[(u8, u32)]) -> Box<Self> {
        let mut new = Box::new(Edges {
            len: 0,
            bytes: [0; N],
            nodes: [0; N],
        });
        for (index, &(byte, node)) in edges.iter().enumerate().take(N) {
            new.bytes[index] = byte;
            new.nodes[index] = node;
            new.len += 1;
        }
        new
    }

    #[inline]
    fn find(&self, byte: u8) -> Option<usize> {
        // Without branches over the whole array, for vector instructions.
        let mut hits = 0u64;
        for (index, &here) in self.bytes.iter().enumerate() {
            hits |= u64::from(here == byte) << index;
        }
        hits &= (1 << self.len) - 1;
        (hits != 0).then(|| hits.trailing_zeros() as usize)
    }

    #[inline]
    fn get(&self, byte: u8) -> Option<u32> {
        self.nodes.get(self.find(byte)?).copied()
    }

    /// Adds an edge in its place in the order; false if there is no room.
    fn insert(&mut self, byte: u8, node: u32) -> bool {
        let len = usize::from(self.len);
        if len == N {
            return false;
        }
        let place = self.bytes[..len].partition_point(|other| *other < byte);
        self.bytes.copy_within(place..len, place + 1);
        self.nodes.copy_within(place..len, place + 1);
        self.bytes[place] = byte;
        self.nodes[place] = node;
        self.len += 1;
        true
    }

    fn list(&self) -> SmallVec<[(u8, u32); 16]> {
        let len = usize::from(self.len);
        let (bytes, nodes) = (&self.bytes[..len], &self.nodes[..len]);
        bytes.iter().copied().zip(nodes.iter().copied()).collect()
    }
}

impl Children {
    fn from(edges: &[(u8, u32)]) -> Children {
        match edges.len() {
            0 => Children::None,
            1 => Children::One(edges[0].1),
            2..=4 => Children::Few(Edges::from(edges)),
            5..=16 => Children::Some(Edges::from(edges)),
            17..=48 => Children::Many(Edges::from(edges)),
            _ => {
                let mut all = Box::new([ABSENT; 256]);
                for &(byte, node) in edges {
                    all[usize::from(byte)] = node;
                }
                Children::All(all)
            }
        }
    }
}

/// The map. Numbers are any but [`ABSENT`].
pub struct PrefixTree {
    nodes: Vec<Node>,
    free: Vec<u32>,
    len: usize,
}

impl Default for PrefixTree {
    fn default() -> Self {
        PrefixTree {
            nodes: vec![Node::new(&[])],
            free: Vec::new(),
            len: 0,
        }
    }
}

impl PrefixTree {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Calls `visit` with the number of each key that is a prefix of `data`,
    /// shortest first, until it answers false.
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
            let Some(child) = rest.first().and_then(|byte| self.child(node, *byte)) else {
                return;
            };
            node = &self.nodes[child as usize];
            match rest.strip_prefix(node.label()) {
                Some(left) => rest = left,
                None => return,
            }
        }
    }

    /// The number of a key.
    pub fn get(&self, key: &[u8]) -> Option<u32> {
        let value = self.nodes[self.find(key, |_| {})? as usize].value;
        (value != ABSENT).then_some(value)
    }

    /// Gives a key a number; returns the one it had.
    pub fn insert(&mut self, key: &[u8], value: u32) -> Option<u32> {
        let node = self.make(key);
        let old = std::mem::replace(&mut self.nodes[node as usize].value, value);
        self.len += usize::from(old == ABSENT);
        (old != ABSENT).then_some(old)
    }

    /// Removes a key; returns the number it had.
    pub fn remove(&mut self, key: &[u8]) -> Option<u32> {
        let mut path = SmallVec::<[u32; 16]>::new();
        let mut node = self.find(key, |parent| path.push(parent))?;
        let old = std::mem::replace(&mut self.nodes[node as usize].value, ABSENT);
        if old == ABSENT {
            return None;
        }
        self.len -= 1;
        if self.len == 0 {
            *self = PrefixTree::default(); // gives the memory back
            return Some(old);
        }
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
        Some(old)
    }

    /// Calls `visit` with every key, in byte order, and its number.
    pub fn for_each(&self, visit: impl FnMut(&[u8], u32)) {
        self.walk(&[], usize::MAX, visit);
    }

    /// As [`for_each`](Self::for_each), from the key `from` on, whether it exists
    /// or not, and not beyond `most` nodes: then it returns where to go on, which
    /// stays right when keys are added or removed in between.
    pub fn walk(
        &self,
        from: &[u8],
        most: usize,
        mut visit: impl FnMut(&[u8], u32),
    ) -> Option<Vec<u8>> {
        let mut left = most;
        let mut stack = self.seek(from);
        // What leads to the nodes in the stack is a part of it.
        let mut key = from.to_vec();
        while let Some((index, depth)) = stack.pop() {
            let node = &self.nodes[index as usize];
            key.truncate(depth);
            key.extend_from_slice(node.label());
            if left == 0 {
                return Some(key);
            }
            left -= 1;
            if node.value != ABSENT {
                visit(&key, node.value);
            }
            let edges = self.edges(index);
            stack.extend(edges.iter().rev().map(|(_, child)| (*child, key.len())));
        }
        None
    }

    /// The roots of the subtrees that hold all keys from `from` on, the first one
    /// last, each with the number of bytes that lead to it.
    fn seek(&self, from: &[u8]) -> Vec<(u32, usize)> {
        let mut found = Vec::new();
        let (mut index, mut depth) = (ROOT, 0);
        loop {
            let Some((byte, _)) = from[depth..].split_first() else {
                found.push((index, depth - self.nodes[index as usize].label().len()));
                return found;
            };
            let edges = self.edges(index);
            let later = edges.iter().rev().take_while(|(other, _)| other > byte);
            found.extend(later.map(|(_, child)| (*child, depth)));
            let Some(child) = self.child(&self.nodes[index as usize], *byte) else {
                return found;
            };
            let (label, rest) = (self.nodes[child as usize].label(), &from[depth..]);
            let common = label.len().min(rest.len());
            match label[..common].cmp(&rest[..common]) {
                Ordering::Less => return found,
                Ordering::Equal if common == label.len() => {}
                _ => {
                    found.push((child, depth));
                    return found;
                }
            }
            (index, depth) = (child, depth + common);
        }
    }

    #[inline]
    fn child(&self, node: &Node, byte: u8) -> Option<u32> {
        match &node.children {
            Children::None => None,
            // Its label is compared anyway.
            Children::One(child) => {
                (self.nodes[*child as usize].label[0] == byte).then_some(*child)
            }
            Children::Few(edges) => edges.get(byte),
            Children::Some(edges) => edges.get(byte),
            Children::Many(edges) => edges.get(byte),
            Children::All(all) => Some(all[usize::from(byte)]).filter(|node| *node != ABSENT),
        }
    }

    /// The node of exactly this key, if there is one; `above` sees its ancestors.
    fn find(&self, key: &[u8], mut above: impl FnMut(u32)) -> Option<u32> {
        let mut index = ROOT;
        let mut rest = key;
        while let Some(byte) = rest.first() {
            above(index);
            index = self.child(&self.nodes[index as usize], *byte)?;
            rest = rest.strip_prefix(self.nodes[index as usize].label())?;
        }
        Some(index)
    }

    /// The node of this key, made if need be.
    fn make(&mut self, key: &[u8]) -> u32 {
        let mut index = ROOT;
        let mut rest = key;
        while let Some(byte) = rest.first() {
            let Some(child) = self.child(&self.nodes[index as usize], *byte) else {
                let (label, left) = rest.split_at(rest.len().min(LABEL));
                let leaf = self.allocate(Node::new(label));
                self.link(index, *byte, leaf);
                (index, rest) = (leaf, left);
                continue;
            };
            let label = self.nodes[child as usize].label();
            let common = label.iter().zip(rest).take_while(|(a, b)| a == b).count();
            if common < label.len() {
                self.split(child, common);
            }
            (index, rest) = (child, &rest[common..]);
        }
        index
    }

    /// Cuts a node after `at` bytes of its label. It keeps the first part; what
    /// it had moves to a new child.
    fn split(&mut self, index: u32, at: usize) {
        let node = &mut self.nodes[index as usize];
        let mut lower = Node::new(&node.label()[at..]);
        lower.children = std::mem::replace(&mut node.children, Children::None);
        lower.value = std::mem::replace(&mut node.value, ABSENT);
        node.len = at as u8;
        let lower = self.allocate(lower);
        self.nodes[index as usize].children = Children::One(lower);
    }

    /// Makes one node of a node without a number and its only child, if the
    /// labels fit together.
    fn merge(&mut self, index: u32, child: u32) {
        let (above, below) = (&self.nodes[index as usize], &self.nodes[child as usize]);
        let mut label = SmallVec::<[u8; 64]>::from_slice(above.label());
        label.extend_from_slice(below.label());
        if label.len() > LABEL {
            return;
        }
        let mut merged = Node::new(&label);
        let below = &mut self.nodes[child as usize];
        merged.value = below.value;
        merged.children = std::mem::replace(&mut below.children, Children::None);
        self.nodes[index as usize] = merged;
        self.free.push(child);
    }

    /// Adds an edge that is not there yet.
    fn link(&mut self, parent: u32, byte: u8, child: u32) {
        let in_place = match &mut self.nodes[parent as usize].children {
            Children::None | Children::One(_) => false,
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
        self.free.push(index);
    }

    fn edges(&self, index: u32) -> SmallVec<[(u8, u32); 16]> {
        match &self.nodes[index as usize].children {
            Children::None => SmallVec::new(),
            Children::One(child) => {
                let byte = self.nodes[*child as usize].label[0];
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
        // Growing by an eighth wastes less than doubling; the allocator moves
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
        let edges = |node: &Node| match &node.children {
            Children::None | Children::One(_) => 0,
            Children::Few(_) => size_of::<Edges<4>>(),
            Children::Some(_) => size_of::<Edges<16>>(),
            Children::Many(_) => size_of::<Edges<48>>(),
            Children::All(_) => size_of::<[u32; 256]>(),
        };
        self.nodes.capacity() * size_of::<Node>()
            + self.free.capacity() * size_of::<u32>()
            + self.nodes.iter().map(edges).sum::<usize>()
    }
}
