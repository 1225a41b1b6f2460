//! The message parts in one direction of a pipe.
//!
//! The parts are the units of a queue. An [`Item`] of the queue is a part, or it announces a run of
//! frames, which are parts as well and are stored in a block (`message/run`). This module alone
//! decides which of them a part becomes, and keeps the two consistent. Invariant: for each published unit there is an item, or a whole
//! frame in the run that the last item before it announced; and a run that is followed by anything
//! has its END. So the safe methods of the two ends may be called in any order.

use super::item::Item;
use super::queue::{Consumer, Producer, queue};
use crate::message::{FrameReader, FrameWriter, Metadata, Msg, Place, Received, Taken};
use std::ptr;
use std::sync::Arc;

/// The writing end.
pub(super) struct PartWriter {
    queue: Producer<Item>,
    /// The run being written.
    frames: FrameWriter,
}

/// The reading end.
pub(super) struct PartReader {
    queue: Consumer<Item>,
    /// The run being read.
    frames: FrameReader,
}

/// The two ends of one direction.
pub(super) fn parts() -> (PartWriter, PartReader) {
    let (tx, rx) = queue();
    let writer = PartWriter {
        queue: tx,
        frames: FrameWriter::default(),
    };
    let reader = PartReader {
        queue: rx,
        frames: FrameReader::default(),
    };
    (writer, reader)
}

impl PartWriter {
    /// From now on bodies that the reader gets by reference begin at multiples of eight bytes.
    pub fn align(&mut self) {
        self.frames.align();
    }

    /// Whether part of a multipart message has been written.
    #[inline]
    pub fn is_open(&self) -> bool {
        self.queue.is_open()
    }

    /// Parts of whole messages since the beginning.
    pub fn completed(&self) -> usize {
        self.queue.completed()
    }

    /// Publishes whole messages to the reader, see [`Producer::publish`].
    #[inline]
    pub fn publish(&mut self, weakly: bool) -> bool {
        self.queue.publish(weakly)
    }

    /// Whether the run has room for a body.
    #[inline]
    pub fn has_room(&self, body: usize) -> bool {
        self.frames.has_room(body)
    }

    /// Begins a run with room for a body. False if there is no memory.
    pub fn begin_run(&mut self, body: usize) -> bool {
        let run = self.frames.begin(body);
        run.map(|run| self.queue.push_announcement(Item::Run(run)))
            .is_some()
    }

    /// The place for a part in the run, if there is [room](Self::has_room).
    #[inline(always)]
    pub fn place<'a>(&'a mut self, body: &'a [u8]) -> Option<PartPlace<'a>> {
        let queue = &mut self.queue;
        let place = self.frames.place(body)?;
        Some(PartPlace { queue, place })
    }

    /// Adds a part as an item.
    #[inline]
    pub fn push(&mut self, part: Msg) {
        let more = part.more();
        // A group that begins with an item needs no mark in the run, which ends here.
        if self.queue.is_open() && !more {
            self.frames.complete();
        }
        self.frames.close();
        self.queue.push(Item::Part(part), !more);
    }

    /// From here on the parts come from a connection with these properties. Not called within a
    /// multipart message.
    pub fn push_metadata(&mut self, metadata: Arc<Metadata>) {
        self.frames.complete();
        self.frames.close();
        self.queue.push(Item::Metadata(metadata), true);
    }

    /// Adds the messages of a run.
    pub fn push_run(&mut self, received: Received) {
        self.frames.close();
        self.frames.complete();
        let parts = received.messages().parts;
        let run = Item::Run(received.into_run());
        self.queue.push_announcement(run);
        // SAFETY: the item was just announced, and its run has as many whole frames.
        unsafe { self.queue.extend(parts, true) };
    }

    /// Takes back the parts of an unfinished message.
    pub fn rollback(&mut self) {
        if self.queue.is_open() {
            // SAFETY: the group's parts are not published, so the reader has read none of its
            // frames.
            unsafe { self.frames.rollback() };
            self.queue.rollback();
        }
    }
}

/// The place that a part is copied to.
pub(super) struct PartPlace<'a> {
    queue: &'a mut Producer<Item>,
    place: Place<'a>,
}

