//! The endpoints of a socket: bind, connect, unbind and disconnect.
//!
//! The functions here are called by application threads and run under the socket's lock.
//! Each bound or connected endpoint is a [`Record`] under its text: a listener, a
//! connection, or an inproc name or pipe. The options of the moment are copied for the
//! connections of a new endpoint ([`Settings`]).

#![forbid(unsafe_code)]

use super::handles::with;
use super::records::{Record, Target};
use super::state::Socket;
use crate::abi::socket_type::SocketType;
use crate::connection::{Acceptor, Connection, Diagnostics, Event, Settings, event::kind};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pattern::{Attachment, Pattern};
use crate::pipe::{self, Hwm, PipeEnd, PipeId};
use crate::runtime::context::Member;
use crate::runtime::context::inproc::{Binder, Binding, Pending, routing_id_message, say_hello};
use crate::sys::log::{Text, log};
use crate::transport::{Carries, Endpoint, Transport, find};
use std::sync::Arc;

/// `zmq_bind`.
pub fn bind(address: usize, text: &[u8]) -> Result<()> {
    with(address, |socket| socket.bind(text))
}

/// `zmq_connect`.
pub fn connect(address: usize, text: &[u8]) -> Result<()> {
    let binder = with(address, |socket| socket.connect_and_log(text))?;
    if let Some(binder) = binder {
        // The binder sends its subscriptions, and they are read, before this call returns.
        binder.catch_up();
        return with(address, |_| Ok(()));
    }
    Ok(())
}

/// `zmq_connect_peer`: connects a PEER, and returns the number of the new peer, which is good
/// before the connection is. [`Error::NotSupported`] for other types, [`Error::Fault`] with
/// `ZMQ_IMMEDIATE`, with which there is no peer yet.
pub fn connect_peer(address: usize, text: &[u8]) -> Result<u32> {
    with(address, |socket| {
        if socket.options.kind != SocketType::Peer {
            return Err(Error::NotSupported);
        }
        if socket.options.immediate {
            return Err(Error::Fault);
        }
        // The binder sends no subscriptions.
        socket.connect_and_log(text)?;
        Ok(socket.pattern.latest_number())
    })
}

/// `zmq_disconnect_peer`: closes the pipe to the peer with a number. Errors as
/// [`Pattern::numbered`].
pub fn disconnect_peer(address: usize, number: u32) -> Result<()> {
    with(address, |socket| {
        let pipe = socket.pattern.numbered(number)?;
        socket.detach(pipe);
        Ok(())
    })
}

/// `zmq_unbind` and `zmq_disconnect`: ends all endpoints with that text.
/// [`Error::NotFound`] if there is none.
pub fn release(address: usize, text: &[u8]) -> Result<()> {
    with(address, |socket| socket.release(text))
}

impl Socket {
    fn bind(&mut self, text: &[u8]) -> Result<()> {
        let (transport, name) = find(text, self.options.kind)?;
        match transport.spec().carries {
            Carries::Messages => self.bind_inproc(text, name),
            Carries::Bytes => self.bind_stream(text, name),
            Carries::Datagrams => Err(Error::ProtoNotSupported), // no engine serves them yet
        }
    }

    fn bind_stream(&mut self, text: &[u8], name: &[u8]) -> Result<()> {
        let reactor = self.core.reactor(self.options.affinity)?;
        let settings = self.settings(false);
        let made = Endpoint::parse_bind(text)
            .and_then(|endpoint| Acceptor::bind(self.shared.clone(), reactor, settings, &endpoint));
        let acceptor = made.inspect_err(|error| self.report_bind_failure(text, name, *error))?;
        self.endpoints
            .add(acceptor.endpoint().to_vec(), Target::Acceptor(acceptor));
        Ok(())
    }

    fn report_bind_failure(&self, text: &[u8], name: &[u8], error: Error) {
        let (origin, at) = (self.shared.identity.origin, Text(text));
        log!(Warn, origin, "cannot bind {at}: {error}");
        if self.shared.is_monitored() {
            let (kind, value) = (kind::BIND_FAILED, error.errno() as u64);
            // Without the scheme, as libzmq reports it.
            let endpoint = name.to_vec();
            self.shared.event(Event {
                kind,
                value,
                endpoint,
            });
        }
    }

    /// A copy of the present options, for the connections of a new endpoint.
    fn settings(&self, names_peer: bool) -> Arc<Settings> {
        let mut settings = Settings::new(&self.options, self.options.kind);
        if let Some(settings) = Arc::get_mut(&mut settings) {
            settings.raw = self.options.kind.spec().raw || self.pattern.is_raw();
            settings.raw_notify = self.pattern.raw_notify();
            settings.names_peer = names_peer;
        }
        settings
    }

