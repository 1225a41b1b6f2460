//! A socket's options as they were at bind or connect, as engines need them.

#![forbid(unsafe_code)]

use crate::abi::socket_type::SocketType;
use crate::error::Result;
use crate::io_policy::tunables::WRITE_BATCH;
use crate::options::{Options, mechanism};
use crate::zmtp::curve::{CurveConfig, CurveRole};
use crate::zmtp::{MechanismConfig, PlainRole, ZapPolicy};
use std::sync::Arc;

/// The socket's options as they were when it bound or connected.
#[derive(Debug)]
pub struct Settings {
    /// The generic options.
    pub options: Arc<Options>,
    /// The type named in the handshake.
    pub socket_type: SocketType,
    /// No ZMTP: every read becomes a message, and messages are written without frames
    /// (STREAM, `ZMQ_ROUTER_RAW`).
    pub raw: bool,
    /// The application has named the peer (`ZMQ_CONNECT_ROUTING_ID`).
    pub names_peer: bool,
    /// Raw connections report their begin and loss by an empty message
    /// (`ZMQ_STREAM_NOTIFY`).
    pub raw_notify: bool,
}

impl Settings {
    /// Whether what this side sends are subscriptions (SUB, XSUB).
    pub fn subscribes(&self) -> bool {
        self.socket_type.spec().subscribes
    }

    /// `ZMQ_MAXMSGSIZE` for input, in bytes; negative for no limit. Raw input has none,
    /// since its messages are this side's making.
    pub fn frame_limit(&self) -> i64 {
        if self.raw {
            -1
        } else {
            self.options.maxmsgsize
        }
    }

    /// Most bytes of one read: `ZMQ_IN_BATCH_SIZE`, if that is set.
    #[inline]
    pub fn read_batch(&self) -> usize {
        match self.options.in_batch_size {
            0 => usize::MAX,
            set => set as usize, // positive, as the option table checks
        }
    }

    /// Bytes at which a write is made: `ZMQ_OUT_BATCH_SIZE`, if that is set.
    #[inline]
    pub fn write_batch(&self) -> usize {
        match self.options.out_batch_size {
            0 => WRITE_BATCH,
            set => set as usize, // positive, as the option table checks
        }
    }

    /// A snapshot of `options`.
    pub fn new(options: &Arc<Options>, socket_type: SocketType) -> Arc<Settings> {
        Arc::new(Settings {
            options: options.clone(),
            socket_type,
            raw: false,
            names_peer: false,
            raw_notify: false,
        })
    }

    /// The mechanism that the options select, with keys and credentials.
    pub fn mechanism(&self) -> MechanismConfig {
        mechanism_of(&self.options)
    }

    /// When the options require ZAP.
    pub fn zap(&self) -> ZapPolicy {
        ZapPolicy {
            domain_set: !self.options.zap_domain.is_empty(),
            enforce_domain: self.options.zap_enforce_domain,
        }
    }
}

fn mechanism_of(options: &Options) -> MechanismConfig {
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

/// Fills `bytes` with random numbers fit for keys.
fn random(bytes: &mut [u8]) -> Result<()> {
    Ok(crate::sys::random::fill(bytes)?)
}
