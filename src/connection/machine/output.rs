//! Output: messages from the pipe become frames in large writes.
//!
//! Called under the connection's lock, by the thread that drives the connection. The batch
//! buffer is the thread's and is borrowed for a drive; a connection keeps it only while the
//! stream is full.

#![forbid(unsafe_code)]

use crate::io_policy::tunables::{COPY_MAX, DIRECT_MIN, WRITE_BUFFER_MAX};
use crate::message::{Msg, flag};
use crate::pipe::PipeEnd;
use crate::sync::local::thread_cell;
use crate::zmtp::{Flags, Session, command};
use std::io;

/// PINGs are not answered while this many bytes of commands wait: a peer that sends PINGs
/// and does not read must not use up memory.
const CONTROL_MAX: usize = 4 * 1024;

/// The flags of a command.
const COMMAND: Flags = Flags {
    more: false,
    command: true,
};

thread_cell! {
    /// The spare batch buffer of this thread.
    static SPARE: Vec<u8> = Vec::new();
}

/// Bytes to be written. Between drives it owns memory only if the stream is full.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    sent: usize,
    /// A long body that follows `bytes`, and how much of it was written.
    body: Option<Box<Msg>>,
    body_sent: usize,
    /// Commands to send at the next frame boundary.
    control: Vec<u8>,
    /// The last part taken from the pipe has more parts to follow.
    mid_message: bool,
    /// What is not written yet may contain more than subscriptions and commands.
    holds_messages: bool,
}

/// How a drive of the output ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Everything was written.
    Drained,
    /// The stream is full, or the limit of the drive is reached.
    Blocked,
}

/// Whether the message is a subscription: a message that a SUB or XSUB sends and that
/// begins with 0 or 1.
pub(super) fn is_subscription(msg: &Msg) -> bool {
    msg.has(flag::SUBSCRIPTION) || !msg.more() && msg.data().first().is_some_and(|byte| *byte < 2)
}

impl Output {
    /// The buffer for raw bytes (greeting, handshake), sent in order.
    pub(super) fn handshake_bytes(&mut self) -> &mut Vec<u8> {
        &mut self.control
    }

    /// Adds a command frame.
    pub(super) fn command(&mut self, session: &mut Session, body: &[u8]) {
        // `fill` takes `control` first: frames are sent in the order of their encryption.
        session.mechanism.encode(COMMAND, body, &mut self.control);
    }

    /// Adds a message of one part, to be sent before those of the pipe.
    pub(super) fn message(&mut self, session: &mut Session, body: &[u8]) {
        if session.mechanism.transparent() {
            let framing = &mut session.framing;
            framing.append_header(false, false, body.len(), &mut self.control);
            self.control.extend_from_slice(body);
        } else {
            let flags = Flags {
                more: false,
                command: false,
            };
            session.mechanism.encode(flags, body, &mut self.control);
        }
    }

    /// Whether so many commands wait that PINGs are not to be answered.
    pub(super) fn is_crowded(&self) -> bool {
        self.control.len() >= CONTROL_MAX
    }

    /// Whether the rest of a long body has yet to be written.
    pub(super) fn is_midway(&self) -> bool {
        self.body.is_some()
    }

    /// Whether a message, and not only subscriptions and commands, waits here.
    pub(super) fn holds_messages(&self) -> bool {
        self.holds_messages && !self.is_empty()
    }

    /// Whether a command waits for the next frame boundary.
    pub(super) fn holds_command(&self) -> bool {
        !self.control.is_empty()
    }

    /// Whether nothing waits to be written.
    pub(super) fn is_empty(&self) -> bool {
        self.sent == self.bytes.len() && self.body.is_none() && self.control.is_empty()
    }

