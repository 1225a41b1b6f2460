//! Pipes: two queues of messages between two ends, with high-water marks, multipart atomicity and
//! termination.
//!
//! One end belongs to a socket, the other to a connection or, over inproc, to another socket. Each
//! end is used by one thread at a time, under the lock of its owner; the two ends share only what
//! is in [`queue`] and [`Channel`].
//!
//! Two handshakes keep wake-ups from being lost, each a Dekker of a store, a SeqCst fence and a
//! load of the other side's flag. The fences order them; the accesses are Relaxed. The models are in
//! `models.rs`.
//! - The reader runs dry: it sets `reader_asleep`, fence, rechecks the published count. The writer
//!   publishes, then loads `reader_asleep`; if set, it clears it and sends [`event::READ`]. Here the
//!   writer has no fence, but a SeqCst exchange and a SeqCst load, which cost less; in a stream its
//!   fence is asymmetric, see [`Channel::weak`].
//! - The writer finds the pipe full: it sets `writer_asleep`, fence, rechecks the count of messages
//!   read and the limit. The reader stores that count at each low-water mark, and either side a new
//!   limit, fence, then loads `writer_asleep`; if set, it clears it and sends [`event::WRITE`].
//!
//! An event is a bit of the other end and, if it is the first, a call of that end's [`Listener`].
//! There is no other wake-up.

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

use crate::io_policy::tunables::{MESSAGE_COST, PIPE_BATCH};
use crate::message::Metadata;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use crate::sync::{Mutex, SetOnce};
use channel::{Channel, LowWater, Shared, Side};
use parts::{PartReader, PartWriter, parts};
use std::sync::Arc;

/// What happened to a pipe, as bits of [`PipeEnd::take_events`].
pub mod event {
    /// Messages were published after the reader found the queue empty.
    pub const READ: u8 = 1;
    /// There is room after the writer found the pipe full.
    pub const WRITE: u8 = 2;
    /// The other end has closed.
    pub const CLOSED: u8 = 4;
    /// The connection was made anew: what was sent before is lost (SUB, XSUB).
    pub const HICCUP: u8 = 8;
    /// The other end asks whether the peer behind this one is still connected.
    pub const INQUIRY: u8 = 16;
}

/// Receives the events of an end. Called by the thread that uses the other end, with that end's
/// owner locked: it must not block nor take the lock of any socket.
pub trait Listener: Send + Sync {
    /// The end that was registered under `token` has events.
    fn pipe_event(&self, token: usize);

    /// So much was written and not read that reading it now would pay, see `PIPE_BATCH`. True if the
    /// listener has had it read, and needs no [`event::READ`].
    fn pipe_filling(&self, _token: usize) -> bool {
        false
    }

    /// As [`pipe_event`](Self::pipe_event), of [`event::WRITE`] or
    /// [`event::INQUIRY`] alone.
    fn pipe_drained(&self, token: usize) {
        self.pipe_event(token);
    }
}

/// The result of [`PipeEnd::take_frames`].
pub struct Frames<'a> {
    /// Whole frames.
    pub bytes: &'a [u8],
    /// Further parts follow the last one in its message.
    pub more: bool,
}

/// One end of a pipe.
pub struct PipeEnd {
    shared: Arc<Shared>,
    side: usize,
    tx: PartWriter,
    rx: PartReader,
    /// Whole messages written, and how many of them are known to be read: the HWM credit.
    written: u64,
    acknowledged: u64,
    /// The packed high-water marks as last loaded, and the limit that follows.
    limit: (u64, u64),
    /// Bytes written since the last [`Listener::pipe_filling`], see [`PIPE_BATCH`].
    load: usize,
    /// Whole messages read.
    read: u64,
    low_water: LowWater,
    /// Hiccups announced by this, the reading end.
    hiccups: usize,
    closed: bool,
    ended: bool,
    /// The input is published with an asymmetric fence, see [`Channel::weak`].
    weak: bool,
    /// Units read when the reader last ran dry.
    dry_at: usize,
    /// HWM credit is refreshed on WRITE events only, see [`PipeEnd::set_lazy`].
    lazy: bool,
    /// Short bodies are copied to runs.
    frames: bool,
    /// There is one place for a message in each direction, and no queue.
    conflates: bool,
    metadata: Option<Arc<Metadata>>,
    /// The peer's routing id as the pattern knows it; for the pattern's use only.
    pub routing_id: Vec<u8>,
}

