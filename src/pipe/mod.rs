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
mod ledger;
mod parts;
mod peer;
mod place;
mod queue;
mod read;
mod table;
mod write;

pub use channel::Hwm;
pub use table::{PipeId, Pipes};

use crate::message::Metadata;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use crate::sync::{Mutex, OnceLock};
use channel::{Channel, LowWater, Shared, Side};
use parts::{PartReader, PartWriter, parts};
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
/// What a message costs beside its bytes. With less, a stream of 64 bytes is written in
/// larger pieces, and a publisher comes so near its high-water marks that it drops.
const MESSAGE_COST: usize = 64;

/// What [`PipeEnd::take_frames`] took.
pub struct Frames<'a> {
    /// Whole frames.
    pub bytes: &'a [u8],
    /// The last one has further parts of its message behind it.
    pub more: bool,
}

/// One end of a pipe.
pub struct PipeEnd {
    shared: Arc<Shared>,
    side: usize,
    tx: PartWriter,
    rx: PartReader,
    /// Whole messages written, and how many of them are known to be read.
    written: u64,
    acknowledged: u64,
    /// The high-water marks as last seen, packed, and what they come to.
    limit: (u64, u64),
    /// What was written since the reader was last told, see [`FILLING`].
    load: usize,
    /// Whole messages read.
    read: u64,
    low_water: LowWater,
    /// Hiccups announced by this (reading) end.
    hiccups: usize,
    closed: bool,
    ended: bool,
    /// What comes in is shown by cheaper means, see [`Channel::weak`].
    weak: bool,
    /// Units read when the reader last ran dry.
    dry_at: usize,
    /// Room counts only after the event.
    lazy: bool,
    /// Short bodies are copied to runs.
    frames: bool,
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
        ledger: Mutex::default(),
        refused: AtomicBool::new(false),
        withdrawn: AtomicBool::new(false),
        peer_left: AtomicBool::new(false),
    });
    let (tx0, rx1) = parts();
    let (tx1, rx0) = parts();
    let end = |side, tx, rx| PipeEnd {
        shared: shared.clone(),
        side,
        tx,
        rx,
        written: 0,
        acknowledged: 0,
        limit: (u64::MAX, 0),
        load: 0,
        read: 0,
        // For no limit, which is none of the settings until it is looked at.
        low_water: LowWater {
            packed: 0,
            step: 0,
            next: u64::MAX,
            credited: 0,
        },
        hiccups: 0,
        closed: false,
        ended: false,
        weak: false,
        dry_at: 0,
        lazy: false,
        frames: false,
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

    /// No more messages in either direction, except that what the other end
    /// has written until now can still be read.
    pub fn shut(&mut self) {
        self.rollback();
        self.tx.publish(false);
        self.keep_ledger();
        self.output().writer_closed.store(true, Ordering::SeqCst);
        self.input().reader_closed.store(true, Ordering::SeqCst);
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Closes this end: what was written remains for the other end to read,
    /// what was not read is dropped. Idempotent.
    pub fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.rollback();
        self.tx.publish(false);
        self.keep_ledger();
        self.output().writer_closed.store(true, Ordering::SeqCst);
        self.input().reader_closed.store(true, Ordering::SeqCst);
        self.rx.drain();
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
