//! The life of a connection without I/O: no descriptor, no clock, no other thread.
//!
//! The driver reports to a [`Machine`] what happened (a stream is connected, bytes came, time passed, the
//! socket closes) and by that moves through its [`Phase`]s. What it wants comes out in three ways:
//! bytes to write by [`Machine::transmit`], [`Action`]s by [`Machine::poll_event`], and the time of
//! its next deadline by [`Machine::poll_timeout`]. Its driver ([`super::driver`]) calls it under the
//! connection's lock, and after each call performs the actions, in order. `now` is an argument.
//!
//! Messages go between bytes and the connection's end of the pipe without a stop in between: the
//! driver reads into the machine's memory ([`Machine::room`]) and writes from it.
//!
//! In this folder: `attempts`, the connecting side until there is a stream; `handshake`, from there
//! to a session; `traffic`, messages and commands, `heartbeat`; `ending`, the loss of the stream and
//! the end. `input` and `output` are bytes to messages and back, `timers` the deadlines, `tunnel` the
//! negotiation with a SOCKS proxy, `raw` what differs without ZMTP.

#![forbid(unsafe_code)]

mod action;
mod attempts;
mod backoff;
mod ending;
mod handshake;
mod heartbeat;
mod input;
mod output;
mod raw;
mod stream;
#[cfg(all(test, not(loom)))]
mod tests;
mod timers;
mod traffic;
mod tunnel;

pub use action::{Action, Established, Loss, Lost, Peer, Probe};
pub use backoff::Attempts;
pub use output::Flow;
pub use tunnel::Tunnel;

use super::settings::Settings;
use crate::pipe::{Listener, PipeEnd};
use crate::zmtp::{Handshake, Heartbeat, Session};
use input::Input;
use output::Output;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use timers::{Timer, Timers};

/// How long the input of a half-closed stream may take to be read, and the interval of the
/// checks for a departed peer while the pipe is full.
const FAREWELL: Duration = Duration::from_secs(1);

/// The phase of a connection.
enum Phase {
    /// Not begun.
    New,
    /// The next attempt starts when [`Timer::Reconnect`] expires.
    Waiting,
    /// No further attempt is made. The pipe stays until the socket takes it back; `reported`:
    /// until it reads its mail, for the time of [`Timer::Grace`] is over.
    Idle { reported: bool },
    /// A host name is being looked up.
    Resolving,
    /// A connect is under way.
    Dialing,
    /// Connected to a proxy, which is to connect to the target.
    Proxy(Box<Tunnel>),
    /// Greeting and mechanism are exchanged.
    Handshake(Box<Opening>),
    /// The session is established: messages flow.
    Active(Box<Active>),
    /// The connection has ended.
    Closed,
}

/// A handshake under way.
struct Opening {
    handshake: Handshake,
    peer: Peer,
    half_closed: bool,
}

/// An established session.
struct Active {
    session: Session,
    heartbeat: Option<Box<Heartbeat>>,
    /// The stream has pings of its own.
    pings: bool,
    /// When the session began: the heartbeat's clock counts milliseconds from there.
    begun: Instant,
    /// The peer takes no more, but what it sent has yet to be read.
    half_closed: bool,
    /// The pipe is full, so that nothing is read; or it has room again, and what was left is to
    /// be decoded.
    stalled: bool,
}

/// The socket has given up the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Queued messages are sent for the linger time, also on a new stream.
    Lingering,
    /// The application closed this one peer: queued messages are sent without regard to the
    /// linger time, but on this stream only.
    Draining,
}

/// See the module.
pub struct Machine {
    settings: Arc<Settings>,
    /// Whether the socket wants the peer's routing id as the first message.
    wants_routing_id: bool,
    /// The connecting side's attempts; `None` for an accepted connection.
    attempts: Option<Box<Attempts>>,
    phase: Phase,
    pipe: Option<PipeEnd>,
    input: Input,
    output: Output,
    timers: Timers,
    ending: Option<Ending>,
    /// Token of the last query to the ZAP handler.
    zap_token: u64,
    actions: VecDeque<Action>,
}

