//! From a connected stream to a session: greeting, mechanism, ZAP, the pipe's attachment.

#![forbid(unsafe_code)]

use super::super::security::ZapQuery;
use super::action::{Action, Established, Loss, Peer};
use super::attempts::limit;
use super::timers::Timer;
use super::{Active, FAREWELL, Machine, Opening, Phase, raw};
use crate::abi::numbers::draft::ZMQ_NOTIFY_CONNECT;
use crate::abi::socket_type::SocketType;
use crate::message::{Metadata, Msg, flag};
use crate::pipe::{self, Hwm};
use crate::zmtp::metadata::{self, PropertyList};
use crate::zmtp::{Handshake, HandshakeConfig, HandshakeError, Session, ZapRequest, ZapVerdict};
use std::sync::Arc;
use std::time::Instant;

impl Machine {
    /// The stream is connected, to the target: begins the handshake.
    pub fn connected(&mut self, peer: Peer, now: Instant) {
        if self.settings.raw {
            return self.begin_session(raw::session(), &peer, false, now);
        }
        let options = &self.settings.options;
        let mut handshake = Handshake::new(HandshakeConfig {
            socket_type: self.settings.socket_type,
            routing_id: options.routing_id.clone(),
            max_msg_size: options.maxmsgsize,
            mechanism: self.settings.mechanism(),
            zap: self.settings.zap(),
            app_metadata: options.metadata.clone(),
        });
        handshake.start(self.output.handshake_bytes());
        let by = limit(options.handshake_ivl).map(|limit| now + limit);
        self.enter(Phase::Handshake(Box::new(Opening {
            handshake,
            peer,
            half_closed: false,
        })));
        self.timers.set(Timer::Handshake, by);
    }

    /// Bytes of the handshake have come.
    pub(super) fn negotiate(&mut self) {
        let Phase::Handshake(opening) = &mut self.phase else {
            return;
        };
        let handshake = &mut opening.handshake;
        match handshake.advance(self.input.bytes(), self.output.handshake_bytes()) {
            Ok(progress) => {
                self.input.consume(progress.consumed);
                let request = handshake.take_zap_request();
                if progress.done {
                    self.ask(Action::Establish);
                } else if let Some(request) = request {
                    self.ask_zap(request);
                }
            }
            Err(error) => self.ask(Action::Fail(error)),
        }
    }

    fn ask_zap(&mut self, request: ZapRequest) {
        let Phase::Handshake(opening) = &self.phase else {
            return;
        };
        self.zap_token += 1;
        let query = ZapQuery {
            request,
            domain: self.settings.options.zap_domain.clone(),
            address: opening.peer.address.clone(),
            routing_id: self.settings.options.routing_id.clone(),
            token: self.zap_token,
        };
        self.ask(Action::Ask(Box::new(query)));
    }

    /// The ZAP handler has answered the query of this token. False if no handshake waits for
    /// that.
    pub fn zap_answered(&mut self, token: u64, verdict: ZapVerdict) -> bool {
        let Phase::Handshake(opening) = &mut self.phase else {
            return false;
        };
        if token != self.zap_token {
            return false;
        }
        let output = self.output.handshake_bytes();
        match opening.handshake.zap_reply(verdict, output) {
            Ok(true) => self.ask(Action::Establish),
            Ok(false) => {}
            Err(error) => self.ask(Action::Fail(error)),
        }
        true
    }

