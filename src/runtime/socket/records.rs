//! The endpoints that a socket has, each under its text.

#![forbid(unsafe_code)]

use crate::connection::{Acceptor, Engine};
use crate::pipe::PipeId;
use std::sync::{Arc, Weak};

/// The object behind an endpoint.
pub(super) enum Target {
    Acceptor(Arc<Acceptor>),
    Engine(Arc<dyn Engine>, Option<PipeId>),
    InprocBound,
    InprocPipe(PipeId),
}

pub(super) struct Record {
    /// The endpoint's text, by which unbind and disconnect find it.
    pub text: Vec<u8>,
    pub target: Target,
}

impl Record {
    /// Whether the target is a connection that makes no further attempt.
    pub(super) fn is_over(&self) -> bool {
        matches!(&self.target, Target::Engine(connection, _) if connection.is_over())
    }
}

/// The endpoints of a socket.
#[derive(Default)]
pub(super) struct Endpoints {
    records: Vec<Record>,
    last: Vec<u8>,
}

impl Endpoints {
    /// `ZMQ_LAST_ENDPOINT`.
    pub(super) fn last(&self) -> &[u8] {
        &self.last
    }

    pub(super) fn add(&mut self, text: Vec<u8>, target: Target) {
        self.last = text.clone();
        if self.records.is_empty() {
            self.records.reserve_exact(1); // most sockets have one endpoint
        }
        self.records.push(Record { text, target });
    }

    /// Adds an inproc connection. Without a pipe it was refused, and only sets
    /// `ZMQ_LAST_ENDPOINT`.
    pub(super) fn add_pipe(&mut self, text: Vec<u8>, pipe: Option<PipeId>) {
        match pipe {
            Some(pipe) => self.add(text, Target::InprocPipe(pipe)),
            None => self.last = text,
        }
    }

    /// To be called when a pipe has ended: an inproc endpoint ends with it, a connection
    /// has no pipe until it attaches another.
    pub(super) fn pipe_gone(&mut self, id: PipeId) {
        self.records.retain_mut(|record| match &mut record.target {
            Target::InprocPipe(pipe) => *pipe != id,
            Target::Engine(_, pipe) => {
                if *pipe == Some(id) {
                    *pipe = None;
                }
                true
            }
            _ => true,
        });
    }

    /// Removes the endpoint of a connection that makes no further attempt.
    pub(super) fn connection_gone(&mut self, gone: &Weak<dyn Engine>) {
        self.records.retain(|record| match &record.target {
            Target::Engine(connection, _) => {
                !std::ptr::addr_eq(Arc::as_ptr(connection), gone.as_ptr())
            }
            _ => true,
        });
    }

    /// Whether an endpoint with this text exists and is not over.
    pub(super) fn is_live(&self, text: &[u8]) -> bool {
        let mut records = self.records.iter();
        records.any(|record| record.text == text && !record.is_over())
    }

    /// Removes and returns the records with this text for which `wanted` holds.
    pub(super) fn take(&mut self, text: &[u8], wanted: impl Fn(&Record) -> bool) -> Vec<Record> {
        let is_wanted = |record: &Record| record.text == text && wanted(record);
        let (taken, kept) = self.records.drain(..).partition(is_wanted);
        self.records = kept;
        taken
    }

    /// Closes all listeners and drops all records.
    pub(super) fn close_all(&mut self) {
        for record in self.records.drain(..) {
            if let Target::Acceptor(acceptor) = record.target {
                acceptor.close();
            }
        }
    }

    /// Removes the record of a bound inproc name.
    pub(super) fn unbound(&mut self, text: &[u8]) {
        let is_it = |record: &Record| matches!(record.target, Target::InprocBound);
        drop(self.take(text, is_it));
    }
}
