//! Connections: a ZMTP session over any byte stream, driven by any thread.
//!
//! A [`Connection`] is a state machine, a stream and its end of a pipe under one
//! [`WorkLock`]. The I/O thread (on readiness and timers) and application threads (while
//! they send or wait) set work bits and try the lock ([`Connection::service`]). The holder
//! drains the work bits and rechecks them as it unlocks, so a thread whose try failed may
//! return: no thread waits for another, and no work is lost.
//!
//! A thread that drives a connection may hold the socket's slot (application threads) or
//! nothing (the I/O thread); under the connection's lock it never locks a socket. While an
//! application thread polls, the connection is *caller-driven*: that thread reads the
//! stream, and the I/O thread does not re-arm the descriptor.
//!
//! In this folder:
//!
//! - `input` and `output`: bytes to messages and back;
//! - `raw`: what differs without ZMTP;
//! - `state`: the life of a connection, from dial or accept to its end;
//! - `dialer`: the attempts to connect and the back-off between them;
//! - `tunnel`: the negotiation with a SOCKS proxy;
//! - `acceptor`: listening, and `half_open`: the bound on handshakes under way;
//! - [`engine`]: a connection as its socket sees it, [`link`]: the socket as its connections see it.

#![forbid(unsafe_code)]

mod acceptor;
mod dialer;
pub mod engine;
pub mod event;
mod half_open;
mod input;
pub mod link;
mod output;
mod raw;
mod security;
mod settings;
mod state;
mod tunnel;

pub use acceptor::Acceptor;
pub use engine::Engine;
pub use event::{Diagnostics, Event};
pub use link::{Authentication, Driving, Link, Membership};
pub use security::{OpenQuestion, ZapClient, ZapQuery};
pub use settings::Settings;

use crate::io_policy::{self, RetryBudget};
use crate::pipe::{Listener, PipeEnd};
use crate::reactor::{After, Key, Reactor, Ready, Source};
use crate::sync::local::thread_cell;
use crate::sync::work_lock::{Served, WorkLock};
use crate::sync::{Mutex, OnceLock};
use crate::sys::{self, cancel::Shield, log, panics::contain};
use crate::transport::{ByteStream, Endpoint};
use crate::zmtp::ZapVerdict;
use dialer::Dialer;
use half_open::{Evict, HalfOpen};
use security::ZapAnswer;
use state::State;
use std::cell::Cell;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::Instant;

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

thread_cell! {
    /// The connection whose flush this thread has last left to the I/O thread.
    static UNFLUSHED: Weak<Connection> = Weak::new();
}

/// One connection, dialled or accepted. See the module.
pub struct Connection {
    me: Weak<Connection>,
    link: Arc<dyn Link>,
    reactor: Arc<Reactor>,
    settings: Arc<Settings>,
    key: OnceLock<Key>,
    state: WorkLock<State>,
    /// No further attempt to connect is made. Stored (SeqCst) before the link is notified, and
    /// loaded by a thread that handles the notification.
    over: AtomicBool,
    /// The ZAP handler's answer, until the state machine takes it.
    answer: Mutex<Option<ZapAnswer>>,
    /// An application thread reads the stream; the descriptor is not armed. Dekker with
    /// [`Driving::is_spinning`], see `State::watch`.
    caller_driven: AtomicBool,
    /// [`Driving::activity`] as of the last tick.
    seen_activity: AtomicU32,
    /// Messages received since the last send.
    received: AtomicU32,
    /// The I/O thread is due to check for an unflushed batch, see `check_flush`.
    flush_pending: AtomicBool,
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

impl Connection {
    fn create(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        state: State,
    ) -> Arc<Connection> {
        let connection = Arc::new_cyclic(|me| Connection {
            me: me.clone(),
            link,
            reactor,
            settings,
            key: OnceLock::new(),
            state: WorkLock::new(state),
            over: AtomicBool::new(false),
            answer: Mutex::new(None),
            caller_driven: AtomicBool::new(false),
            seen_activity: AtomicU32::new(0),
            received: AtomicU32::new(1),
            flush_pending: AtomicBool::new(false),
            fillings: AtomicU32::new(0),
            seen_fillings: AtomicU32::new(0),
            unsent: AtomicBool::new(false),
            written: AtomicU32::new(0),
            stuck: AtomicU32::new(u32::MAX),
            last_wakeup: AtomicU64::new(0),
        });
        let key = connection.reactor.insert(connection.clone());
        let _ = connection.key.set(key);
        connection.link.opened(connection.clone());
        connection
    }

    /// Begins to connect to `endpoint`, with retries until [`stop`](Self::stop). `pipe` is
    /// the connection's end of a pipe that exists before the handshake is complete, unless
    /// `ZMQ_IMMEDIATE` forbids that.
    pub fn connect(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        endpoint: Endpoint,
        pipe: Option<PipeEnd>,
    ) -> Arc<Connection> {
        let state = State::new(Some(Dialer::new(endpoint, &settings)), pipe);
        let connection = Connection::create(link, reactor, settings, state);
        connection.with_state(|state| {
            if let Some(pipe) = &state.pipe {
                pipe.set_listener(connection.clone(), 0);
            }
        });
        connection.service(work::START);
        connection
    }

