//! The life of a connection: what each event does in each phase.
//!
//! A [`State`] is reached only under the connection's lock, by the thread that holds it (an
//! I/O thread or an application thread). [`State::run`] does the work of the bits; it must
//! not block. Invariant at its end: the descriptor is armed for what the
//! phase waits for, unless the connection is caller-driven, and the reactor's timer is the
//! earliest deadline.
//!
//! The attempts to connect are in `attempt`, the way from a stream to a session in
//! `handshake`, messages and heartbeats in `traffic`, the reports of a loss in `report`.

#![forbid(unsafe_code)]

mod attempt;
mod handshake;
mod report;
mod traffic;

use super::dialer::Dialer;
use super::event::{self, kind};
use super::half_open::Ticket;
use super::input::{Decoded, Fault, Input};
use super::output::{Flow, Output, is_subscription};
use super::security::{OpenQuestion, ZapQuery};
use super::tunnel::{Tunnel, Wait};
use super::{Connection, raw, work};
use crate::abi::socket_type::SocketType;
use crate::io_policy::tunables::READS_PER_DRIVE;
use crate::message::{Metadata, Msg, flag};
use crate::pipe::{self, Hwm, PipeEnd};
use crate::sys::panics::contain;
use crate::transport::{ByteStream, Dial};
use crate::zmtp::{
    Handshake, HandshakeConfig, HandshakeError, Heartbeat, HeartbeatAction, MechanismConfig,
    Session, ZapPolicy, ZapRequest,
    command::{self, Command},
};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The phase of a connection.
enum Phase {
    /// Not begun.
    New,
    /// The next attempt starts at the deadline.
    Waiting,
    /// No further attempt is made. The pipe stays until the socket takes it back; `reported`:
    /// until it reads its mail, for the grace time is over.
    Idle { reported: bool },
    /// A host name is being looked up.
    Resolving,
    /// A connect is under way.
    Dialing(Box<Dial>),
    /// Connected to a proxy, which is to connect to the target.
    Proxy(ByteStream, Box<Tunnel>, Wait),
    /// Greeting and mechanism are exchanged.
    Handshake(ByteStream, Box<Handshake>),
    /// The session is established: messages flow.
    Active(ByteStream, Box<Session>),
    /// The connection has ended.
    Closed,
}

/// Why a stream is given up.
#[derive(Debug)]
enum Loss {
    /// The peer or the network closed the stream; errno, 0 for an orderly end.
    Stream(i32),
    /// A time limit passed.
    Timeout,
    /// The socket refused the peer: another peer has its routing id.
    Refused,
    /// Too many handshakes are under way.
    Crowded,
    /// The handshake failed, or the peer broke the protocol after it.
    Protocol(HandshakeError),
}

impl Loss {
    fn of(fault: Fault) -> Loss {
        match fault {
            Fault::Memory => Loss::Stream(libc::ENOMEM), // a later attempt may find memory
            other => Loss::Protocol(other.into()),
        }
    }
}

/// Stores without dirtying the cache line if nothing changes. Under the connection's lock.
fn set(place: &AtomicBool, value: bool) {
    if place.load(Ordering::Relaxed) != value {
        place.store(value, Ordering::Relaxed);
    }
}

