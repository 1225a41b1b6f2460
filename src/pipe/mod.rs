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

mod queue;
mod table;

pub use table::{PipeId, Pipes};

use crate::message::{Metadata, Msg, flag};
use crate::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence,
};
use parking_lot::Mutex;
use queue::{Consumer, Producer, queue};
use std::sync::{Arc, OnceLock};

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

    /// As [`pipe_event`](Self::pipe_event), of [`event::WRITE`] alone.
    fn pipe_drained(&self, token: usize) {
        self.pipe_event(token);
    }
}

/// A writer that has left so many bytes unread, counting each message as
/// [`MESSAGE_COST`] more, says so ([`Listener::pipe_filling`]).
const FILLING: usize = 32 * 1024;
/// What a message costs beside its bytes.
const MESSAGE_COST: usize = 64;

/// High-water mark settings of one direction, in messages; 0 means no limit.
#[derive(Clone, Copy, Debug)]
pub struct Hwm {
    /// `ZMQ_SNDHWM` of the writing socket, or `None` if a connection writes.
    pub snd: Option<i32>,
    /// `ZMQ_RCVHWM` of the reading socket, or `None` if a connection reads.
    pub rcv: Option<i32>,
}

/// Shared state of one direction.
struct Channel {
    /// `ZMQ_SNDHWM`/`ZMQ_RCVHWM` parts of the limit, -1 where there is none.
    snd: AtomicI32,
    rcv: AtomicI32,
    /// Messages read, as far as told to the writer (each low-water mark).
    read: AtomicU64,
    reader_asleep: AtomicBool,
    writer_asleep: AtomicBool,
    /// The writer is told of every low-water mark, see [`PipeEnd::set_lazy`].
    writer_lazy: AtomicBool,
    writer_closed: AtomicBool,
    reader_closed: AtomicBool,
    /// The reader skips items before this position (after a hiccup).
    discard_until: AtomicUsize,
    /// Hiccups the writer has answered.
    restarts: AtomicUsize,
    /// The single place of a conflating channel, which has no queue.
    latest: Option<Mutex<Option<Msg>>>,
}

impl Channel {
    fn new(hwm: Hwm, conflate: bool) -> Channel {
        Channel {
            snd: AtomicI32::new(hwm.snd.unwrap_or(-1)),
            rcv: AtomicI32::new(hwm.rcv.unwrap_or(-1)),
            read: AtomicU64::new(0),
            reader_asleep: AtomicBool::new(true),
            writer_asleep: AtomicBool::new(false),
            writer_lazy: AtomicBool::new(false),
            writer_closed: AtomicBool::new(false),
            reader_closed: AtomicBool::new(false),
            discard_until: AtomicUsize::new(0),
            restarts: AtomicUsize::new(0),
            latest: conflate.then(|| Mutex::new(None)),
        }
    }

    /// The limit in messages, 0 for none: the sum of both parts, none if
    /// either part is unlimited.
    fn limit(&self) -> u64 {
        let (snd, rcv) = (
            self.snd.load(Ordering::Relaxed),
            self.rcv.load(Ordering::Relaxed),
        );
        if snd == 0 || rcv == 0 {
            return 0;
        }
        (snd.max(0) as u64) + (rcv.max(0) as u64)
    }
}

struct Side {
    listener: OnceLock<(Arc<dyn Listener>, usize)>,
    events: AtomicU8,
}

struct Shared {
    channels: [Channel; 2],
    sides: [Side; 2],
}

impl Shared {
    fn notify(&self, side: usize, event: u8) {
        let side = &self.sides[side];
        if side.events.fetch_or(event, Ordering::SeqCst) == 0 {
            fence(Ordering::SeqCst);
            if let Some((listener, token)) = side.listener.get() {
                match event {
                    event::WRITE => listener.pipe_drained(*token),
                    _ => listener.pipe_event(*token),
                }
            }
        }
    }
}

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
    /// Hiccups announced by this (reading) end.
    hiccups: usize,
    closed: bool,
    ended: bool,
    /// Room counts only after the event.
    lazy: bool,
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
        hiccups: 0,
        closed: false,
        ended: false,
        lazy: false,
        metadata: None,
        routing_id: Vec::new(),
    };
    (end(0, tx0, rx0), end(1, tx1, rx1))
}

