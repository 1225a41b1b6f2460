//! An established session: messages both ways, commands, heartbeats.
//!
//! Called by [`State::run`], under the connection's lock, by the I/O thread or an
//! application thread. Nothing here blocks: a full stream sets `blocked`, a full pipe sets
//! `stalled`.

#![forbid(unsafe_code)]

use super::*;
use crate::sys::{
    self,
    log::{Text, log},
};

/// How long the input of a half-closed stream may take to be read, and the interval of the
/// checks for a departed peer while the pipe is full.
pub(super) const FAREWELL: Duration = Duration::from_secs(1);

impl State {
    /// Moves messages both ways until the stream, or the pipe, is full or drained.
    pub(super) fn transfer(&mut self, conn: &Connection, todo: u32) {
        if !matches!(self.phase, Phase::Active(..)) {
            return;
        }
        if todo & (work::PIPE | work::FILLING | work::WRITE | work::STOP) != 0 {
            self.flush_output(conn);
        }
        if self.stalled && self.pipe.as_mut().is_some_and(PipeEnd::check_write) {
            self.stalled = false;
            self.read_messages(conn);
        }
    }

    pub(super) fn flush_output(&mut self, conn: &Connection) {
        self.flush_at_most(conn, usize::MAX);
    }

    /// Writes, once and without waiting, what would otherwise be dropped now. The limit in
    /// bytes ends this with a peer that reads as fast as this thread writes.
    pub(super) fn flush_once(&mut self, conn: &Connection) {
        const MOST: usize = 16 * 1024 * 1024;
        self.blocked = false;
        self.flush_at_most(conn, MOST);
    }

    fn flush_at_most(&mut self, conn: &Connection, limit: usize) {
        if self.blocked || self.half_closed {
            return;
        }
        let (stream, source) = match &mut self.phase {
            Phase::Handshake(stream, _) => (&*stream, None),
            Phase::Active(stream, session) => {
                let pipe = self.pipe.as_mut();
                (&*stream, pipe.map(|pipe| (pipe, &mut **session)))
            }
            _ => return,
        };
        let (count, result) = self.output.drive(stream, source, limit);
        if count > 0 {
            conn.written.fetch_add(count as u32, Ordering::Relaxed);
        }
        let full = matches!(result, Ok(Flow::Blocked)) && self.output.is_midway();
        if full && !self.queue_limited && conn.settings.options.sndbuf < 0 {
            self.queue_limited = true;
            stream.limit_send_queue();
        }
        match result {
            Ok(flow) => self.blocked = flow == Flow::Blocked,
            Err(error) if self.closing.is_none() && is_half_closed(&error) => {
                self.half_closed = true; // reading will find the end of the stream
                let limit = Instant::now() + FAREWELL;
                let handshake = matches!(self.phase, Phase::Handshake(..));
                let before = self.deadline.filter(|_| handshake);
                self.deadline = Some(before.map_or(limit, |at| at.min(limit)));
            }
            Err(error) => self.lose(conn, Loss::Stream(error.raw_os_error().unwrap_or(0))),
        }
    }

    /// The deadline of a half-closed stream: reading has not found its end. While the pipe
    /// is full that is expected, and the deadline is renewed.
    pub(super) fn farewell_over(&mut self, conn: &Connection) {
        match self.stalled {
            true if self.dialer.is_none() => self.take_rest(conn),
            true => self.deadline = Some(Instant::now() + FAREWELL),
            false => self.lose(conn, Loss::Stream(libc::EPIPE)),
        }
    }

    /// While the pipe of an accepted connection is full, nothing is read, so the end of the
    /// stream is not detected: sets the deadline of the next check.
    pub(super) fn expect_farewell(&mut self) {
        let active = matches!(self.phase, Phase::Active(..));
        if self.stalled && active && self.dialer.is_none() && self.deadline.is_none() {
            self.deadline = Some(Instant::now() + FAREWELL);
        }
    }

