//! An established session: the pipe's events, messages from the peer, commands.

#![forbid(unsafe_code)]

use super::action::{Action, Loss, Probe};
use super::input::{Decoded, Fault};
use super::timers::Timer;
use super::{FAREWELL, Machine, Phase};
use crate::message::{Msg, flag};
use crate::pipe::{self, PipeEnd};
use crate::zmtp::Heartbeat;
use crate::zmtp::command::{self, Command};
use std::time::Instant;

impl Machine {
    /// Takes the pipe's events. What it holds is for [`transmit`](Self::transmit); room for
    /// more is found by [`may_resume`](Self::may_resume).
    #[inline]
    pub fn pipe_events(&mut self, now: impl FnOnce() -> Instant) {
        let events = self.pipe.as_mut().map_or(0, PipeEnd::take_events);
        if events & !pipe::event::READ != 0 {
            self.rare_pipe_events(events, now);
        }
    }

    #[cold]
    fn rare_pipe_events(&mut self, events: u8, now: impl FnOnce() -> Instant) {
        if let (true, Some(pipe)) = (events & pipe::event::INQUIRY != 0, &self.pipe) {
            match &self.phase {
                Phase::Active(_) if self.attempts.is_none() => {
                    self.ask(Action::Probe(Probe::Inquiry));
                }
                // It is about to be closed, after the grace time.
                Phase::Idle { reported } => {
                    pipe.set_peer_left(*reported || self.timers.runs(Timer::Grace));
                }
                _ => {}
            }
        }
        if events & pipe::event::CLOSED != 0 && self.ending.is_none() {
            if self.pipe.as_ref().is_some_and(PipeEnd::is_refused) {
                return self.lose(Loss::Refused, now());
            }
            self.ask(Action::PipeClosed);
        }
        if let (true, Phase::Active(active)) = (events & pipe::event::WRITE != 0, &mut self.phase) {
            active.stalled = true; // have the driver recheck the input
        }
    }

    /// Whether reading has stopped for a full pipe and may go on, so that
    /// [`begin_input`](Self::begin_input) is to be called.
    #[inline]
    pub fn may_resume(&mut self) -> bool {
        self.is_stalled()
            && (self.pipe.as_mut().is_some_and(PipeEnd::check_write) || self.lacks_peer_check())
    }

    /// While the pipe of an accepted connection is full, nothing is read, so the end of the
    /// stream is not detected: the peer is to be checked from time to time.
    fn lacks_peer_check(&self) -> bool {
        self.is_stalled() && self.attempts.is_none() && !self.timers.runs(Timer::PeerCheck)
    }

    /// Stops reading, for the pipe is full.
    pub(super) fn stall(&mut self, now: Instant) {
        if let Phase::Active(active) = &mut self.phase {
            active.stalled = true;
        }
        if self.lacks_peer_check() {
            self.timers.set(Timer::PeerCheck, Some(now + FAREWELL));
        }
    }

    /// Resumes, if the pipe has room.
    pub(super) fn resume(&mut self, now: Instant) {
        let Phase::Active(active) = &mut self.phase else {
            return;
        };
        if !active.stalled {
            return;
        }
        if self.pipe.as_mut().is_some_and(PipeEnd::check_write) {
            active.stalled = false;
            self.decode(now);
        } else {
            self.stall(now);
        }
    }

    /// Moves the messages that have come to the pipe.
    pub(super) fn decode(&mut self, now: Instant) {
        let limit = self.settings.frame_limit();
        let copies = !self.settings.options.zero_copy_recv;
        loop {
            let (Phase::Active(active), Some(pipe)) = (&mut self.phase, &mut self.pipe) else {
                return;
            };
            match self.input.decode(&mut active.session, limit, copies, pipe) {
                Ok(Decoded::Starved) => return,
                Ok(Decoded::Full) => return self.stall(now),
                Ok(Decoded::Command) if self.process_command(now) => {}
                Ok(Decoded::Command) => return self.stall(now),
                // A later attempt may find memory.
                Err(Fault::Memory) => return self.lose(Loss::Stream(libc::ENOMEM), now),
                Err(other) => return self.lose(Loss::Protocol(other.into()), now),
            }
        }
    }