    fn bind_inproc(&mut self, text: &[u8], name: &[u8]) -> Result<()> {
        let binding = Binding {
            binder: Binder::Socket(self.shared.as_member()),
            hwm: (self.options.sndhwm, self.options.rcvhwm),
            routing_id: self.options.routing_id.clone(),
            wants_routing_id: self.pattern.wants_routing_id(),
            hello: self.options.effective_hello().to_vec(),
            farewell: self.options.effective_farewell().to_vec(),
        };
        self.core.inproc.bind(name, binding)?;
        log!(
            Info,
            self.shared.identity.origin,
            "listening on {}",
            Text(text)
        );
        self.endpoints.add(text.to_vec(), Target::InprocBound);
        // The waiting connections are attached before this call returns.
        self.process_commands_aside()
    }

    /// As [`connect`](Self::connect), with lines of the log.
    fn connect_and_log(&mut self, text: &[u8]) -> Result<Option<Arc<dyn Member>>> {
        let result = self.connect(text);
        let (origin, at) = (self.shared.identity.origin, Text(text));
        match &result {
            Ok(_) => log!(Debug, origin, "connect {at}"),
            Err(error) => log!(Warn, origin, "cannot connect to {at}: {error}"),
        }
        result
    }

    /// Connects. Returns an inproc binder that has yet to send its subscriptions.
    fn connect(&mut self, text: &[u8]) -> Result<Option<Arc<dyn Member>>> {
        let (transport, name) = find(text, self.options.kind)?;
        match transport.spec().carries {
            Carries::Messages => self.connect_inproc(text, name),
            Carries::Bytes => self.connect_stream(transport, text).map(|()| None),
            Carries::Datagrams => Err(Error::ProtoNotSupported), // no engine serves them yet
        }
    }

    fn connect_stream(&mut self, transport: &dyn Transport, text: &[u8]) -> Result<()> {
        // Records have the text in the parser's form.
        let is_known = |endpoint: Endpoint| self.endpoints.is_live(&endpoint.text());
        if self.connects_once() && Endpoint::parse_connect(text).is_ok_and(is_known) {
            return Ok(());
        }
        let reactor = self.core.reactor(self.options.affinity)?;
        let endpoint = Endpoint::parse_connect(text)?;
        transport.check_offered()?;
        let text = endpoint.text();
        let given_id = self.pattern.take_connect_routing_id();
        let unsent = self.retire(&text, given_id.as_deref().unwrap_or_default());
        self.check_connect_routing_id(given_id.as_deref())?;
        let settings = self.settings(given_id.is_some());
        let mut ours = None;
        let mut theirs = None;
        if !self.options.immediate || given_id.is_some() {
            let forward = Hwm {
                snd: Some(self.options.sndhwm),
                rcv: None,
            };
            let backward = Hwm {
                snd: None,
                rcv: Some(self.options.rcvhwm),
            };
            let (mut a, b) = pipe::pair(forward, backward, self.options.effective_conflate());
            a.routing_id = given_id.unwrap_or_default();
            for msg in unsent {
                a.write_unchecked(msg);
            }
            a.flush();
            (ours, theirs) = (Some(a), Some(b));
        }
        let how = Attachment {
            connected: true,
            ..Attachment::default()
        };
        let id = ours.and_then(|end| self.attach_kept(end, how));
        let connection =
            Connection::connect(self.shared.clone(), reactor, settings, endpoint, theirs);
        self.endpoints.add(text, Target::Engine(connection, id));
        Ok(())
    }

    /// Ends the connections to an endpoint that make no further attempt, before a new one is
    /// made. Returns their unsent messages, if they are for the same peer, by the routing id
    /// that the application gave it.
    fn retire(&mut self, text: &[u8], peer: &[u8]) -> Vec<Msg> {
        let mut unsent = Vec::new();
        for record in self.endpoints.take(text, Record::is_over) {
            let Target::Engine(connection, id) = record.target else {
                continue;
            };
            let end = id.and_then(|id| self.pipes.get(id));
            let same_peer = end.is_some_and(|end| end.routing_id == peer);
            // The pattern writes subscriptions anew for each pipe.
            if same_peer && !self.options.kind.spec().subscribes {
                if let Some(mut pipe) = connection.retire() {
                    unsent.extend(std::iter::from_fn(|| pipe.read()));
                }
            } else {
                connection.stop();
            }
            if let Some(id) = id {
                self.pipe_events(id); // the pipe has closed
            }
        }
        unsent
    }

    /// [`Error::AddrInUse`] if another peer has the routing id `given` for the next one.
    fn check_connect_routing_id(&self, given: Option<&[u8]>) -> Result<()> {
        match given.is_none_or(|id| self.pattern.accepts_connect_routing_id(id)) {
            true => Ok(()),
            false => Err(Error::AddrInUse),
        }
    }

    /// Whether a second connect to the same endpoint has no effect: for REQ, DEALER, PUB
    /// and SUB, as in libzmq.
    fn connects_once(&self) -> bool {
        self.options.kind.spec().connects_once
    }

