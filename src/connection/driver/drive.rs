//! One drive of a connection: the work of the bits, and what the machine asks for.

#![forbid(unsafe_code)]

use super::wire::Stream;
use super::{Connection, Driver, work};
use crate::connection::event::kind;
use crate::connection::machine::{Action, Flow, Loss};
use crate::io_policy::tunables::READS_PER_DRIVE;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sys::panics::contain;
use crate::transport::ByteStream;
use std::io;
use std::time::Instant;

/// Stores without dirtying the cache line if nothing changes. Under the connection's lock.
fn set(place: &AtomicBool, value: bool) {
    if place.load(Ordering::Relaxed) != value {
        place.store(value, Ordering::Relaxed);
    }
}

fn flush(stream: &ByteStream) -> io::Result<Flow> {
    match stream.flush() {
        Ok(()) => Ok(Flow::Drained),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Flow::Blocked),
        Err(error) => Err(error),
    }
}

impl Driver {
    /// Does the work of the bits in `todo`. Invariant at its end: the descriptor is armed for
    /// what the machine waits for, unless the connection is caller-driven, and the reactor's
    /// timer is the machine's.
    pub(super) fn run(&mut self, conn: &Connection, todo: u32) {
        if todo & work::FIRED != 0 {
            self.wire.armed = None;
        }
        if todo & work::FAIL != 0 {
            // The cause need not be the peer's bytes: a connecting side tries again.
            self.machine.lose(Loss::Stream(libc::EIO), Instant::now());
            self.perform_all(conn);
            return self.update_timer(conn);
        }
        if todo & (work::START | work::EVICT) != 0 {
            self.begin(conn, todo);
        }
        if todo & (work::PIPE | work::FILLING) != 0 {
            self.machine.pipe_events(Instant::now);
            self.perform_all(conn);
        }
        if todo & (work::STOP | work::STOP_SOON | work::TIMER | work::ZAP) != 0 {
            self.rare_work(conn, todo);
        }
        if todo & (work::READ | work::WRITE | work::START) != 0 {
            self.stream_ready(conn, todo);
        }
        match todo & (work::SENDER_WAITS | work::SENDER_WAITED) {
            0 => {}
            mark => self.wire.sender_waits = mark == work::SENDER_WAITS,
        }
        let output = work::PIPE | work::FILLING | work::STOP | work::WRITE;
        if todo & output != 0 && self.machine.is_active() {
            // A sender that has written a batch tries again. In a handshake nothing would be
            // written, and the wait for the stream is to go on.
            self.wire.blocked &= todo & work::FILLING == 0;
            self.flush(conn);
        }
        if self.machine.may_resume() {
            self.read(conn);
        }
        let pending = self.wire.has_pending_output();
        self.machine.finish_if_drained(pending);
        self.perform_all(conn);
        let unsent = self.machine.is_midway() && self.wire.blocked;
        set(&conn.flush.unsent, unsent);
        self.wire.sender_waits &= unsent;
        // No event comes for what a layer has read ahead, in a read or as it was opened.
        if self.wire.has_buffered_input() && self.machine.wants_input() {
            conn.driver.mark(work::READ);
        }
        self.watch(conn);
        self.update_timer(conn);
    }

    fn begin(&mut self, conn: &Connection, todo: u32) {
        if todo & work::START != 0 && self.machine.is_new() {
            match self.wire.stream {
                Stream::Open(_) => self.connected(conn),
                _ => self.machine.start(),
            }
        }
        if todo & work::EVICT != 0 {
            self.machine.evict(Instant::now());
        }
        self.perform_all(conn);
    }

    fn rare_work(&mut self, conn: &Connection, todo: u32) {
        let now = Instant::now();
        if todo & work::STOP != 0 {
            self.machine.stop(conn.link.linger(), now);
            self.perform_all(conn);
        }
        if todo & work::STOP_SOON != 0 {
            self.machine.stop_soon(conn.link.linger(), now);
            self.perform_all(conn);
        }
        if todo & work::TIMER != 0 {
            self.timer = None;
            self.machine.handle_timeout(now);
            self.perform_all(conn);
            self.resume_lookup(conn);
        }
        if todo & work::ZAP != 0 {
            let answer = conn.answer.lock().take();
            if let Some(answer) = answer {
                if self.machine.zap_answered(answer.token, answer.verdict) {
                    self.question = None;
                    self.flush(conn);
                }
            }
        }
        self.perform_all(conn);
    }

