//! From the socket's options to a mechanism, and from a connection to ZAP.

#![forbid(unsafe_code)]

use crate::error::Result;
use crate::options::{Options, mechanism};
use crate::zmtp::curve::{CurveConfig, CurveRole};
use crate::zmtp::{MechanismConfig, PlainRole, ZapPolicy, ZapRequest, ZapVerdict};

/// A question to the ZAP handler, by a connection that waits for the answer.
#[derive(Clone, Debug)]
pub struct ZapQuery {
    /// Mechanism and credentials.
    pub request: ZapRequest,
    /// `ZMQ_ZAP_DOMAIN`.
    pub domain: Vec<u8>,
    /// The peer's address without its port.
    pub address: Vec<u8>,
    /// `ZMQ_ROUTING_ID` of our own socket, as libzmq sends it.
    pub routing_id: Vec<u8>,
    /// To be given back with the answer: a connection that was made anew in
    /// the meantime knows by it that the answer is not for it.
    pub token: u64,
}

/// A question that the handler has yet to answer. To drop it is to withdraw it: what
/// waits for the handler is bounded by the handshakes under way.
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

/// When the options want ZAP asked.
pub(super) fn zap_policy(options: &Options) -> ZapPolicy {
    ZapPolicy {
        domain_set: !options.zap_domain.is_empty(),
        enforce_domain: options.zap_enforce_domain,
    }
}

/// Random numbers fit for keys.
fn random(bytes: &mut [u8]) -> Result<()> {
    Ok(crate::sys::random::fill(bytes)?)
}
