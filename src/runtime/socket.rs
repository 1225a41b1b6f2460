//! Sockets: a pattern, its pipes, its endpoints and options, under one lock.
//!
//! The functions here take a handle's address and are safe from any thread. Each locks
//! the socket's slot, so that calls on one socket serialise; a blocking call releases the
//! lock while it waits ([`super::wait`]). Other threads reach a socket only through its
//! [`Shared`] part: they put commands into its mailbox, and a call that holds the lock
//! drains that. A pattern runs under the lock; it leaves requests in a list, on which the
//! socket acts after each call of the pattern.

#![forbid(unsafe_code)]

mod transfer;

pub use transfer::{recv, recv_into, recv_with, send, send_bytes, send_from, send_short};

use super::context::{self, Core};
use super::disconnected::Disconnected;
use super::endpoints::Endpoints;
use super::requests;
use super::shared::{Command, Shared};
use super::slots::{Slot, Table};
use super::wait;
use crate::abi::numbers::*;
use crate::abi::options as opt;
use crate::abi::socket_type::SocketType;
use crate::connection::{Connection, Engine};
use crate::error::{Error, Result};
use crate::io_policy::tunables::{CANCEL_EVERY, MAIL_EVERY};
use crate::message::{Msg, flag};
use crate::options::{self, Options, When};
use crate::pattern::{AnyPattern, Attachment, Env, Pattern, Request};
use crate::pipe::{PipeEnd, PipeId, Pipes, event};
use crate::sync::lock::Guard;
use crate::sys::cancel::Shield;
use crate::sys::{self, adopt::GivenFd, log::log, room::Room};
use crate::transport::AddressMask;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// All sockets of the process.
pub static SOCKETS: Table<Socket> = Table::new();

/// `ZMQ_POLLIN`.
pub const POLLIN: i16 = ZMQ_POLLIN as i16;
/// `ZMQ_POLLOUT`.
pub const POLLOUT: i16 = ZMQ_POLLOUT as i16;
/// `ZMQ_POLLERR`.
pub const POLLERR: i16 = ZMQ_POLLERR as i16;
/// `ZMQ_POLLPRI`.
pub const POLLPRI: i16 = ZMQ_POLLPRI as i16;

/// `ZMQ_DONTWAIT`.
pub const DONTWAIT: i32 = ZMQ_DONTWAIT;
/// `ZMQ_SNDMORE`.
pub const SNDMORE: i32 = ZMQ_SNDMORE;
/// A flag beside those: the call sleeps in place. Without it the call is suspended, and made
/// again by the C API, see [`suspend`](crate::sync::suspend).
pub(super) const SLEEPS: i32 = 1 << 30;

/// A socket. See the module.
pub struct Socket {
    pub(super) core: Arc<Core>,
    pub(super) shared: Arc<Shared>,
    /// Shared with the endpoints made since the last change.
    pub(super) options: Arc<Options>,
    pub(super) pattern: AnyPattern,
    pub(super) pipes: Pipes,
    pub(super) endpoints: Endpoints,
    pub(super) requests: Vec<Request>,
    pub(super) drops: requests::Drops,
    /// Disconnected peers with unread messages.
    pub(super) disconnected: Disconnected,
    /// A [`Command::Backlog`] for the pattern's backlog is in the mailbox.
    pub(super) backlog_scheduled: bool,
    more: bool,
    /// Receives left until the mailbox is checked first, and the number of those checks.
    receives: u32,
    pauses: u32,
    /// A message was sent since the last wait.
    pub(super) has_sent: bool,
    /// When a send last read the mailbox, in ticks.
    mail_read: u64,
}

/// Shortest interval between two reads of the mailbox by sends, in ticks.
const MAIL_INTERVAL: u64 = sys::TICKS_IN_MS;

/// The message that carries a socket's routing id over inproc. `None` without memory.
pub(super) fn routing_id_message(id: &[u8]) -> Option<Msg> {
    Some(Msg::copy_from(id).ok()?.with(flag::ROUTING_ID))
}

