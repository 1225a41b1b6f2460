//! What a socket's lock protects: its pattern, pipes, endpoints and options.
//!
//! Everything here runs under the lock. Other threads reach a socket only through its
//! [`Shared`] part: they put commands into its mailbox, and a call that holds the lock
//! drains that. A pattern leaves requests in a list, on which the socket acts after each
//! call of the pattern.

#![forbid(unsafe_code)]

use super::disconnected::Disconnected;
use super::drops::{Drops, Reason};
use super::flags::{POLLIN, POLLOUT};
use super::records::Endpoints;
use crate::error::{Error, Result};
use crate::io_policy::tunables::MAIL_EVERY;
use crate::options::Options;
use crate::pattern::{AnyPattern, Attachment, Env, Pattern, Request};
use crate::pipe::{PipeEnd, PipeId, Pipes, event};
use crate::runtime::context::{Core, Member};
use crate::runtime::shared::{Command, Shared};
use crate::sync::atomic::Ordering;
use crate::sync::lock::Guard;
use crate::sys;
use crate::sys::cancel::Shield;
use std::sync::Arc;

/// The guard of a socket's slot.
pub type Locked = Guard<'static, Option<Box<Socket>>>;

/// A socket. See the module.
pub struct Socket {
    pub(super) core: Arc<Core>,
    /// What other threads reach without the lock.
    pub shared: Arc<Shared>,
    /// Shared with the endpoints made since the last change.
    pub(super) options: Arc<Options>,
    pub(super) pattern: AnyPattern,
    pub(super) pipes: Pipes,
    pub(super) endpoints: Endpoints,
    requests: Vec<Request>,
    drops: Drops,
    /// Disconnected peers with unread messages.
    disconnected: Disconnected,
    /// A [`Command::Backlog`] for the pattern's backlog is in the mailbox.
    pub(super) backlog_scheduled: bool,
    pub(super) more: bool,
    /// Receives left until the mailbox is checked first, and the number of those checks.
    pub(super) receives: u32,
    pub(super) pauses: u32,
    /// A message was sent since the last wait.
    pub(super) has_sent: bool,
    /// When a send last read the mailbox, in ticks.
    mail_read: u64,
}

/// Shortest interval between two reads of the mailbox by sends, in ticks.
const MAIL_INTERVAL: u64 = sys::TICKS_IN_MS;

impl Socket {
    pub(super) fn new(shared: Arc<Shared>, options: Options, pattern: AnyPattern) -> Socket {
        Socket {
            core: shared.core.clone(),
            shared,
            options: Arc::new(options),
            pattern,
            pipes: Pipes::default(),
            endpoints: Endpoints::default(),
            requests: Vec::new(),
            drops: Drops::default(),
            disconnected: Disconnected::default(),
            backlog_scheduled: false,
            more: false,
            receives: MAIL_EVERY,
            pauses: 0,
            has_sent: false,
            mail_read: 0,
        }
    }

    /// Splits the socket into its pattern and what the pattern works on.
    #[inline]
    pub(super) fn parts(&mut self) -> (&mut AnyPattern, Env<'_>) {
        let env = Env {
            pipes: &mut self.pipes,
            options: &self.options,
            requests: &mut self.requests,
        };
        (&mut self.pattern, env)
    }