    /// That check.
    pub(super) fn probe_peer(&mut self, conn: &Connection) {
        let hung_up = matches!(&self.phase, Phase::Active(stream, _) if stream.is_hung_up());
        if hung_up && self.dialer.is_none() {
            self.take_rest(conn);
        }
    }

    /// The peer has gone and left more than the pipe takes. The rest, which the kernel
    /// holds, is read past the high-water mark, so that a departed peer keeps no
    /// descriptor. The socket bounds what departed peers may leave.
    fn take_rest(&mut self, conn: &Connection) {
        if let Some(pipe) = &self.pipe {
            pipe.lift_limit();
        }
        self.stalled = false;
        self.read_messages(conn);
    }

    pub(super) fn read_messages(&mut self, conn: &Connection) {
        if !self.input.open() {
            return self.lose(conn, Loss::Stream(libc::ENOMEM));
        }
        let mut outcome = self.read_rounds(conn);
        if let (Phase::Active(stream, _), Ok(())) = (&self.phase, &outcome) {
            let set = self.input.set_low_water(stream);
            outcome = set.map_err(|error| Loss::Stream(error.raw_os_error().unwrap_or(0)));
        }
        self.input.close();
        let delivered = std::mem::take(&mut self.input.delivered);
        if delivered > 0 {
            conn.received.fetch_add(delivered, Ordering::Relaxed);
        }
        if let Some(pipe) = &mut self.pipe {
            pipe.flush();
        }
        if let Err(loss) = outcome {
            self.lose(conn, loss);
        } else if !self.output.is_empty() {
            self.flush_output(conn);
        }
    }