/// `zmq_socket`: makes a socket in a context.
///
/// [`Error::Fault`] for a bad context, [`Error::Invalid`] for a bad type,
/// [`Error::TooManyFiles`] at `ZMQ_MAX_SOCKETS`, [`Error::Term`].
pub fn create(context: usize, socket_type: i32) -> Result<&'static Slot<Socket>> {
    let core = context::find(context)?;
    core.admit_socket()?;
    let made = make(core.clone(), socket_type);
    if made.is_err() {
        core.release_socket();
    }
    made
}

fn make(core: Arc<Core>, socket_type: i32) -> Result<&'static Slot<Socket>> {
    let kind = SocketType::from_number(socket_type).ok_or(Error::Invalid)?;
    let pattern = AnyPattern::new(kind, super::random::number()).ok_or(Error::Invalid)?;
    let (options, spin) = {
        let context = core.options.lock();
        (Options::new(kind, &context), context.spin)
    };
    let origin = requests::origin(kind);
    let shared = Shared::new(core.clone(), origin, kind, options.linger, &pattern, spin);
    let socket = Socket {
        core: core.clone(),
        shared: shared.clone(),
        options: Arc::new(options),
        pattern,
        pipes: Pipes::default(),
        endpoints: Endpoints::default(),
        requests: Vec::new(),
        drops: requests::Drops::default(),
        disconnected: Disconnected::default(),
        backlog_scheduled: false,
        more: false,
        receives: MAIL_EVERY,
        pauses: 0,
        has_sent: false,
        mail_read: 0,
    };
    let slot = SOCKETS.insert(Box::new(socket))?;
    shared.set_slot(slot);
    core.socket_opened(&shared);
    log!(Debug, shared.origin, "open");
    Ok(slot)
}

/// The slot of a handle; [`Error::NotSocket`] if the address is no handle.
#[inline]
pub fn find(address: usize) -> Result<&'static Slot<Socket>> {
    SOCKETS.find(address).ok_or(Error::NotSocket)
}

/// The guard of a socket's slot.
pub type Locked = Guard<'static, Option<Box<Socket>>>;

/// Locks a handle's socket, processes its commands, and runs `f` on it. [`Error::Term`]
/// after the context was shut down.
pub fn with<R>(address: usize, f: impl FnOnce(&mut Socket) -> Result<R>) -> Result<R> {
    let mut guard = find(address)?.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.process_commands_aside()?;
    f(socket)
}

/// As [`with`], but leaves the commands in the mailbox: an option that is set takes effect
/// before a subscription that waits there, as in libzmq.
fn with_unread_mail<R>(address: usize, f: impl FnOnce(&mut Socket) -> Result<R>) -> Result<R> {
    let mut guard = find(address)?.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.check_alive()?;
    f(socket)
}

/// `zmq_close`.
pub fn close(address: usize) -> Result<()> {
    let slot = find(address)?;
    let Some(mut socket) = SOCKETS.remove(slot)? else {
        // In a forked child only the handle of a parent's socket ends.
        return SOCKETS
            .end_orphan(slot)
            .then_some(())
            .ok_or(Error::NotSocket);
    };
    socket.log_last_drops();
    socket.shut();
    let (core, shared) = (socket.core.clone(), socket.shared.clone());
    drop(socket);
    shared.signal(); // wakes other threads that wait on the handle
    core.socket_closed(&shared);
    // Last: only now are its inproc names free, which may contain the handle's address.
    SOCKETS.give_back(slot);
    Ok(())
}

/// The events of `wanted` ([`POLLIN`], [`POLLOUT`]) that are ready on a socket. A quiet slot
/// has no [`POLLIN`], and is not locked for it.
#[inline]
pub fn ready(address: usize, wanted: i16) -> Result<i16> {
    let slot = find(address)?;
    match wanted == POLLIN && slot.is_quiet() {
        true => Ok(0),
        false => ready_now(slot, wanted),
    }
}

fn ready_now(slot: &'static Slot<Socket>, wanted: i16) -> Result<i16> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.process_commands()?;
    let events = socket.events(wanted);
    if wanted == POLLIN && events == 0 {
        slot.mark_quiet(&guard, |socket| socket.shared.may_be_ready());
    }
    Ok(events)
}

/// `zmq_setsockopt`. `value` is `None` for a NULL pointer with length 0.
pub fn set_option(address: usize, option: i32, value: Option<&[u8]>) -> Result<()> {
    with_unread_mail(address, |socket| socket.set_option_and_log(option, value))
}