    fn stream_ready(&mut self, conn: &Connection, todo: u32) {
        let ready = todo & (work::READ | work::WRITE) != 0;
        if todo & work::WRITE != 0 {
            self.wire.blocked = false;
        }
        match &self.wire.stream {
            Stream::Dial(_) if ready && self.wire.armed.is_none() => self.dialed(conn),
            Stream::Open(_) if self.machine.is_negotiating() => {
                self.flush(conn);
                self.read(conn);
            }
            Stream::Open(_) if todo & work::READ != 0 => self.read(conn),
            _ => return,
        }
        self.perform_all(conn);
    }

    // ---- bytes ------------------------------------------------------------

    pub(super) fn flush(&mut self, conn: &Connection) {
        self.flush_at_most(conn, usize::MAX);
    }

    fn flush_at_most(&mut self, conn: &Connection, limit: usize) {
        let (Stream::Open(stream), false) = (&self.wire.stream, self.wire.blocked) else {
            return;
        };
        let write = |head: &[u8], body: &[u8]| match (head.is_empty(), body.is_empty()) {
            (_, true) => stream.write(head),
            (true, _) => stream.write(body),
            _ => stream.write_vectored(&[io::IoSlice::new(head), io::IoSlice::new(body)]),
        };
        let (count, mut result) = self.machine.transmit(limit, write);
        if matches!(result, Ok(Flow::Drained)) {
            result = flush(stream); // what a layer of the stream holds
        }
        if count > 0 {
            self.wire.written += count as u64;
            conn.flush
                .written
                .fetch_add(count as u32, Ordering::Relaxed);
        }
        self.wire.blocked = matches!(result, Ok(Flow::Blocked));
        if self.wire.blocked
            && self.machine.is_midway()
            && !self.wire.queue_limited
            && conn.settings.options.sndbuf < 0
        {
            self.wire.queue_limited = true;
            stream.limit_send_queue();
        }
        if let Err(error) = result {
            self.machine.write_failed(&error, Instant::now());
        }
    }