    fn connect_inproc(&mut self, text: &[u8], name: &[u8]) -> Result<Option<Arc<dyn Member>>> {
        let core = self.core.clone();
        let given_id = self.pattern.take_connect_routing_id();
        self.check_connect_routing_id(given_id.as_deref())?;
        let options = &self.options;
        let wants_routing_id = self.pattern.wants_routing_id();
        let from = self.shared.as_member();
        let (mut ours, mut binder) = (None, None);
        core.inproc.connect(name, |binding| {
            let (peer_snd, peer_rcv) =
                binding.map_or((None, None), |b| (Some(b.hwm.0), Some(b.hwm.1)));
            let forward = Hwm {
                snd: Some(options.sndhwm),
                rcv: peer_rcv,
            };
            let backward = Hwm {
                snd: peer_snd,
                rcv: Some(options.rcvhwm),
            };
            let (mut a, mut b) = pipe::pair(forward, backward, options.effective_conflate());
            // A present binder's binding says whether it wants the routing id; a later
            // binder may want it, so the id is left in the pipe (see `join`).
            if binding.is_none_or(|binding| binding.wants_routing_id) {
                if let Some(id) = routing_id_message(&options.routing_id) {
                    a.write_unchecked(id);
                    a.flush();
                }
            }
            say_hello(&mut a, options.effective_hello());
            binder = binding
                .and_then(|binding| binding.binder.socket().cloned())
                .filter(|binder| binder.subscribes());
            if let Some(binding) = binding.filter(|_| wants_routing_id) {
                if let Some(id) = routing_id_message(&binding.routing_id) {
                    b.write_unchecked(id);
                    b.flush();
                }
            }
            if let Some(binding) = binding {
                binding.greet(&mut b);
            }
            a.routing_id = given_id.unwrap_or_default();
            ours = Some(a);
            Pending {
                end: b,
                wants_routing_id,
                from,
            }
        });
        let Some(end) = ours else {
            return Err(Error::Invalid);
        };
        let how = Attachment {
            connected: true,
            ..Attachment::default()
        };
        let id = self.attach_kept(end, how);
        self.endpoints.add_pipe(text.to_vec(), id);
        Ok(binder)
    }

    /// Adds a pipe. `None` if the pattern refuses it at once, as a PAIR with a peer does:
    /// another pipe may soon have its number.
    fn attach_kept(&mut self, end: PipeEnd, how: Attachment) -> Option<PipeId> {
        let id = self.attach(end, how);
        self.pipes.get(id).is_some().then_some(id)
    }

    fn release(&mut self, text: &[u8]) -> Result<()> {
        let (transport, rest) = find(text, self.options.kind)?;
        let is_inproc = transport.spec().carries == Carries::Messages;
        if is_inproc && self.core.inproc.unbind(rest, &*self.shared).is_ok() {
            self.endpoints.unbound(text);
            return Ok(());
        }
        let all = |_: &Record| true;
        let mut found = self.endpoints.take(text, all);
        if found.is_empty() {
            // The record may have the text in the form of `ZMQ_LAST_ENDPOINT`.
            let shown = transport.shown_as(rest, &self.options);
            found = self.endpoints.take(&shown.ok_or(Error::NotFound)?, all);
        }
        if found.is_empty() {
            return Err(Error::NotFound);
        }
        log!(
            Debug,
            self.shared.identity.origin,
            "gives up {}",
            Text(text)
        );
        for record in found {
            match record.target {
                Target::Acceptor(acceptor) => acceptor.unbind(),
                Target::InprocPipe(id) => {
                    self.detach(id);
                    self.core.inproc.forget_pending(rest);
                }
                Target::InprocBound => {}
                Target::Engine(connection, id) => {
                    if let Some(id) = id {
                        self.detach(id);
                    }
                    connection.stop();
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::abi::options::ZMQ_LAST_ENDPOINT;
    use crate::error::Error;
    use crate::runtime::socket::endpoints;
    use crate::runtime::{context, socket};

    /// A second connection of a PAIR is refused, and disconnect does not find it.
    #[test]
    fn what_a_pair_refuses_leaves_no_endpoint() {
        let context = context::create().expect("a context").address();
        let pair = socket::create(context, 0).expect("a socket").address();
        assert_eq!(endpoints::connect(pair, b"inproc://one"), Ok(()));
        assert_eq!(endpoints::connect(pair, b"inproc://two"), Ok(()));
        let mut text = [0; 32];
        let len = socket::get_option(pair, ZMQ_LAST_ENDPOINT, &mut text).expect("fits");
        assert_eq!(text[..len], *b"inproc://two\0");
        let again = endpoints::release(pair, b"inproc://two");
        assert_eq!(again, Err(Error::NotFound));
        assert_eq!(endpoints::release(pair, b"inproc://one"), Ok(()));
        socket::close(pair).expect("closed");
        context::terminate(context, false).expect("ended");
    }
}