impl PartPlace<'_> {
    /// Copies the part. `more`: further parts follow in its message.
    #[inline(always)]
    pub fn put(mut self, more: bool) {
        if more || self.queue.is_open() {
            match self.queue.is_open() {
                false => self.place.begin_group(),
                true if !more => self.place.complete(),
                true => {}
            }
        }
        self.place.put(more);
        // SAFETY: the last item announced the run that the frame was put into.
        unsafe { self.queue.extend(1, !more) };
    }
}

/// What is next, see [`PartReader::next`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A part in a run.
    Frame,
    /// A part that is an item.
    Part,
    /// Metadata for the parts behind them.
    Metadata,
}

/// The frame that is the next part.
pub struct Frame<'a>(&'a mut PartReader);

/// The item that is the next part.
pub struct Part<'a>(&'a mut PartReader);

impl Frame<'_> {
    /// The frame's body.
    #[inline]
    pub fn body(&self) -> &[u8] {
        // SAFETY: the frame is published, see `PartReader::frame`.
        unsafe { self.0.frames.body() }
    }

    /// Whether further parts follow in its message.
    pub fn more(&self) -> bool {
        // SAFETY: the frame is published, see `PartReader::frame`.
        unsafe { self.0.frames.more() }
    }

    /// Moves the frame to a message, in place of its body and flags.
    #[inline(always)]
    pub fn take_into(self, into: &mut Msg) {
        // SAFETY: the frame is published, see `PartReader::frame`.
        unsafe { self.0.frames.next_into(into) };
        self.0.queue.count(1);
    }

    /// Calls `read` with the frame's body. Returns whether further parts follow in its message.
    #[inline(always)]
    pub fn show(self, read: impl FnOnce(&[u8])) -> bool {
        // SAFETY: the frame is published, see `PartReader::frame`.
        let more = unsafe { self.0.frames.next_with(read) };
        self.0.queue.count(1);
        more
    }
}

impl Part<'_> {
    /// The part, left in place.
    pub fn msg(&mut self) -> Option<&Msg> {
        match self.0.queue.peek() {
            Some(Item::Part(msg)) => Some(msg),
            _ => None,
        }
    }

    /// Moves the part straight to its destination. What was there is overwritten, not dropped.
    #[inline]
    pub fn take_into(self, into: &mut Msg) {
        if let Some(Item::Part(msg)) = self.0.queue.peek() {
            // SAFETY: the part is moved, since the queue does not touch it again.
            unsafe {
                ptr::copy_nonoverlapping(msg, into, 1);
                self.0.queue.skip_moved();
            }
        }
    }

    /// Takes the part.
    pub fn take(self) -> Msg {
        let mut msg = Msg::new();
        self.take_into(&mut msg);
        msg
    }
}

impl PartReader {
    /// Whether a part is there.
    #[inline]
    pub fn ready(&mut self) -> bool {
        self.queue.ready()
    }

    /// Number of published parts that were not taken.
    pub fn waiting(&mut self) -> usize {
        self.queue.waiting_now()
    }

    /// Parts taken since the beginning.
    #[inline]
    pub fn taken(&self) -> usize {
        self.queue.taken()
    }