/// Sets `ZMQ_USE_FD`, with the descriptor that it names: the next bind takes that over.
pub fn give_descriptor(address: usize, number: i32, given: GivenFd) -> Result<()> {
    with_unread_mail(address, |socket| {
        socket.set_option_and_log(opt::ZMQ_USE_FD, Some(&number.to_ne_bytes()))?;
        Arc::make_mut(&mut socket.options).given_fd = Some(given);
        Ok(())
    })
}

/// `zmq_getsockopt`: writes to `out` and returns the length to report.
pub fn get_option<'a>(address: usize, option: i32, out: impl Into<Room<'a>>) -> Result<usize> {
    if option == opt::ZMQ_EVENTS && Connection::has_unflushed() {
        settle(address)?;
    }
    with_unread_mail(address, |socket| socket.get_option(option, out.into()))
}

/// If nothing can be received: flushes what the calling thread has left to an I/O thread
/// on another socket of the context, and reads this socket's connections. Programs that
/// hold both ends expect to receive the messages of a burst together.
fn settle(address: usize) -> Result<()> {
    let shared = with(address, |socket| {
        let idle = socket.options.kind.spec().receives && socket.events(POLLIN) == 0;
        Ok(idle.then(|| socket.shared.clone()))
    })?;
    let Some(shared) = shared else {
        return Ok(());
    };
    let Some(left) = Connection::take_unflushed(Arc::as_ptr(&shared) as usize) else {
        return Ok(());
    };
    if shared.core.has_socket(left.link_address()) {
        left.settle();
        shared.settle_inputs();
    }
    Ok(())
}

impl Socket {
    /// Splits the socket into its pattern and what the pattern works on.
    #[inline]
    fn parts(&mut self) -> (&mut AnyPattern, Env<'_>) {
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
        if !self.requests.is_empty() {
            self.act_on_requests();
        }
        result
    }

    /// [`Error::Term`] if the context was shut down.
    #[inline]
    fn check_alive(&mut self) -> Result<()> {
        match self.core.terminated.load(Ordering::Relaxed) {
            true => self.refuse(),
            false => Ok(()),
        }
    }

    /// Fails, because the context was shut down. The mail is read before, or `ZMQ_FD` would
    /// stay readable.
    #[cold]
    fn refuse(&mut self) -> Result<()> {
        if self.shared.has_commands() {
            self.process_mail();
        }
        Err(Error::Term)
    }

    /// Processes the commands in the mailbox. [`Error::Term`] after the context was shut
    /// down.
    #[inline]
    pub(super) fn process_commands(&mut self) -> Result<()> {
        if self.shared.has_commands() {
            self.process_mail();
        }
        self.check_alive()
    }