    /// Runs `f` on the pattern, then acts on the requests that it left.
    #[inline]
    pub(super) fn with_pattern<R>(
        &mut self,
        f: impl FnOnce(&mut AnyPattern, &mut Env<'_>) -> R,
    ) -> R {
        let (pattern, mut env) = self.parts();
        let result = f(pattern, &mut env);
        self.after_pattern();
        result
    }

    /// Acts on the requests that a call of the pattern has left.
    #[inline(always)]
    pub(super) fn after_pattern(&mut self) {
        if !self.requests.is_empty() {
            self.act_on_requests();
        }
    }

    /// [`Error::Term`] if the context was shut down.
    #[inline]
    pub(super) fn check_alive(&mut self) -> Result<()> {
        match self.core.terminated.load(Ordering::Relaxed) {
            true => self.refuse(),
            false => Ok(()),
        }
    }

    /// Fails, because the context was shut down. The mail is read before, or `ZMQ_FD` would
    /// stay readable.
    #[cold]
    fn refuse(&mut self) -> Result<()> {
        if self.shared.mail.has_commands() {
            self.process_mail();
        }
        Err(Error::Term)
    }

    /// Processes the commands in the mailbox. [`Error::Term`] after the context was shut
    /// down.
    #[inline]
    pub(super) fn process_commands(&mut self) -> Result<()> {
        if self.shared.mail.has_commands() {
            self.process_mail();
        }
        self.check_alive()
    }

    /// As [`process_commands`](Self::process_commands), but at most once in
    /// [`MAIL_INTERVAL`], for sends: it bounds the cost of the mail in a loop of sends, and
    /// the time after which the loop notices changes, as in libzmq.
    #[inline]
    pub(super) fn process_commands_at_times(&mut self) -> Result<()> {
        if self.shared.mail.has_commands() {
            let now = sys::ticks();
            // Ticks that went back wrap to a long interval.
            if now.wrapping_sub(self.mail_read) >= MAIL_INTERVAL {
                self.mail_read = now;
                self.process_mail_aside();
            }
        }
        self.check_alive()
    }

    /// As [`process_commands`](Self::process_commands), in a call that does not report
    /// readiness to the application.
    #[inline]
    pub(super) fn process_commands_aside(&mut self) -> Result<()> {
        if self.shared.mail.has_commands() {
            self.process_mail_aside();
        }
        self.check_alive()
    }

    /// Reads the mail and keeps `ZMQ_FD` readable: an event loop that sleeps on it must still
    /// make the call that reports readiness.
    #[cold]
    #[inline(never)]
    fn process_mail_aside(&mut self) {
        self.process_mail();
        self.shared.mail.request_check();
    }

    /// Drains the mailbox. True if there was a command other than [`Command::Check`].
    #[cold]
    #[inline(never)]
    pub fn process_mail(&mut self) -> bool {
        let mut any = false;
        self.shared.peers.pending_disconnects.clear();
        for command in self.shared.clone().mail.take() {
            any |= !matches!(command, Command::Check);
            match command {
                Command::Check => {}
                Command::Pipe(token) => self.pipe_events(PipeId(token as u32)),
                Command::Attach(end) => {
                    self.attach(*end, Attachment::default());
                }
                Command::Backlog => self.continue_backlog(),
                Command::EndpointGone(connection) => {
                    let _shield = Shield::new();
                    self.endpoints.connection_gone(&connection);
                    if let Some(connection) = connection.upgrade() {
                        connection.stop();
                    }
                }
                Command::ConnectionOver(connection) => {
                    let _shield = Shield::new();
                    if let Some(connection) = connection.upgrade() {
                        connection.stop_soon();
                    }
                }
            }
        }
        if self.pattern.has_backlog() {
            self.schedule_backlog();
        }
        any
    }

    /// Adds a pipe to the socket. If the pattern refuses it, the pipe is gone on return.
    pub(super) fn attach(&mut self, mut end: PipeEnd, how: Attachment) -> PipeId {
        end.set_lazy();
        if !self.options.kind.spec().subscribes {
            end.set_framing();
        }
        let id = self.pipes.insert(end);
        self.with_pattern(|pattern, env| pattern.attached(env, id, how));
        if let Some(latest) = self.pattern.take_latest_id() {
            Arc::make_mut(&mut self.options).routing_id = latest;
        }
        // Last: an event before the attachment would find no state of the pattern.
        let shared = self.shared.clone();
        if let Some(end) = self.pipes.get(id) {
            end.set_listener(shared, id.0 as usize);
        }
        id
    }

    /// Takes the events of a pipe and passes them to the pattern. A closed pipe is detached
    /// when it has no unread messages.
    pub(super) fn pipe_events(&mut self, id: PipeId) {
        let Some(end) = self.pipes.get(id) else {
            return;
        };
        let events = end.take_events();
        if events & event::READ != 0 {
            self.with_pattern(|pattern, env| pattern.read_ready(env, id));
        }
        if events & event::WRITE != 0 {
            self.with_pattern(|pattern, env| pattern.write_ready(env, id));
        }
        if events & event::HICCUP != 0 {
            self.with_pattern(|pattern, env| pattern.hiccup(env, id));
        }
        if events & event::CLOSED != 0 {
            let reads = self.options.kind.spec().receives;
            let Some(end) = self.pipes.get(id) else {
                return;
            };
            match reads && !end.is_withdrawn() && end.check_read() {
                true => self.add_disconnected(id),
                false => self.detach(id),
            }
        }
    }

    /// Removes a pipe. Its other end can still read what was written, and then ends.
    pub(super) fn detach(&mut self, id: PipeId) {
        if self.pipes.get(id).is_none() {
            return;
        }
        let _shield = Shield::new();
        self.endpoints.pipe_gone(id);
        let (pattern, mut env) = self.parts();
        pattern.detached(&mut env, id);
        self.remove_pipe(id);
        // The pattern may have requested this close and others while it detached the pipe.
        self.requests.retain(|other| *other != Request::Close(id));
        if !self.requests.is_empty() {
            self.act_on_requests();
        }
    }

    /// `ZMQ_EVENTS`, restricted to `wanted`.
    pub(super) fn events(&mut self, wanted: i16) -> i16 {
        let mut events = 0;
        if wanted & POLLOUT != 0 && self.with_pattern(|pattern, env| pattern.has_out(env)) {
            events |= POLLOUT;
        }
        if wanted & POLLIN != 0 {
            let mut ready = self.with_pattern(|pattern, env| pattern.has_in(env));
            if !ready
                && self.shared.caller_driven.drive_inputs_at_intervals()
                && self.shared.mail.has_commands()
            {
                self.process_mail();
                ready = self.with_pattern(|pattern, env| pattern.has_in(env));
            }
            if ready {
                events |= POLLIN;
            } else if self.shared.mail.has_fd() {
                // The event loop may sleep on `ZMQ_FD` next, so the I/O thread must watch.
                self.shared.caller_driven.hand_to_io_thread();
            }
        }
        events
    }

    #[cold]
    fn act_on_requests(&mut self) {
        let _shield = Shield::new();
        while let Some(request) = self.requests.pop() {
            match request {
                Request::Close(pipe) => self.detach(pipe),
                Request::Full => self.count_drops(Reason::Full, 1),
                Request::Unroutable => self.count_drops(Reason::Unroutable, 1),
            }
        }
    }

    fn count_drops(&mut self, why: Reason, messages: u64) {
        let (origin, hwm) = (self.shared.identity.origin, self.options.sndhwm);
        self.drops.count(why, messages, origin, hwm);
    }

    /// Adds a pipe whose peer has disconnected and which has unread messages; drops the
    /// oldest ones beyond the bounds.
    fn add_disconnected(&mut self, id: PipeId) {
        let answers = self.pattern.forgets_disconnected();
        let Some(end) = self.pipes.get(id) else {
            return;
        };
        if !answers && (end.is_between_sockets() || self.options.rcvhwm == 0) {
            return;
        }
        self.disconnected.add(id, end.unread_bytes());
        while let Some((oldest, parts)) = self.disconnected.beyond_bounds(&mut self.pipes, answers)
        {
            self.count_drops(Reason::Disconnected, parts as u64);
            self.detach(oldest);
        }
    }

    /// Removes a pipe that the pattern has detached.
    fn remove_pipe(&mut self, id: PipeId) {
        self.pipes.remove(id);
        self.disconnected.remove(id);
    }

    /// Schedules the pattern's backlog: the next read of the mail does a slice of it.
    #[cold]
    fn schedule_backlog(&mut self) {
        if !std::mem::replace(&mut self.backlog_scheduled, true) {
            self.shared.mail.send(Command::Backlog);
        }
        self.shared.defer_mail();
    }

    /// Does a slice of the pattern's backlog.
    fn continue_backlog(&mut self) {
        self.backlog_scheduled = false;
        self.with_pattern(|pattern, env| pattern.continue_backlog(env));
    }

    /// Closes the socket's endpoints and pipes, and stops its connections.
    pub(super) fn shut(&mut self) {
        let (origin, hwm) = (self.shared.identity.origin, self.options.sndhwm);
        self.drops.log_last(origin, hwm);
        // Pipes that are still in the mailbox must be closed too.
        self.process_mail();
        self.core.inproc.forget(&*self.shared);
        self.endpoints.close_all();
        let ids: Vec<_> = self.pipes.ids().collect();
        for id in ids {
            self.pipes.remove(id);
        }
        self.shared.caller_driven.hand_to_io_thread();
        self.shared.peers.stop();
        self.shared.end();
    }
}
