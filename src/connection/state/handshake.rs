//! From a connected stream to a session: greeting, mechanism, ZAP, the pipe's attachment.
//!
//! Called by [`State::run`], under the connection's lock.

#![forbid(unsafe_code)]

use super::*;
use crate::zmtp::metadata::{self, PropertyList};

impl State {
    pub(super) fn greet(&mut self, conn: &Connection, stream: ByteStream) {
        if conn.settings.raw {
            return self.establish(conn, stream, raw::session());
        }
        let options = &conn.settings.options;
        let mut handshake = Box::new(Handshake::new(HandshakeConfig {
            socket_type: conn.settings.socket_type,
            routing_id: options.routing_id.clone(),
            max_msg_size: options.maxmsgsize,
            mechanism: conn.settings.mechanism(),
            zap: conn.settings.zap(),
            app_metadata: options.metadata.clone(),
        }));
        handshake.start(self.output.handshake_bytes());
        let limit = options.handshake_ivl;
        self.deadline = (limit > 0).then(|| Instant::now() + Duration::from_millis(limit as u64));
        self.phase = Phase::Handshake(stream, handshake);
        self.flush_output(conn);
    }

    pub(super) fn read_handshake(&mut self, conn: &Connection) {
        for _ in 0..READS_PER_DRIVE {
            let Phase::Handshake(stream, handshake) = &mut self.phase else {
                return;
            };
            if !self.input.open() {
                return self.lose(conn, Loss::Stream(libc::ENOMEM));
            }
            let more = match self.input.read(stream) {
                Ok((0, _)) => {
                    self.input.close();
                    return self.lose(conn, Loss::Stream(0));
                }
                Ok((_, more)) => more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.input.close();
                    return;
                }
                Err(error) => {
                    self.input.close();
                    return self.lose(conn, Loss::Stream(error.raw_os_error().unwrap_or(0)));
                }
            };
            let progress = handshake.advance(self.input.bytes(), self.output.handshake_bytes());
            match progress {
                Ok(progress) => {
                    self.input.consume(progress.consumed);
                    let request = handshake.take_zap_request();
                    self.flush_output(conn);
                    if progress.done {
                        return self.activate(conn);
                    }
                    if let Some(request) = request {
                        self.ask_zap(conn, request);
                    }
                }
                Err(error) => {
                    self.flush_output(conn);
                    self.input.close();
                    return self.lose(conn, Loss::Protocol(error));
                }
            }
            if !more {
                self.input.close();
                return;
            }
        }
    }

    pub(super) fn ask_zap(&mut self, conn: &Connection, request: ZapRequest) {
        let (Phase::Handshake(stream, _), Some(me)) = (&self.phase, conn.me.upgrade()) else {
            return;
        };
        self.zap_token += 1;
        let options = &conn.settings.options;
        let query = ZapQuery {
            request,
            domain: options.zap_domain.clone(),
            address: stream.peer_address_text().into_bytes(),
            routing_id: options.routing_id.clone(),
            token: self.zap_token,
        };
        // An answer given before this returns sets the ZAP work bit, and is taken
        // afterwards.
        self.question = conn.link.zap(query, me);
    }

    pub(super) fn zap_answered(&mut self, conn: &Connection) {
        let Some(answer) = conn.answer.lock().take() else {
            return;
        };
        let Phase::Handshake(_, handshake) = &mut self.phase else {
            return;
        };
        if answer.token != self.zap_token {
            return;
        }
        self.question = None;
        let result = handshake.zap_reply(answer.verdict, self.output.handshake_bytes());
        self.flush_output(conn);
        match result {
            Ok(true) => self.activate(conn),
            Ok(false) => {}
            Err(error) => self.lose(conn, Loss::Protocol(error)),
        }
    }

    /// The handshake is complete: establishes the session.
    pub(super) fn activate(&mut self, conn: &Connection) {
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Handshake(stream, handshake) => {
                self.establish(conn, stream, handshake.into_session());
            }
            // The stream was lost while the last bytes of the handshake were written.
            other => self.phase = other,
        }
    }

    pub(super) fn establish(&mut self, conn: &Connection, stream: ByteStream, session: Session) {
        let mut session = Box::new(session);
        if let Some(dialer) = &mut self.dialer {
            dialer.succeeded();
        }
        self.deadline = self.half_closed.then(|| Instant::now() + traffic::FAREWELL);
        self.ticket = None;
        self.begun = Instant::now();
        self.heartbeat = self.new_heartbeat(conn, &session).map(Box::new);
        // The address goes first: of properties with equal names the first counts.
        let address = stream.peer_address_text().into_bytes();
        let own = std::iter::once((metadata::PEER_ADDRESS, address.as_slice()));
        let properties = own.chain(session.properties.iter());
        let metadata = Arc::new(Metadata::new(properties, Some(stream.as_raw_fd())));
        self.introduce(conn, &session, metadata);
        // After `introduce`: a monitor's reader may send to the peer as soon as it reads
        // this.
        if session.has_heartbeats() {
            self.event(conn, kind::HANDSHAKE_SUCCEEDED, 0);
        }
        self.log_success(conn, &session);
        // The metadata and the pipe hold copies: free these.
        session.properties = PropertyList::default();
        session.peer_routing_id = Vec::new();
        self.phase = Phase::Active(stream, session);
        self.flush_output(conn);
        self.read_messages(conn);
    }

    /// Whether the endpoint's peer has another routing id than the one before. A name that
    /// the application has assigned to it does not change.
    fn is_other_peer(&mut self, conn: &Connection, id: &[u8]) -> bool {
        let settings = &conn.settings;
        let named = settings.raw || settings.names_peer || !conn.link.wants_routing_id();
        let dialer = self.dialer.as_mut().filter(|_| !named);
        let before = dialer.and_then(|dialer| dialer.peer_id.replace(id.to_vec()));
        before.is_some_and(|before| before != id)
    }

    /// Writes the peer's metadata and routing id to the pipe, and makes and attaches the
    /// pipe if there is none.
    pub(super) fn introduce(
        &mut self,
        conn: &Connection,
        session: &Session,
        metadata: Arc<Metadata>,
    ) {
        let options = &conn.settings.options;
        if self.is_other_peer(conn, &session.peer_routing_id) {
            // The pipe and the messages in it belong to the previous peer's routing id.
            self.log_unsent(conn, "its peer has another routing id now");
            self.pipe = None;
        }
        let mut socket_end = None;
        if self.pipe.is_none() && self.closing.is_none() {
            let forward = Hwm {
                snd: Some(options.sndhwm),
                rcv: None,
            };
            let backward = Hwm {
                snd: None,
                rcv: Some(options.rcvhwm),
            };
            let (theirs, ours) = pipe::pair(forward, backward, options.effective_conflate());
            socket_end = Some(theirs);
            if let Some(me) = conn.me.upgrade() {
                ours.set_listener(me, 0);
            }
            self.pipe = Some(ours);
        }
        if let Some(pipe) = &mut self.pipe {
            pipe.write_metadata(metadata);
            if conn.settings.raw {
                raw::notice(&conn.settings, pipe);
            } else if conn.link.wants_routing_id() {
                if let Ok(id) = Msg::copy_from(&session.peer_routing_id) {
                    pipe.write_unchecked(id.with(flag::ROUTING_ID));
                }
            }
            if session.subscribe_all {
                pipe.write_unchecked(Msg::inline(&[1]).with(flag::SUBSCRIPTION));
            }
            pipe.flush();
        }
        if let Some(end) = socket_end {
            conn.link.attach(end);
        }
    }
}
