//! The options' mechanism and ZAP policy, and the types of a query to the ZAP handler.

#![forbid(unsafe_code)]

use crate::error::Result;
use crate::options::{Options, mechanism};
use crate::zmtp::curve::{CurveConfig, CurveRole};
use crate::zmtp::{MechanismConfig, PlainRole, ZapPolicy, ZapRequest, ZapVerdict};

/// A query to the ZAP handler, by a connection whose handshake waits for the answer.
#[derive(Clone, Debug)]
pub struct ZapQuery {
    /// Mechanism and credentials.
    pub request: ZapRequest,
    /// `ZMQ_ZAP_DOMAIN`.
    pub domain: Vec<u8>,
    /// The peer's address without its port.
    pub address: Vec<u8>,
    /// `ZMQ_ROUTING_ID` of this side's socket, as libzmq sends it.
    pub routing_id: Vec<u8>,
    /// Returned with the answer. A connection that has reconnected meanwhile recognises by
    /// it that the answer is not for its current handshake.
    pub token: u64,
}

/// A query without an answer yet, owned by its connection. Dropping it withdraws the query,
/// so the queries that wait are bounded by the handshakes under way.
pub trait OpenQuestion: Send {}

/// The answer to a [`ZapQuery`].
#[derive(Debug)]
pub(super) struct ZapAnswer {
    pub token: u64,
    pub verdict: ZapVerdict,
}

/// The mechanism that the options select.
pub(super) fn mechanism(options: &Options) -> MechanismConfig {
    match options.mechanism {
        mechanism::PLAIN => MechanismConfig::Plain(match options.as_server {
            true => PlainRole::Server,
            false => PlainRole::Client {
                username: options.plain_username.clone(),
                password: options.plain_password.clone(),
            },
        }),
        mechanism::CURVE => {
            let secret_key = options.curve_secretkey.clone();
            let role = match options.as_server {
                true => CurveRole::Server { secret_key },
                false => CurveRole::Client {
                    server_key: options.curve_serverkey,
                    public_key: options.curve_publickey,
                    secret_key,
                },
            };
            MechanismConfig::Curve(CurveConfig { role, random })
        }
        _ => MechanismConfig::Null,
    }
}

/// When the options require ZAP.
pub(super) fn zap_policy(options: &Options) -> ZapPolicy {
    ZapPolicy {
        domain_set: !options.zap_domain.is_empty(),
        enforce_domain: options.zap_enforce_domain,
    }
}

/// Fills `bytes` with random numbers fit for keys.
fn random(bytes: &mut [u8]) -> Result<()> {
    Ok(crate::sys::random::fill(bytes)?)
}