    /// The next part if it is known to be a frame, by the published count loaded last.
    #[inline(always)]
    pub fn frame(&mut self) -> Option<Frame<'_>> {
        if !self.queue.knows() || !self.frames.is_inside() {
            return None;
        }
        // SAFETY: a published unit was not taken: it is in this run, or behind its END.
        match unsafe { self.frames.is_over() } {
            true => None,
            false => Some(Frame(self)),
        }
    }

    /// What is next. Leaves a run that is over and enters the next one. `None` if nothing is there.
    #[inline]
    pub fn next(&mut self) -> Option<Next> {
        while self.queue.ready() {
            if self.frames.is_inside() {
                if self.frame().is_some() {
                    return Some(Next::Frame);
                }
                self.frames.leave();
            }
            match self.queue.peek() {
                Some(Item::Part(_)) => return Some(Next::Part),
                Some(Item::Run(_)) => self.enter(),
                Some(Item::Metadata(_)) => return Some(Next::Metadata),
                None => return None,
            }
        }
        None
    }

    /// Enters the run that the next item announces.
    #[cold]
    fn enter(&mut self) {
        // SAFETY: the next item is an announcement, as `next` found, which is no unit.
        if let Some(Item::Run(run)) = unsafe { self.queue.pop_announcement() } {
            self.frames.enter(run);
        }
    }

    /// The next part, if it is an item.
    #[inline]
    pub fn part(&mut self) -> Option<Part<'_>> {
        match self.next() {
            Some(Next::Part) => Some(Part(self)),
            _ => None,
        }
    }

    /// Takes metadata, if they are next.
    pub fn take_metadata(&mut self) -> Option<Arc<Metadata>> {
        if self.next() != Some(Next::Metadata) {
            return None;
        }
        match self.queue.pop() {
            Some(Item::Metadata(metadata)) => Some(metadata),
            _ => None,
        }
    }

    /// Takes frames, see [`FrameReader::take`]. `None` if the next part is not a frame.
    pub fn take_frames(&mut self, limit: usize) -> Option<(&[u8], Taken)> {
        if self.next() != Some(Next::Frame) {
            return None;
        }
        // SAFETY: so many units are published; they begin in this run or follow it.
        let (bytes, taken) = unsafe { self.frames.take(self.queue.waiting(), limit) };
        self.queue.count(taken.parts);
        Some((bytes, taken))
    }

    /// Drops all published parts.
    pub fn drain(&mut self) {
        while let Some(next) = self.next() {
            match (next, self.frame()) {
                (Next::Frame, Some(frame)) => drop(frame.show(|_| ())),
                _ => drop(self.queue.pop()),
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::message::Block;

    /// Pseudo-random numbers.
    fn next(state: &mut u64) -> u64 {
        *state = state.wrapping_mul(6364136223846793005).wrapping_add(99);
        *state >> 33
    }

    /// Two frames in a block.
    fn run() -> Received {
        let mut block = Block::new(100).unwrap();
        assert!(block.room(0).put(b"\x00\x01x\x00\x28"));
        assert!(block.room(5).put(&[b'x'; 40]));
        Received::at(&mut block, 0, 100, usize::MAX, u64::MAX).unwrap()
    }

    /// Every call, in any order. What was published is read, in order, and nothing else.
    #[test]
    fn any_order_of_calls_is_sound() {
        const ROUNDS: u64 = if cfg!(miri) { 12 } else { 400 };
        let mut total = 0;
        for mut seed in 0..ROUNDS {
            let dice = &mut seed;
            let (mut tx, mut rx) = parts();
            if next(dice) % 2 == 0 {
                tx.align();
            }
            let (mut shown, mut open, mut got) = (Vec::new(), Vec::new(), Vec::new());
            for step in 0..150u8 {
                let body = vec![step; (next(dice) % 90) as usize];
                let more = next(dice) % 3 == 0;
                match next(dice) % 12 {
                    0..4 => {
                        if let Some(place) = tx.place(&body) {
                            place.put(more);
                            open.push(body);
                            (!more).then(|| shown.append(&mut open));
                        }
                    }
                    4 => assert!(tx.begin_run(body.len())),
                    5 => {
                        let mut msg = Msg::copy_from(&body).unwrap();
                        msg.set(crate::message::flag::MORE, more);
                        tx.push(msg);
                        open.push(body);
                        (!more).then(|| shown.append(&mut open));
                    }
                    6 => {
                        tx.push_run(run());
                        shown.append(&mut open);
                        shown.extend([vec![b'x'], vec![b'x'; 40]]);
                    }
                    7 => {
                        tx.rollback();
                        open.clear();
                    }
                    8 => drop(tx.publish(next(dice) % 2 == 0)),
                    9 => got.extend(rx.part().map(|part| part.take().data().to_vec())),
                    10 => {
                        let mut msg = Msg::new();
                        if let Some(frame) = rx.frame() {
                            frame.take_into(&mut msg);
                            got.push(msg.data().to_vec());
                        }
                    }
                    _ => {
                        let frames = rx.take_frames(next(dice) as usize % 200);
                        let mut bytes = frames.map_or(Vec::new(), |(bytes, _)| bytes.to_vec());
                        while let [_, len, ..] = bytes[..] {
                            got.push(bytes.drain(..2 + usize::from(len)).skip(2).collect());
                        }
                    }
                }
            }
            tx.publish(false);
            if next(dice) % 2 == 0 {
                rx.drain();
                assert_eq!(rx.waiting(), 0);
            }
            assert_eq!(got, shown[..got.len()]);
            total += got.len();
        }
        assert!(total as u64 > 10 * ROUNDS);
    }
}