    /// Too many handshakes are under way: ends this one, unless it is complete.
    pub fn evict(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Handshake(_)) {
            self.lose(Loss::Crowded, now);
        }
    }

    /// The handshake has failed, and its last bytes are written, unless they have cost the stream.
    pub fn fail(&mut self, error: HandshakeError, now: Instant) {
        if matches!(self.phase, Phase::Handshake(_)) {
            self.lose(Loss::Protocol(error), now);
        }
    }

    /// The handshake is done and its last bytes are written: establishes the session.
    pub fn establish(&mut self, now: Instant) {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Handshake(opening) => {
                let session = opening.handshake.into_session();
                self.begin_session(session, &opening.peer, opening.half_closed, now);
            }
            // The stream was lost while the last bytes of the handshake were written.
            other => self.phase = other,
        }
    }

    fn begin_session(
        &mut self,
        mut session: Session,
        peer: &Peer,
        half_closed: bool,
        now: Instant,
    ) {
        if let Some(attempts) = &mut self.attempts {
            attempts.delay = None;
        }
        let established = Established {
            version: session.version,
            mechanism: session.mechanism.name(),
            peer_type: session.peer_socket_type,
        };
        // The address goes first: of properties with equal names the first counts.
        let own = std::iter::once((metadata::PEER_ADDRESS, peer.address.as_slice()));
        let properties = own.chain(session.properties.iter());
        let metadata = Arc::new(Metadata::new(properties, Some(peer.fd)));
        self.introduce(&session, metadata);
        self.say_hello(&mut session);
        // After the pipe: a monitor's reader may send to the peer as soon as it reads this.
        self.ask(Action::Established(established));
        let mut active = Box::new(Active {
            heartbeat: self.new_heartbeat(&session, peer.pings),
            pings: peer.pings,
            session,
            begun: now,
            half_closed,
            stalled: true, // what came with the handshake's last bytes is to be decoded
        });
        // The metadata and the pipe hold copies: free these.
        active.session.properties = PropertyList::default();
        active.session.peer_routing_id = Vec::new();
        self.enter(Phase::Active(active));
        let check = half_closed.then(|| now + FAREWELL);
        self.timers.set(Timer::PeerCheck, check);
        self.renew_heartbeat();
    }

    /// `ZMQ_HELLO_MSG`. A REQ, whose peers expect requests, sends it over inproc only.
    fn say_hello(&mut self, session: &mut Session) {
        let settings = &self.settings;
        let hello = settings.options.effective_hello();
        if !hello.is_empty() && !settings.raw && settings.socket_type != SocketType::Req {
            self.output.message(session, hello);
        }
    }

    /// Whether the endpoint's peer has another routing id than the one before. A name that
    /// the application has assigned to it does not change.
    fn is_other_peer(&mut self, id: &[u8]) -> bool {
        let settings = &self.settings;
        let named = settings.raw || settings.names_peer || !self.wants_routing_id;
        let attempts = self.attempts.as_mut().filter(|_| !named);
        let before = attempts.and_then(|attempts| attempts.peer_id.replace(id.to_vec()));
        before.is_some_and(|before| before != id)
    }

    /// Writes the peer's metadata and routing id to the pipe, and makes and attaches the
    /// pipe if there is none.
    fn introduce(&mut self, session: &Session, metadata: Arc<Metadata>) {
        if self.is_other_peer(&session.peer_routing_id) {
            // The pipe and the messages in it belong to the previous peer's routing id.
            self.report_unsent("its peer has another routing id now");
            self.pipe = None;
        }
        let options = &self.settings.options;
        let mut socket_end = None;
        if self.pipe.is_none() && self.ending.is_none() {
            let forward = Hwm {
                snd: Some(options.sndhwm),
                rcv: None,
            };
            let backward = Hwm {
                snd: None,
                rcv: Some(options.rcvhwm),
            };
            let (theirs, ours) = pipe::pair(forward, backward, options.effective_conflate());
            socket_end = Some(Box::new(theirs));
            self.pipe = Some(ours);
        }
        if let Some(pipe) = &mut self.pipe {
            pipe.write_metadata(metadata);
            if self.settings.raw {
                raw::notice(&self.settings, pipe);
            } else if self.wants_routing_id {
                if let Ok(id) = Msg::copy_from(&session.peer_routing_id) {
                    pipe.write_unchecked(id.with(flag::ROUTING_ID));
                }
                if options.router_notify & ZMQ_NOTIFY_CONNECT != 0 {
                    pipe.write_unchecked(Msg::new());
                }
            }
            if session.subscribe_all {
                pipe.write_unchecked(Msg::inline(&[1]).with(flag::SUBSCRIPTION));
            }
            pipe.flush();
        }
        if let Some(end) = socket_end {
            self.ask(Action::Attach(end));
        }
    }
}
