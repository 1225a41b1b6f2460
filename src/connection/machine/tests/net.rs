//! The network between the two sides.

#![forbid(unsafe_code)]

use crate::sys::room::Room;
use std::collections::VecDeque;
use std::io;
use std::time::{Duration, Instant};

/// One direction of a stream.
#[derive(Default)]
struct Way {
    /// Bytes under way, with the time of their arrival.
    bytes: VecDeque<(Instant, VecDeque<u8>)>,
    /// The writer has closed: the end arrives then.
    ended: Option<Instant>,
    /// The reader has closed: writes fail.
    broken: bool,
}

/// Two directions, by their writer.
pub(super) struct Net {
    ways: [Way; 2],
    latency: Duration,
    /// Most bytes in one read or write.
    pub chunk: usize,
    /// Most bytes under way in one direction.
    pub capacity: usize,
    /// What is written is lost, and the writer does not notice.
    pub muted: bool,
    /// Bytes written and read, to see whether anything happened.
    pub moved: usize,
    /// All that was written, by the writer.
    pub sent: [Vec<u8>; 2],
    taken: [usize; 2],
    seen: [usize; 2],
}

impl Net {
    pub(super) fn new(latency: Duration) -> Net {
        Net {
            ways: Default::default(),
            latency,
            chunk: usize::MAX,
            capacity: usize::MAX,
            muted: false,
            moved: 0,
            sent: Default::default(),
            taken: [0; 2],
            seen: [0; 2],
        }
    }

    /// A new stream.
    pub(super) fn connect(&mut self) {
        self.ways = Default::default();
    }

    /// Both sides see the end of the stream; what is under way is lost.
    pub(super) fn cut(&mut self, now: Instant) {
        for way in &mut self.ways {
            way.bytes.clear();
            way.ended = Some(now);
        }
    }

    pub(super) fn close(&mut self, side: usize, now: Instant) {
        self.ways[side].ended.get_or_insert(now + self.latency);
        self.ways[1 - side].broken = true;
        self.moved += 1;
    }

    pub(super) fn write(&mut self, side: usize, from: &[u8], now: Instant) -> io::Result<usize> {
        let way = &mut self.ways[side];
        if way.broken || way.ended.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let under_way: usize = way.bytes.iter().map(|(_, bytes)| bytes.len()).sum();
        let count = from.len().min(self.chunk).min(self.capacity - under_way);
        match count {
            0 if from.is_empty() => return Ok(0),
            0 => return Err(io::ErrorKind::WouldBlock.into()),
            _ => {}
        }
        if !self.muted {
            let bytes = from[..count].iter().copied().collect();
            way.bytes.push_back((now + self.latency, bytes));
        }
        self.sent[side].extend(&from[..count]);
        self.moved += count;
        Ok(count)
    }

    /// `None` if nothing is there now, 0 at the end of the stream.
    pub(super) fn read(&mut self, side: usize, room: &mut Room<'_>, now: Instant) -> Option<usize> {
        let way = &mut self.ways[1 - side];
        let Some((_, bytes)) = way.bytes.front_mut().filter(|(at, _)| *at <= now) else {
            let ended = way.bytes.is_empty() && way.ended.is_some_and(|at| at <= now);
            return ended.then_some(0);
        };
        let count = room.len().min(bytes.len()).min(self.chunk);
        let taken: Vec<u8> = bytes.drain(..count).collect();
        if bytes.is_empty() {
            way.bytes.pop_front();
        }
        assert!(room.put(&taken));
        self.moved += count;
        self.taken[1 - side] += count;
        Some(count)
    }

    /// Whether the end of what `side` reads has arrived.
    pub(super) fn has_ended(&self, side: usize) -> bool {
        self.ways[1 - side].ended.is_some()
    }

    /// Whether bytes of `side` are under way, and some have arrived since the last check.
    pub(super) fn takes_in(&mut self, side: usize) -> bool {
        let before = std::mem::replace(&mut self.seen[side], self.taken[side]);
        self.taken[side] > before && !self.ways[side].bytes.is_empty()
    }

    pub(super) fn next_arrival(&self, now: Instant) -> Option<Instant> {
        let bytes = self.ways.iter().flat_map(|way| &way.bytes);
        let ends = self.ways.iter().filter_map(|way| way.ended);
        let all = bytes.map(|(at, _)| *at).chain(ends);
        all.filter(|at| *at > now).min()
    }
}
