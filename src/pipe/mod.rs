//! Pipes: two queues of messages between two ends, with high-water marks,
//! multipart atomicity and termination.
//!
//! One end belongs to a socket, the other to a connection or, over inproc, to
//! another socket. Each end is used by one thread at a time (it lies under its
//! owner's lock); the two ends share only what is in [`queue`] and [`Channel`].
//!
//! An end that finds nothing to read, or no room to write, leaves a mark; the
//! other end, when it changes that, calls the first one's [`Listener`]. Nothing
//! else ever wakes anybody.

mod channel;
mod chunk;
mod peer;
mod queue;
mod table;

pub use channel::Hwm;
pub use table::{PipeId, Pipes};

use crate::message::{Metadata, Msg, flag};
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use channel::{Channel, LowWater, Shared, Side};
use queue::{Consumer, Producer, queue};
use std::sync::Arc;

/// What happened to a pipe, as bits of [`PipeEnd::take_events`].
pub mod event {
    /// Messages came after the queue was found empty.
    pub const READ: u8 = 1;
    /// There is room after the pipe was found full.
    pub const WRITE: u8 = 2;
    /// The other end has closed.
    pub const CLOSED: u8 = 4;
    /// The connection was made anew: what was sent before is lost (SUB, XSUB).
    pub const HICCUP: u8 = 8;
    /// The other end asks whether the peer behind this one still lives.
    pub const INQUIRY: u8 = 16;
}

/// Who is told of the events of an end. Called by the thread that uses the
/// other end, with that end's owner locked: it must not block nor take the
/// lock of any socket.
pub trait Listener: Send + Sync {
    /// Events wait in the end that was registered under `token`.
    fn pipe_event(&self, token: usize);

    /// So much was written and not read that reading it now would pay. True if
    /// the listener has seen to it, and needs no other call.
    fn pipe_filling(&self, _token: usize) -> bool {
        false
    }

    /// As [`pipe_event`](Self::pipe_event), of [`event::WRITE`] or
    /// [`event::INQUIRY`] alone.
    fn pipe_drained(&self, token: usize) {
        self.pipe_event(token);
    }
}

/// A writer that has left so many bytes unread, counting each message as
/// [`MESSAGE_COST`] more, says so ([`Listener::pipe_filling`]).
const FILLING: usize = 64 * 1024;
/// What a message costs beside its bytes.
const MESSAGE_COST: usize = 64;

/// One end of a pipe.
pub struct PipeEnd {
    shared: Arc<Shared>,
    side: usize,
    tx: Producer<Msg>,
    rx: Consumer<Msg>,
    /// Whole messages written, and how many of them are known to be read.
    written: u64,
    acknowledged: u64,
    /// What was written since the reader was last told, see [`FILLING`].
    load: usize,
    /// Whole messages read.
    read: u64,
    low_water: LowWater,
    /// Hiccups announced by this (reading) end.
    hiccups: usize,
    closed: bool,
    ended: bool,
    /// Room counts only after the event.
    lazy: bool,
    /// There is one place for a message in each direction, and no queue.
    conflates: bool,
    metadata: Option<Arc<Metadata>>,
    /// The peer's routing id as the pattern knows it; free for its use.
    pub routing_id: Vec<u8>,
}

/// A pipe: the ends of two sockets, or of a socket (first) and its connection
/// (second). `forward` is the direction from the first to the second end.
/// A conflating direction holds only the latest single-part message.
pub fn pair(forward: Hwm, backward: Hwm, conflate: bool) -> (PipeEnd, PipeEnd) {
    let side = || Side {
        listener: OnceLock::new(),
        events: AtomicU8::new(0),
    };
    let shared = Arc::new(Shared {
        channels: [
            Channel::new(forward, conflate),
            Channel::new(backward, conflate),
        ],
        sides: [side(), side()],
        refused: AtomicBool::new(false),
        peer_left: AtomicBool::new(false),
    });
    let (tx0, rx1) = queue();
    let (tx1, rx0) = queue();
    let end = |side, tx, rx| PipeEnd {
        shared: shared.clone(),
        side,
        tx,
        rx,
        written: 0,
        acknowledged: 0,
        load: 0,
        read: 0,
        // For no limit, which is none of the settings until it is looked at.
        low_water: LowWater {
            packed: 0,
            step: 0,
            next: u64::MAX,
            told: 0,
        },
        hiccups: 0,
        closed: false,
        ended: false,
        lazy: false,
        conflates: conflate,
        metadata: None,
        routing_id: Vec::new(),
    };
    (end(0, tx0, rx0), end(1, tx1, rx1))
}

