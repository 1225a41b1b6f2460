//! The loss of a stream, and the end of a connection.

#![forbid(unsafe_code)]

use super::action::{Action, Loss, Lost};
use super::attempts::reconnect_stop;
use super::input::Input;
use super::output::is_subscription;
use super::timers::{Timer, Timers};
use super::{Ending, Machine, Phase, raw};
use crate::abi::numbers::draft::ZMQ_NOTIFY_DISCONNECT;
use crate::message::Msg;
use std::time::{Duration, Instant};

impl Machine {
    /// Ends the stream. A connecting side tries again, unless an option or the cause
    /// forbids it.
    pub fn lose(&mut self, why: Loss, now: Instant) {
        let (in_handshake, old_peer, peer_mechanism) = match &self.phase {
            Phase::Handshake(opening) => {
                let mechanism = opening.handshake.peer_mechanism();
                (true, false, mechanism.map(<[u8]>::to_vec))
            }
            Phase::Active(active) => (false, !active.session.has_heartbeats(), None),
            _ if matches!(why, Loss::Refused) => {
                self.pipe = None; // the attempt to connect continues
                return;
            }
            _ => return self.close(),
        };
        let was_active = !in_handshake;
        // The stream ended before the peer had proved to speak the protocol.
        let unready = (in_handshake || old_peer) && !matches!(why, Loss::Protocol(_));
        let lasting = matches!(&why, Loss::Protocol(error) if error.is_lasting());
        let refused = matches!(why, Loss::Refused);
        self.ask(Action::Lost(Box::new(Lost {
            why,
            in_handshake,
            old_peer,
            peer_mechanism,
        })));
        self.report_to_socket(was_active);
        self.drop_stream();
        if self.attempts.is_none() || self.ending == Some(Ending::Draining) {
            return self.close();
        }
        let options = &self.settings.options;
        if lasting || unready && options.reconnect_stop & reconnect_stop::HANDSHAKE_FAILED != 0 {
            return self.give_up(true);
        }
        if options.reconnect_ivl <= 0 {
            return self.give_up(false);
        }
        if options.immediate || refused {
            self.pipe = None; // the next session makes its own
        } else if self.settings.subscribes() {
            if self.ending.is_some() {
                return self.close(); // subscriptions of a closed socket are void
            }
            if let Some(pipe) = &mut self.pipe {
                pipe.hiccup();
                self.ask(Action::DeferMail);
            }
        }
        self.retry(now);
    }

    /// Writes to the pipe what the application wants to receive when a peer is lost, without
    /// regard to the high-water mark: it cannot be repeated later.
    fn report_to_socket(&mut self, was_active: bool) {
        let (None, Some(pipe)) = (self.ending, &mut self.pipe) else {
            return;
        };
        if self.settings.raw {
            return raw::notice(&self.settings, pipe);
        }
        if !was_active {
            return;
        }
        pipe.rollback();
        let options = &self.settings.options;
        if self.wants_routing_id && options.router_notify & ZMQ_NOTIFY_DISCONNECT != 0 {
            pipe.write_unchecked(Msg::new());
        }
        let last = match self.attempts {
            None => options.effective_farewell(),
            Some(_) => options.effective_hiccup(),
        };
        if !last.is_empty() {
            // Without memory the report is lost.
            if let Ok(msg) = Msg::copy_from(last) {
                pipe.write_unchecked(msg);
            }
        }
    }

    fn drop_stream(&mut self) {
        self.enter(Phase::Closed);
        self.ask(Action::Release);
        if let Some(pipe) = &mut self.pipe {
            pipe.rollback();
            pipe.flush();
        }
        self.output.reset(self.pipe.as_mut());
        self.input = Input::default();
    }

    /// The socket gives up the connection: queued messages are sent for the linger time, in
    /// milliseconds; -1 for ever.
    pub fn stop(&mut self, linger: i32, now: Instant) {
        if self.ending == Some(Ending::Draining) {
            self.ending = None; // the whole socket closes: ZMQ_LINGER applies
        }
        self.begin_to_end(Ending::Lingering, linger, now);
    }

    /// The socket has closed its end of the pipe.
    pub fn pipe_closed(&mut self, linger: i32, now: Instant) {
        match self.settings.raw {
            true => self.begin_to_end(Ending::Draining, -1, now),
            false => self.begin_to_end(Ending::Lingering, linger, now),
        }
    }

    pub(super) fn begin_to_end(&mut self, ending: Ending, linger: i32, now: Instant) {
        if self.ending.is_some() || matches!(self.phase, Phase::Closed) {
            return;
        }
        self.ending = Some(ending);
        let linger = (linger >= 0).then(|| Duration::from_millis(linger.max(0) as u64));
        self.timers
            .set(Timer::Linger, linger.map(|linger| now + linger));
        if let Some(pipe) = &mut self.pipe {
            pipe.shut();
        }
        if self.is_half_closed() {
            // The pipe takes no more input, so the end of the stream would not be detected.
            return self.lose(Loss::Stream(libc::EPIPE), now);
        }
        match linger == Some(Duration::ZERO) || self.settings.subscribes() {
            true => self.ask(Action::LastFlush),
            false => self.end_unless_lingering(false),
        }
    }

    /// What would have been dropped has been written, as far as the stream took it.
    pub fn last_flush_done(&mut self, now: Instant) {
        if self.ending.is_some() && !matches!(self.phase, Phase::Closed) {
            let over = self.timers.at(Timer::Linger).is_some_and(|at| at <= now);
            self.end_unless_lingering(over);
        }
    }

    fn end_unless_lingering(&mut self, no_linger: bool) {
        if matches!(self.phase, Phase::Idle { .. }) {
            self.report_unsent("no further attempt to connect is made");
            self.close();
        } else if no_linger || self.pipe.is_none() {
            self.report_unsent("ZMQ_LINGER is 0");
            self.close();
        }
    }

    pub(super) fn linger_over(&mut self) {
        self.report_unsent("the time of ZMQ_LINGER is over");
        self.close();
    }

    /// Whether messages wait that are worth lingering for. Subscriptions are not: they are
    /// void once the subscriber has gone, and are dropped here.
    fn has_unsent(&mut self) -> bool {
        let subscribes = self.settings.subscribes();
        let in_output = match subscribes {
            true => self.output.holds_messages(),
            false => !self.output.is_empty(),
        };
        in_output
            || self.pipe.as_mut().is_some_and(|pipe| {
                if subscribes {
                    pipe.skip_while(is_subscription);
                }
                pipe.check_read() && !pipe.awaits_restart()
            })
    }

    /// Closes a connection that the socket has given up once nothing is left to send.
    /// `pending`: the stream holds something.
    #[inline]
    pub fn finish_if_drained(&mut self, pending: bool) {
        let ending = self.ending.is_some() && !matches!(self.phase, Phase::Closed);
        if ending && !pending && !self.has_unsent() {
            self.close();
        }
    }

    /// Reports that messages are dropped with the connection.
    pub(super) fn report_unsent(&mut self, why: &'static str) {
        match self.unsent() {
            0 => {}
            count => self.ask(Action::Unsent(count, why)),
        }
    }

    /// Ends the connection for good.
    pub(super) fn close(&mut self) {
        self.drop_stream();
        self.timers = Timers::default();
        if let Some(mut pipe) = self.pipe.take() {
            if self.attempts.is_none() && self.ending.is_none() {
                pipe.close();
                self.ask(Action::LeftUnread(pipe.left_unread()));
            }
        }
        self.ask(Action::Finish);
    }
}