impl Machine {
    /// A connection to be made (`attempts`), with its end of a pipe if that exists before the
    /// handshake is complete; or an accepted one.
    pub fn new(
        settings: Arc<Settings>,
        wants_routing_id: bool,
        attempts: Option<Attempts>,
        pipe: Option<PipeEnd>,
    ) -> Machine {
        Machine {
            settings,
            wants_routing_id,
            attempts: attempts.map(Box::new),
            phase: Phase::New,
            pipe,
            input: Input::default(),
            output: Output::default(),
            timers: Timers::default(),
            ending: None,
            zap_token: 0,
            actions: VecDeque::new(),
        }
    }

    /// The next thing that the driver is to do.
    #[inline]
    pub fn poll_event(&mut self) -> Option<Action> {
        if self.actions.capacity() == 0 {
            return None;
        }
        let action = self.actions.pop_front();
        if action.is_none() {
            self.actions = VecDeque::new(); // actions are rare: free the memory
        }
        action
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next.
    #[inline]
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.timers.next()
    }

    /// Time has passed. An early call does nothing.
    pub fn handle_timeout(&mut self, now: Instant) {
        for timer in Timer::ALL {
            if self.timers.expire(timer, now) {
                self.expired(timer, now);
            }
        }
    }

    fn expired(&mut self, timer: Timer, now: Instant) {
        match (timer, &self.phase) {
            (Timer::Linger, _) => self.linger_over(),
            (Timer::Reconnect, _) => self.dial(),
            (Timer::Connect, _) => self.abandon_attempt(libc::ETIMEDOUT),
            (Timer::Handshake, _) | (Timer::PeerCheck, Phase::Handshake(_)) => {
                self.lose(Loss::Timeout, now);
            }
            (Timer::PeerCheck, Phase::Active(active)) if active.half_closed => {
                self.farewell_over(now);
            }
            (Timer::PeerCheck, _) if self.is_stalled() => {
                self.ask(Action::Probe(Probe::Stalled));
            }
            (Timer::PeerCheck, _) => {}
            (Timer::Heartbeat, _) => self.beat(now),
            (Timer::Grace, _) => self.grace_over(),
        }
    }

    /// Enters a phase. The timers of the one before stop.
    fn enter(&mut self, phase: Phase) {
        self.timers.end_phase();
        self.phase = phase;
    }

    fn ask(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    /// The connection's end of the pipe, for a driver that knows the socket's end.
    pub fn take_pipe(&mut self) -> Option<PipeEnd> {
        self.pipe.take()
    }

    /// Registers the receiver of the pipe's events.
    pub fn listen(&self, listener: Arc<dyn Listener>) {
        if let Some(pipe) = &self.pipe {
            pipe.set_listener(listener, 0);
        }
    }

    /// About how many message parts wait to be sent.
    pub fn unsent(&mut self) -> usize {
        let waiting = self.pipe.as_mut().map_or(0, PipeEnd::unread);
        waiting + usize::from(!self.output.is_empty())
    }

    /// The connection has not begun.
    pub fn is_new(&self) -> bool {
        matches!(self.phase, Phase::New)
    }

    /// A host name is being looked up.
    pub fn is_resolving(&self) -> bool {
        matches!(self.phase, Phase::Resolving)
    }

    /// A proxy or the peer is being negotiated with.
    pub fn is_negotiating(&self) -> bool {
        matches!(self.phase, Phase::Proxy(_) | Phase::Handshake(_))
    }

    /// Messages flow.
    #[inline]
    pub fn is_active(&self) -> bool {
        matches!(self.phase, Phase::Active(_))
    }

    /// Messages could flow, but nothing is read, for the pipe was full at the last check.
    #[inline]
    pub fn is_stalled(&self) -> bool {
        matches!(&self.phase, Phase::Active(active) if active.stalled)
    }

    /// The rest of a long body has yet to be written.
    #[inline]
    pub fn is_midway(&self) -> bool {
        self.output.is_midway()
    }

    /// Bytes are queued. What the pipe holds does not count.
    #[inline]
    pub fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// How much of a long body has yet to arrive.
    #[inline]
    pub fn missing(&self) -> usize {
        self.input.missing()
    }

    /// Whether much of a long body has yet to arrive, or is likely to come next.
    pub fn expects_much(&self) -> bool {
        self.input.expects_much()
    }

    /// Ends everything without a report, after a panic.
    pub fn abandon(&mut self) {
        self.enter(Phase::Closed);
        self.timers.set(Timer::Linger, None);
        self.actions = VecDeque::new();
        self.pipe = None;
    }
}
