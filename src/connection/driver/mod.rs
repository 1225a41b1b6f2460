//! The driver of a connection: its stream, the threads that may drive it, and the reactor.
//!
//! A [`Connection`] is a [`Machine`] and a stream under one [`WorkLock`]. The I/O thread (on
//! readiness and timers) and application threads (while they send or wait) set work bits and try
//! the lock ([`Connection::service`]). The holder drains the work bits and rechecks them as it
//! unlocks, so a thread whose try failed may return: no thread waits for another, and no work is
//! lost.
//!
//! A thread that drives a connection may hold the socket's slot (application threads) or
//! nothing (the I/O thread); under the connection's lock it never locks a socket. While an
//! application thread polls, the connection is *caller-driven*: that thread reads the
//! stream, and the I/O thread does not re-arm the descriptor.
//!
//! In this folder: `drive`, what is done under the lock; `wire`, the stream, and `watch`, its readiness;
//! `dial` and `dialer`, the attempts to connect; `report`, for monitor and log; `flush`, which thread
//! writes; `calls`, how others call a connection.

#![forbid(unsafe_code)]

mod calls;
mod dial;
mod dialer;
mod drive;
mod flush;
mod report;
mod watch;
mod wire;

use super::half_open::{HalfOpen, Ticket};
use super::machine::Machine;
use super::security::ZapAnswer;
use super::{Link, OpenQuestion, Settings};
use crate::pipe::PipeEnd;
use crate::reactor::{Key, Reactor};
use crate::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use crate::sync::event_count::Due;
use crate::sync::work_lock::{Served, WorkLock};
use crate::sync::{Mutex, OnceLock};
use crate::sys::{cancel::Shield, panics::contain};
use crate::transport::{ByteStream, Endpoint};
use dialer::Dialer;
use std::sync::{Arc, Weak};
use std::time::Instant;
use wire::{Stream, Wire};

/// Work bits of [`Connection::service`].
mod work {
    /// The stream may be readable.
    pub const READ: u32 = 1;
    /// The stream may be writable.
    pub const WRITE: u32 = 2;
    /// The timer is due.
    pub const TIMER: u32 = 4;
    /// The pipe has events.
    pub const PIPE: u32 = 8;
    /// The socket gives up the connection.
    pub const STOP: u32 = 16;
    /// A readiness event consumed the one-shot registration of the descriptor.
    pub const FIRED: u32 = 32;
    /// Begin: connect, or send the greeting.
    pub const START: u32 = 64;
    /// The connection is no longer caller-driven: re-arm the descriptor.
    pub const HAND_OVER: u32 = 128;
    /// A drive of the connection panicked.
    pub const FAIL: u32 = 256;
    /// The ZAP handler has answered.
    pub const ZAP: u32 = 512;
    /// The pipe holds a batch: write it, even if the stream was full.
    pub const FILLING: u32 = 1024;
    /// Too many handshakes are under way: end this one, unless it is complete.
    pub const EVICT: u32 = 2048;
    /// No further attempt is made, and the socket has read that in its mail.
    pub const STOP_SOON: u32 = 4096;
    /// The sending thread waits for room in the stream, so the descriptor is not armed for
    /// writing until the rest of this long message has gone out.
    pub const SENDER_WAITS: u32 = 8192;
    /// The sending thread stopped waiting. If both bits are set, this one wins.
    pub const SENDER_WAITED: u32 = 16_384;
}

/// The consequence of a panic, for its log line.
const LOST: &str = "a connection was closed";

/// One connection, dialled or accepted. See the module.
pub struct Connection {
    me: Weak<Connection>,
    link: Arc<dyn Link>,
    reactor: Arc<Reactor>,
    settings: Arc<Settings>,
    key: OnceLock<Key>,
    driver: WorkLock<Driver>,
    /// No further attempt to connect is made. Stored (SeqCst) before the link is notified, and
    /// loaded by a thread that handles the notification.
    over: AtomicBool,
    /// The ZAP handler's answer, until the state machine takes it.
    answer: Mutex<Option<ZapAnswer>>,
    /// An application thread reads the stream; the descriptor is not armed. Dekker with
    /// [`Driving::is_spinning`](super::Driving::is_spinning), see `is_caller_driven` in `watch`.
    caller_driven: AtomicBool,
    /// [`Driving::activity`](super::Driving::activity) as of the last tick.
    seen_activity: AtomicU32,
    flush: Flush,
}

impl Connection {
    fn create(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        driver: Driver,
    ) -> Arc<Connection> {
        let connection = Arc::new_cyclic(|me| Connection {
            me: me.clone(),
            link,
            reactor,
            settings,
            key: OnceLock::new(),
            driver: WorkLock::new(driver),
            over: AtomicBool::new(false),
            answer: Mutex::new(None),
            caller_driven: AtomicBool::new(false),
            seen_activity: AtomicU32::new(0),
            flush: Flush {
                received: AtomicU32::new(1),
                stuck: AtomicU32::new(u32::MAX),
                ..Flush::default()
            },
        });
        let key = connection.reactor.insert(connection.clone());
        let _ = connection.key.set(key);
        connection.link.opened(connection.clone());
        connection
    }