    pub(super) fn read_rounds(&mut self, conn: &Connection) -> Result<(), Loss> {
        let limit = conn.settings.frame_limit();
        let mut may_have_more = true;
        for _ in 0..READS_PER_DRIVE {
            let (Phase::Active(stream, session), Some(pipe)) = (&mut self.phase, &mut self.pipe)
            else {
                return Ok(());
            };
            match self.input.decode(session, limit, pipe) {
                Err(fault) => return Err(Loss::of(fault)),
                Ok(Decoded::Full) => {
                    self.stalled = true;
                    return Ok(());
                }
                Ok(Decoded::Command) => {
                    if !self.process_command(conn) {
                        return Ok(());
                    }
                    continue;
                }
                Ok(Decoded::Starved) if !may_have_more => return Ok(()),
                Ok(Decoded::Starved) => {}
            }
            match self.input.read(stream) {
                Ok((0, _)) => return Err(Loss::Stream(0)),
                Ok((_, more)) => {
                    may_have_more = more;
                    conn.link.input_came();
                    let now = self.now();
                    if let Some(heartbeat) = &mut self.heartbeat {
                        heartbeat.on_input(now);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(Loss::Stream(error.raw_os_error().unwrap_or(0))),
            }
        }
        self.read_leftovers(conn)
    }

    /// The rounds are used up: delivers what was read and leaves the rest of the stream to
    /// the next drive.
    pub(super) fn read_leftovers(&mut self, conn: &Connection) -> Result<(), Loss> {
        let limit = conn.settings.frame_limit();
        loop {
            let (Phase::Active(_, session), Some(pipe)) = (&mut self.phase, &mut self.pipe) else {
                return Ok(());
            };
            match self.input.decode(session, limit, pipe) {
                Err(fault) => return Err(Loss::of(fault)),
                Ok(Decoded::Command) if self.process_command(conn) => {}
                Ok(Decoded::Command) => return Ok(()),
                Ok(Decoded::Full) => {
                    self.stalled = true;
                    return Ok(());
                }
                Ok(Decoded::Starved) => return Ok(()),
            }
        }
    }

    /// Processes the command at hand. False if the pipe is full: then the command stays.
    pub(super) fn process_command(&mut self, conn: &Connection) -> bool {
        let now = self.now();
        let (Phase::Active(_, session), Some(pipe)) = (&mut self.phase, &mut self.pipe) else {
            return true;
        };
        match command::parse(self.input.command()) {
            Some(Command::Ping { ttl_ds, context }) => {
                log!(
                    Trace,
                    conn.link.origin(),
                    "PING from {}",
                    Text(&self.endpoint)
                );
                if !self.output.is_crowded() {
                    let mut reply = Vec::new();
                    command::pong(context, &mut reply);
                    self.output.command(session, &reply);
                }
                if ttl_ds > 0 && session.has_heartbeats() {
                    // ZMQ_HEARTBEAT_IVL is off: only the peer's time to live is watched.
                    let watch = || Box::new(Heartbeat::new(0, None, 0, now));
                    let heartbeat = self.heartbeat.get_or_insert_with(watch);
                    heartbeat.on_ping(ttl_ds, now);
                }
            }
            Some(Command::Subscribe(_) | Command::Cancel(_)) if !pipe.check_write() => {
                self.stalled = true;
                return false;
            }
            Some(Command::Subscribe(topic)) => deliver_subscription(pipe, 1, topic),
            Some(Command::Cancel(topic)) => deliver_subscription(pipe, 0, topic),
            _ => {} // unknown commands are ignored
        }
        self.input.end_command();
        true
    }

    pub(super) fn new_heartbeat(&self, conn: &Connection, session: &Session) -> Option<Heartbeat> {
        let options = &conn.settings.options;
        if !session.has_heartbeats() {
            return None;
        }
        if options.heartbeat_ivl <= 0 {
            return None; // a PING with a time to live makes one
        }
        let timeout = options.effective_heartbeat_timeout();
        let timeout = (timeout >= 0).then_some(timeout as u64);
        Some(Heartbeat::new(
            options.heartbeat_ivl.max(0) as u64,
            timeout,
            options.heartbeat_ttl,
            self.now(),
        ))
    }

    /// The heartbeat's next action. While the pipe is full nothing is read, so the peer's
    /// silence proves nothing and counts as input.
    fn heartbeat_action(&mut self) -> HeartbeatAction {
        let now = self.now();
        let Some(heartbeat) = &mut self.heartbeat else {
            return HeartbeatAction::None;
        };
        if self.stalled {
            heartbeat.on_input(now);
        }
        heartbeat.on_timer(now)
    }

    pub(super) fn beat(&mut self, conn: &Connection) {
        let mut action = self.heartbeat_action();
        if action == HeartbeatAction::Dead {
            // The I/O thread may have been delayed: input may wait in the kernel.
            self.read_messages(conn);
            action = self.heartbeat_action();
        }
        if action == HeartbeatAction::Dead && self.peer_takes_in() {
            // The PING is queued behind bytes that the peer is still taking.
            let now = self.now();
            if let Some(heartbeat) = &mut self.heartbeat {
                heartbeat.on_input(now);
            }
            action = self.heartbeat_action();
        }
        let Some(heartbeat) = &mut self.heartbeat else {
            return;
        };
        match action {
            HeartbeatAction::None => {}
            HeartbeatAction::Dead => self.lose(conn, Loss::Timeout),
            HeartbeatAction::SendPing => {
                log!(
                    Trace,
                    conn.link.origin(),
                    "PING to {}",
                    Text(&self.endpoint)
                );
                let mut ping = Vec::new();
                command::ping(heartbeat.ttl_ds(), &[], &mut ping);
                if let (Phase::Active(_, session), false) =
                    (&mut self.phase, self.output.holds_command())
                {
                    self.output.command(session, &ping);
                }
                self.flush_output(conn);
                self.peer_takes_in();
            }
        }
    }

    /// Arms the descriptor for what the phase waits for. While the connection is
    /// caller-driven, the descriptor is not armed for input.
    pub(super) fn watch(&mut self, conn: &Connection) {
        let wanted = match &self.phase {
            Phase::Dialing(_) => (false, true),
            Phase::Proxy(_, _, wait) => (*wait == Wait::Readable, *wait == Wait::Writable),
            Phase::Handshake(..) => (true, self.blocked),
            Phase::Active(..) => (!self.stalled, self.blocked && !self.sender_waits),
            _ => return,
        };
        let interest = |stream: &ByteStream| stream.interest(wanted.0, wanted.1);
        let wanted = self.stream().map_or(wanted, interest);
        if self.armed == Some(wanted) || wanted == (false, false) {
            return;
        }
        let application_reads =
            matches!(self.phase, Phase::Active(..)) && self.registered && wanted == (true, false);
        if application_reads && self.armed.is_none() {
            if conn.caller_driven.load(Ordering::SeqCst) {
                return; // until the tick or the application hands it to the I/O thread
            }
            if conn.link.is_spinning() {
                conn.caller_driven.store(true, Ordering::SeqCst);
                if let Some(me) = conn.me.upgrade() {
                    conn.link.add_caller_driven(me);
                    conn.reactor.schedule(conn.key()); // starts the ticks
                }
                // Recheck (Dekker): `caller_driven` is set and the connection is in the
                // link's list; the SeqCst fence is in `add_caller_driven`; then this load
                // of the link's spin count. A thread that stops polling decrements that
                // count, then loads the length of the list. So either this thread sees that
                // no thread polls, or that thread hands the connection over.
                if conn.link.is_spinning() {
                    return;
                }
                conn.caller_driven.store(false, Ordering::SeqCst);
            }
        }
        let first = !self.registered;
        let result = match &self.phase {
            Phase::Dialing(dial) => {
                conn.reactor
                    .arm(dial.as_fd(), conn.key(), wanted.0, wanted.1, first)
            }
            Phase::Handshake(stream, _) | Phase::Active(stream, _) | Phase::Proxy(stream, ..) => {
                conn.reactor
                    .arm(stream.as_fd(), conn.key(), wanted.0, wanted.1, first)
            }
            _ => return,
        };
        match result {
            Ok(()) => {
                self.registered = true;
                self.armed = Some(wanted);
            }
            Err(error) => self.lose(conn, Loss::Stream(error.raw_os_error().unwrap_or(0))),
        }
    }

    /// See [`Engine::stream_fd`](super::super::Engine::stream_fd).
    pub(in crate::connection) fn stream_fd(&self) -> Option<std::os::fd::RawFd> {
        match &self.phase {
            Phase::Active(stream, _) if !self.stalled => Some(stream.as_fd().as_raw_fd()),
            _ => None,
        }
    }

    /// As [`stream_fd`](Self::stream_fd), if much of a long body has yet to arrive.
    pub(in crate::connection) fn long_fd(&self) -> Option<std::os::fd::RawFd> {
        self.stream_fd().filter(|_| self.input.expects_much())
    }

    /// The stream's descriptor, if the stream is full.
    pub(in crate::connection) fn blocked_fd(&self) -> Option<std::os::fd::RawFd> {
        match &self.phase {
            Phase::Active(stream, _) if self.blocked => Some(stream.as_raw_fd()),
            _ => None,
        }
    }

    /// Whether output is still on its way, and some of it has reached the peer since the
    /// last check.
    fn peer_takes_in(&mut self) -> bool {
        let Phase::Active(stream, _) = &self.phase else {
            return false;
        };
        let on_its_way = sys::unsent(stream.as_fd());
        let taken = self.output.written().saturating_sub(on_its_way);
        let before = std::mem::replace(&mut self.taken, taken);
        taken > before && (on_its_way > 0 || !self.output.is_empty())
    }
}

/// Whether a failed write only means that the peer takes no more. What it sent before, such
/// as the reason of a refusal, may still be there to read.
fn is_half_closed(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
    )
}

/// SUBSCRIBE and CANCEL become messages of the old form: an action byte, then the topic.
fn deliver_subscription(pipe: &mut PipeEnd, action: u8, topic: &[u8]) {
    if let Ok(msg) = Msg::with_first(action, topic) {
        pipe.write_unchecked(msg.with(flag::SUBSCRIPTION));
    }
}
