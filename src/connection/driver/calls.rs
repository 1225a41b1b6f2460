//! How others call a connection: its socket, the pipe, the reactor, a listener's acceptor, the
//! ZAP handler.

#![forbid(unsafe_code)]

use super::{Connection, work};
use crate::connection::Engine;
use crate::connection::half_open::Evict;
use crate::connection::security::{ZapAnswer, ZapClient};
use crate::pipe::{Listener, PipeEnd};
use crate::reactor::{After, Ready, Source};
use crate::sync::atomic::Ordering;
use crate::sys::log;
use crate::zmtp::ZapVerdict;
use std::os::fd::RawFd;
use std::sync::Arc;

impl Engine for Connection {
    fn stop(&self) {
        self.service(work::STOP);
    }

    fn stop_soon(&self) {
        self.service(work::STOP_SOON);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    fn retire(&self) -> Option<PipeEnd> {
        let pipe = self.with_driver(|driver| driver.machine.take_pipe());
        self.stop();
        pipe
    }

    fn poll_input(&self) {
        self.service(work::READ);
    }

    fn push_output(&self) {
        if self.driver.has_work() {
            self.service(0);
        }
    }

    fn unsent(&self) -> usize {
        self.try_with_driver(|driver| driver.machine.unsent())
            .unwrap_or(0)
    }

    fn stream_fd(&self) -> Option<RawFd> {
        self.try_with_driver(|driver| driver.stream_fd())?
    }

    fn long_fd(&self) -> Option<RawFd> {
        self.try_with_driver(|driver| driver.long_fd())?
    }

    fn settle(&self) {
        self.wait_and_service(work::READ);
    }

    fn hand_to_io_thread(&self) {
        if self.caller_driven.swap(false, Ordering::SeqCst) {
            // Waits for the lock: the descriptor must be armed when this returns.
            self.wait_and_service(work::HAND_OVER);
        }
    }
}

impl Evict for Connection {
    fn evict(&self) {
        self.service(work::EVICT);
    }
}

impl ZapClient for Connection {
    fn zap_reply(&self, token: u64, verdict: ZapVerdict) {
        let mut answer = self.answer.lock();
        // An answer to an older query must not displace the one that is awaited.
        if answer.as_ref().is_none_or(|answer| answer.token <= token) {
            *answer = Some(ZapAnswer { token, verdict });
        }
        drop(answer);
        self.service(work::ZAP);
    }

    fn origin(&self) -> log::Origin {
        self.link.origin()
    }
}

impl Listener for Connection {
    fn pipe_event(&self, _token: usize) {
        self.driver.mark(work::PIPE);
        if self.is_streaming() {
            self.leave_flush();
        } else {
            self.service(0);
        }
    }

    fn pipe_filling(&self, _token: usize) -> bool {
        self.flush.fillings.fetch_add(1, Ordering::Relaxed);
        if !self.reactor.spins() {
            self.service(work::FILLING);
        } else if !self.service(work::FILLING | work::SENDER_WAITS)
            || self.flush.unsent.load(Ordering::Relaxed)
        {
            self.send_rest();
            self.service(work::FILLING | work::SENDER_WAITED);
        }
        true
    }

    fn pipe_drained(&self, _token: usize) {
        self.service(work::PIPE);
    }
}

impl Source for Connection {
    fn ready(self: Arc<Self>, what: Ready) -> After {
        let mut todo = 0;
        if what.readable || what.writable {
            todo |= work::FIRED;
        }
        if what.readable {
            todo |= work::READ;
        }
        if what.writable {
            todo |= work::WRITE;
        }
        if what.timer {
            todo |= work::TIMER;
        }
        let no_flush = !self.flush.pending.is_requested();
        if todo != 0 || what.scheduled && no_flush {
            self.service(todo);
        }
        if what.scheduled || what.flush_check {
            self.check_flush();
        }
        if what.tick && self.caller_driven.load(Ordering::SeqCst) {
            let activity = self.link.activity();
            let seen = self.seen_activity.swap(activity, Ordering::Relaxed);
            // One drive of a long message may last for longer than a tick.
            let idle = activity == seen && !self.link.is_spinning();
            if idle && !self.driver.is_held() {
                self.hand_to_io_thread();
            }
        }
        After {
            tick: self.caller_driven.load(Ordering::SeqCst) || self.link.is_spinning(),
            flush_check: self.flush.pending.is_requested(),
        }
    }

    fn fail(self: Arc<Self>) {
        self.service(work::FAIL);
    }
}
