//! Connections: a ZMTP session over any byte stream, driven by any thread.
//!
//! A [`Connection`] is a state machine, a stream and its end of a pipe under
//! one [`WorkLock`]. Whoever has something to do for it, the I/O thread on readiness
//! and timers, an application thread that sends or waits, sets work bits and tries
//! the lock ([`Connection::service`]); the holder does all the work that is marked
//! before it unlocks. So no thread waits for another, and no work is lost.
//!
//! In this folder:
//!
//! - `input` and `output`: bytes to messages and back;
//! - `raw`: what is different without ZMTP;
//! - `state`: the life of a connection, from dial or accept to its end;
//! - `dialer`: making a connection, and making it again;
//! - `tunnel`: the way through a SOCKS proxy;
//! - `acceptor`: listening, and `half_open`: how many may be in the handshake;
//! - [`link`]: what a connection knows of its socket.

#![forbid(unsafe_code)]

mod acceptor;
mod dialer;
pub mod event;
mod half_open;
mod input;
pub mod link;
mod output;
mod raw;
mod security;
mod state;
mod tunnel;

pub use acceptor::Acceptor;
pub use event::Event;
pub use link::{Link, Settings, Wakeups};
pub use security::{OpenQuestion, ZapQuery};

use crate::endpoint::Endpoint;
use crate::pipe::{Listener, PipeEnd};
use crate::reactor::{After, Key, Reactor, Ready, Source};
use crate::sync::local::thread_cell;
use crate::sync::work_lock::WorkLock;
use crate::sync::{Mutex, OnceLock};
use crate::sys::{self, cancel::Shield, log, panics::contain};
use crate::transport::ByteStream;
use crate::zmtp::ZapVerdict;
use dialer::Dialer;
use half_open::HalfOpen;
use security::ZapAnswer;
use state::State;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

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
    /// The socket gives the connection up.
    pub const STOP: u32 = 16;
    /// The descriptor's watch was used up by an event.
    pub const FIRED: u32 = 32;
    /// Begin: connect, or greet.
    pub const START: u32 = 64;
    /// The application no longer reads by itself: watch the descriptor.
    pub const HAND_OVER: u32 = 128;
    /// Something in the connection panicked.
    pub const FAIL: u32 = 256;
    /// ZAP has answered.
    pub const ZAP: u32 = 512;
    /// There is much in the pipe: write it, even if the stream was full.
    pub const FILLING: u32 = 1024;
    /// The handshake is to make room for others, if it is not done.
    pub const EVICT: u32 = 2048;
    /// No further attempt is made, and the socket knows.
    pub const STOP_SOON: u32 = 4096;
    /// The thread that sends waits for room in the stream by itself: no other is to watch
    /// for it as long as the rest of this long message has not gone out.
    pub const SENDER_WAITS: u32 = 8192;
    /// That thread waits no more. If both are marked, nothing is left to it.
    pub const SENDER_WAITED: u32 = 16_384;
}

/// Sends that follow each other faster than this, with nothing received in
/// between, are a stream: they are collected, and written by the sending thread
/// itself when there are enough, or by the I/O thread when no more come.
const STREAM_GAP: Duration = Duration::from_micros(100);

/// What a panic has come to.
const LOST: &str = "a connection was closed";

/// So many connections in a row are served by the sending thread; more are a
/// stream, even if it is one message to all of them.
const COPIES: u32 = 32;

/// Time that a sending thread may spend on a long message while the stream is full, and
/// what each byte that goes out meanwhile adds to it.
const RETRY_BUDGET: Duration = Duration::from_micros(500);
const RETRY_BUDGET_PER_BYTE: Duration = Duration::from_nanos(1);

thread_cell! {
    /// The connection whose output this thread has last left to the I/O thread.
    static UNFLUSHED: Weak<Connection> = Weak::new();
}

/// One connection, made or accepted. See the module.
pub struct Connection {
    me: Weak<Connection>,
    link: Arc<dyn Link>,
    reactor: Arc<Reactor>,
    settings: Arc<Settings>,
    key: OnceLock<Key>,
    state: WorkLock<State>,
    /// No further attempt to connect will be made.
    over: AtomicBool,
    /// ZAP's answer, until the state machine takes it.
    answer: Mutex<Option<ZapAnswer>>,
    /// The descriptor is left to the application's own reading.
    caller_driven: AtomicBool,
    /// The link's activity number at the last tick.
    seen_activity: AtomicU32,
    /// Messages that came in since the last send.
    received: AtomicU32,
    /// The I/O thread looks now and then whether a stream's end was left behind.
    flush_pending: AtomicBool,
    /// How often a sending thread has written out its stream, and what the I/O
    /// thread knew of that.
    fillings: AtomicU32,
    seen_fillings: AtomicU32,
    /// The rest of a long message is to go.
    unsent: AtomicBool,
    /// Bytes written, modulo 2^32.
    written: AtomicU32,
    /// The value of `written` when a sending thread last waited in vain.
    stuck: AtomicU32,
    /// When a message last woke this connection, by the link's clock.
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