/// What the connection's lock protects.
pub(super) struct State {
    phase: Phase,
    dialer: Option<Box<Dialer>>,
    pub(super) pipe: Option<PipeEnd>,
    input: Input,
    output: Output,
    /// The endpoint that events name: the local one of an accepted peer, or the dialled
    /// one.
    endpoint: Vec<u8>,
    heartbeat: Option<Box<Heartbeat>>,
    begun: Instant,
    /// When the phase times out, the next attempt is due, or the peer is checked again.
    deadline: Option<Instant>,
    /// An accepted connection's ticket among the handshakes under way.
    pub(super) ticket: Option<Arc<Ticket>>,
    /// Set once the socket has given up the connection: the end of the linger time, `None`
    /// for no limit.
    closing: Option<Option<Instant>>,
    /// Closing because the application closed this one peer: queued messages are sent
    /// without regard to the linger time, but on this stream only.
    draining: bool,
    timer: Option<Instant>,
    /// The reactor knows the stream's descriptor.
    registered: bool,
    /// The armed interest (read, write); `None` when an event has consumed it.
    armed: Option<(bool, bool)>,
    /// The stream is full: the last write was partial or would block.
    blocked: bool,
    /// The sending thread waits until `blocked` ends, see [`work::SENDER_WAITS`].
    sender_waits: bool,
    /// The kernel's send queue was limited, see [`ByteStream::limit_send_queue`].
    queue_limited: bool,
    /// The peer takes no more, but what it sent has yet to be read.
    half_closed: bool,
    /// The pipe is full: reading stops.
    stalled: bool,
    /// Bytes that had reached the peer at the last check.
    taken: u64,
    /// Token of the last query to the ZAP handler.
    zap_token: u64,
    /// That query, until it is answered.
    question: Option<Box<dyn OpenQuestion>>,
}

impl State {
    pub(super) fn new(dialer: Option<Dialer>, pipe: Option<PipeEnd>) -> State {
        State {
            phase: Phase::New,
            endpoint: dialer
                .as_ref()
                .map(|dialer| dialer.text())
                .unwrap_or_default(),
            dialer: dialer.map(Box::new),
            pipe,
            input: Input::default(),
            output: Output::default(),
            heartbeat: None,
            begun: Instant::now(),
            deadline: None,
            ticket: None,
            closing: None,
            draining: false,
            timer: None,
            registered: false,
            armed: None,
            blocked: false,
            sender_waits: false,
            queue_limited: false,
            half_closed: false,
            stalled: false,
            taken: 0,
            zap_token: 0,
            question: None,
        }
    }

    pub(super) fn accepted(stream: ByteStream, local: Vec<u8>) -> State {
        let mut state = State::new(None, None);
        state.endpoint = local;
        // START makes the actual handshake, from the settings.
        let config = HandshakeConfig {
            socket_type: SocketType::Pair,
            routing_id: Vec::new(),
            max_msg_size: -1,
            mechanism: MechanismConfig::Null,
            zap: ZapPolicy::default(),
            app_metadata: Vec::new(),
        };
        state.phase = Phase::Handshake(stream, Box::new(Handshake::new(config)));
        state
    }

    /// Does the work of the bits in `todo`.
    pub(super) fn run(&mut self, conn: &Connection, todo: u32) {
        if todo & work::FIRED != 0 {
            self.armed = None;
        }
        if todo & work::FAIL != 0 {
            // The cause need not be the peer's bytes: a connecting side tries again.
            self.lose(conn, Loss::Stream(libc::EIO));
            return self.update_timer(conn);
        }
        if todo & work::START != 0 {
            self.start(conn);
        }
        if todo & work::EVICT != 0 && matches!(self.phase, Phase::Handshake(..)) {
            self.lose(conn, Loss::Crowded);
        }
        if todo & (work::PIPE | work::FILLING) != 0 {
            self.pipe_events(conn);
        }
        if todo & work::STOP != 0 {
            if std::mem::take(&mut self.draining) {
                self.closing = None; // the whole socket closes: ZMQ_LINGER applies
            }
            self.begin_close(conn);
        }
        if todo & work::STOP_SOON != 0 {
            match self.phase {
                Phase::Idle { reported: true } => self.begin_close(conn),
                Phase::Idle { .. } => {
                    let grace = attempt::grace(conn.settings.options.reconnect_ivl);
                    self.deadline = Some(Instant::now() + grace);
                }
                _ => {}
            }
        }
        if todo & work::TIMER != 0 {
            self.timer = None;
            self.timer_due(conn);
        }
        if todo & work::ZAP != 0 {
            self.zap_answered(conn);
        }
        if todo & (work::READ | work::WRITE | work::START) != 0 {
            self.stream_ready(conn, todo);
        }
        if todo & work::FILLING != 0 {
            self.blocked = false; // try again
        }
        match todo & (work::SENDER_WAITS | work::SENDER_WAITED) {
            0 => {}
            mark => self.sender_waits = mark == work::SENDER_WAITS,
        }
        let output = work::PIPE | work::FILLING | work::STOP | work::WRITE;
        if todo & output != 0 || self.stalled {
            self.transfer(conn, todo);
        }
        if todo & work::READ != 0 && !self.stalled {
            // Such bytes do not make the descriptor readable.
            if self
                .stream()
                .is_some_and(|stream| stream.has_buffered_input())
            {
                conn.state.mark(work::READ);
            }
        }
        self.finish_if_drained(conn);
        let unsent = self.output.is_midway() && self.blocked && !self.half_closed;
        set(&conn.unsent, unsent);
        self.sender_waits &= unsent;
        self.watch(conn);
        self.expect_farewell();
        self.update_timer(conn);
    }