impl PipeEnd {
    #[inline]
    fn output(&self) -> &Channel {
        &self.shared.channels[self.side]
    }

    #[inline]
    fn input(&self) -> &Channel {
        &self.shared.channels[1 - self.side]
    }

    /// Registers who is told of this end's events, once for its life. Events
    /// that came before are told at once.
    pub fn set_listener(&self, listener: Arc<dyn Listener>, token: usize) {
        let side = &self.shared.sides[self.side];
        if side.listener.set((listener, token)).is_ok() {
            fence(Ordering::SeqCst);
            if side.events.load(Ordering::SeqCst) != 0 {
                if let Some((listener, token)) = side.listener.get() {
                    listener.pipe_event(*token);
                }
            }
        }
    }

    /// Takes the events that wait, see [`event`].
    pub fn take_events(&mut self) -> u8 {
        let events = self.shared.sides[self.side]
            .events
            .swap(0, Ordering::SeqCst);
        if events & event::WRITE != 0 {
            self.acknowledged = self.output().read.load(Ordering::SeqCst);
        }
        events
    }

    /// Whether a message can be read. If not, the listener hears of the next.
    #[inline]
    pub fn check_read(&mut self) -> bool {
        if self.closed {
            return false;
        }
        if self.conflates {
            return self.check_read_latest();
        }
        loop {
            if self.rx.ready() {
                if !self.skip_next() {
                    return true;
                }
            } else if !self.came_meanwhile() {
                return false;
            }
        }
    }

    /// The queue is empty: leaves the mark, unless something came meanwhile.
    fn came_meanwhile(&mut self) -> bool {
        // Read the mark before the queue: items come before the mark.
        let closed = self.input().writer_closed.load(Ordering::Acquire);
        if !self.input().reader_asleep.load(Ordering::Relaxed) {
            self.input().reader_asleep.swap(true, Ordering::SeqCst);
        }
        // The writer publishes, then looks at the mark; we set the mark,
        // then look at what is published.
        fence(Ordering::SeqCst);
        if !self.rx.ready() {
            self.ended = closed;
            return false;
        }
        self.input().reader_asleep.swap(false, Ordering::AcqRel);
        true
    }

    /// Removes the next item if it is not a message for the reader.
    #[inline]
    fn skip_next(&mut self) -> bool {
        let discarded = self.rx.taken() < self.input().discard_until.load(Ordering::Relaxed);
        let Some(msg) = self.rx.peek() else {
            return false;
        };
        let control = msg.has(flag::CONTROL);
        if !discarded && !control {
            return false;
        }
        self.skip(control);
        true
    }

    #[cold]
    fn skip(&mut self, control: bool) {
        if let Some(mut msg) = self.rx.pop() {
            if control {
                self.metadata = msg.take_metadata();
            } else {
                self.count_read(msg.flags());
            }
        }
    }

