//! XPUB: sends each message to the peers that subscribed to its topic, and passes
//! subscriptions on to the application.
//!
//! Subscriptions are read under the socket's lock, by application threads and by deferred
//! work. Each call does a slice of that work at most; the rest is the pattern's backlog.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::routing::distributor::Distributor;
use super::routing::prefix_tree::Text;
use super::routing::subscriptions::{LONG_TOPIC, Removal, Subscriptions};
use crate::abi::options::draft::{
    ZMQ_ONLY_FIRST_SUBSCRIBE, ZMQ_TOPICS_COUNT, ZMQ_XPUB_MANUAL_LAST_VALUE,
};
use crate::abi::options::{
    ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE, ZMQ_XPUB_MANUAL, ZMQ_XPUB_NODROP, ZMQ_XPUB_VERBOSE,
    ZMQ_XPUB_VERBOSER, ZMQ_XPUB_WELCOME_MSG,
};
use crate::error::{Error, Result};
use crate::message::{Metadata, Msg, Outgoing, flag};
use crate::options::value;
use crate::pipe::{Incoming, PipeId};
use crate::sys::room::Room;
use std::collections::VecDeque;
use std::sync::Arc;

/// A message that the application is to receive.
struct Pending {
    content: Content,
    /// In manual mode, the peer whose request it is, which the application then confirms; the
    /// inner `None` stands for a disconnected peer.
    request: Option<Option<Requester>>,
}

enum Content {
    Message(Msg),
    /// A subscription (1), or the end of one (0), to a long topic. The message is made when
    /// the application receives it: until then the text is shared with the subscriptions.
    Topic(u8, Arc<Text>, Option<Arc<Metadata>>),
}

impl Content {
    fn of_topic(byte: u8, topic: &[u8], text: Option<&Arc<Text>>) -> Option<Content> {
        match text {
            Some(text) => Some(Content::Topic(byte, text.clone(), None)),
            None => subscription(byte, topic).map(Content::Message),
        }
    }
}

/// A peer that sent a request. Its pipe's id may be used again for another peer, which then
/// has another number.
#[derive(Clone, Copy)]
struct Requester {
    pipe: PipeId,
    number: u32,
}

/// The number of subscriptions handled in one slice; each [`LONG_TOPIC`] bytes count as one
/// more. A slice takes less than 1 ms, for which a call of the application may have to wait.
const SLICE: usize = 256;

/// A disconnected peer whose subscriptions are being removed.
struct Leaving {
    pipe: PipeId,
    /// Its entries in `requested` are being removed; then those in `subscriptions` follow.
    requested: bool,
}

/// An XPUB socket. A PUB is one from which the application cannot receive.
#[derive(Default)]
pub struct Xpub {
    out: Distributor,
    /// The subscriptions that messages are matched against.
    subscriptions: Subscriptions,
    /// The subscriptions that peers requested in manual mode, confirmed or not.
    requested: Subscriptions,
    pending: VecDeque<Pending>,
    /// Pipes with more to read than one slice, in turn. A pipe counts only while its element
    /// of `waits` is true: it may have been detached since.
    unread: VecDeque<PipeId>,
    waits: Vec<bool>,
    /// By pipe: how many peers have had its id so far.
    numbers: Vec<u32>,
    leaving: VecDeque<Leaving>,
    set: Settings,
    /// The pipe whose request the application received last (manual mode).
    last_pipe: Option<PipeId>,
    /// The part read last from a peer had [`flag::MORE`].
    more_in: bool,
    /// Later parts of the message may be subscriptions too.
    subscribing: bool,
}

/// The socket's options.
#[derive(Default)]
struct Settings {
    /// The application never receives (PUB).
    deaf: bool,
    verbose_subscribe: bool,
    verbose_unsubscribe: bool,
    /// `ZMQ_XPUB_NODROP`.
    no_drop: bool,
    manual: bool,
    /// `ZMQ_XPUB_MANUAL_LAST_VALUE`: send to the last requester only.
    last_value: bool,
    only_first_subscribe: bool,
    welcome: Option<Msg>,
}

impl Xpub {
    /// An XPUB from which the application does not receive.
    pub(super) fn deaf() -> Xpub {
        let mut xpub = Xpub::default();
        xpub.set.deaf = true;
        xpub
    }

    /// Reads what a peer has sent. A connection can deliver as fast as this reads, so after
    /// [`SLICE`] the rest is left to the backlog.
    fn read(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let Some(end) = env.pipes.get(pipe) else {
            return;
        };
        let mut left = SLICE;
        while let Some(msg) = end.read() {
            left = left.saturating_sub(1 + msg.len() / LONG_TOPIC);
            if !msg.has(flag::ROUTING_ID) {
                self.process(pipe, msg);
            }
            if left == 0 && end.metadata().is_some() {
                set(&mut self.waits, pipe, true);
                self.unread.push_back(pipe);
                return;
            }
        }
        if end.is_ended() {
            env.close(pipe);
        }
    }

    /// Takes the next pipe that has more to read.
    fn next_unread(&mut self) -> Option<PipeId> {
        loop {
            let pipe = self.unread.pop_front()?;
            if set(&mut self.waits, pipe, false) {
                return Some(pipe);
            }
        }
    }