    /// Takes ownership of a stream that was accepted at the endpoint `local`.
    fn accepted(
        link: Arc<dyn Link>,
        reactor: Arc<Reactor>,
        settings: Arc<Settings>,
        stream: ByteStream,
        local: Vec<u8>,
        half_open: &Arc<HalfOpen>,
    ) -> Arc<Connection> {
        let connection =
            Connection::create(link, reactor, settings, State::accepted(stream, local));
        let ticket = half_open.enter(connection.me.clone());
        connection.with_state(|state| state.ticket = Some(ticket));
        connection.service(work::START);
        connection
    }

    /// Takes the connection whose flush the calling thread has last left to the I/O thread,
    /// unless it belongs to the link at `except`: then it stays. The flush may be done by
    /// now.
    pub fn take_unflushed(except: usize) -> Option<Arc<Connection>> {
        let unflushed = UNFLUSHED.take().upgrade()?;
        if unflushed.link_address() == except {
            UNFLUSHED.set(unflushed.me.clone());
            return None;
        }
        Some(unflushed)
    }

    /// As [`take_unflushed`](Self::take_unflushed), of any link, and without taking it.
    pub fn last_unflushed() -> Option<Arc<Connection>> {
        let unflushed = UNFLUSHED.take().upgrade()?;
        UNFLUSHED.set(unflushed.me.clone());
        Some(unflushed)
    }

    /// Forgets the calling thread's unflushed connection: in a forked child it is the
    /// parent's.
    pub fn forget_unflushed() {
        UNFLUSHED.take();
    }

    /// Whether the calling thread has left a flush to the I/O thread and not taken it back
    /// with [`take_unflushed`](Self::take_unflushed).
    pub fn has_unflushed() -> bool {
        let has = |cell: &Cell<Weak<Connection>>| {
            let last = cell.take();
            let any = last.strong_count() > 0;
            cell.set(last);
            any
        };
        UNFLUSHED.with(has).unwrap_or(false)
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
        let served = self.state.serve(work, |state, todo| self.work(state, todo));
        self.leave_to_io_thread(served);
        served != Served::Busy
    }

    /// As [`service`](Self::service), but waits for the lock: the work is done on return.
    fn wait_and_service(&self, work: u32) {
        let served = self
            .state
            .wait_and_serve(work, |state, todo| self.work(state, todo));
        self.leave_to_io_thread(served);
    }

    fn with_state<R>(&self, reach: impl FnOnce(&mut State) -> R) -> R {
        let (result, served) = self.state.with(reach, |state, todo| self.work(state, todo));
        self.leave_to_io_thread(served);
        result
    }

    /// `None` while another thread holds the lock.
    fn try_with_state<R>(&self, reach: impl FnOnce(&mut State) -> R) -> Option<R> {
        let (result, served) = self
            .state
            .try_with(reach, |state, todo| self.work(state, todo))?;
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

    /// Back-pressure on a sender whose stream is full in the middle of a long message. As
    /// long as the peer reads about as fast as memory is copied, this thread writes the
    /// rest itself and sleeps while the kernel takes no more: further messages in the queue
    /// would only leave the caches before their turn. After a sleep in which the peer has
    /// read nothing, no thread waits for it again until it has.
    fn send_rest(&self) {
        let begun = Instant::now();
        let budget = RetryBudget::new(self.written.load(Ordering::Relaxed));
        while self.unsent.load(Ordering::Relaxed) {
            let written = self.written.load(Ordering::Relaxed);
            if !budget.lasts(begun.elapsed(), written, self.stuck.load(Ordering::Relaxed)) {
                return;
            }
            if !self.wait_for_room() {
                self.stuck.store(written, Ordering::Relaxed);
            }
            self.service(work::FILLING);
        }
    }

    /// Sleeps until the stream is writable, for at most 1 ms. False on time-out.
    fn wait_for_room(&self) -> bool {
        let fd = self.try_with_state(|state| state.blocked_fd()).flatten();
        let Some(fd) = fd else {
            std::thread::yield_now(); // the holder of the lock writes
            return true;
        };
        sys::is_ready_within(fd, libc::POLLOUT, 1)
    }

    /// The I/O thread's check for an unflushed batch. If a sending thread has written a
    /// batch since the last check, it is likely to do so again, and the check is repeated
    /// later. Otherwise the rest is written now, and the next message schedules the I/O
    /// thread again.
    ///
    /// The lost wake-up is excluded as in Dekker: here store `flush_pending`; SeqCst fence;
    /// load the work bits. In [`Listener::pipe_event`] SeqCst exchanges set the work bit,
    /// then `flush_pending`. So either this load sees the bit, or the sender finds the flag
    /// clear and schedules a check.
    fn check_flush(&self) {
        let fillings = self.fillings.load(Ordering::Relaxed);
        if self.seen_fillings.swap(fillings, Ordering::Relaxed) != fillings {
            return;
        }
        self.flush_pending.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        if self.state.has_work() {
            self.service(0);
        }
    }

    fn work(&self, state: &mut State, todo: u32) {
        let _shield = Shield::new();
        if contain(LOST, || state.run(self, todo)).is_none()
            && contain(LOST, || state.run(self, work::FAIL)).is_none()
        {
            state.abandon(self);
        }
    }

    /// Whether a message just queued is left to the I/O thread.
    fn is_streaming(&self) -> bool {
        let wakeup = self.link.count_wakeup();
        let previous = self.last_wakeup.swap(wakeup.now, Ordering::Relaxed);
        let received = self.received.swap(0, Ordering::Relaxed);
        io_policy::is_stream(wakeup, previous, received)
    }
}

impl Engine for Connection {
    fn stop(&self) {
        self.service(work::STOP);
    }