    /// After a second panic: releases everything, each step on its own.
    pub(super) fn abandon(&mut self, conn: &Connection) {
        const ABANDONED: &str = "a connection was abandoned";
        self.deadline = None;
        contain(ABANDONED, || self.phase = Phase::Closed);
        contain(ABANDONED, || self.pipe = None);
        contain(ABANDONED, || self.ticket = None);
        contain(ABANDONED, || self.question = None);
        contain(ABANDONED, || conn.reactor.remove(conn.key()));
        contain(ABANDONED, || conn.link.finished(conn));
    }

    fn start(&mut self, conn: &Connection) {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::New => self.dial(conn),
            Phase::Handshake(stream, _) => self.greet(conn, stream),
            other => self.phase = other,
        }
    }

    fn pipe_events(&mut self, conn: &Connection) {
        let events = self.pipe.as_mut().map_or(0, PipeEnd::take_events);
        if let (true, Some(pipe)) = (events & pipe::event::INQUIRY != 0, &self.pipe) {
            match &self.phase {
                Phase::Active(stream, _) if self.dialer.is_none() => {
                    pipe.set_peer_left(self.half_closed || stream.is_hung_up());
                }
                // It is about to be closed, after the grace time.
                Phase::Idle { reported } => {
                    pipe.set_peer_left(*reported || self.deadline.is_some())
                }
                _ => {}
            }
        }
        if events & pipe::event::CLOSED != 0 && self.closing.is_none() {
            if self.pipe.as_ref().is_some_and(PipeEnd::is_refused) {
                return self.lose(conn, Loss::Refused);
            }
            self.draining = conn.settings.raw;
            self.begin_close(conn);
        }
        if events & pipe::event::WRITE != 0 {
            self.stalled = true; // have `run` recheck the input
        }
    }

    /// The socket has closed its end of the pipe. Queued messages are sent for the linger
    /// time.
    fn begin_close(&mut self, conn: &Connection) {
        if self.closing.is_some() || matches!(self.phase, Phase::Closed) {
            return;
        }
        let linger = if self.draining {
            -1
        } else {
            conn.link.linger()
        };
        let now = Instant::now();
        self.closing =
            Some((linger >= 0).then(|| now + Duration::from_millis(linger.max(0) as u64)));
        if let Some(pipe) = &mut self.pipe {
            pipe.shut();
        }
        if self.half_closed {
            // The pipe takes no more input, so the end of the stream would not be detected.
            return self.lose(conn, Loss::Stream(libc::EPIPE));
        }
        if linger == 0 || conn.settings.subscribes() {
            self.flush_once(conn);
            if matches!(self.phase, Phase::Closed) {
                return;
            }
        }
        if matches!(self.phase, Phase::Idle { .. }) {
            self.log_unsent(conn, "no further attempt to connect is made");
            self.close(conn);
        } else if linger == 0 || self.pipe.is_none() || !self.has_unsent(conn) {
            self.log_unsent(conn, "ZMQ_LINGER is 0");
            self.close(conn);
        }
    }

    /// Whether messages wait that are worth lingering for. Subscriptions are not: they are
    /// void once the subscriber has gone, and are dropped here.
    fn has_unsent(&mut self, conn: &Connection) -> bool {
        let subscribes = conn.settings.subscribes();
        let in_output = match subscribes {
            true => self.output.holds_messages(),
            false => !self.output.is_empty(),
        };
        in_output
            || self
                .stream()
                .is_some_and(|stream| stream.has_pending_output())
            || self.pipe.as_mut().is_some_and(|pipe| {
                if subscribes {
                    pipe.skip_while(is_subscription);
                }
                pipe.check_read() && !pipe.awaits_restart()
            })
    }

    fn finish_if_drained(&mut self, conn: &Connection) {
        if self.closing.is_none() || matches!(self.phase, Phase::Closed) {
            return;
        }
        if !self.has_unsent(conn) {
            self.close(conn);
        }
    }

    // ---- the stream -------------------------------------------------------

    /// The stream of the session, or of the handshake for one.
    fn stream(&self) -> Option<&ByteStream> {
        match &self.phase {
            Phase::Handshake(stream, _) | Phase::Active(stream, _) => Some(stream),
            _ => None,
        }
    }

    fn stream_ready(&mut self, conn: &Connection, todo: u32) {
        if todo & work::WRITE != 0 {
            self.blocked = false;
        }
        match self.phase {
            Phase::Dialing(_) if todo & (work::READ | work::WRITE) != 0 && self.armed.is_none() => {
                self.dialed(conn);
            }
            Phase::Proxy(..) if todo & (work::READ | work::WRITE) != 0 => self.drive_tunnel(conn),
            Phase::Handshake(..) => {
                self.flush_output(conn);
                self.read_handshake(conn);
            }
            Phase::Active(..) if todo & work::READ != 0 => self.read_messages(conn),
            _ => {}
        }
    }

    // ---- the end ----------------------------------------------------------

    /// Ends the stream. A connecting side tries again, unless an option or the cause
    /// forbids it.
    fn lose(&mut self, conn: &Connection, loss: Loss) {
        let fd = match &self.phase {
            Phase::Handshake(stream, _) | Phase::Active(stream, _) => stream.as_raw_fd(),
            _ if matches!(loss, Loss::Refused) => {
                self.pipe = None; // the attempt to connect continues
                return;
            }
            _ => return self.close(conn),
        };
        let unready = self.report_loss(conn, &loss, fd);
        if let (true, None, Some(pipe)) = (conn.settings.raw, self.closing, &mut self.pipe) {
            raw::notice(&conn.settings, pipe);
        }
        self.drop_stream(conn);
        match &self.dialer {
            Some(dialer) if !self.draining => self.endpoint = dialer.text_after_loss(),
            _ => return self.close(conn),
        }
        let flags = conn.settings.options.reconnect_stop;
        let lasting = matches!(&loss, Loss::Protocol(error) if error.is_lasting());
        if lasting || unready && flags & attempt::reconnect_stop::HANDSHAKE_FAILED != 0 {
            return self.give_up(conn, true);
        }
        if conn.settings.options.reconnect_ivl <= 0 {
            return self.give_up(conn, false);
        }
        if conn.settings.options.immediate || matches!(loss, Loss::Refused) {
            self.pipe = None; // the next session makes its own
        } else if conn.settings.subscribes() {
            if self.closing.is_some() {
                return self.close(conn); // subscriptions of a closed socket are void
            }
            if let Some(pipe) = &mut self.pipe {
                pipe.hiccup();
                conn.link.defer_mail();
            }
        }
        self.retry(conn);
    }

    fn drop_stream(&mut self, conn: &Connection) {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Handshake(stream, _) | Phase::Active(stream, _) | Phase::Proxy(stream, ..) => {
                self.forget_fd(conn, stream.as_fd())
            }
            Phase::Dialing(dial) => self.forget_fd(conn, dial.as_fd()),
            _ => {}
        }
        if let Some(pipe) = &mut self.pipe {
            pipe.rollback();
            pipe.flush();
        }
        self.output.reset(self.pipe.as_mut());
        self.input = Input::default();
        self.ticket = None;
        self.question = None;
        self.heartbeat = None;
        self.blocked = false;
        self.queue_limited = false;
        self.half_closed = false;
        self.stalled = false;
    }

    /// Ends the connection for good.
    fn close(&mut self, conn: &Connection) {
        self.drop_stream(conn);
        self.phase = Phase::Closed;
        self.deadline = None;
        if let Some(mut pipe) = self.pipe.take() {
            if self.dialer.is_none() && self.closing.is_none() {
                pipe.close();
                conn.link.report_unread(pipe.left_unread());
            }
        }
        conn.over.store(true, Ordering::SeqCst);
        conn.reactor.remove(conn.key());
        conn.link.finished(conn);
    }

    // ---- time and readiness -----------------------------------------------

    fn timer_due(&mut self, conn: &Connection) {
        let now = Instant::now();
        if let Some(Some(until)) = self.closing {
            if now >= until {
                self.log_unsent(conn, "the time of ZMQ_LINGER is over");
                return self.close(conn);
            }
        }
        if matches!(self.phase, Phase::Resolving) {
            if let Some(attempt) = self.dialer.as_mut().and_then(|d| d.resume(&conn.settings)) {
                self.attempt(conn, attempt);
            }
            return;
        }
        if self.deadline.is_some_and(|at| now >= at) {
            self.deadline = None;
            match &self.phase {
                Phase::Waiting => self.dial(conn),
                // Not closed from here: a send may have found it open and be about to write.
                Phase::Idle { .. } => {
                    self.phase = Phase::Idle { reported: true };
                    conn.link.gave_up(conn.me.clone(), true);
                }
                Phase::Dialing(dial) => {
                    let fd = dial.as_raw_fd();
                    self.drop_stream(conn);
                    self.dial_failed(conn, fd, libc::ETIMEDOUT);
                }
                Phase::Proxy(stream, ..) => {
                    let fd = stream.as_raw_fd();
                    self.drop_stream(conn);
                    self.dial_failed(conn, fd, libc::ETIMEDOUT);
                }
                Phase::Handshake(..) => self.lose(conn, Loss::Timeout),
                Phase::Active(..) if self.half_closed => self.farewell_over(conn),
                Phase::Active(..) if self.stalled => self.probe_peer(conn),
                _ => {}
            }
        }
        self.beat(conn);
    }

    /// Milliseconds since the session began: the heartbeat's clock.
    fn now(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    fn update_timer(&mut self, conn: &Connection) {
        let heartbeat = self.heartbeat.as_ref().and_then(|h| h.next_deadline());
        let heartbeat = heartbeat.map(|at| self.begun + Duration::from_millis(at));
        let next = [self.deadline, self.closing.flatten(), heartbeat]
            .into_iter()
            .flatten()
            .min();
        let next = if matches!(self.phase, Phase::Closed) {
            None
        } else {
            next
        };
        if next != self.timer {
            self.timer = next;
            if !matches!(self.phase, Phase::Closed) {
                conn.reactor.set_timer(conn.key(), next);
            }
        }
    }

    fn forget_fd(&mut self, conn: &Connection, fd: BorrowedFd<'_>) {
        if std::mem::replace(&mut self.registered, false) {
            conn.reactor.forget_fd(fd);
        }
        self.armed = None;
    }

    fn event(&self, conn: &Connection, kind: u32, value: u64) {
        event::emit(&*conn.link, kind, value, &self.endpoint);
    }
}