    /// Begins to connect to `endpoint`, for ever again until [`stop`](Self::stop).
    /// `pipe` is the connection's end of a pipe that exists before the
    /// connection stands, unless `ZMQ_IMMEDIATE` forbids that.
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

    /// Takes over a stream that was accepted at the endpoint `local`.
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
        let ticket = half_open.enter(&connection);
        connection.with_state(|state| state.ticket = Some(ticket));
        connection.service(work::START);
        connection
    }

    /// There are too many handshakes under way at the listener: this one ends,
    /// unless it is done by now.
    fn evict(&self) {
        self.service(work::EVICT);
    }

    /// The socket gives the connection up: what is queued is still sent, for at
    /// most the linger time; then it ends.
    pub fn stop(&self) {
        self.service(work::STOP);
    }

    /// Stops a connection that makes no further attempt, when this is called again: the
    /// socket hears of it once more after a moment. What it sends until then is taken,
    /// and lost, as in libzmq: a client that asks a server which it does not fit waits
    /// for the answer, with its time limit, not for room.
    pub fn stop_soon(&self) {
        self.service(work::STOP_SOON);
    }

    /// Whether the connection has ended, or makes no further attempt to connect.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Stops a connection that [is over](Self::is_over) and returns its end of the
    /// pipe, if there is one: what is in it was not sent.
    pub fn retire(&self) -> Option<PipeEnd> {
        let pipe = self.with_state(|state| state.pipe.take());
        self.stop();
        pipe
    }

    /// The answer to a query that [`Link::zap`] took. May be called from any
    /// thread, even from within that method. Answers that nobody waits for are
    /// dropped.
    pub fn zap_reply(&self, token: u64, verdict: ZapVerdict) {
        let mut answer = self.answer.lock();
        // One for a connection before this one must not displace ours.
        if answer.as_ref().is_none_or(|answer| answer.token <= token) {
            *answer = Some(ZapAnswer { token, verdict });
        }
        drop(answer);
        self.service(work::ZAP);
    }

    /// Reads what is there, for a waiting application.
    pub fn poll_input(&self) {
        self.service(work::READ);
    }

    /// Does now what was left to the I/O thread and not begun by it yet.
    pub fn push_output(&self) {
        if self.state.has_work() {
            self.service(0);
        }
    }

    /// The connection whose output the calling thread has last left to the I/O
    /// thread, once, unless it belongs to the link at `except`. The output may
    /// have been written since.
    pub fn take_unflushed(except: usize) -> Option<Arc<Connection>> {
        let left = UNFLUSHED.take().upgrade()?;
        if left.link_address() == except {
            UNFLUSHED.set(left.me.clone());
            return None;
        }
        Some(left)
    }

    /// The same, as often as one likes, and whosever it is.
    pub fn last_unflushed() -> Option<Arc<Connection>> {
        let left = UNFLUSHED.take().upgrade()?;
        UNFLUSHED.set(left.me.clone());
        Some(left)
    }

    /// About how many parts of messages wait to be sent; 0 while a thread is at it.
    pub fn unsent(&self) -> usize {
        self.try_with_state(State::unsent).unwrap_or(0)
    }

    /// Forgets what the calling thread has left: in a forked child it is the
    /// parent's.
    pub fn forget_unflushed() {
        UNFLUSHED.take();
    }

    /// Whether the calling thread has left output to the I/O thread and not
    /// asked for it since.
    pub fn has_unflushed() -> bool {
        let has = |left: &Cell<Weak<Connection>>| {
            let last = left.take();
            let any = last.strong_count() > 0;
            left.set(last);
            any
        };
        UNFLUSHED.with(has).unwrap_or(false)
    }

    /// The stream's descriptor, for somebody who waits for input and may miss that it
    /// was closed meanwhile. `None` if there is none, or if input is not wanted.
    pub fn stream_fd(&self) -> Option<std::os::fd::RawFd> {
        self.try_with_state(|state| state.stream_fd())?
    }

    /// As [`stream_fd`](Self::stream_fd), if much of a long body is to come.
    pub fn long_fd(&self) -> Option<std::os::fd::RawFd> {
        self.try_with_state(|state| state.long_fd())?
    }

    /// The socket's name in the log.
    pub fn origin(&self) -> log::Origin {
        self.link.origin()
    }

    /// The address of the link, as a name for it.
    pub fn link_address(&self) -> usize {
        Arc::as_ptr(&self.link).cast::<()>() as usize
    }

    /// Does what is to be done, and reads what is there, before it returns:
    /// waits for a thread that is at it. To be called with no socket locked.
    pub fn settle(&self) {
        self.wait_and_service(work::READ);
    }

    /// The application stops reading this connection by itself: the I/O thread
    /// watches it again.
    pub fn hand_to_io_thread(&self) {
        if self.caller_driven.swap(false, Ordering::SeqCst) {
            // After this call the watch must be in place.
            self.wait_and_service(work::HAND_OVER);
        }
    }

    fn key(&self) -> Key {
        self.key.get().copied().unwrap_or(Key::MAX)
    }

    /// Adds work and does all that is marked, unless another thread holds the lock, and
    /// will. True if it was done here.
    fn service(&self, work: u32) -> bool {
        self.state.serve(work, |state, todo| self.work(state, todo))
    }

    /// The same, but waits for the lock: the work is done when this returns.
    fn wait_and_service(&self, work: u32) {
        self.state
            .wait_and_serve(work, |state, todo| self.work(state, todo));
    }

    fn with_state<R>(&self, reach: impl FnOnce(&mut State) -> R) -> R {
        self.state.with(reach, |state, todo| self.work(state, todo))
    }

    /// `None` while another thread holds the lock.
    fn try_with_state<R>(&self, reach: impl FnOnce(&mut State) -> R) -> Option<R> {
        self.state
            .try_with(reach, |state, todo| self.work(state, todo))
    }

    /// Back-pressure on a sender whose stream is full in the middle of a long message. As
    /// long as the peer reads about as fast as memory is copied, this thread writes the
    /// rest itself, sleeping while the kernel takes no more: further messages in the
    /// queue would only be out of the caches when their turn comes. A peer that has read
    /// nothing during such a sleep is not waited for again until it has.
    fn send_rest(&self) {
        let begun = Instant::now();
        let first = self.written.load(Ordering::Relaxed);
        while self.unsent.load(Ordering::Relaxed) {
            let written = self.written.load(Ordering::Relaxed);
            let earned = RETRY_BUDGET_PER_BYTE * written.wrapping_sub(first);
            if self.stuck.load(Ordering::Relaxed) == written
                || begun.elapsed() >= RETRY_BUDGET + earned
            {
                return;
            }
            if !self.wait_for_room() {
                self.stuck.store(written, Ordering::Relaxed);
            }
            self.service(work::FILLING);
        }
    }

    /// Sleeps until the stream takes bytes again, for a millisecond at most. False if it
    /// took longer.
    fn wait_for_room(&self) -> bool {
        let fd = self.try_with_state(|state| state.blocked_fd()).flatten();
        let Some(fd) = fd else {
            std::thread::yield_now(); // the lock's holder writes
            return true;
        };
        sys::is_writable_within(fd, 1)
    }

    /// The I/O thread's look at a stream. If the sending thread has written by
    /// itself since the last look, it is likely to do it again, and is left alone
    /// until the next look. Otherwise what is left is written now, and the next
    /// message asks for the I/O thread anew.
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

    /// Whether a message that was just queued is better left to the I/O thread:
    /// in a stream it is cheaper to collect, after a pause, or as the answer to a
    /// single message, it is faster to write at once. Several messages received
    /// together will have several answers. A stream may go round many connections
    /// and come to each of them seldom; copies of one message to a few are none.
    fn is_streaming(&self) -> bool {
        let run = self.link.count_wakeup(STREAM_GAP);
        let last = self.last_wakeup.swap(run.now, Ordering::Relaxed);
        match self.received.swap(0, Ordering::Relaxed) {
            0 => last >= run.began || run.count > COPIES,
            received => received > 1,
        }
    }
}

impl Listener for Connection {
    fn pipe_event(&self, _token: usize) {
        self.state.mark(work::PIPE);
        if self.is_streaming() {
            // The bit was set first: who stops minding looks at it afterwards.
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
        let waits = !self.flush_pending.load(Ordering::Relaxed);
        if todo != 0 || what.scheduled && waits {
            self.service(todo);
        }
        if what.scheduled || what.flush_check {
            self.check_flush();
        }
        if what.tick && self.caller_driven.load(Ordering::SeqCst) {
            let activity = self.link.activity();
            let seen = self.seen_activity.swap(activity, Ordering::Relaxed);
            if activity == seen && !self.link.is_spinning() {
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