    fn stop_soon(&self) {
        self.service(work::STOP_SOON);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn retire(&self) -> Option<PipeEnd> {
        let pipe = self.with_state(|state| state.pipe.take());
        self.stop();
        pipe
    }

    fn poll_input(&self) {
        self.service(work::READ);
    }

    fn push_output(&self) {
        if self.state.has_work() {
            self.service(0);
        }
    }

    fn unsent(&self) -> usize {
        self.try_with_state(State::unsent).unwrap_or(0)
    }

    fn stream_fd(&self) -> Option<RawFd> {
        self.try_with_state(|state| state.stream_fd())?
    }

    fn long_fd(&self) -> Option<RawFd> {
        self.try_with_state(|state| state.long_fd())?
    }

    fn settle(&self) {
        self.wait_and_service(work::READ);
    }

    fn hand_to_io_thread(&self) {
        if self.caller_driven.swap(false, Ordering::SeqCst) {
            // Waits for the lock: the descriptor must be armed when this returns.
            self.wait_and_service(work::HAND_OVER);
        }
    }
}

impl Evict for Connection {
    fn evict(&self) {
        self.service(work::EVICT);
    }
}

impl ZapClient for Connection {
    fn zap_reply(&self, token: u64, verdict: ZapVerdict) {
        let mut answer = self.answer.lock();
        // An answer to an older query must not displace the one that is awaited.
        if answer.as_ref().is_none_or(|answer| answer.token <= token) {
            *answer = Some(ZapAnswer { token, verdict });
        }
        drop(answer);
        self.service(work::ZAP);
    }

    fn origin(&self) -> log::Origin {
        self.link.origin()
    }
}

impl Listener for Connection {
    fn pipe_event(&self, _token: usize) {
        self.state.mark(work::PIPE);
        if self.is_streaming() {
            // The work bit was set first, see `check_flush`.
            if !self.flush_pending.swap(true, Ordering::SeqCst) {
                self.reactor.schedule(self.key());
            }
            UNFLUSHED.set(self.me.clone());
        } else {
            self.service(0);
        }
    }

    fn pipe_filling(&self, _token: usize) -> bool {
        self.fillings.fetch_add(1, Ordering::Relaxed);
        if !self.reactor.spins() {
            self.service(work::FILLING);
        } else if !self.service(work::FILLING | work::SENDER_WAITS)
            || self.unsent.load(Ordering::Relaxed)
        {
            self.send_rest();
            self.service(work::FILLING | work::SENDER_WAITED);
        }
        true
    }

    fn pipe_drained(&self, _token: usize) {
        self.service(work::PIPE);
    }
}

impl Source for Connection {
    fn ready(self: Arc<Self>, what: Ready) -> After {
        let mut todo = 0;
        if what.readable || what.writable {
            todo |= work::FIRED;
        }
        if what.readable {
            todo |= work::READ;
        }
        if what.writable {
            todo |= work::WRITE;
        }
        if what.timer {
            todo |= work::TIMER;
        }
        let no_flush = !self.flush_pending.load(Ordering::Relaxed);
        if todo != 0 || what.scheduled && no_flush {
            self.service(todo);
        }
        if what.scheduled || what.flush_check {
            self.check_flush();
        }
        if what.tick && self.caller_driven.load(Ordering::SeqCst) {
            let activity = self.link.activity();
            let seen = self.seen_activity.swap(activity, Ordering::Relaxed);
            // One drive of a long message may last for longer than a tick.
            let idle = activity == seen && !self.link.is_spinning();
            if idle && !self.state.is_held() {
                self.hand_to_io_thread();
            }
        }
        After {
            tick: self.caller_driven.load(Ordering::SeqCst) || self.link.is_spinning(),
            flush_check: self.flush_pending.load(Ordering::Relaxed),
        }
    }

    fn fail(self: Arc<Self>) {
        self.service(work::FAIL);
    }
}