    #[cold]
    fn check_read_latest(&mut self) -> bool {
        let closed = self.input().writer_closed.load(Ordering::Acquire);
        // Marked first: a writer that fills the place afterwards will see it.
        self.input().reader_asleep.swap(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let full = self
            .input()
            .latest
            .as_ref()
            .is_some_and(|place| place.lock().is_some());
        self.ended = closed && !full;
        full
    }

    /// Whether the other end has written anything but its routing id that was
    /// not read yet.
    pub fn has_messages(&mut self) -> bool {
        let introduction = self.rx.peek().is_some_and(|msg| msg.has(flag::ROUTING_ID));
        self.rx.waiting() > usize::from(introduction)
    }

    /// About how many message parts the other end has written that were not read.
    pub fn unread(&mut self) -> usize {
        self.rx.waiting()
    }

    /// No more messages in either direction, except that what the other end
    /// has written until now can still be read.
    pub fn shut(&mut self) {
        self.tx.rollback();
        self.tx.publish();
        self.output().writer_closed.store(true, Ordering::SeqCst);
        self.input().reader_closed.store(true, Ordering::SeqCst);
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Reads a message part, with the connection's metadata attached.
    pub fn read(&mut self) -> Option<Msg> {
        let mut msg = Msg::new();
        self.read_into(&mut msg).then_some(msg)
    }

    /// As [`read`](Self::read), in place of the content of `into`, which stays
    /// if there is nothing. False then.
    #[inline]
    pub fn read_into(&mut self, into: &mut Msg) -> bool {
        if !self.check_read() {
            return false;
        }
        if self.conflates {
            return self.read_latest(into);
        }
        let bare = into.has(flag::BARE);
        let held = into.vacate();
        if !self.rx.pop_into(into) {
            return false;
        }
        self.count_read(into.flags());
        if let Some(metadata) = &self.metadata {
            match bare {
                true => into.set(flag::BARE, true),
                false => into.set_metadata(Some(Metadata::share(metadata, held))),
            }
        }
        true
    }

    #[cold]
    fn read_latest(&mut self, into: &mut Msg) -> bool {
        let latest = self.input().latest.as_ref();
        let Some(msg) = latest.and_then(|place| place.lock().take()) else {
            return false;
        };
        *into = msg;
        if self.metadata.is_some() {
            into.set_metadata(self.metadata.clone());
        }
        true
    }

    /// Counts whole messages; at each low-water mark the writer is told.
    #[inline]
    fn count_read(&mut self, flags: u8) {
        if flags & (flag::MORE | flag::ROUTING_ID) != 0 {
            return;
        }
        self.read += 1;
        let packed = self.input().hwm.load(Ordering::Relaxed);
        if packed != self.low_water.packed {
            self.low_water.renew(packed, self.read);
        }
        if self.read == self.low_water.next {
            self.tell_writer();
        }
    }

    #[cold]
    fn tell_writer(&mut self) {
        self.low_water.next += self.low_water.step;
        self.low_water.told = self.read;
        let channel = self.input();
        channel.read.store(self.read, Ordering::SeqCst);
        // The writer marks itself, then looks at the count again.
        fence(Ordering::SeqCst);
        if channel.writer_lazy.load(Ordering::Relaxed)
            || channel.writer_asleep.swap(false, Ordering::SeqCst)
        {
            self.shared.notify(1 - self.side, event::WRITE);
        }
    }

    /// Whether a message part can be written. If the pipe is full, the listener
    /// hears when there is room again; the end of a socket finds room only
    /// after it took that event.
    #[inline]
    pub fn check_write(&mut self) -> bool {
        if self.closed || self.output().reader_closed.load(Ordering::Relaxed) {
            return false;
        }
        let limit = self.output().limit();
        if limit == 0 || self.written - self.acknowledged < limit || self.conflates {
            return true;
        }
        !self.lazy && self.has_room_now()
    }

    /// Whether there is room, by a fresh look at what was read. If not, the
    /// listener hears when there is.
    #[cold]
    pub fn has_room_now(&mut self) -> bool {
        if self.closed || self.output().reader_closed.load(Ordering::Relaxed) {
            return false;
        }
        let limit = self.output().limit();
        for asleep in [false, true] {
            self.acknowledged = self.output().read.load(Ordering::SeqCst);
            if limit == 0 || self.written - self.acknowledged < limit {
                if asleep {
                    self.output().writer_asleep.store(false, Ordering::Relaxed);
                }
                return true;
            }
            // Mark first, then look again: one side sees the other.
            self.output().writer_asleep.swap(true, Ordering::SeqCst);
            fence(Ordering::SeqCst);
        }
        false
    }

    /// This end is a socket's: it learns what was read from the events that come
    /// at each low-water mark, when it takes them, and from nothing else. So a
    /// fast sender meets its high-water mark where the option says, however
    /// fast the reader is, as in libzmq.
    pub fn set_lazy(&mut self) {
        self.lazy = true;
        self.output().writer_lazy.store(true, Ordering::SeqCst);
    }

    /// Writes a message part; the message comes back if the pipe is full or
    /// closed. The reader sees whole messages, after [`flush`](Self::flush).
    #[inline]
    pub fn write(&mut self, msg: Msg) -> Result<(), Msg> {
        if !self.check_write() {
            return Err(msg);
        }
        self.write_unchecked(msg);
        Ok(())
    }

    /// As [`write`](Self::write), but takes the content out of `msg`, which is
    /// empty then, or leaves it there.
    #[inline]
    pub fn write_from(&mut self, msg: &mut Msg) -> bool {
        if !self.check_write() {
            return false;
        }
        let flags = msg.flags();
        if self.conflates {
            self.write_latest(msg.take());
            return true;
        }
        self.count_written(flags, msg.len());
        self.tx.push_from(msg, flags & flag::MORE == 0);
        true
    }

    /// Writes a part without regard to the high-water mark.
    #[inline]
    pub fn write_unchecked(&mut self, msg: Msg) {
        let flags = msg.flags();
        if self.conflates {
            self.write_latest(msg);
            return;
        }
        self.count_written(flags, msg.len());
        self.tx.push(msg, flags & flag::MORE == 0);
    }

    #[inline]
    fn count_written(&mut self, flags: u8, len: usize) {
        self.load += len + MESSAGE_COST;
        let uncounted = flags & (flag::MORE | flag::ROUTING_ID | flag::CONTROL);
        self.written += u64::from(uncounted == 0);
    }

    #[cold]
    fn write_latest(&mut self, msg: Msg) {
        let more = msg.more();
        if let Some(place) = &self.output().latest {
            if !msg.has(flag::CONTROL) {
                *place.lock() = Some(msg);
                self.written += u64::from(!more);
            }
        }
    }

    /// From now on messages carry these connection properties.
    pub fn write_metadata(&mut self, metadata: Arc<Metadata>) {
        if self.conflates {
            return;
        }
        let mut msg = Msg::new().with(flag::CONTROL);
        msg.set_metadata(Some(metadata));
        self.write_unchecked(msg);
    }

    /// Shows what was written to the reader and tells it if it had run dry.
    #[inline]
    pub fn flush(&mut self) {
        let news = self.tx.publish() || self.conflates;
        if self.load >= FILLING {
            return self.fill_reader();
        }
        if news && self.output().reader_asleep.load(Ordering::SeqCst) {
            self.wake_reader();
        }
    }

    #[cold]
    fn fill_reader(&mut self) {
        self.load = 0;
        let asleep = self.output().reader_asleep.swap(false, Ordering::SeqCst);
        let listener = self.shared.sides[1 - self.side].listener.get();
        let served = listener.is_some_and(|(listener, token)| listener.pipe_filling(*token));
        if asleep && !served {
            self.shared.notify(1 - self.side, event::READ);
        }
    }

    #[cold]
    fn wake_reader(&self) {
        if self.output().reader_asleep.swap(false, Ordering::SeqCst) {
            self.shared.notify(1 - self.side, event::READ);
        }
    }

    /// Takes back the parts of an unfinished message.
    pub fn rollback(&mut self) {
        self.tx.rollback();
    }

    /// Whether half a multipart message has been written.
    pub fn is_mid_message(&self) -> bool {
        self.tx.is_open()
    }

    /// Closes this end: what was written remains for the other end to read,
    /// what was not read is dropped. Idempotent.
    pub fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.tx.rollback();
        self.tx.publish();
        self.output().writer_closed.store(true, Ordering::SeqCst);
        self.input().reader_closed.store(true, Ordering::SeqCst);
        while self.rx.pop().is_some() {}
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Whether the other end has closed and everything was read.
    pub fn is_ended(&self) -> bool {
        self.ended || self.closed
    }

    /// Whether the other end has closed (there may be messages left to read).
    pub fn is_peer_closed(&self) -> bool {
        self.input().writer_closed.load(Ordering::Acquire)
    }

    /// The reading end lost its connection: everything not yet read is void,
    /// and the writer is to start anew. Reading goes on when it has done so.
    pub fn hiccup(&mut self) {
        self.hiccups += 1;
        self.shared.notify(1 - self.side, event::HICCUP);
    }

    /// Whether the writer has still to answer a [`hiccup`](Self::hiccup).
    pub fn awaits_restart(&self) -> bool {
        self.input().restarts.load(Ordering::Acquire) < self.hiccups
    }

    /// The writer's answer to a hiccup: everything written so far is skipped.
    pub fn restart(&mut self) {
        self.tx.rollback();
        let channel = &self.shared.channels[self.side];
        channel
            .discard_until
            .store(self.tx.completed(), Ordering::Relaxed);
        self.tx.publish();
        channel.restarts.fetch_add(1, Ordering::Release);
        self.wake_reader();
    }

    /// Sets this side's part of the limits: `ZMQ_SNDHWM` for writing and
    /// `ZMQ_RCVHWM` for reading.
    pub fn set_hwm(&self, snd: i32, rcv: i32) {
        for (side, shift, value) in [(self.side, 32, snd), (1 - self.side, 0, rcv)] {
            let channel = &self.shared.channels[side];
            let value = u64::from(value as u32) << shift;
            let others = !(u64::from(u32::MAX) << shift);
            // A part that is not there belongs to a connection. Never fails.
            let _ = channel
                .hwm
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |hwm| {
                    Some((hwm & others) | value)
                });
            fence(Ordering::SeqCst);
            // A writer that waits for room may have it now.
            if channel.writer_lazy.load(Ordering::SeqCst)
                || channel.writer_asleep.swap(false, Ordering::SeqCst)
            {
                self.shared.notify(side, event::WRITE);
            }
        }
    }

    /// Properties of the connection behind the messages read last.
    pub fn metadata(&self) -> Option<&Arc<Metadata>> {
        self.metadata.as_ref()
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(all(test, not(loom)))]
mod tests;

#[cfg(all(test, loom))]
mod models;