    pub(super) fn read(&mut self, conn: &Connection) {
        let now = Instant::now();
        self.machine.begin_input(now);
        for _ in 0..READS_PER_DRIVE {
            let (Stream::Open(stream), Some(room)) = (&self.wire.stream, self.machine.room())
            else {
                break;
            };
            let wanted = room.len();
            let count = match stream.read(room) {
                Ok(0) => {
                    self.machine.stream_failed(Loss::Stream(0), now);
                    break;
                }
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if stream.take_sign_of_life() {
                        self.machine.peer_lives(now);
                    }
                    break;
                }
                Err(error) => {
                    self.machine.stream_failed(Loss::by(&error), now);
                    break;
                }
            };
            if self.machine.is_active() {
                conn.link.input_came();
                self.machine.handle_input(count, now);
            } else {
                self.machine.handle_input(count, now);
                self.flush(conn);
                self.perform_all(conn);
                self.machine.begin_input(now);
            }
            if count < wanted {
                break;
            }
        }
        if self.machine.is_active() {
            if let Err(error) = self.wire.set_low_water(self.machine.missing()) {
                self.machine.lose(Loss::by(&error), now);
            }
        }
        let delivered = self.machine.end_input();
        if delivered > 0 {
            conn.flush.received.fetch_add(delivered, Ordering::Relaxed);
        }
        if self.machine.has_output() {
            self.flush(conn);
        }
    }

    // ---- what the machine asks for ----------------------------------------

    #[inline]
    pub(super) fn perform_all(&mut self, conn: &Connection) {
        while let Some(action) = self.machine.poll_event() {
            self.perform(conn, action);
        }
    }

    #[cold]
    fn perform(&mut self, conn: &Connection, action: Action) {
        match action {
            Action::Dial => self.dial(conn),
            Action::AbandonAttempt(code) => self.attempt_failed(conn, code),
            Action::ThroughProxy => {
                self.report_connected(conn);
                self.connected(conn);
            }
            Action::Ask(query) => {
                self.flush(conn);
                // An answer given before this returns sets the ZAP work bit, and is taken
                // afterwards.
                if let Some(me) = conn.me.upgrade() {
                    self.question = conn.link.zap(*query, me);
                }
            }
            Action::Establish => {
                self.flush(conn);
                self.machine.establish(Instant::now());
            }
            Action::Fail(error) => {
                self.flush(conn);
                self.machine.fail(error, Instant::now());
            }
            Action::Attach(end) => {
                if let Some(me) = conn.me.upgrade() {
                    self.machine.listen(me);
                }
                conn.link.attach(*end);
            }
            Action::Established(session) => {
                self.ticket = None;
                if let Some(dialer) = &mut self.dialer {
                    dialer.forget_targets();
                }
                self.report_success(conn, &session);
                self.flush(conn);
            }
            Action::PingReceived => self.log_ping(conn, "from"),
            Action::PingQueued | Action::Ping => {
                if let (Action::Ping, Stream::Open(stream)) = (&action, &self.wire.stream) {
                    stream.ping();
                }
                self.log_ping(conn, "to");
                self.flush(conn);
                self.wire.peer_takes_in(self.machine.has_output());
            }
            Action::Suspect => {
                self.read(conn);
                let (wire, pending) = (&mut self.wire, self.machine.has_output());
                self.machine
                    .confirm_silence(|| wire.peer_takes_in(pending), Instant::now());
            }
            Action::Probe(probe) => {
                let hung_up = matches!(&self.wire.stream, Stream::Open(s) if s.is_hung_up());
                self.machine.probed(probe, hung_up);
            }
            Action::PipeClosed => self.machine.pipe_closed(conn.link.linger(), Instant::now()),
            Action::LastFlush => {
                // The limit ends this with a peer that reads as fast as this thread writes.
                const MOST: usize = 16 * 1024 * 1024;
                self.wire.blocked = false;
                self.flush_at_most(conn, MOST);
                self.machine.last_flush_done(Instant::now());
            }
            Action::Unsent(count, why) => self.log_unsent(conn, count, why),
            Action::Lost(lost) => {
                self.report_loss(conn, &lost);
                if let Some(dialer) = &self.dialer {
                    self.endpoint = dialer.text_after_loss();
                }
            }
            Action::Release => {
                self.release(conn);
                self.ticket = None;
                self.question = None;
            }
            Action::RetryIn(delay) => {
                self.event(conn, kind::CONNECT_RETRIED, delay.as_millis() as u64);
            }
            Action::DeferMail => conn.link.defer_mail(),
            Action::Rest => {
                conn.over.store(true, Ordering::SeqCst);
                self.log_rest(conn);
            }
            Action::GaveUp { endpoint_stays } => {
                conn.link.gave_up(conn.me.clone(), endpoint_stays);
            }
            Action::LeftUnread(bytes) => conn.link.report_unread(bytes),
            Action::Finish => {
                conn.over.store(true, Ordering::SeqCst);
                conn.reactor.remove(conn.key());
                self.timer = None;
                conn.link.finished(conn);
            }
        }
    }

    /// After a second panic: releases everything, each step on its own.
    pub(super) fn abandon(&mut self, conn: &Connection) {
        const ABANDONED: &str = "a connection was abandoned";
        contain(ABANDONED, || self.release(conn));
        contain(ABANDONED, || self.machine.abandon());
        contain(ABANDONED, || self.ticket = None);
        contain(ABANDONED, || self.question = None);
        contain(ABANDONED, || conn.reactor.remove(conn.key()));
        contain(ABANDONED, || conn.link.finished(conn));
    }
}