    /// As [`process_commands`](Self::process_commands), but at most once in
    /// [`MAIL_INTERVAL`], for sends: it bounds the cost of the mail in a loop of sends, and
    /// the time after which the loop notices changes, as in libzmq.
    #[inline]
    fn process_commands_at_times(&mut self) -> Result<()> {
        if self.shared.has_commands() {
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
        if self.shared.has_commands() {
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
        self.shared.request_check();
    }

    /// Drains the mailbox. True if there was a command other than [`Command::Check`].
    #[cold]
    #[inline(never)]
    pub(super) fn process_mail(&mut self) -> bool {
        let mut any = false;
        self.shared.pending_disconnects.clear();
        for command in self.shared.clone().take_commands() {
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

    /// Sends without blocking.
    #[inline]
    pub(super) fn try_send(&mut self, msg: &mut Msg) -> Result<()> {
        self.with_pattern(|pattern, env| pattern.send(env, msg))
    }

    /// Receives without blocking. Reads the caller-driven connections if the pipes have no
    /// message.
    pub(super) fn try_recv(&mut self, into: &mut Msg) -> Result<()> {
        let mut result = self.with_pattern(|pattern, env| pattern.recv(env, into));
        if matches!(result, Err(Error::Again))
            && self.shared.drive_inputs_at_intervals()
            && self.shared.has_commands()
        {
            self.process_mail();
            result = self.with_pattern(|pattern, env| pattern.recv(env, into));
        }
        if result.is_ok() {
            self.more = into.more();
        }
        result
    }

    /// `ZMQ_EVENTS`, restricted to `wanted`.
    pub(super) fn events(&mut self, wanted: i16) -> i16 {
        let mut events = 0;
        if wanted & POLLOUT != 0 && self.with_pattern(|pattern, env| pattern.has_out(env)) {
            events |= POLLOUT;
        }
        if wanted & POLLIN != 0 {
            let mut ready = self.with_pattern(|pattern, env| pattern.has_in(env));
            if !ready && self.shared.drive_inputs_at_intervals() && self.shared.has_commands() {
                self.process_mail();
                ready = self.with_pattern(|pattern, env| pattern.has_in(env));
            }
            if ready {
                events |= POLLIN;
            } else if self.shared.has_event_fd() {
                // The event loop may sleep on `ZMQ_FD` next, so the I/O thread must watch.
                self.shared.hand_to_io_thread();
            }
        }
        events
    }

    pub(super) fn set_option(&mut self, option: i32, value: Option<&[u8]>) -> Result<()> {
        let bytes = value.unwrap_or_default();
        match self.with_pattern(|pattern, env| pattern.set_option(env, option, bytes)) {
            Err(Error::Invalid) => {}
            other => return other,
        }
        if let (opt::ZMQ_TCP_ACCEPT_FILTER, Some(text @ [_, ..])) = (option, value) {
            AddressMask::parse(text, self.options.ipv6)?;
        }
        Arc::make_mut(&mut self.options).set(option, value)?;
        if Options::when(option) == Some(When::Now) {
            self.apply_now(option);
        }
        Ok(())
    }

    /// A changed option that acts on the pipes and connections there are. Patterns read
    /// others where they need them.
    fn apply_now(&mut self, option: i32) {
        match option {
            opt::ZMQ_LINGER => self
                .shared
                .linger
                .store(self.options.linger, Ordering::Relaxed),
            opt::ZMQ_SNDHWM | opt::ZMQ_RCVHWM => {
                let (snd, rcv) = (self.options.sndhwm, self.options.rcvhwm);
                let ids: Vec<_> = self.pipes.ids().collect();
                for id in ids {
                    if let Some(end) = self.pipes.get(id) {
                        end.set_hwm(snd, rcv);
                    }
                }
            }
            _ => {}
        }
    }

    fn get_option(&mut self, option: i32, mut room: Room<'_>) -> Result<usize> {
        let out = &mut room;
        match option {
            opt::ZMQ_RCVMORE => options::put_int_zero_padded(out, self.more.into()),
            opt::ZMQ_EVENTS => {
                self.process_commands()?;
                let events = self.events(POLLIN | POLLOUT);
                options::put_int_zero_padded(out, events.into())
            }
            opt::ZMQ_FD => {
                if out.len() < size_of::<i32>() {
                    return Err(Error::Invalid);
                }
                options::put_int_zero_padded(out, self.shared.event_fd()?)
            }
            opt::ZMQ_LAST_ENDPOINT => options::put_string(out, self.endpoints.last()),
            opt::ZMQ_FERRO_MONITOR_DROPS => options::put_u64_exact(out, self.shared.drops()),
            opt::ZMQ_THREAD_SAFE => {
                options::put_int_zero_padded(out, self.options.kind.spec().thread_safe.into())
            }
            _ => match self.with_pattern(|pattern, _| pattern.get_option(option, out)) {
                Err(Error::Invalid) => self.options.get(option, room),
                other => other,
            },
        }
    }

    /// Closes the socket's endpoints and pipes, and stops its connections.
    fn shut(&mut self) {
        // Pipes that are still in the mailbox must be closed too.
        self.process_mail();
        self.core.inproc.forget(&self.shared);
        self.endpoints.close_all();
        let ids: Vec<_> = self.pipes.ids().collect();
        for id in ids {
            self.pipes.remove(id);
        }
        self.shared.hand_to_io_thread();
        self.shared.stop_connections();
        self.shared.end();
    }
}

/// The time limit that a `…TIMEO` option in milliseconds sets for a call; `None`: none.
pub(super) fn timeout(millis: i32) -> Option<Duration> {
    (millis >= 0).then(|| Duration::from_millis(millis.max(0) as u64))
}
