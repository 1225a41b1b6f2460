//! The choice of a mechanism, and each of them during the handshake.

#![forbid(unsafe_code)]

use super::common::{ZapPolicy, ZapRequest, ZapVerdict};
use super::curve::{CurveClient, CurveConfig, CurveRole, CurveServer};
use super::null::NullNegotiation;
use super::plain::{PlainClient, PlainRole, PlainServer};
use super::traffic::Mechanism;
use crate::zmtp::error::HandshakeError;
use crate::zmtp::peer::PeerProperties;

/// The mechanism to use (`ZMQ_MECHANISM`), with its role, credentials and keys.
#[derive(Clone, Debug, Default)]
pub enum MechanismConfig {
    /// `ZMQ_NULL`: no security (RFC 23, 37).
    #[default]
    Null,
    /// `ZMQ_PLAIN`: user name and password, in the clear (RFC 24).
    Plain(PlainRole),
    /// `ZMQ_CURVE`: authentication and encryption (RFC 25, 26).
    Curve(CurveConfig),
}

impl MechanismConfig {
    /// The name in the greeting.
    pub const fn name(&self) -> &'static str {
        match self {
            MechanismConfig::Null => "NULL",
            MechanismConfig::Plain(_) => "PLAIN",
            MechanismConfig::Curve(_) => "CURVE",
        }
    }

    /// Whether peers without mechanisms (ZMTP 1.0, 2.0) may connect.
    pub(in crate::zmtp) const fn admits_old_peers(&self) -> bool {
        matches!(self, MechanismConfig::Null)
    }
}

/// A mechanism during the handshake.
pub(in crate::zmtp) enum Negotiation {
    Null(NullNegotiation),
    PlainClient(PlainClient),
    PlainServer(PlainServer),
    CurveClient(Box<CurveClient>),
    CurveServer(Box<CurveServer>),
}

impl std::fmt::Debug for Negotiation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Negotiation::Null(_) => "Null",
            Negotiation::PlainClient(_) => "PlainClient",
            Negotiation::PlainServer(_) => "PlainServer",
            Negotiation::CurveClient(_) => "CurveClient",
            Negotiation::CurveServer(_) => "CurveServer",
        })
    }
}

impl Negotiation {
    pub fn new(config: &MechanismConfig, zap: ZapPolicy) -> Self {
        match config {
            MechanismConfig::Null => Negotiation::Null(NullNegotiation::new(zap)),
            MechanismConfig::Plain(PlainRole::Client { username, password }) => {
                Negotiation::PlainClient(PlainClient::new(username, password))
            }
            MechanismConfig::Plain(PlainRole::Server) => {
                Negotiation::PlainServer(PlainServer::new())
            }
            MechanismConfig::Curve(CurveConfig { role, random }) => match role {
                CurveRole::Client {
                    server_key,
                    public_key,
                    secret_key,
                } => {
                    let secret_key = secret_key.clone();
                    let client = CurveClient::new(*server_key, *public_key, secret_key, *random);
                    Negotiation::CurveClient(Box::new(client))
                }
                CurveRole::Server { secret_key } => {
                    let server = CurveServer::new(secret_key.clone(), *random, zap);
                    Negotiation::CurveServer(Box::new(server))
                }
            },
        }
    }

    /// Appends the body of the next command that is due and returns true, or
    /// returns false if the peer's command or the ZAP reply is awaited. `metadata`
    /// is this side's, encoded.
    pub fn next_command(
        &mut self,
        metadata: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<bool, HandshakeError> {
        match self {
            Negotiation::Null(null) => Ok(null.next_command(metadata, body)),
            Negotiation::PlainClient(client) => Ok(client.next_command(metadata, body)),
            Negotiation::PlainServer(server) => Ok(server.next_command(metadata, body)),
            Negotiation::CurveClient(client) => client.next_command(metadata, body),
            Negotiation::CurveServer(server) => server.next_command(metadata, body),
        }
    }

    /// Processes a command of the peer, storing its metadata in `peer`.
    pub fn process_command(
        &mut self,
        body: &[u8],
        peer: &mut PeerProperties,
    ) -> Result<(), HandshakeError> {
        match self {
            Negotiation::Null(null) => null.process_command(body, peer),
            Negotiation::PlainClient(client) => client.process_command(body, peer),
            Negotiation::PlainServer(server) => server.process_command(body, peer),
            Negotiation::CurveClient(client) => client.process_command(body, peer),
            Negotiation::CurveServer(server) => server.process_command(body, peer),
        }
    }

    /// The ZAP request that is due, returned once.
    pub fn take_zap_request(&mut self) -> Option<ZapRequest> {
        match self {
            Negotiation::Null(null) => null.take_zap_request(),
            Negotiation::PlainServer(server) => server.take_zap_request(),
            Negotiation::CurveServer(server) => server.take_zap_request(),
            Negotiation::PlainClient(_) | Negotiation::CurveClient(_) => None,
        }
    }

    /// Processes the ZAP reply. On a denial, an ERROR command may be appended to `body`.
    pub fn zap_reply(
        &mut self,
        verdict: &ZapVerdict,
        body: &mut Vec<u8>,
    ) -> Result<(), HandshakeError> {
        match self {
            Negotiation::Null(null) => null.zap_reply(verdict, body),
            Negotiation::PlainServer(server) => server.zap_reply(verdict, body),
            Negotiation::CurveServer(server) => server.zap_reply(verdict, body),
            Negotiation::PlainClient(_) | Negotiation::CurveClient(_) => Ok(()),
        }
    }

    /// Whether the negotiation is complete on both sides.
    pub fn is_ready(&self) -> bool {
        match self {
            Negotiation::Null(null) => null.is_ready(),
            Negotiation::PlainClient(client) => client.is_ready(),
            Negotiation::PlainServer(server) => server.is_ready(),
            Negotiation::CurveClient(client) => client.is_ready(),
            Negotiation::CurveServer(server) => server.is_ready(),
        }
    }

    /// The mechanism for the traffic, once ready; `None` before.
    pub fn into_mechanism(self) -> Option<Mechanism> {
        if !self.is_ready() {
            return None;
        }
        let traffic = match self {
            Negotiation::Null(_) => return Some(Mechanism::Null),
            Negotiation::PlainClient(_) | Negotiation::PlainServer(_) => {
                return Some(Mechanism::Plain);
            }
            Negotiation::CurveClient(client) => client.into_traffic(),
            Negotiation::CurveServer(server) => server.into_traffic(),
        };
        traffic.map(|traffic| Mechanism::Curve(Box::new(traffic)))
    }
}