    /// Writes what is queued here and then what the pipe holds, until both are drained, the
    /// stream is full, or it has taken `limit` bytes (the last write may exceed it). A write is
    /// made at `batch` bytes; the message that reaches that is written whole.
    /// Returns the bytes written, also with an error. See
    /// [`Machine::transmit`](super::Machine::transmit).
    pub(super) fn drive(
        &mut self,
        mut write: impl FnMut(&[u8], &[u8]) -> io::Result<usize>,
        mut source: Option<(&mut PipeEnd, &mut Session)>,
        limit: usize,
        batch: usize,
    ) -> (usize, io::Result<Flow>) {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.take();
        }
        let mut total = 0;
        let result = loop {
            if total >= limit {
                break Ok(Flow::Blocked);
            }
            let outcome = match self.write_in_place(&mut write, &mut source, batch) {
                Some(outcome) => outcome,
                None => {
                    self.fill(&mut source, batch);
                    if self.is_empty() {
                        break Ok(Flow::Drained);
                    }
                    self.write(&mut write)
                }
            };
            match outcome {
                Ok(count) => {
                    total += count;
                    if self.sent < self.bytes.len() || self.body_sent > 0 {
                        break Ok(Flow::Blocked); // a partial write
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    break Ok(Flow::Blocked);
                }
                Err(error) => break Err(error),
            }
        };
        self.holds_messages &= !self.is_empty();
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
            let spare = std::mem::take(&mut self.bytes);
            if spare.capacity() <= WRITE_BUFFER_MAX {
                SPARE.set(spare);
            }
        }
        (total, result)
    }

    /// Writes a run of frames from the pipe's memory, if nothing is queued before it and it
    /// is long enough. What the stream does not take is copied. `None`: the caller writes.
    fn write_in_place(
        &mut self,
        write: impl FnOnce(&[u8], &[u8]) -> io::Result<usize>,
        source: &mut Option<(&mut PipeEnd, &mut Session)>,
        batch: usize,
    ) -> Option<io::Result<usize>> {
        let (pipe, session) = source.as_mut()?;
        if !self.is_empty() || !session.passes_frames() || pipe.awaits_restart() {
            return None;
        }
        let frames = pipe.take_frames(batch)?;
        self.mid_message = frames.more;
        self.holds_messages = true;
        self.bytes.clear();
        self.sent = 0;
        if frames.bytes.len() < DIRECT_MIN {
            self.bytes.extend_from_slice(frames.bytes);
            return None;
        }
        let outcome = write(frames.bytes, &[]);
        let count = *outcome.as_ref().unwrap_or(&0);
        self.bytes.extend_from_slice(&frames.bytes[count..]);
        Some(outcome)
    }

    fn fill(&mut self, source: &mut Option<(&mut PipeEnd, &mut Session)>, batch: usize) {
        if self.body.is_some() || self.bytes.len() - self.sent >= batch {
            return;
        }
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
        if !self.control.is_empty() {
            self.bytes.append(&mut self.control);
            self.control = Vec::new(); // commands are rare: free the buffer
        }
        let Some((pipe, session)) = source else {
            return;
        };
        if pipe.awaits_restart() {
            return;
        }
        let passes = session.passes_frames();
        let mut msg = Msg::new();
        while self.body.is_none() && self.bytes.len() - self.sent < batch {
            if passes {
                let room = batch - (self.bytes.len() - self.sent);
                if let Some(frames) = pipe.take_frames(room) {
                    self.mid_message = frames.more;
                    self.holds_messages = true;
                    self.bytes.extend_from_slice(frames.bytes);
                    continue;
                }
            }
            if pipe.read_into(&mut msg).is_none() {
                break;
            }
            self.encode(&mut msg, session);
        }
    }

    #[inline]
    fn encode(&mut self, msg: &mut Msg, session: &mut Session) {
        self.mid_message = msg.more();
        if msg.has(flag::SUBSCRIPTION) && session.has_subscription_commands() {
            self.encode_subscription(msg, session);
            return;
        }
        if !self.holds_messages {
            self.holds_messages = !is_subscription(msg);
        }
        if !session.mechanism.transparent() {
            let flags = Flags {
                more: msg.more(),
                command: false,
            };
            let mechanism = &mut session.mechanism;
            return mechanism.encode(flags, msg.data(), &mut self.bytes);
        }
        session
            .framing
            .append_header(msg.more(), false, msg.len(), &mut self.bytes);
        if msg.len() <= COPY_MAX {
            msg.append_to(&mut self.bytes);
        } else {
            self.body = Some(Box::new(msg.take()));
            self.body_sent = 0;
        }
    }

    /// Encodes a subscription as a command, which is ZMTP 3.1's form, or a join or leave.
    fn encode_subscription(&mut self, msg: &Msg, session: &mut Session) {
        let mut body = Vec::with_capacity(msg.len() + command::SUBSCRIBE_PREFIX.len());
        match msg.data().split_first() {
            Some((1, group)) if session.groups => command::join(group, &mut body),
            Some((_, group)) if session.groups => command::leave(group, &mut body),
            Some((1, topic)) => command::subscribe(topic, &mut body),
            Some((_, topic)) => command::cancel(topic, &mut body),
            None => return,
        }
        session.mechanism.encode(COMMAND, &body, &mut self.bytes);
    }

    fn write(
        &mut self,
        write: impl FnOnce(&[u8], &[u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        let bytes = &self.bytes[self.sent..];
        let Some(body) = &self.body else {
            let count = write(bytes, &[])?;
            self.sent += count;
            return Ok(count);
        };
        let count = write(bytes, &body.data()[self.body_sent..])?;
        let of_bytes = count.min(bytes.len());
        let body_len = body.len();
        self.sent += of_bytes;
        self.body_sent += count - of_bytes;
        if self.body_sent == body_len {
            self.body = None;
            self.body_sent = 0;
        }
        Ok(count)
    }

    /// The stream is lost: drops what was queued, and the rest of a message of which some
    /// parts were taken from the pipe.
    pub(super) fn reset(&mut self, pipe: Option<&mut PipeEnd>) {
        let mid_message = self.mid_message;
        *self = Output::default();
        if let (true, Some(pipe)) = (mid_message, pipe) {
            while pipe.read().is_some_and(|msg| msg.more()) {}
        }
    }
}
