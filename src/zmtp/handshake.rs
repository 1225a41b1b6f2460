//! The handshake of a connection, from its first byte to the first byte of traffic.
//!
//! [`Handshake`] runs the greeting, then (1.0, 2.0) exchanges identity frames or
//! (3.x) has the mechanism's [`Negotiation`] exchange commands, and ends as a
//! [`Session`]. The driver of the connection calls it under the work lock; ZAP
//! requests leave through [`Handshake::take_zap_request`], and the driver brings the
//! verdict back.

#![forbid(unsafe_code)]

use std::mem;

use super::collector::FrameCollector;
use super::error::{HandshakeError, ProtocolError, Refusal};
use super::framing::Framing;
use super::greeting::{self, Announced, Greeting, Version};
use super::mechanism::{
    Mechanism, MechanismConfig, Negotiation, ZapPolicy, ZapRequest, ZapVerdict,
};
use super::metadata::{self, PropertyList};
use super::peer::PeerProperties;
use crate::abi::socket_type::SocketType;

/// The largest accepted body of a handshake frame, in bytes, where
/// `ZMQ_MAXMSGSIZE` does not set a lower limit. libzmq has no such limit; this one
/// bounds the memory that an unauthenticated peer can occupy.
pub const MAX_HANDSHAKE_FRAME: u64 = 64 << 10;