    fn requester(&self, pipe: PipeId) -> Requester {
        let number = self.numbers.get(pipe.0 as usize).copied().unwrap_or(0);
        Requester { pipe, number }
    }

    /// Removes a slice of a disconnected peer's subscriptions. True if none is left.
    fn take_back(&mut self, leaving: &mut Leaving) -> bool {
        let (pending, manual, deaf) = (&mut self.pending, self.set.manual, self.set.deaf);
        let mut forward = |topic: &[u8], text: Option<&Arc<Text>>| {
            if deaf {
                return;
            }
            if let Some(content) = Content::of_topic(0, topic, text) {
                let request = manual.then_some(None);
                pending.push_back(Pending { content, request });
            }
        };
        let pipe = leaving.pipe;
        if leaving.requested {
            leaving.requested = !self
                .requested
                .remove_pipe(pipe, SLICE, true, |topic, text| {
                    if manual {
                        forward(topic, text);
                    }
                });
            return false;
        }
        let every = self.set.verbose_unsubscribe;
        self.subscriptions
            .remove_pipe(pipe, SLICE, every, |topic, text| {
                if !manual {
                    forward(topic, text);
                }
            })
    }

    /// Handles a part from a peer: `01`/`00` and a topic, or user data.
    fn process(&mut self, pipe: PipeId, mut msg: Msg) {
        let first = !std::mem::replace(&mut self.more_in, msg.more());
        let subscribe = match msg.data().first() {
            Some(byte @ 0..=1) if first || self.subscribing => Some(*byte == 1),
            _ => None,
        };
        if first {
            self.subscribing = !self.set.only_first_subscribe || subscribe.is_some();
        }
        let Some(subscribe) = subscribe else {
            if !self.set.deaf {
                let content = Content::Message(msg);
                self.pending.push_back(Pending {
                    content,
                    request: None,
                });
            }
            return;
        };
        let metadata = msg.take_metadata();
        // A long topic is not copied if the body is the message's own.
        let text = (msg.len() > LONG_TOPIC && msg.is_own_heap()).then(|| Text::of(msg.take(), 1));
        let topic = match &text {
            Some(text) => text.bytes(),
            None => msg.data().get(1..).unwrap_or_default(),
        };
        if !self.note(pipe, subscribe, topic, text.as_ref()) || self.set.deaf {
            return;
        }
        let content = match text {
            Some(text) => Content::Topic(u8::from(subscribe), text, metadata),
            None => {
                // Copied, because a part of a read block would keep the block alive while it
                // is queued.
                let Ok(mut copy) = Msg::copy_from(msg.data()) else {
                    return;
                };
                copy.set_metadata(metadata);
                Content::Message(copy)
            }
        };
        let request = self.set.manual.then(|| Some(self.requester(pipe)));
        self.pending.push_back(Pending { content, request });
    }

    /// Records that a peer has subscribed to a topic or unsubscribed. True if the application
    /// is to receive that.
    fn note(
        &mut self,
        pipe: PipeId,
        subscribe: bool,
        topic: &[u8],
        text: Option<&Arc<Text>>,
    ) -> bool {
        let manual = self.set.manual;
        let index = match manual {
            true => &mut self.requested,
            false => &mut self.subscriptions,
        };
        match subscribe {
            true => {
                let first = match text {
                    Some(text) => index.add_text(text, pipe),
                    None => index.add(topic, pipe),
                };
                manual || first || self.set.verbose_subscribe
            }
            false => {
                let removal = index.remove(topic, pipe);
                manual || removal != Removal::Remaining || self.set.verbose_unsubscribe
            }
        }
    }

    /// Selects the pipes for the message that begins with this part.
    #[inline]
    fn select(&mut self, env: &Env<'_>, body: &[u8]) {
        let out = &mut self.out;
        out.unmatch();
        let only = match self.set.manual && self.set.last_value {
            true => self.last_pipe.take(),
            false => None,
        };
        match only {
            None => self.subscriptions.visit(body, |pipe| out.match_pipe(pipe)),
            Some(only) => self.subscriptions.visit(body, |pipe| {
                if pipe == only {
                    out.match_pipe(pipe);
                }
            }),
        }
        if env.options.invert_matching {
            out.reverse_match();
        }
    }