    /// Processes the command at hand. False if the pipe is full: then the command stays.
    fn process_command(&mut self, now: Instant) -> bool {
        let (Phase::Active(active), Some(pipe)) = (&mut self.phase, &mut self.pipe) else {
            return true;
        };
        let groups = active.session.groups;
        match command::parse(self.input.command()) {
            Some(Command::Ping { ttl_ds, context }) => {
                if !self.output.is_crowded() {
                    let mut reply = Vec::new();
                    command::pong(context, &mut reply);
                    self.output.command(&mut active.session, &reply);
                }
                if ttl_ds > 0 && active.session.has_heartbeats() {
                    // ZMQ_HEARTBEAT_IVL is off: only the peer's time to live is watched.
                    let now = active.clock(now);
                    let watch = || Box::new(Heartbeat::new(0, None, 0, now));
                    active
                        .heartbeat
                        .get_or_insert_with(watch)
                        .on_ping(ttl_ds, now);
                    self.renew_heartbeat();
                }
                self.ask(Action::PingReceived);
            }
            Some(
                Command::Subscribe(_) | Command::Cancel(_) | Command::Join(_) | Command::Leave(_),
            ) if !pipe.check_write() => {
                return false;
            }
            Some(Command::Join(group)) if groups => deliver_subscription(pipe, 1, group),
            Some(Command::Leave(group)) if groups => deliver_subscription(pipe, 0, group),
            Some(Command::Subscribe(topic)) if !groups => deliver_subscription(pipe, 1, topic),
            Some(Command::Cancel(topic)) if !groups => deliver_subscription(pipe, 0, topic),
            _ => {} // unknown commands are ignored
        }
        self.input.end_command();
        true
    }

    /// Whether the peer takes no more, but what it sent has yet to be read.
    pub(super) fn is_half_closed(&self) -> bool {
        match &self.phase {
            Phase::Handshake(opening) => opening.half_closed,
            Phase::Active(active) => active.half_closed,
            _ => false,
        }
    }

    /// The time for the input of a half-closed stream is over: reading has not found its end.
    /// While the pipe is full that is expected, and the time begins anew.
    pub(super) fn farewell_over(&mut self, now: Instant) {
        match self.is_stalled() {
            true if self.attempts.is_none() => self.take_rest(),
            true => self.timers.set(Timer::PeerCheck, Some(now + FAREWELL)),
            false => self.lose(Loss::Stream(libc::EPIPE), now),
        }
    }

    /// The driver has found out whether the peer has hung up.
    pub fn probed(&mut self, probe: Probe, hung_up: bool) {
        let gone = hung_up || self.is_half_closed();
        match (probe, &self.pipe) {
            (Probe::Inquiry, Some(pipe)) => pipe.set_peer_left(gone),
            (Probe::Stalled, _) if hung_up && self.attempts.is_none() => self.take_rest(),
            _ => {} // `may_resume` has the timer started anew
        }
    }

    /// The peer has gone and left more than the pipe takes. The rest, which the kernel
    /// holds, is read past the high-water mark, so that a departed peer keeps no
    /// descriptor. The socket bounds what departed peers may leave.
    fn take_rest(&mut self) {
        if let Some(pipe) = &self.pipe {
            pipe.lift_limit(); // now the driver may resume
        }
    }
}

/// SUBSCRIBE and CANCEL, or JOIN and LEAVE, become messages of the old form: an action byte, then the topic.
fn deliver_subscription(pipe: &mut PipeEnd, action: u8, topic: &[u8]) {
    if let Ok(msg) = Msg::with_first(action, topic) {
        pipe.write_unchecked(msg.with(flag::SUBSCRIPTION));
    }
}
