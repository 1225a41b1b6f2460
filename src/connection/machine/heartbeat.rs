//! Liveness: PINGs to the peer, and the end of one that is silent.

#![forbid(unsafe_code)]

use super::action::{Action, Loss};
use super::timers::Timer;
use super::{Active, Machine, Phase};
use crate::zmtp::{Heartbeat, HeartbeatAction, Session, command};
use std::time::{Duration, Instant};

impl Active {
    /// Milliseconds since the session began.
    pub(super) fn clock(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.begun).as_millis() as u64
    }
}

impl Machine {
    pub(super) fn new_heartbeat(&self, session: &Session, pings: bool) -> Option<Box<Heartbeat>> {
        let options = &self.settings.options;
        if !(pings || session.has_heartbeats()) || options.heartbeat_ivl <= 0 {
            return None; // a PING with a time to live makes one
        }
        let timeout = options.effective_heartbeat_timeout();
        let timeout = (timeout >= 0).then_some(timeout as u64);
        let interval = options.heartbeat_ivl.max(0) as u64;
        let heartbeat = Heartbeat::new(interval, timeout, options.heartbeat_ttl, 0);
        Some(Box::new(heartbeat))
    }

    /// Sets the timer as the heartbeat has it.
    pub(super) fn renew_heartbeat(&mut self) {
        if let Phase::Active(active) = &self.phase {
            let next = active.heartbeat.as_ref().and_then(|h| h.next_deadline());
            let next = next.map(|at| active.begun + Duration::from_millis(at));
            self.timers.set(Timer::Heartbeat, next);
        }
    }

    /// Bytes have come from the peer.
    #[inline]
    pub fn peer_lives(&mut self, now: Instant) {
        if let Phase::Active(active) = &mut self.phase {
            if active.heartbeat.is_some() {
                self.count_as_input(now);
            }
        }
    }

    fn count_as_input(&mut self, now: Instant) {
        if let Phase::Active(active) = &mut self.phase {
            let now = active.clock(now);
            if let Some(heartbeat) = &mut active.heartbeat {
                heartbeat.on_input(now);
            }
        }
        self.renew_heartbeat();
    }

    /// The heartbeat's next action. While the pipe is full nothing is read, so the peer's
    /// silence proves nothing and counts as input.
    fn heartbeat_action(&mut self, now: Instant) -> HeartbeatAction {
        if self.is_stalled() {
            self.count_as_input(now);
        }
        let Phase::Active(active) = &mut self.phase else {
            return HeartbeatAction::None;
        };
        let now = active.clock(now);
        match &mut active.heartbeat {
            Some(heartbeat) => heartbeat.on_timer(now),
            None => HeartbeatAction::None,
        }
    }

    pub(super) fn beat(&mut self, now: Instant) {
        match self.heartbeat_action(now) {
            // The I/O thread may have been delayed: input may wait in the kernel.
            HeartbeatAction::Dead => self.ask(Action::Suspect),
            action => self.act_on(action, now),
        }
    }

    /// The driver has read what there was. `takes_in`: the peer is still taking bytes, behind
    /// which a PING is queued.
    pub fn confirm_silence(&mut self, takes_in: impl FnOnce() -> bool, now: Instant) {
        let mut action = self.heartbeat_action(now);
        if action == HeartbeatAction::Dead && takes_in() {
            self.count_as_input(now);
            action = self.heartbeat_action(now);
        }
        self.act_on(action, now);
    }

    fn act_on(&mut self, action: HeartbeatAction, now: Instant) {
        match action {
            HeartbeatAction::None => {}
            HeartbeatAction::Dead => return self.lose(Loss::Timeout, now),
            HeartbeatAction::SendPing => {
                let Phase::Active(active) = &mut self.phase else {
                    return;
                };
                if active.pings {
                    self.ask(Action::Ping);
                    return self.renew_heartbeat();
                }
                let ttl = active.heartbeat.as_ref().map_or(0, |h| h.ttl_ds());
                if !self.output.holds_command() {
                    let mut ping = Vec::new();
                    command::ping(ttl, &[], &mut ping);
                    self.output.command(&mut active.session, &ping);
                }
                self.ask(Action::PingQueued);
            }
        }
        self.renew_heartbeat();
    }
}