    fn set_flag(&mut self, option: i32, on: bool) -> Result<()> {
        match option {
            ZMQ_XPUB_VERBOSE => {
                (self.set.verbose_subscribe, self.set.verbose_unsubscribe) = (on, false)
            }
            ZMQ_XPUB_VERBOSER => {
                (self.set.verbose_subscribe, self.set.verbose_unsubscribe) = (on, on)
            }
            ZMQ_XPUB_NODROP => self.set.no_drop = on,
            ZMQ_XPUB_MANUAL => self.set.manual = on,
            ZMQ_XPUB_MANUAL_LAST_VALUE => (self.set.manual, self.set.last_value) = (on, on),
            ZMQ_ONLY_FIRST_SUBSCRIBE => self.set.only_first_subscribe = on,
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }
}

/// `01` or `00` and the topic.
fn subscription(byte: u8, topic: &[u8]) -> Option<Msg> {
    Msg::with_first(byte, topic).ok()
}

/// Sets the mark of a pipe and returns the previous one.
fn set(marks: &mut Vec<bool>, pipe: PipeId, on: bool) -> bool {
    let index = pipe.0 as usize;
    if marks.len() <= index {
        marks.resize(index + 1, false);
    }
    std::mem::replace(&mut marks[index], on)
}

impl Pattern for Xpub {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        self.out.attach(pipe);
        if how.subscribe_all {
            self.subscriptions.add(&[], pipe);
        }
        if let (Some(welcome), Some(end)) = (&mut self.set.welcome, env.pipes.get(pipe)) {
            if end.write(welcome.share()).is_ok() {
                end.flush();
            }
        }
        self.read(env, pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        // The pipe's id may be used again for another peer.
        let index = pipe.0 as usize;
        if self.numbers.len() <= index {
            self.numbers.resize(index + 1, 0);
        }
        self.numbers[index] = self.numbers[index].wrapping_add(1);
        if self.last_pipe == Some(pipe) {
            self.last_pipe = None;
        }
        set(&mut self.waits, pipe, false);
        self.out.detached(pipe);
        let mut leaving = Leaving {
            pipe,
            requested: true,
        };
        // Two slices are enough for a peer without very many topics.
        if !self.take_back(&mut leaving) && !self.take_back(&mut leaving) {
            env.pipes.keep(pipe);
            self.leaving.push_back(leaving);
        }
    }

    fn has_backlog(&self) -> bool {
        let mut both = [&self.subscriptions, &self.requested].into_iter();
        !self.unread.is_empty() || !self.leaving.is_empty() || both.any(Subscriptions::has_waste)
    }

    fn continue_backlog(&mut self, env: &mut Env<'_>) {
        if let Some(mut leaving) = self.leaving.pop_front() {
            match self.take_back(&mut leaving) {
                true => env.pipes.let_go(leaving.pipe),
                false => self.leaving.push_back(leaving),
            }
        }
        if let Some(pipe) = self.next_unread() {
            self.read(env, pipe);
        }
        self.subscriptions.shed();
        self.requested.shed();
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        // A pipe in `unread` is read in its turn.
        if !self.waits.get(pipe.0 as usize).is_some_and(|waits| *waits) {
            self.read(env, pipe);
        }
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    #[inline(never)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        if !self.out.is_mid_message() {
            self.select(env, part.body());
        }
        if self.set.no_drop && !self.out.has_room(env) {
            return Err(Error::Again);
        }
        let more = part.more();
        self.out.send_to_matching(env, part, self.set.no_drop);
        if !more {
            self.out.unmatch();
        }
        Ok(())
    }

    #[inline(never)]
    fn recv<I: Incoming>(&mut self, _env: &mut Env<'_>, into: &mut I) -> Result<()> {
        let pending = self.pending.front_mut().ok_or(Error::Again)?;
        let msg = match &mut pending.content {
            Content::Message(msg) => msg.take(),
            Content::Topic(byte, text, metadata) => {
                let mut msg = subscription(*byte, text.bytes()).ok_or(Error::NoMemory)?;
                msg.set_metadata(metadata.take());
                msg
            }
        };
        if let Some(request) = pending.request {
            let here = request.filter(|asked| self.requester(asked.pipe).number == asked.number);
            let pipe = here.map(|asked| asked.pipe);
            self.last_pipe = pipe.filter(|pipe| self.set.manual && self.out.contains(*pipe));
        }
        self.pending.pop_front();
        into.put(msg);
        Ok(())
    }

    fn has_in(&mut self, _env: &mut Env<'_>) -> bool {
        !self.pending.is_empty()
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        true
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_SUBSCRIBE if self.set.manual => {
                if let Some(pipe) = self.last_pipe {
                    self.subscriptions.add(data, pipe);
                }
            }
            ZMQ_UNSUBSCRIBE if self.set.manual => {
                if let Some(pipe) = self.last_pipe {
                    self.subscriptions.remove(data, pipe);
                }
            }
            ZMQ_XPUB_WELCOME_MSG => {
                self.set.welcome = match data {
                    [] => None,
                    data => Some(Msg::copy_from(data)?),
                };
            }
            ZMQ_XPUB_VERBOSE
            | ZMQ_XPUB_VERBOSER
            | ZMQ_XPUB_NODROP
            | ZMQ_XPUB_MANUAL
            | ZMQ_XPUB_MANUAL_LAST_VALUE
            | ZMQ_ONLY_FIRST_SUBSCRIBE => {
                self.set_flag(option, value::non_negative_flag(Some(data))?)?;
            }
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }

    fn get_option(&mut self, option: i32, out: &mut Room<'_>) -> Result<usize> {
        match option {
            ZMQ_TOPICS_COUNT => {
                let topics = i32::try_from(self.subscriptions.topics()).unwrap_or(i32::MAX);
                value::put_int_zero_padded(out, topics)
            }
            _ => Err(Error::Invalid),
        }
    }
}