impl PipeEnd {
    fn output(&self) -> &Channel {
        &self.shared.channels[self.side]
    }

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
    pub fn check_read(&mut self) -> bool {
        if self.closed {
            return false;
        }
        if self.input().latest.is_some() {
            return self.check_read_latest();
        }
        loop {
            if self.rx.ready() {
                if !self.skip_next() {
                    return true;
                }
                continue;
            }
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
        }
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
        if let Some(mut msg) = self.rx.pop() {
            if control {
                self.metadata = msg.take_metadata();
            } else {
                self.count_read(&msg);
            }
        }
        true
    }

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

    /// No more messages in either direction, except that what the other end
    /// has written until now can still be read.
    pub fn shut(&mut self) {
        self.tx.rollback();
        self.tx.publish();
        self.output().writer_closed.store(true, Ordering::SeqCst);
        self.input().reader_closed.store(true, Ordering::SeqCst);
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Drops the routing id with which the other end introduced itself.
    pub fn skip_routing_id(&mut self) {
        if self.rx.peek().is_some_and(|msg| msg.has(flag::ROUTING_ID)) {
            self.rx.pop();
        }
    }

    /// Reads a message part, with the connection's metadata attached.
    pub fn read(&mut self) -> Option<Msg> {
        if !self.check_read() {
            return None;
        }
        if self.input().latest.is_some() {
            let mut msg = self
                .input()
                .latest
                .as_ref()
                .and_then(|place| place.lock().take())?;
            if self.metadata.is_some() {
                msg.set_metadata(self.metadata.clone());
            }
            return Some(msg);
        }
        let mut msg = self.rx.pop()?;
        self.count_read(&msg);
        if let Some(metadata) = &self.metadata {
            msg.set_metadata(Some(metadata.clone()));
        }
        Some(msg)
    }

    /// Counts whole messages; at each low-water mark the writer is told.
    #[inline]
    fn count_read(&mut self, msg: &Msg) {
        if msg.flags() & (flag::MORE | flag::ROUTING_ID) != 0 {
            return;
        }
        self.read += 1;
        let limit = self.input().limit();
        if limit != 0 && self.read % limit.div_ceil(2) == 0 {
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
        if limit == 0 || self.written - self.acknowledged < limit || self.output().latest.is_some()
        {
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

    /// Writes a part without regard to the high-water mark.
    #[inline]
    pub fn write_unchecked(&mut self, msg: Msg) {
        let more = msg.more();
        if let Some(place) = &self.output().latest {
            if !msg.has(flag::CONTROL) {
                *place.lock() = Some(msg);
                self.written += u64::from(!more);
            }
            return;
        }
        let counts = msg.flags() & (flag::MORE | flag::ROUTING_ID | flag::CONTROL) == 0;
        self.load += msg.len() + MESSAGE_COST;
        self.tx.push(msg);
        if !more {
            self.tx.complete();
            self.written += u64::from(counts);
        }
    }

    /// From now on messages carry these connection properties.
    pub fn write_metadata(&mut self, metadata: Arc<Metadata>) {
        if self.output().latest.is_some() {
            return;
        }
        let mut msg = Msg::new().with(flag::CONTROL);
        msg.set_metadata(Some(metadata));
        self.write_unchecked(msg);
    }

    /// Shows what was written to the reader and tells it if it had run dry.
    #[inline]
    pub fn flush(&mut self) {
        let news = self.tx.publish() || self.output().latest.is_some();
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
        for (side, part, value) in [
            (self.side, &self.output().snd, snd),
            (1 - self.side, &self.input().rcv, rcv),
        ] {
            // A part that is not there belongs to a connection.
            part.store(value, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            // A writer that waits for room may have it now.
            let channel = &self.shared.channels[side];
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
