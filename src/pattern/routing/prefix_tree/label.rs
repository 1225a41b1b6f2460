//! Nodes and their labels.
//!
//! A label of up to [`LABEL`] bytes is stored in the node. A longer one is a part of a
//! [`Text`], which nodes and keys share: a key of megabytes is put into the tree, and split
//! where another key differs from it, without a copy.

#![forbid(unsafe_code)]

use super::bucket::ABSENT;
use super::children::Children;
use crate::message::Msg;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Longest label in a node, in bytes; chosen so that a node takes 48 bytes.
pub const LABEL: usize = 19;
/// In place of the label's length: the label is a part of a text.
const LONG: u8 = u8::MAX;

pub struct Node {
    pub children: Children,
    pub value: u32,
    len: u8,
    /// The label; or its first byte, then its place in [`Labels`], four bytes little-endian.
    label: [u8; LABEL],
}

const _: () = assert!(size_of::<Node>() == 48);

impl Node {
    fn with(len: u8, label: [u8; LABEL]) -> Node {
        Node {
            children: Children::None,
            value: ABSENT,
            len,
            label,
        }
    }

    /// A node with the first [`LABEL`] bytes of a label.
    pub fn new(label: &[u8]) -> Node {
        let len = label.len().min(LABEL);
        let mut bytes = [0; LABEL];
        bytes[..len].copy_from_slice(&label[..len]);
        Node::with(len as u8, bytes)
    }

    /// First byte of the label, which is not empty.
    #[inline]
    pub fn first(&self) -> u8 {
        self.label[0]
    }

    fn place(&self) -> usize {
        let [_, a, b, c, d, ..] = self.label;
        u32::from_le_bytes([a, b, c, d]) as usize
    }
}

/// Bytes that several owners can share: a message without its first `from` bytes.
pub struct Text {
    msg: Msg,
    from: usize,
}

impl Text {
    /// Copies `bytes`; `None` if there is no memory.
    pub fn copy(bytes: &[u8]) -> Option<Arc<Text>> {
        let msg = Msg::copy_from(bytes).ok()?;
        Some(Arc::new(Text { msg, from: 0 }))
    }

    /// What follows the first `from` bytes of a message, which must be the only one that refers
    /// to its body.
    pub fn of(msg: Msg, from: usize) -> Arc<Text> {
        let from = from.min(msg.len());
        Arc::new(Text { msg, from })
    }

    /// The bytes.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.msg.data()[self.from..]
    }
}

/// A part of a text.
#[derive(Clone)]
pub struct Part {
    text: Arc<Text>,
    from: usize,
    to: usize,
}

impl Part {
    fn bytes(&self) -> &[u8] {
        &self.text.bytes()[self.from..self.to]
    }

    fn part(&self, range: Range<usize>) -> Part {
        Part {
            text: self.text.clone(),
            from: self.from + range.start,
            to: self.from + range.end,
        }
    }
}

/// A label on its own.
pub enum Label {
    Short(SmallVec<[u8; LABEL]>),
    Long(Part),
}

impl Label {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Label::Short(bytes) => bytes,
            Label::Long(part) => part.bytes(),
        }
    }
}

/// A key to be put into the tree.
#[derive(Clone, Copy)]
pub struct Key<'a> {
    pub bytes: &'a [u8],
    /// The text with these bytes, if they can be shared.
    pub text: Option<&'a Arc<Text>>,
}

impl Key<'_> {
    /// A part of the key as a label. It shares the key's text only if it is at least a quarter
    /// of it, because it may keep the text alive after the key is removed. `None` if there is
    /// no memory.
    pub fn label(&self, range: Range<usize>) -> Option<Label> {
        let bytes = &self.bytes[range.clone()];
        if bytes.len() <= LABEL {
            return Some(Label::Short(SmallVec::from_slice(bytes)));
        }
        let (text, range) = match self.text {
            Some(text) if bytes.len() >= self.bytes.len() / 4 => (text.clone(), range),
            _ => (Text::copy(bytes)?, 0..bytes.len()),
        };
        Some(Label::Long(Part {
            text,
            from: range.start,
            to: range.end,
        }))
    }
}

/// The labels of all nodes.
#[derive(Default)]
pub struct Labels {
    long: Vec<Option<Part>>,
    free: Vec<u32>,
}

impl Labels {
    /// The label of a node.
    #[inline]
    pub fn get<'a>(&'a self, node: &'a Node) -> &'a [u8] {
        match node.len {
            LONG => self.long(node),
            len => &node.label[..usize::from(len)],
        }
    }

    fn long(&self, node: &Node) -> &[u8] {
        let part = self.long.get(node.place()).and_then(Option::as_ref);
        part.map_or(&[], Part::bytes)
    }

    /// What follows the label in `rest`; `None` if `rest` does not begin with the label. The
    /// first byte, which chose the edge to this node, is known to be equal.
    #[inline]
    pub fn cut<'a>(&self, node: &Node, rest: &'a [u8]) -> Option<&'a [u8]> {
        match node.len {
            1 => rest.get(1..),
            LONG => rest.strip_prefix(self.long(node)),
            len => rest.strip_prefix(&node.label[..usize::from(len)]),
        }
    }

    /// A node with this label, which is not empty.
    pub fn node(&mut self, label: Label) -> Node {
        let part = match label {
            Label::Short(bytes) => return Node::new(&bytes),
            Label::Long(part) => part,
        };
        let mut bytes = [0; LABEL];
        bytes[0] = part.bytes()[0];
        let place = self.free.pop().unwrap_or_else(|| {
            self.long.push(None);
            self.long.len() as u32 - 1
        });
        self.long[place as usize] = Some(part);
        bytes[1..5].copy_from_slice(&place.to_le_bytes());
        Node::with(LONG, bytes)
    }

    /// A part of the label of a node.
    pub fn part(&self, node: &Node, range: Range<usize>) -> Label {
        let long = self.long.get(node.place()).and_then(Option::as_ref);
        match long.filter(|_| node.len == LONG && range.len() > LABEL) {
            Some(part) => Label::Long(part.part(range)),
            None => Label::Short(SmallVec::from_slice(&self.get(node)[range])),
        }
    }

    /// Frees the label of a node that is removed or replaced.
    pub fn release(&mut self, node: &Node) {
        if node.len == LONG {
            if let Some(place) = self.long.get_mut(node.place()) {
                *place = None;
                self.free.push(node.place() as u32);
            }
        }
    }

    /// Frees at most so many long labels; true if none is left.
    pub fn shed(&mut self, count: usize) -> bool {
        let left = self.long.len().saturating_sub(count);
        self.long.truncate(left);
        self.long.shrink_to(left);
        left == 0
    }

    /// Bytes of memory, without the allocator's own.
    #[cfg(all(test, not(loom)))]
    pub fn memory(&self) -> usize {
        let texts = self.long.iter().flatten().map(|part| part.bytes().len());
        self.long.capacity() * size_of::<Option<Part>>()
            + self.free.capacity() * size_of::<u32>()
            + texts.sum::<usize>()
    }
}

/// Length of the longest common prefix.
pub fn common(a: &[u8], b: &[u8]) -> usize {
    const STEP: usize = 256;
    // The comparison of whole steps is one call of the C library each.
    let steps = a.chunks_exact(STEP).zip(b.chunks_exact(STEP));
    let whole = STEP * steps.take_while(|(a, b)| a == b).count();
    let rest = a[whole..].iter().zip(&b[whole..]);
    whole + rest.take_while(|(a, b)| a == b).count()
}