    /// Begins to connect to `endpoint`, with retries until [`stop`](super::Engine::stop). `pipe` is
    /// the connection's end of a pipe that exists before the handshake is complete, unless
    /// `ZMQ_IMMEDIATE` forbids that.
    pub fn connect(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        endpoint: Endpoint,
        pipe: Option<PipeEnd>,
    ) -> Arc<Connection> {
        let dialer = Dialer::new(endpoint, &settings);
        let seed = (Arc::as_ptr(&settings) as usize >> 4) as u32;
        let attempts = Some(dialer.attempts(seed));
        let machine = Machine::new(settings.clone(), link.wants_routing_id(), attempts, pipe);
        let mut driver = Driver::new(machine, Wire::default(), dialer.text());
        driver.dialer = Some(Box::new(dialer));
        let connection = Connection::create(link, reactor, settings, driver);
        connection.with_driver(|driver| driver.machine.listen(connection.clone()));
        connection.service(work::START);
        connection
    }

    /// Takes ownership of a stream that was accepted at the endpoint `local`.
    pub(super) fn accepted(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        stream: ByteStream,
        local: Vec<u8>,
        half_open: &Arc<HalfOpen>,
    ) -> Arc<Connection> {
        let machine = Machine::new(settings.clone(), link.wants_routing_id(), None, None);
        let driver = Driver::new(machine, Wire::of(Stream::Open(stream)), local);
        let connection = Connection::create(link, reactor, settings, driver);
        let ticket = half_open.enter(connection.me.clone());
        connection.with_driver(|driver| driver.ticket = Some(ticket));
        connection.service(work::START);
        connection
    }

    /// The address of the link, which identifies the socket.
    pub fn link_address(&self) -> usize {
        Arc::as_ptr(&self.link).cast::<()>() as usize
    }

    fn key(&self) -> Key {
        self.key.get().copied().unwrap_or(Key::MAX)
    }

    /// Sets `work`, then does all marked work. False if another thread holds the lock: that
    /// holder does it then.
    fn service(&self, work: u32) -> bool {
        let served = self
            .driver
            .serve(work, |driver, todo| self.work(driver, todo));
        self.leave_to_io_thread(served);
        served != Served::Busy
    }

    /// As [`service`](Self::service), but waits for the lock: the work is done on return.
    fn wait_and_service(&self, work: u32) {
        let served = self
            .driver
            .wait_and_serve(work, |driver, todo| self.work(driver, todo));
        self.leave_to_io_thread(served);
    }

    fn with_driver<R>(&self, reach: impl FnOnce(&mut Driver) -> R) -> R {
        let (result, served) = self
            .driver
            .with(reach, |driver, todo| self.work(driver, todo));
        self.leave_to_io_thread(served);
        result
    }

    /// `None` while another thread holds the lock.
    fn try_with_driver<R>(&self, reach: impl FnOnce(&mut Driver) -> R) -> Option<R> {
        let (result, served) = self
            .driver
            .try_with(reach, |driver, todo| self.work(driver, todo))?;
        self.leave_to_io_thread(served);
        Some(result)
    }

    /// Has the I/O thread do the work that this thread has left. Otherwise a stream that is
    /// never empty could keep an application thread here: the I/O thread, whose events this
    /// thread serves, would find it readable again each time.
    #[inline]
    fn leave_to_io_thread(&self, served: Served) {
        if served == Served::Left {
            self.reactor.schedule(self.key());
        }
    }

    fn work(&self, driver: &mut Driver, todo: u32) {
        let _shield = Shield::new();
        if contain(LOST, || driver.run(self, todo)).is_none()
            && contain(LOST, || driver.run(self, work::FAIL)).is_none()
        {
            driver.abandon(self);
        }
    }
}

/// What decides on who writes, and when, see [`flush`].
#[derive(Default)]
struct Flush {
    /// The I/O thread is due to check for an unflushed batch, see `check_flush`.
    pending: Due,
    /// Messages received since the last send.
    received: AtomicU32,
    /// Batches written by sending threads, and that number as of the I/O thread's last
    /// check.
    fillings: AtomicU32,
    seen_fillings: AtomicU32,
    /// The stream is full in the middle of a long message.
    unsent: AtomicBool,
    /// Bytes written, modulo 2^32.
    written: AtomicU32,
    /// The value of `written` when a sending thread last waited for room and timed out.
    stuck: AtomicU32,
    /// When a message last woke this connection, by the link's clock, in nanoseconds.
    last_wakeup: AtomicU64,
}

/// What the connection's lock protects.
struct Driver {
    machine: Machine,
    wire: Wire,
    /// The connecting side's addresses; `None` for an accepted connection.
    dialer: Option<Box<Dialer>>,
    /// The endpoint that events name: the local one of an accepted peer, or the dialled one.
    endpoint: Vec<u8>,
    /// As the reactor has it.
    timer: Option<Instant>,
    /// An accepted connection's ticket among the handshakes under way.
    ticket: Option<Arc<Ticket>>,
    /// The query to the ZAP handler, until it is answered.
    question: Option<Box<dyn OpenQuestion>>,
}

impl Driver {
    fn new(machine: Machine, wire: Wire, endpoint: Vec<u8>) -> Driver {
        Driver {
            machine,
            wire,
            dialer: None,
            endpoint,
            timer: None,
            ticket: None,
            question: None,
        }
    }
}