/// A pipe: the ends of two sockets, or of a socket (first) and its connection
/// (second). `forward` is the direction from the first to the second end.
/// A conflating direction holds only the latest single-part message.
pub fn pair(forward: Hwm, backward: Hwm, conflate: bool) -> (PipeEnd, PipeEnd) {
    let side = || Side {
        listener: SetOnce::new(),
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
        // For no limit: differs from any packed setting, so that the first read renews it.
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

    /// Registers the receiver of this end's events, once for its life, and calls it if there are
    /// events already.
    ///
    /// Dekker: this stores the listener; SeqCst fence; loads the events. `Shared::notify` stores
    /// the event; SeqCst fence; loads the listener.
    pub fn set_listener(&self, listener: Arc<dyn Listener>, token: usize) {
        let side = &self.shared.sides[self.side];
        if side.listener.set((listener, token)).is_ok() {
            fence(Ordering::SeqCst);
            if side.events.load(Ordering::Relaxed) != 0 {
                if let Some((listener, token)) = side.listener.get() {
                    listener.pipe_event(*token);
                }
            }
        }
    }

    /// Takes the pending events, see [`event`]. [`event::WRITE`] refreshes the HWM credit. Acquire
    /// pairs with the Release in `Shared::notify`.
    pub fn take_events(&mut self) -> u8 {
        let events = self.shared.sides[self.side]
            .events
            .swap(0, Ordering::Acquire);
        if events & event::WRITE != 0 {
            self.acknowledged = self.output().read.load(Ordering::Relaxed);
        }
        events
    }

    /// Ends both directions, except that what the other end has written until now can still be
    /// read.
    pub fn shut(&mut self) {
        self.end_both();
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Closes this end: what was written remains for the other end to read,
    /// what was not read is dropped. Idempotent.
    pub fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.end_both();
        self.rx.drain();
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Marks both directions as ended, after what was written is published.
    fn end_both(&mut self) {
        self.rollback();
        self.tx.publish(false);
        self.keep_ledger();
        self.input().reader_closed.store(true, Ordering::Relaxed);
        // Release pairs with the Acquire loads of this mark: all messages are published, and
        // `reader_closed` is set, before it.
        self.output().writer_closed.store(true, Ordering::Release);
    }

    /// Whether the other end has closed and everything was read, or this end has closed.
    pub fn is_ended(&self) -> bool {
        self.ended || self.closed
    }

    /// Whether the other end has closed (there may be messages left to read). Acquire pairs with
    /// the store in `shut` and `close`: all messages are published before it.
    pub fn is_peer_closed(&self) -> bool {
        self.input().writer_closed.load(Ordering::Acquire)
    }

    /// The reading end lost its connection: everything not yet read is void, and the writer is to
    /// start anew. The reader continues with what the writer writes after its
    /// [`restart`](Self::restart).
    pub fn hiccup(&mut self) {
        self.hiccups += 1;
        self.shared.notify(1 - self.side, event::HICCUP);
    }

    /// Whether the writer has still to answer a [`hiccup`](Self::hiccup). Acquire pairs with the
    /// Release increment in [`restart`](Self::restart): `discard_until` is visible.
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
            // A part that is not set belongs to a connection. Never fails.
            let _ = channel
                .hwm
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |hwm| {
                    Some((hwm & others) | value)
                });
            fence(Ordering::SeqCst);
            // The writer may have room now: settings stored, then fence, then its flag loaded. The
            // writer sets its flag, then fence, then rechecks, see the module.
            if channel.writer_lazy.load(Ordering::Relaxed)
                || channel.writer_asleep.swap(false, Ordering::Relaxed)
            {
                self.shared.notify(side, event::WRITE);
            }
        }
    }

    /// Properties of the connection behind the message read last.
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
