//! What is below a node: a bucket, or edges to other nodes.

#![forbid(unsafe_code)]

use super::bucket::{ABSENT, Bucket};
use smallvec::SmallVec;

/// The rests of a few keys, or edges to other nodes in the order of the first bytes of their
/// labels.
pub enum Children {
    None,
    Rests(Bucket),
    One(u32),
    Few(Box<Edges<4>>),
    Some(Box<Edges<16>>),
    Many(Box<Edges<48>>),
    All(Box<[u32; 256]>),
}

pub struct Edges<const N: usize> {
    len: u8,
    /// In ascending order; unused elements are 255.
    bytes: [u8; N],
    nodes: [u32; N],
}

impl<const N: usize> Edges<N> {
    fn from(edges: &[(u8, u32)]) -> Box<Self> {
        let mut new = Box::new(Edges {
            len: 0,
            bytes: [u8::MAX; N],
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
        // Over the whole array and without branches, so that vector instructions are used.
        let smaller = self.bytes.iter().map(|here| u8::from(*here < byte));
        let place = usize::from(smaller.sum::<u8>());
        (place < usize::from(self.len) && self.bytes[place] == byte).then_some(place)
    }

    /// The node for this byte.
    #[inline]
    pub fn get(&self, byte: u8) -> Option<u32> {
        self.nodes.get(self.find(byte)?).copied()
    }

    /// Adds an edge at its place in the order; false if there is no room.
    pub fn insert(&mut self, byte: u8, node: u32) -> bool {
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

    /// All edges in order.
    pub fn list(&self) -> SmallVec<[(u8, u32); 16]> {
        let len = usize::from(self.len);
        let (bytes, nodes) = (&self.bytes[..len], &self.nodes[..len]);
        bytes.iter().copied().zip(nodes.iter().copied()).collect()
    }
}

impl Children {
    /// Edges that are given in order, in the smallest form that holds them.
    pub fn from(edges: &[(u8, u32)]) -> Children {
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

    /// Bytes of memory outside the node, without the allocator's own.
    #[cfg(all(test, not(loom)))]
    pub fn memory(&self) -> usize {
        match self {
            Children::None | Children::One(_) => 0,
            Children::Rests(rests) => rests.memory(),
            Children::Few(_) => size_of::<Edges<4>>(),
            Children::Some(_) => size_of::<Edges<16>>(),
            Children::Many(_) => size_of::<Edges<48>>(),
            Children::All(_) => size_of::<[u32; 256]>(),
        }
    }
}
