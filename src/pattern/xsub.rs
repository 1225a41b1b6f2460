//! XSUB: subscribes by sending messages, and receives what matches.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern, subscription};
use super::routing::subscriptions::{Filters, Removal};
use super::routing::{distributor::Distributor, fair_queue::FairQueue};
use crate::abi::options::draft::{
    ZMQ_ONLY_FIRST_SUBSCRIBE, ZMQ_TOPICS_COUNT, ZMQ_XSUB_VERBOSE_UNSUBSCRIBE,
};
use crate::error::{Error, Result};
use crate::message::{Metadata, Msg, Outgoing};
use crate::options::value;
use crate::pipe::{Bare, Frame, Incoming, PipeEnd, PipeId};
use crate::sys::room::Room;
use std::sync::Arc;

/// An XSUB socket; with `filtering`, the receiving part of a SUB.
#[derive(Default)]
pub struct Xsub {
    input: FairQueue,
    out: Distributor,
    filters: Filters,
    /// Messages that match no filter are dropped (SUB).
    filtering: bool,
    only_first_subscribe: bool,
    /// `ZMQ_XSUB_VERBOSE_UNSUBSCRIBE`: unsubscriptions that change no filter go upstream too.
    verbose_unsubscribe: bool,
    /// The first part of a matching message, read by `has_in`.
    ahead: Option<Msg>,
    /// The application has received a part that others follow.
    more_in: bool,
    more_out: bool,
    /// Later parts of the message being sent may be subscriptions too.
    subscribing: bool,
}

impl Xsub {
    /// An XSUB that drops what matches none of its filters.
    pub(super) fn filtering() -> Xsub {
        Xsub {
            filtering: true,
            ..Xsub::default()
        }
    }

    /// Adds a filter and sends it upstream, also if it was there before: the publisher counts
    /// it once, but a device in between may count each one.
    ///
    /// [`Error::NoMemory`] if there is none for the message; nothing is added then.
    pub(super) fn subscribe(&mut self, env: &mut Env<'_>, topic: &[u8]) -> Result<()> {
        let mut msg = subscription(1, topic)?;
        self.filters.add(topic);
        self.out.send_unchecked(env, &mut msg);
        Ok(())
    }

    /// Removes a filter; when the last of equal ones is removed, sends that upstream.
    pub(super) fn unsubscribe(&mut self, env: &mut Env<'_>, topic: &[u8]) -> Result<()> {
        let mut msg = subscription(0, topic)?;
        if self.filters.remove(topic) == Removal::Last {
            self.out.send_unchecked(env, &mut msg);
        }
        Ok(())
    }

    /// Sends all filters to a peer.
    fn resend(&mut self, end: &mut PipeEnd) {
        self.filters.for_each(|topic| {
            // Without memory the peer is not sent this topic, and the call succeeds.
            if let Ok(msg) = subscription(1, topic) {
                end.write_unchecked(msg);
            }
        });
        end.flush();
    }

    /// Sends a part upstream. A subscription in a message of its own is written without regard
    /// to the HWM, as it must not be lost; any other part is dropped at a full pipe.
    fn forward<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P, subscription: bool) {
        if subscription && !part.more() && !self.out.is_mid_message() {
            self.out.send_unchecked(env, part);
            part.clear();
        } else {
            self.out.send_to_all(env, part);
        }
    }

    /// Reads the first part of the next message that is not filtered out.
    #[inline]
    fn next<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> bool {
        if !self.filtering {
            return self.input.recv(env, into).is_some();
        }
        let (filters, invert) = (&self.filters, env.options.invert_matching);
        let mut sieve = Sieve {
            into,
            wants: |body: &[u8]| filters.matches(body) != invert,
            passed: false,
            more: false,
        };
        while self.input.recv(env, &mut sieve).is_some() {
            if sieve.passed {
                return true;
            }
            // The other parts of a message that was filtered out.
            let mut rest = Msg::new();
            while sieve.more && self.input.recv(env, &mut Bare(&mut rest)).is_some() {
                sieve.more = rest.more();
            }
        }
        false
    }
}

/// Lets a part through to its destination if its body is wanted, and drops it otherwise.
struct Sieve<'a, I, W> {
    into: &'a mut I,
    wants: W,
    passed: bool,
    more: bool,
}

impl<I: Incoming, W: Fn(&[u8]) -> bool> Incoming for Sieve<'_, I, W> {
    #[inline]
    fn put_frame(&mut self, frame: Frame<'_>, metadata: Option<&Arc<Metadata>>) -> bool {
        self.passed = (self.wants)(frame.body());
        self.more = match self.passed {
            true => self.into.put_frame(frame, metadata),
            false => frame.show(|_| ()),
        };
        self.more
    }

    #[inline]
    fn put_msg(&mut self, metadata: Option<&Arc<Metadata>>, fill: impl FnOnce(&mut Msg)) {
        let mut msg = Msg::new();
        fill(&mut msg);
        self.passed = (self.wants)(msg.data());
        self.more = msg.more();
        if self.passed {
            self.into.put_msg(metadata, |into| *into = msg);
        }
    }

    fn more(&self) -> bool {
        self.more
    }
}

impl Pattern for Xsub {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        self.input.attach(pipe);
        self.out.attach(pipe);
        if let Some(end) = env.pipes.get(pipe) {
            self.resend(end);
        }
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.detached(env, pipe);
        self.out.detached(pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.activated(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    fn hiccup(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if let Some(end) = env.pipes.get(pipe) {
            end.restart();
            self.out.restarted(pipe);
            self.resend(end);
        }
    }

    #[inline(never)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        let first = !std::mem::replace(&mut self.more_out, part.more());
        if first {
            self.subscribing = !self.only_first_subscribe;
        }
        let kind = match part.body().split_first() {
            Some((byte @ 0..=1, topic)) if first || self.subscribing => Some((*byte, topic)),
            _ => None,
        };
        match kind {
            None => self.forward(env, part, false),
            Some((1, topic)) => {
                self.subscribing = true;
                self.filters.add(topic);
                self.forward(env, part, true);
            }
            Some((_, topic)) => {
                self.subscribing = true;
                // In mid-message the part is sent in any case, so that the message gets its end.
                let last = self.filters.remove(topic) == Removal::Last;
                if last || self.verbose_unsubscribe || self.out.is_mid_message() {
                    self.forward(env, part, true);
                } else {
                    part.clear();
                }
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        let found = if let Some(msg) = self.ahead.take() {
            into.put(msg);
            true
        } else if self.more_in {
            self.input.recv(env, into).is_some()
        } else {
            self.next(env, into)
        };
        self.more_in = found && into.more();
        found.then_some(()).ok_or(Error::Again)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.more_in || self.ahead.is_some() {
            return true;
        }
        let mut msg = Msg::new();
        let found = self.next(env, &mut msg);
        self.ahead = found.then_some(msg);
        found
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        true
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_ONLY_FIRST_SUBSCRIBE => {
                self.only_first_subscribe = value::non_negative_flag(Some(data))?;
            }
            ZMQ_XSUB_VERBOSE_UNSUBSCRIBE => {
                self.verbose_unsubscribe = value::any_flag(Some(data))?;
            }
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }

    fn get_option(&mut self, option: i32, out: &mut Room<'_>) -> Result<usize> {
        match option {
            ZMQ_TOPICS_COUNT => {
                let topics = i32::try_from(self.filters.topics()).unwrap_or(i32::MAX);
                value::put_int_zero_padded(out, topics)
            }
            _ => Err(Error::Invalid),
        }
    }
}