/// The configuration of this side of a handshake.
#[derive(Clone, Debug)]
pub struct HandshakeConfig {
    /// Type of our socket.
    pub socket_type: SocketType,
    /// `ZMQ_ROUTING_ID`, at most 255 bytes.
    pub routing_id: Vec<u8>,
    /// `ZMQ_MAXMSGSIZE` in bytes; negative for no limit. Applies to each frame,
    /// those of the handshake included.
    pub max_msg_size: i64,
    /// `ZMQ_MECHANISM` with its credentials and keys.
    pub mechanism: MechanismConfig,
    /// `ZMQ_ZAP_DOMAIN` and `ZMQ_ZAP_ENFORCE_DOMAIN`.
    pub zap: ZapPolicy,
    /// `ZMQ_METADATA`: names and values in the byte order of the names, sent
    /// behind our own properties. A value ends at its first NUL.
    pub app_metadata: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The result of a call of [`Handshake::advance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Bytes of the input that belonged to the handshake.
    pub consumed: usize,
    /// The handshake is done; the rest of the input is traffic.
    pub done: bool,
}

/// The result of a completed handshake.
#[derive(Debug)]
pub struct Session {
    /// The frame layout of the traffic.
    pub framing: Framing,
    /// The negotiated version. 3.1 peers get subscriptions as commands, older ones
    /// as messages.
    pub version: Version,
    /// The peer's routing id; its length is limited only by that of a handshake
    /// frame. Empty if the peer sent none. Used by patterns that address peers by it,
    /// such as ROUTER and REP.
    pub peer_routing_id: Vec<u8>,
    /// The peer's socket type; `None` if it sent none, or an unknown one.
    pub peer_socket_type: Option<SocketType>,
    /// The properties in the ZAP reply, then the peer's metadata in the order of
    /// arrival, without the names that are in the ZAP reply.
    pub properties: PropertyList,
    /// The mechanism for the traffic; NULL for 1.0 and 2.0.
    pub mechanism: Mechanism,
    /// This socket is a publisher and the 1.0 peer sends no subscriptions: treat it
    /// as subscribed to everything.
    pub subscribe_all: bool,
    /// This socket joins groups, or its peers do.
    pub groups: bool,
}

impl Session {
    /// The value of the peer's property `name`; of duplicates, the first one's.
    #[cfg(any(test, feature = "testing"))]
    pub fn property(&self, name: &[u8]) -> Option<&[u8]> {
        self.properties.get(name)
    }

    /// Whether PING and PONG may be used with this peer, and whether the end
    /// of the handshake is reported by a `HANDSHAKE_SUCCEEDED` event.
    pub const fn has_heartbeats(&self) -> bool {
        self.version.has_commands()
    }

    /// Whether subscriptions go out as commands, SUBSCRIBE and CANCEL, instead of as
    /// messages. Joins and leaves of groups always do.
    pub const fn has_subscription_commands(&self) -> bool {
        self.groups || matches!(self.version, Version::V3_1)
    }

    /// Whether messages are sent and received as unencrypted frames of ZMTP 2 and later.
    pub const fn passes_frames(&self) -> bool {
        matches!(self.framing, Framing::V2) && self.mechanism.transparent()
    }
}

#[derive(Debug)]
enum State {
    Greeting,
    /// 1.0 and 2.0: waiting for the identity message.
    Identity(Version),
    /// 3.x: exchanging commands.
    Commands(Version, Negotiation),
    Done(Version, Mechanism),
    Failed(HandshakeError),
}

/// The handshake of one connection, either side of it: ZMTP has no roles
/// outside of the mechanisms.
///
/// Invariant: the result depends on the bytes received and not on how they were
/// split into reads. (libzmq may refuse a peer whose greeting, READY and first
/// traffic arrive in one read; here it is accepted.)
#[derive(Debug)]
pub struct Handshake {
    config: HandshakeConfig,
    greeting: Greeting,
    frame: FrameCollector,
    peer: PeerProperties,
    /// The properties in the ZAP reply.
    zap_properties: PropertyList,
    state: State,
}

impl Handshake {
    /// A handshake that has sent nothing yet. The routing id is truncated to
    /// 255 bytes.
    pub fn new(mut config: HandshakeConfig) -> Self {
        config.routing_id.truncate(255);
        Handshake {
            greeting: Greeting::new(),
            frame: FrameCollector::default(),
            peer: PeerProperties::new(config.socket_type),
            zap_properties: PropertyList::default(),
            state: State::Greeting,
            config,
        }
    }

    /// Appends the bytes to send at once to `output`. Call it once, before
    /// anything else.
    pub fn start(&mut self, output: &mut Vec<u8>) {
        greeting::append_signature(&self.config.routing_id, output);
    }

    /// Processes bytes received from the peer and appends replies to `output`.
    ///
    /// All of `input` that belongs to the handshake is consumed; partial frames
    /// are buffered, up to [`MAX_HANDSHAKE_FRAME`]. So `consumed` is less
    /// than `input.len()` only when the handshake is done, and the rest is
    /// traffic. Call [`Handshake::take_zap_request`] after each call.
    ///
    /// # Errors
    /// The connection must be closed; see [`HandshakeError`] for the event.
    /// Later calls return the same error.
    pub fn advance(
        &mut self,
        input: &[u8],
        output: &mut Vec<u8>,
    ) -> Result<Progress, HandshakeError> {
        let result = self.run(input, output);
        if let Err(error) = result {
            self.state = State::Failed(error);
        }
        result
    }

    /// The request to send to the ZAP handler, if one is due; returned once.
    /// The handshake then waits for [`Handshake::zap_reply`];
    /// [`Handshake::advance`] may be called meanwhile.
    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        match &mut self.state {
            State::Commands(_, negotiation) => negotiation.take_zap_request(),
            _ => None,
        }
    }

    /// Continues with ZAP's verdict. Returns whether the handshake is done.
    ///
    /// # Errors
    /// [`HandshakeError::Denied`] on a denial, other errors if the mechanism requires
    /// a verdict and there is none. After a denial `output` may hold an ERROR command
    /// for the peer, which closes the connection when it receives it.
    pub fn zap_reply(
        &mut self,
        verdict: ZapVerdict,
        output: &mut Vec<u8>,
    ) -> Result<bool, HandshakeError> {
        if let State::Commands(_, negotiation) = &mut self.state {
            let mut body = Vec::new();
            let result = negotiation.zap_reply(&verdict, &mut body);
            if !body.is_empty() {
                Framing::V2.append_frame(false, true, &body, output);
            }
            if let Err(error) = result {
                self.state = State::Failed(error);
                return Err(error);
            }
            if let ZapVerdict::Accept(properties) = verdict {
                self.zap_properties = properties;
            }
            if let Err(error) = self.send_commands(output) {
                self.state = State::Failed(error);
                return Err(error);
            }
        }
        Ok(self.advance(&[], output)?.done)
    }

    /// The name of the mechanism in the peer's greeting; `None` until it was received.
    pub fn peer_mechanism(&self) -> Option<&[u8]> {
        self.greeting.mechanism()
    }

    /// Whether the handshake succeeded, so that [`Handshake::into_session`] may be called.
    pub const fn is_done(&self) -> bool {
        matches!(self.state, State::Done(..))
    }

    /// The result. Precondition: the handshake [is done](Handshake::is_done); before
    /// that the session is meaningless.
    pub fn into_session(self) -> Session {
        debug_assert!(self.is_done(), "no session before the end of the handshake");
        let (version, mechanism) = match self.state {
            State::Done(version, mechanism) => (version, mechanism),
            _ => (Version::V1_0, Mechanism::Null),
        };
        // The ZAP reply's properties take precedence over the peer's.
        let mut properties = self.zap_properties;
        properties.extend_with(self.peer.properties);
        Session {
            framing: version.framing(),
            version,
            peer_routing_id: self.peer.routing_id,
            peer_socket_type: self.peer.socket_type,
            properties,
            mechanism,
            subscribe_all: version == Version::V1_0 && self.config.socket_type.spec().filters,
            groups: self.config.socket_type.spec().groups,
        }
    }

    fn run(&mut self, input: &[u8], output: &mut Vec<u8>) -> Result<Progress, HandshakeError> {
        let limit = self.frame_limit();
        let mut consumed = 0;
        loop {
            let rest = &input[consumed..];
            let complete = match &self.state {
                State::Greeting => {
                    let announced = self.announced();
                    let (taken, version) = self.greeting.advance(rest, announced, output);
                    consumed += taken;
                    if let Some(version) = version {
                        self.enter(version, limit, output)?;
                    }
                    version.is_some()
                }
                State::Identity(version) | State::Commands(version, _) => {
                    let (taken, complete) = self.frame.feed(version.framing(), rest, limit)?;
                    consumed += taken;
                    if complete {
                        self.process_frame(output)?;
                    }
                    complete
                }
                State::Done(..) => {
                    return Ok(Progress {
                        consumed,
                        done: true,
                    });
                }
                State::Failed(error) => return Err(*error),
            };
            if !complete {
                return Ok(Progress {
                    consumed,
                    done: false,
                });
            }
        }
    }

    /// Enters the state that follows the greeting in `version`.
    fn enter(
        &mut self,
        version: Version,
        limit: u64,
        output: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        if version.has_commands() {
            if !self.greeting.mechanism_matches(self.announced()) {
                return Err(ProtocolError::MechanismMismatch.into());
            }
            let negotiation = Negotiation::new(&self.config.mechanism, self.config.zap);
            self.state = State::Commands(version, negotiation);
            return self.send_commands(output);
        }
        if self.config.zap.domain_set || !self.config.mechanism.admits_old_peers() {
            return Err(HandshakeError::Closed(Refusal::OldPeer));
        }
        if version == Version::V1_0 {
            // Our signature was the header of this frame, and the bytes consumed as
            // the peer's signature are the start of its frame.
            output.extend_from_slice(&self.config.routing_id);
            let start = self.greeting.unversioned_bytes();
            self.frame.feed(version.framing(), start, limit)?;
        } else {
            let id = &self.config.routing_id;
            version.framing().append_frame(false, false, id, output);
            self.peer.socket_type = self.greeting.old_socket_type();
        }
        self.state = State::Identity(version);
        Ok(())
    }

    /// Processes the complete frame in the collector.
    fn process_frame(&mut self, output: &mut Vec<u8>) -> Result<(), HandshakeError> {
        let body = self.frame.body();
        match &mut self.state {
            State::Identity(version) => {
                self.peer.routing_id = body.to_vec();
                self.state = State::Done(*version, Mechanism::Null);
            }
            State::Commands(_, negotiation) => {
                negotiation.process_command(body, &mut self.peer)?;
                self.send_commands(output)?;
            }
            _ => {}
        }
        self.peer.properties.move_to(self.frame.clear());
        Ok(())
    }

    /// Appends the commands that are due, and enters [`State::Done`] if the
    /// negotiation is complete.
    fn send_commands(&mut self, output: &mut Vec<u8>) -> Result<(), HandshakeError> {
        let State::Commands(version, negotiation) = &mut self.state else {
            return Ok(());
        };
        let metadata = encode_metadata(&self.config);
        let mut body = Vec::new();
        while negotiation.next_command(&metadata, &mut body)? {
            Framing::V2.append_frame(false, true, &body, output);
            body.clear();
        }
        if negotiation.is_ready() {
            let version = *version;
            let placeholder = State::Failed(HandshakeError::Closed(Refusal::Internal));
            if let State::Commands(_, negotiation) = mem::replace(&mut self.state, placeholder) {
                if let Some(mechanism) = negotiation.into_mechanism() {
                    self.state = State::Done(version, mechanism);
                }
            }
        }
        Ok(())
    }

    fn announced(&self) -> Announced {
        Announced {
            socket_type: self.config.socket_type,
            mechanism: self.config.mechanism.name(),
        }
    }

    /// The largest accepted frame body, in bytes.
    fn frame_limit(&self) -> u64 {
        u64::try_from(self.config.max_msg_size)
            .map_or(MAX_HANDSHAKE_FRAME, |max| max.min(MAX_HANDSHAKE_FRAME))
    }

    /// Bytes buffered of an incomplete frame.
    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.frame.buffered()
    }

    /// Bytes of memory that hold data received from the peer.
    #[cfg(test)]
    pub(super) fn memory(&self) -> usize {
        self.frame.memory() + self.peer.properties.memory() + self.peer.routing_id.capacity()
    }
}

/// Our own metadata: Socket-Type, for some types Identity, then the application's.
fn encode_metadata(config: &HandshakeConfig) -> Vec<u8> {
    let mut out = Vec::new();
    let name = config.socket_type.name();
    metadata::append(metadata::SOCKET_TYPE, name.as_bytes(), &mut out);
    if config.socket_type.spec().announces_identity {
        metadata::append(metadata::IDENTITY, &config.routing_id, &mut out);
    }
    for (name, value) in &config.app_metadata {
        let text = value.split(|&byte| byte == 0).next().unwrap_or_default();
        metadata::append(name, text, &mut out);
    }
    out
}
